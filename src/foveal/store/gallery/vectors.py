"""Vectors in memory or mapped from a file, and the best items among them."""

from dataclasses import dataclass
from typing import TypeVar, final

import numpy as np
import numpy.typing as npt

from foveal.core.contracts import Float32s
from foveal.core.gallery import Ids, Matches

Mask = npt.NDArray[np.bool_]
Number = TypeVar("Number", np.int64, np.float32)
BLOCK = 1 << 14  # vectors compared at once: 16 MB at 256 numbers
TOGETHER = 64  # queries
NONE = -1


@final
class Tail:
    """Vectors added one after another, searched one and all; appending never moves what others are reading."""

    def __init__(self, dim: int) -> None:
        self._ids = np.empty(0, np.int64)
        self._items = np.empty(0, np.int64)
        self._vectors = np.empty((0, dim), np.float32)
        self.n = 0

    @property
    def ids(self) -> Ids:
        """Picture ids, rising."""
        return self._ids[: self.n]

    @property
    def items(self) -> Ids:
        """Numbers of the items."""
        return self._items[: self.n]

    @property
    def vectors(self) -> Float32s:
        """float32 (n, dim)."""
        return self._vectors[: self.n]

    def append(self, ids: Ids, items: Ids, vectors: npt.NDArray[np.floating]) -> None:
        """Add rows; arrays handed out before stay as they are."""
        end = self.n + len(ids)
        if end > len(self._ids):
            room = max(1024, 2 * end)
            self._ids, self._items = _grown(self._ids, room), _grown(self._items, room)
            self._vectors = _grown(self._vectors, room)
        self._ids[self.n : end], self._items[self.n : end], self._vectors[self.n : end] = ids, items, vectors
        self.n = end


def _grown(array: npt.NDArray[Number], room: int) -> npt.NDArray[Number]:
    larger = np.empty((room, *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger


@dataclass(frozen=True, eq=False)
class Candidates:
    """Positions and similarities of pictures that may be among the best, in any order."""

    positions: Ids
    similarities: Float32s


def rank_exactly(
    vectors: npt.NDArray[np.floating], queries: Float32s, most: int, allowed: Ids | None = None
) -> list[Candidates]:
    """For each of queries (q, dim) the `most` best of vectors (n, dim), or of the rows `allowed`, by inner product."""
    n = len(vectors) if allowed is None else len(allowed)
    positions = np.arange(n) if allowed is None else allowed
    found = []
    for first in range(0, len(queries), TOGETHER):
        part = queries[first : first + TOGETHER]
        similarities = np.empty((len(part), n), np.float32)
        for start in range(0, n, BLOCK):
            rows = slice(start, start + BLOCK)
            block = vectors[rows] if allowed is None else vectors[allowed[rows]]
            np.matmul(part, np.asarray(block, np.float32).T, out=similarities[:, rows])
        found += [keep_best(positions, row, most) for row in similarities]
    return found


def keep_best(positions: Ids, similarities: Float32s, most: int) -> Candidates:
    """The `most` of them with the highest similarity."""
    if len(similarities) > most:
        best = np.argpartition(-similarities, most - 1)[:most]
        positions, similarities = positions[best], similarities[best]
    return Candidates(positions, similarities)


def merge_items(found: Candidates, items: Ids, ids: Ids, k: int) -> tuple[Ids, Float32s]:
    """Picture ids and similarities of the best k items, each by its best picture; ties go to the older picture."""
    order = np.lexsort((found.positions, -found.similarities))
    positions = found.positions[order]
    _, first = np.unique(items[positions], return_index=True)
    kept = np.sort(first)[:k]
    return ids[positions[kept]], found.similarities[order][kept]


def pack(rows: list[tuple[Ids, Float32s]], k: int) -> Matches:
    """Answers of several queries as one table, filled up with NONE."""
    pictures = np.full((len(rows), k), NONE, np.int64)
    similarities = np.full((len(rows), k), -np.inf, np.float32)
    for row, (numbers, values) in enumerate(rows):
        pictures[row, : len(numbers)], similarities[row, : len(values)] = numbers, values
    return Matches(pictures, similarities)
