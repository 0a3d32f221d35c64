"""A gallery: items with pictures and columns, searched by what pictures show."""

from abc import ABC, abstractmethod
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from foveal.core.contracts import Code, Float32s
from foveal.core.errors import InputError
from foveal.core.image import Appearance, Capture
from foveal.core.where import Value, Where

GALLERY = "gallery"  # the kind of its workspace and of its model file
Ids = npt.NDArray[np.int64]
Columns = Mapping[str, Value]


@dataclass(frozen=True, slots=True, eq=False)
class NewPicture:
    """A picture to be kept, of one item; `vector` is what it is searched by, float32 (k,), of unit length."""

    item: str
    name: str
    path: str
    code: Code
    vector: Float32s
    capture: Capture
    appearance: Appearance
    thumbnail: bytes = b""  # JPEG
    subject: str | None = None  # the person or thing that may ask to be forgotten
    hidden: bool = False  # taught to the metric only, never found


@dataclass(frozen=True, slots=True)
class Shown:
    """What a gallery says of a picture that was found."""

    picture: int
    item: str
    name: str
    path: str
    columns: Columns


@dataclass(frozen=True, eq=False)
class Matches:
    """For each of q queries the best items, at most k, each by its best picture.

    `pictures` int64 (q, k) are picture ids, -1 where there are no more; `similarities` float32 (q, k), falling.
    """

    pictures: Ids
    similarities: Float32s


class GalleryStore(ABC):
    """Where a gallery is kept and searched. Safe to call from several threads at once.

    A changing method has put the change on the disk when it returns, and the next search sees it.
    """

    @property
    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """What the gallery was made with, and what was learned that is small."""

    @abstractmethod
    def update_settings(self, settings: Mapping[str, Any]) -> None:
        """Set some settings and keep the others."""

    @abstractmethod
    def add(self, pictures: Sequence[NewPicture], columns: Mapping[str, Columns]) -> list[int]:
        """Keep pictures and set the columns of the items named; returns the pictures' ids. All or nothing."""

    @abstractmethod
    def set_columns(self, columns: Mapping[str, Columns]) -> None:
        """Replace the columns of items; raises InputError naming those that are not there."""

    @abstractmethod
    def remove(self, items: Sequence[str]) -> int:
        """Take items out with all their pictures; returns how many pictures. Unknown ones raise InputError."""

    @abstractmethod
    def search(self, vectors: Float32s, k: int, *, where: Where | None = None, without: Sequence[int] = ()) -> Matches:
        """The best items for vectors float32 (q, dim) by inner product, leaving out the pictures `without`.

        Raises InputError for a filter on a column that no item has, or that holds values of another kind.
        """

    @abstractmethod
    def show(self, pictures: Sequence[int]) -> list[Shown]:
        """What is known of pictures, in that order; those gone meanwhile are left out."""

    @abstractmethod
    def pictures_of(self, items: Sequence[str]) -> dict[str, list[int]]:
        """Ids of the pictures of items, without those that are not there."""

    @abstractmethod
    def codes(self, pictures: Sequence[int]) -> Code:
        """Codes int16 (n, d) of pictures, in that order."""

    @abstractmethod
    def all_pictures(self) -> "list[Kept]":
        """Every picture, hidden ones too, by id."""

    @abstractmethod
    def thumbnail(self, picture: int) -> bytes:
        """The small JPEG of a picture, b"" where there is none."""

    @abstractmethod
    def set_vectors(self, blocks: Iterator[tuple[Sequence[int], Float32s]], dim: int, metric: str) -> None:
        """Replace the vectors of all pictures, block after block of ids and float32 (n, dim), by those of a metric."""

    @abstractmethod
    def load_model(self) -> bytes | None:
        """The file of what was learned, as it was saved; None where nothing was."""

    @abstractmethod
    def save_model(self, file: bytes) -> None:
        """Keep the file of what was learned, in place of the one before."""

    @abstractmethod
    def measures(self) -> dict[int, tuple[Capture, Appearance]]:
        """What the files and pixels of all pictures say."""

    @abstractmethod
    def columns(self) -> dict[str, str]:
        """Names of the columns, each "number" or "text"."""

    @abstractmethod
    def count(self) -> tuple[int, int]:
        """Number of items and of pictures, hidden ones left out."""

    @abstractmethod
    def close(self) -> None:
        """Let go of files and connections."""


def refuse_unknown(items: Iterable[str], known: Container[str], hint: str = "Nothing was changed.") -> None:
    """Raise InputError naming the first few items that are not among those known."""
    unknown = [item for item in items if item not in known]
    if unknown:
        raise InputError(f"The gallery has no item {', '.join(unknown[:5])}. {hint}")


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept picture, light enough to hold a million of them."""

    picture: int
    item: str
    name: str
    path: str
    columns: Columns
    hidden: bool


@dataclass(frozen=True, eq=False)
class MatchEvidence:
    """Where a query and a hit agree: the sum over either map is their similarity.

    What no position accounts for is spread evenly over them.
    """

    on_query: npt.NDArray[np.float64]  # (rows, columns), signed, row 0 is the top
    on_hit: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Hit:
    """One item found. `probability` that it is the same item is None where the catalogue cannot tell."""

    item: str
    picture: int
    name: str
    path: str
    similarity: float
    probability: float | None
    columns: Columns
    evidence: MatchEvidence | None = field(default=None, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "item": self.item,
            "name": self.name,
            "path": self.path,
            "similarity": self.similarity,
            "probability": self.probability,
            "columns": dict(self.columns),
        }


@dataclass(frozen=True, eq=False)
class Found:
    """The answer to one search, the best hit first.

    `hits` are those beyond the cut-off; `others` come after it, kept for people who want to look on.
    `reason` says why there are no hits, or what else a person should know.
    """

    origin: str
    hits: tuple[Hit, ...]
    others: tuple[Hit, ...]
    cut_off: float | None  # probability from which on a hit counts, None where nothing is cut off
    reason: str = ""
    flags: tuple[str, ...] = ()
    box: tuple[int, int, int, int] | None = None  # of the query that was searched for: left, top, right, bottom

    @property
    def best(self) -> Hit | None:
        """The first hit, None when nothing similar is there."""
        return self.hits[0] if self.hits else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "origin": self.origin,
            "hits": [hit.to_dict() for hit in self.hits],
            "others": [hit.to_dict() for hit in self.others],
            "cut_off": self.cut_off,
            "reason": self.reason,
            "flags": list(self.flags),
            "box": None if self.box is None else list(self.box),
        }
