"""Which pictures must not be split between teaching and testing: bursts, copies and the user's groups.

A photographer takes several pictures of one object within seconds; left out one at a time they
recognize each other, and the estimate flatters. Neighbours in capture order (the same folder, files
in natural order) belong to one burst while each resembles the one before and the first of the run.
Only neighbours are compared, so that chains of look-alikes cannot swallow a class.
"""

from collections import Counter, defaultdict
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
ENOUGH_GROUPS = 2  # fewer groups of a class say little about it
NO_NEIGHBORS = 2.0  # no cosine reaches it: only copies and the user's groups stay together
FIRST_SHARE = 0.5  # a member must also reach this share of the threshold against the first of its run
LADDER = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
SECONDS = 3.0  # EXIF times this close, same camera, are one burst if the codes agree at all


@dataclass(frozen=True, eq=False)
class Bursts:
    """Group number of every picture (n,), 0, 1, 2, ...; how many there are at other thresholds."""

    groups: Ints
    n_groups: int
    by_threshold: tuple[tuple[float, int], ...]


def find_bursts(pictures: Pictures, reader: CodeReader, *, threshold: float = THRESHOLD) -> Bursts:
    """Number the groups that must stay together; depends on the pictures alone, not on their order.

    The user's and the files' own groups win: such
    pictures only join others of the same group and exact copies.
    """
    order = sorted(range(len(pictures)), key=lambda i: (_folder(pictures.paths[i]), natural_key(pictures.paths[i])))
    links = _measure_links(pictures, reader, order, threshold)
    groups = _join(pictures, order, links, _spare_classes(pictures, order, links, threshold))
    ladder = []
    for step in LADDER:
        same = dict.fromkeys(pictures.labels, step)
        ladder.append((step, len(np.unique(_join(pictures, order, links, same)))))
    return Bursts(groups, len(np.unique(groups)), tuple(ladder))


def _folder(path: str) -> str:
    return str(PurePath(path).parent)


@dataclass(frozen=True, eq=False)
class _Links:
    """Centered cosine of each picture in order to the one before and to the first of its run (n,)."""

    to_previous: Floats
    to_first: Floats


def _measure_links(pictures: Pictures, reader: CodeReader, order: list[int], threshold: float) -> _Links:
    to_previous, to_first = np.full(len(order), -1.0), np.full(len(order), -1.0)
    previous = first = np.zeros(0)
    folder = ""
    for place, vector in enumerate(_centered(pictures, reader, order)):
        before, folder = folder, _folder(pictures.paths[order[place]])
        if place and folder == before:
            to_previous[place], to_first[place] = vector @ previous, vector @ first
        if not (to_previous[place] > threshold and to_first[place] > FIRST_SHARE * threshold):
            first = vector
        previous = vector
    return _Links(to_previous, to_first)


def _centered(pictures: Pictures, reader: CodeReader, order: list[int]) -> Iterator[Floats]:
    """Unit vectors of what sets each picture apart from the mean of all, in order."""
    total = sum((to_unit(block).sum(axis=0) for block in reader.blocks(pictures.ids)), np.zeros(1))
    for block in reader.blocks(pictures.ids[order]):
        apart = to_unit(block) - total / len(pictures)
        yield from apart / np.maximum(np.linalg.norm(apart, axis=1, keepdims=True), 1e-12)


def _spare_classes(
    pictures: Pictures, order: list[int], links: _Links, threshold: float
) -> dict[tuple[str, ...], float]:
    """The threshold of each class: raised step by step while the class falls into too few groups.

    Where classes differ much and their pictures little, all neighbours resemble each other, and a
    class swallowed whole could not be estimated at all.
    """
    sizes = Counter(pictures.labels)
    chosen = dict.fromkeys(sizes, threshold)
    for step in (t for t in LADDER if t > threshold):
        groups = _join(pictures, order, links, chosen)
        found: dict[tuple[str, ...], set[int]] = defaultdict(set)
        for labels, group in zip(pictures.labels, groups, strict=True):
            found[labels].add(int(group))
        short = [labels for labels, inside in found.items() if len(inside) < min(ENOUGH_GROUPS, sizes[labels] // 2)]
        if not short:
            break
        chosen |= dict.fromkeys(short, step)
    return chosen


def _join(pictures: Pictures, order: list[int], links: _Links, thresholds: dict[tuple[str, ...], float]) -> Ints:
    union = _Union(len(pictures))
    for place in range(1, len(order)):
        a, b = order[place - 1], order[place]
        if pictures.groups[a] is not None or pictures.groups[b] is not None:
            continue
        threshold = max(thresholds[pictures.labels[a]], thresholds[pictures.labels[b]])
        needed = threshold * FIRST_SHARE if _taken_together(pictures, a, b) else threshold
        if links.to_previous[place] > needed and links.to_first[place] > FIRST_SHARE * threshold:
            union.join(a, b)
    for members in _copies(pictures, order):
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


def _copies(pictures: Pictures, order: list[int]) -> Iterable[list[int]]:
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
