"""A backbone that shows one image as a grid of feature vectors, made of one ONNX graph."""

from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np

from foveal.backbones.efficientnet_lite import VARIANTS, Variant, build_patch_graph, load_weights
from foveal.backbones.graph_cache import cached
from foveal.backbones.preprocess import fit_view
from foveal.core.card import BackboneCard
from foveal.core.contracts import Float32s, PatchBackbone, Session
from foveal.core.errors import InputError
from foveal.core.image import Image
from foveal.runtime.sessions import open_session

PATCH_GRAPH_VERSION = 1  # raise whenever the graph changes in any way: codes of two versions never mix
# Stride 8 and 16: fine enough for small defects, deep enough to know a texture.
DEFAULT_BLOCKS = ("block4", "block10")
DEFAULT_SIZE = 256
SMALLEST, LARGEST = 64, 1024  # pixels a side


@dataclass(frozen=True)
class PatchOptions:
    """How a patch backbone is run; everything here but the runtime is part of its id."""

    size: int = DEFAULT_SIZE
    blocks: tuple[str, ...] = DEFAULT_BLOCKS
    runtime: str = "onnxruntime"
    precision: str = "fp32"


@final
@dataclass(frozen=True, eq=False)
class GraphPatchBackbone(PatchBackbone):
    """Squashes the whole image to a square and runs one session."""

    id_: str
    card_: BackboneCard
    size: int
    shape_: tuple[int, int, int]
    session: Session

    @property
    def card(self) -> BackboneCard:
        """Provenance and input conventions."""
        return self.card_

    @property
    def id(self) -> str:
        """Name, weights, graph, size, blocks and precision."""
        return self.id_

    @property
    def side(self) -> int:
        """Pixels a side of what the network sees."""
        return self.size

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, columns and length of a patch's vector."""
        return self.shape_

    def patches(self, image: Image) -> Float32s:
        """Signed features, each the mean over 3 x 3 positions, float32 (rows, columns, d)."""
        return np.asarray(self.session.run(("patches",), {"image": fit_view(image, self.size, "whole")})[0][0])


def open_patch_backbone(name: str, options: PatchOptions | None = None) -> PatchBackbone:
    """Open a patch backbone by name.

    Raises InputError for an unknown name, size or runtime, ModelError for an unknown block, and
    MissingExtraError when its package is not installed.
    """
    options = options or PatchOptions()
    if name not in VARIANTS:
        raise InputError(f"Inspecting needs one of the backbones {', '.join(VARIANTS)}, got {name!r}.")
    if not SMALLEST <= options.size <= LARGEST or options.size % 32:
        raise InputError(
            f"The size for inspecting is a multiple of 32 from {SMALLEST} to {LARGEST} pixels, got {options.size}."
        )
    variant = VARIANTS[name]
    key = f"patches {variant.sha256} {PATCH_GRAPH_VERSION} {options.size} {options.blocks}"
    graph = cached(key, partial(_build, variant, options))
    session = open_session(graph, runtime=options.runtime, precision=options.precision)
    blank = np.zeros((1, options.size, options.size, 3), np.uint8)
    rows, columns, dim = session.run(("patches",), {"image": blank})[0].shape[1:]
    precision = options.precision if options.runtime == "onnxruntime" else f"{options.runtime}-{options.precision}"
    identity = (
        f"{variant.name}@{variant.sha256[:12]}.p{PATCH_GRAPH_VERSION}:"
        f"{options.size}:whole:{'+'.join(options.blocks)}:{precision}"
    )
    return GraphPatchBackbone(identity, variant.card, options.size, (rows, columns, dim), session)


def _build(variant: Variant, options: PatchOptions) -> bytes:
    return build_patch_graph(load_weights(variant), variant, options.size, options.blocks)
