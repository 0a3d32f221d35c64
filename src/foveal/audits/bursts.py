"""Which pictures must not be split between teaching and testing: bursts, copies and the user's groups.

A photographer takes several pictures of one object within seconds; left out one at a time they
recognize each other, and the estimate flatters. Neighbours in capture order (the same folder, files
in natural order) belong to one burst while each resembles the one before and the first of the run.
Only neighbours are compared, so that chains of look-alikes cannot swallow a class.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

import numpy as np
import numpy.typing as npt

from foveal.audits.natural_order import natural_key
from foveal.audits.pictures import Pictures
from foveal.memory.codes import to_unit
from foveal.recognizers.taught import CodeReader

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# Cosine of centered codes above which neighbours are one burst. On shop photographs taken in bursts, runs
# of the same object seconds apart lie mostly above 0.5; the estimate's dependence on it is reported.
THRESHOLD = 0.5
NO_NEIGHBORS = 2.0  # no cosine reaches it: only copies and the user's groups stay together
FIRST_SHARE = 0.5  # a member must also reach this share of the threshold against the first of its run
LADDER = (0.3, 0.4, 0.5, 0.6, 0.8)
SECONDS = 3.0  # EXIF times this close, same camera, are one burst if the codes agree at all


@dataclass(frozen=True, eq=False)
class Bursts:
    """Group number of every picture (n,), 0, 1, 2, ...; how many there are at other thresholds."""

    groups: Ints
    n_groups: int
    by_threshold: tuple[tuple[float, int], ...]


def find_bursts(pictures: Pictures, reader: CodeReader, mean: Floats, *, threshold: float = THRESHOLD) -> Bursts:
    """Number the groups that must stay together; depends on the pictures alone, not on their order.

    `mean` (d,) is the mean of the unit codes. The user's and the files' own groups win: such
    pictures only join others of the same group and exact copies.
    """
    order = sorted(range(len(pictures)), key=lambda i: (_folder(pictures.paths[i]), natural_key(pictures.paths[i])))
    to_previous, to_first = _cosines(pictures, reader, mean, order, threshold)
    groups = _join(pictures, order, to_previous, to_first, threshold)
    ladder = tuple((t, len(np.unique(_join(pictures, order, to_previous, to_first, t)))) for t in LADDER)
    return Bursts(groups, len(np.unique(groups)), ladder)


def _folder(path: str) -> str:
    return str(PurePath(path).parent)


def _cosines(
    pictures: Pictures, reader: CodeReader, mean: Floats, order: list[int], threshold: float
) -> tuple[Floats, Floats]:
    """Centered cosine of each picture in order to the one before and to the first of its run."""
    to_previous, to_first = np.full(len(order), -1.0), np.full(len(order), -1.0)
    previous = first = np.zeros_like(mean)
    for place, vector in enumerate(_centered(reader, pictures.ids[order], mean)):
        if place and _folder(pictures.paths[order[place]]) == _folder(pictures.paths[order[place - 1]]):
            to_previous[place], to_first[place] = vector @ previous, vector @ first
        if not (to_previous[place] > threshold and to_first[place] > FIRST_SHARE * threshold):
            first = vector
        previous = vector
    return to_previous, to_first


def _centered(reader: CodeReader, ids: Ints, mean: Floats) -> Iterator[Floats]:
    for block in reader.blocks(ids):
        apart = to_unit(block) - mean
        yield from apart / np.maximum(np.linalg.norm(apart, axis=1, keepdims=True), 1e-12)


def _join(pictures: Pictures, order: list[int], to_previous: Floats, to_first: Floats, threshold: float) -> Ints:
    union = _Union(len(pictures))
    for place in range(1, len(order)):
        a, b = order[place - 1], order[place]
        if pictures.groups[a] is not None or pictures.groups[b] is not None:
            continue
        needed = threshold * FIRST_SHARE if _taken_together(pictures, a, b) else threshold
        if to_previous[place] > needed and to_first[place] > FIRST_SHARE * threshold:
            union.join(a, b)
    for members in _copies(pictures, order, to_previous):
        for other in members[1:]:
            union.join(members[0], other)
    return union.numbers(order)


def _taken_together(pictures: Pictures, a: int, b: int) -> bool:
    one, two = pictures.captures[a], pictures.captures[b]
    if not one.taken_at or not two.taken_at or one.device != two.device:
        return False
    try:
        apart = datetime.fromisoformat(two.taken_at) - datetime.fromisoformat(one.taken_at)
    except (ValueError, TypeError):
        return False
    return abs(apart.total_seconds()) <= SECONDS


def _copies(pictures: Pictures, order: list[int], to_previous: Floats) -> Iterable[list[int]]:
    """Sets of pictures that are the same file, that share a given group, or that look the same to the bit."""
    by_key: dict[tuple[str, object], list[int]] = defaultdict(list)
    for i in order:
        by_key["sha256", pictures.captures[i].sha256].append(i)
        if pictures.groups[i] is not None:
            by_key["group", pictures.groups[i]].append(i)
        else:
            by_key["fingerprint", pictures.appearances[i].fingerprint].append(i)
    return [members for (kind, _), members in by_key.items() if len(members) > 1 and kind != "fingerprint"] + [
        members
        for (kind, _), members in by_key.items()
        if kind == "fingerprint" and len(members) > 1 and _same_look(pictures, members)
    ]


def _same_look(pictures: Pictures, members: list[int]) -> bool:
    """Whether equal fingerprints mean something: featureless pictures all share one."""
    looks = [pictures.appearances[i] for i in members]
    spread = max(look.brightness for look in looks) - min(look.brightness for look in looks)
    return min(look.contrast for look in looks) > 8.0 and spread < 4.0


class _Union:
    """Disjoint sets."""

    def __init__(self, n: int) -> None:
        self._parents = list(range(n))

    def join(self, a: int, b: int) -> None:
        """Put two together."""
        self._parents[self._root(a)] = self._root(b)

    def numbers(self, order: list[int]) -> Ints:
        """Number the sets in order of first appearance."""
        known: dict[int, int] = {}
        numbers = np.empty(len(self._parents), np.int64)
        for i in order:
            numbers[i] = known.setdefault(self._root(i), len(known))
        return numbers

    def _root(self, i: int) -> int:
        while self._parents[i] != i:
            self._parents[i] = self._parents[self._parents[i]]
            i = self._parents[i]
        return i
