"""Looking for byte strings in files: the proof that an erasure left nothing behind."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CHUNK_BYTES = 8 << 20
SHORTEST = 5  # shorter strings turn up in random bytes by chance
_LONG = 32  # a long needle is found fastest one by one: the search skips most bytes
_FEW = 16


@dataclass(frozen=True)
class ScanReport:
    """What was read and what was found there."""

    files: tuple[str, ...]  # names relative to the folder
    n_bytes: int
    found: tuple[tuple[str, bytes], ...]  # (file, needle), each pair once


def scan(folder: Path, files: Iterable[Path], needles: Sequence[bytes]) -> ScanReport:
    """Read every file, in chunks that overlap, and report which of `needles` (4 bytes or more) occur in it.

    Raises OSError when a file cannot be read.
    """
    search = Search(needles)
    names, found, n_bytes = [], [], 0
    for file in sorted(files):
        name = file.relative_to(folder).as_posix()
        names.append(name)
        hits: set[bytes] = set()
        for chunk, fresh in _chunks(file, max(search.longest - 1, 0)):
            hits |= search(chunk)
            n_bytes += fresh
        found += [(name, needle) for needle in sorted(hits)]
    return ScanReport(tuple(names), n_bytes, tuple(found))


def _chunks(file: Path, overlap: int) -> Iterator[tuple[bytes, int]]:
    """Yield chunks that each begin with the end of the one before, and how many of their bytes are new."""
    tail = b""
    with open(file, "rb") as stream:
        while fresh := stream.read(CHUNK_BYTES):
            chunk = tail + fresh
            yield chunk, len(fresh)
            tail = chunk[-overlap:] if overlap else b""


class Search:
    """Finds which of many needles occur in a chunk of bytes, in time that hardly depends on their number.

    Every position whose first two bytes begin some needle is a candidate; of those, the next two
    bytes and then the whole needle are compared. Needles have 4 bytes or more.
    """

    def __init__(self, needles: Iterable[bytes]) -> None:
        distinct = sorted(set(needles))
        self.longest = max(map(len, distinct), default=0)
        long = [needle for needle in distinct if len(needle) >= _LONG]
        self._one_by_one = long if len(long) <= _FEW else []
        self._by_head: dict[bytes, dict[int, set[bytes]]] = {}
        self._starts, self._nexts = np.zeros((2, 1 << 16), dtype=np.bool_)
        for needle in distinct:
            if needle not in self._one_by_one:
                self._starts[int.from_bytes(needle[:2], "little")] = True
                self._nexts[int.from_bytes(needle[2:4], "little")] = True
                self._by_head.setdefault(needle[:4], {}).setdefault(len(needle), set()).add(needle)

    def __call__(self, chunk: bytes) -> set[bytes]:
        """Return the needles that occur in `chunk`."""
        found = {needle for needle in self._one_by_one if needle in chunk}
        if not self._by_head:
            return found
        for offset in (0, 1):
            pairs = np.frombuffer(chunk, dtype="<u2", offset=offset, count=max(len(chunk) - offset, 0) // 2)
            places = np.flatnonzero(self._starts[pairs[:-1]])
            for place in places[self._nexts[pairs[places + 1]]].tolist():
                start = 2 * place + offset
                for length, needles in self._by_head.get(chunk[start : start + 4], {}).items():
                    whole = chunk[start : start + length]
                    if whole in needles:
                        found.add(whole)
        return found
