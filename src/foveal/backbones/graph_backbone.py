"""A backbone made of ONNX graphs: one that pools, and one that shows feature maps when asked."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from foveal.backbones.preprocess import crop_view, fit_view
from foveal.core.card import BackboneCard
from foveal.core.contracts import Backbone, Float32s, Session
from foveal.core.image import Image


@dataclass(frozen=True)
class Recipe:
    """Everything that codes depend on, and so everything in a backbone's id."""

    name: str
    graph: str  # hash of weights and version of the graph
    size: int  # pixels a side
    view: str
    maps: tuple[str, ...]
    precision: str

    @property
    def id(self) -> str:
        """One line that differs whenever codes may differ."""
        return f"{self.name}@{self.graph}:{self.size}:{self.view}:{'+'.join(self.maps)}:{self.precision}"


@final
@dataclass(frozen=True, eq=False)
class GraphBackbone(Backbone):
    """Pools with `pooling`; opens the session of feature maps only when evidence is asked for."""

    recipe: Recipe
    card_: BackboneCard
    dim_: int
    pooling: Session
    open_maps: Callable[[], Session] = field(repr=False)
    _maps: dict[str, Session] = field(default_factory=dict, repr=False)
    _lock: Any = field(default_factory=threading.Lock, repr=False)

    @property
    def card(self) -> BackboneCard:
        """Provenance and input conventions."""
        return self.card_

    @property
    def id(self) -> str:
        """Name, weights, graph, size, view, maps and precision."""
        return self.recipe.id

    @property
    def dim(self) -> int:
        """Length of the pooled vector."""
        return self.dim_

    def pool(self, image: Image) -> Float32s:
        """Mean over positions of the square root of the maps, float32 (dim,)."""
        pixels = fit_view(image, self.recipe.size, self.recipe.view)
        return np.asarray(self.pooling.run(("pooled",), {"image": pixels})[0][0])

    def feature_maps(self, image: Image) -> tuple[Float32s, ...]:
        """The maps themselves, float32 (d_i, rows_i, columns_i)."""
        with self._lock:
            if "maps" not in self._maps:
                self._maps["maps"] = self.open_maps()
        pixels = fit_view(image, self.recipe.size, self.recipe.view)
        return tuple(found[0] for found in self._maps["maps"].run(self.recipe.maps, {"image": pixels}))

    def crop(self, image: Image) -> Image:
        """The part of the image that the network sees."""
        return crop_view(image, self.recipe.view)
