"""The taught pictures a recognizer was fitted on, in one canonical order."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foveal.memory.codes import to_unit
from foveal.recognizers.discriminant import is_few
from foveal.recognizers.statistics import Floats, Ints


class CodeReader(ABC):
    """Reads codes of taught pictures by id, a block at a time, so that memory stays flat."""

    @abstractmethod
    def blocks(self, ids: Ints, rows: int = 1024) -> Iterator[npt.NDArray[np.int16]]:
        """Yield the codes int16 (at most `rows`, d) of these ids, in this order."""


@dataclass(frozen=True, eq=False)
class CodesInMemory(CodeReader):
    """Codes (n, d) with their ids (n,), ascending."""

    ids: Ints
    codes: npt.NDArray[np.int16]

    def blocks(self, ids: Ints, rows: int = 1024) -> Iterator[npt.NDArray[np.int16]]:
        """Yield slices of the array."""
        places = np.searchsorted(self.ids, ids)
        for start in range(0, len(places), rows):
            yield self.codes[places[start : start + rows]]


@dataclass(frozen=True, eq=False)
class Taught:
    """Ids, names, labels and group numbers of taught pictures, parallel, groups contiguous.

    The order depends only on what is taught (groups, then file hashes), never on when, so that a
    fit after forgetting equals a fit that never knew the picture.
    """

    ids: Ints
    names: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    groups: Ints
    codes: CodeReader

    def __len__(self) -> int:
        """Number of taught pictures."""
        return len(self.ids)

    def vectors_if_few(self, dim: int) -> Floats | None:
        """All vectors (n, d) of about unit length, None where they are too many to hold and save no work."""
        if not len(self) or not is_few(len(self), dim):
            return None
        return np.concatenate([to_unit(block) for block in self.codes.blocks(self.ids)])
