"""Interfaces that rooms meet at."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from foveal.core.card import BackboneCard
from foveal.core.image import Image

Code = npt.NDArray[np.int16]
Float32s = npt.NDArray[np.float32]


class Backbone(ABC):
    """A frozen network that turns one image into non-negative features.

    Safe to call from several threads at once; the answer for an image never depends on others.
    """

    @property
    @abstractmethod
    def card(self) -> BackboneCard:
        """Provenance and input conventions."""

    @property
    @abstractmethod
    def id(self) -> str:
        """Name, weights, graph and precision; codes of different ids never share a memory."""

    @property
    @abstractmethod
    def dim(self) -> int:
        """Length of the pooled vector."""

    @abstractmethod
    def pool(self, image: Image) -> Float32s:
        """Return the mean over positions of sqrt(F), float32 (dim,), not yet of unit length."""

    @abstractmethod
    def feature_maps(self, image: Image) -> tuple[Float32s, ...]:
        """Return F itself: non-negative float32 (d_i, rows_i, columns_i), whose d_i add up to dim.

        Concatenating each map's mean over positions of its square root gives `pool`. They cover what `crop` keeps.
        """

    @abstractmethod
    def crop(self, image: Image) -> Image:
        """Return the part of the image that the network sees."""


class PatchBackbone(ABC):
    """A frozen network that turns one image into a grid of feature vectors, signed.

    Safe to call from several threads at once; the answer for an image never depends on others.
    """

    @property
    @abstractmethod
    def card(self) -> BackboneCard:
        """Provenance and input conventions."""

    @property
    @abstractmethod
    def id(self) -> str:
        """Name, weights, graph and precision; codes of different ids never share a memory."""

    @property
    @abstractmethod
    def side(self) -> int:
        """Pixels a side of what the network sees; a larger image is reduced to it."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int, int]:
        """Rows, columns and length d of a patch's vector."""

    @abstractmethod
    def patches(self, image: Image) -> Float32s:
        """Return float32 (rows, columns, d); row 0 is the top of the upright image."""


class Session(ABC):
    """A loaded graph that an inference library runs; safe to call from several threads at once."""

    @abstractmethod
    def run(self, outputs: tuple[str, ...], inputs: Mapping[str, npt.NDArray[Any]]) -> list[Float32s]:
        """Compute the named outputs, in that order."""


class Progress(Protocol):
    """Told how far a long job is; `total` is 0 when unknown."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Note that `done` of `total` steps of `stage` are finished."""


def silent(stage: str, done: int, total: int) -> None:
    """Ignore progress."""
