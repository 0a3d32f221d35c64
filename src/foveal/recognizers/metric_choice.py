"""Which metric a gallery uses: the one that finds pictures of items it was not taught."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foveal.core.contracts import Code, Float32s, Progress, silent
from foveal.memory.codes import hash_code, to_unit
from foveal.metrics.retrieval import Bools, measure_retrieval
from foveal.recognizers.metric import (
    BROAD,
    PLAIN,
    RESIDUAL,
    TAUGHT,
    WHITENED,
    Metric,
    discriminate,
    find_principal,
    make_plain,
    make_taught,
    make_whitened,
    scale_to_unit,
)
from foveal.recognizers.relevance import link_on_average
from foveal.recognizers.same_item import Known, Rehearsal, rehearse
from foveal.recognizers.statistics import Floats, Ints

SHRINKAGES = (0.05, 0.1, 0.2, 0.4)
FOLDS = 3  # to choose the metric
REHEARSED = 8  # folds to rehearse by: each leaves out so little that the metric is nearly the one in use
MOST_CODES = 12_000  # taught; of more, those with the lowest hashes
MOST_QUERIES = 1500  # a fold
MOST_GROUPED, MOST_VIEWS = 400, 8  # pictures grouped to choose the limit, and of one item among them
GROUP_LIMITS = tuple(round(0.05 * step, 2) for step in range(2, 20))
LEAST_ITEMS = 12  # with several pictures, to teach a metric
LEAST_WHITENED = 30  # codes


@dataclass(frozen=True)
class Tried:
    """One metric and the mean average precision it reached on items left out."""

    name: str
    mean_average_precision: float


@dataclass(frozen=True, eq=False)
class Choice:
    """The metric, what was tried (nothing where there was nothing to measure with), and left-out pictures searched for.

    `group_limit` is the mean similarity from which on groups of pictures are joined, None where nothing tells.
    """

    metric: Metric
    tried: tuple[Tried, ...]
    rehearsal: Rehearsal
    group_limit: float | None


@dataclass(frozen=True, eq=False)
class Pictures:
    """What is known of n pictures: codes int16 (n, d), the item of each, and the group (n,) it must not prove.

    Where `labels` are given, alike means of one label when the metric is taught, otherwise of one item.
    """

    codes: Code
    items: tuple[str, ...]
    groups: Ints
    labels: tuple[str | None, ...] | None = None
    hidden: frozenset[int] = frozenset()  # rows that teach and are never found

    def keep(self, rows: Sequence[int]) -> "Pictures":
        """Some of them, in that order."""
        labels = None if self.labels is None else tuple(self.labels[i] for i in rows)
        hidden = frozenset(place for place, row in enumerate(rows) if row in self.hidden)
        return Pictures(self.codes[rows], tuple(self.items[i] for i in rows), self.groups[rows], labels, hidden)

    def known(self) -> Known:
        """Items, groups and what may be found."""
        findable = np.ones(len(self.items), np.bool_)
        findable[sorted(self.hidden)] = False
        return Known(_number(self.items), _number_by_first(self.groups), findable)


def choose_metric(pictures: Pictures, progress: Progress = silent) -> Choice:
    """Choose by finding pictures of items left out whole. Depends on the set of pictures, not on their order."""
    hashes = [hash_code(code) for code in pictures.codes]
    order = sorted(range(len(hashes)), key=lambda i: (hashes[i], pictures.items[i]))
    pictures = pictures.keep(order[:MOST_CODES])
    known = pictures.known()
    if len(order) < LEAST_WHITENED:
        plain = make_plain(pictures.codes.shape[1])
        return _choose_untaught(plain, (), plain.project(pictures.codes), known)
    units = to_unit(pictures.codes)
    principal = find_principal(units)
    progress("learning", 1, FOLDS + 2)
    whitened = make_whitened(principal)
    vectors = whitened.project(pictures.codes)
    alike = _without_singles(_number(pictures.items if pictures.labels is None else pictures.labels))
    least = LEAST_ITEMS if pictures.labels is None else 2
    if np.count_nonzero(np.bincount(alike[alike >= 0], minlength=1) > 1) < least:
        return _choose_untaught(whitened, (), vectors, known)
    residual = RESIDUAL if pictures.labels is None else BROAD
    lesson = _Lesson((units - principal.mean) @ principal.axes, alike, _fold(pictures.items), residual)
    tried = _try_all(lesson, units, vectors, progress)
    best = max((one for one in tried if one.name != PLAIN), key=lambda one: one.mean_average_precision)
    if best.name == WHITENED:
        return _choose_untaught(whitened, tried, vectors, known)
    shrinkage = float(best.name.removeprefix(f"{TAUGHT} "))
    told = alike >= 0
    taught = make_taught(principal, units[told], _number_again(alike[told]), shrinkage, residual)
    out = lesson.folds == 0
    limit = choose_group_limit(lesson.map_without(out, shrinkage)[out], known.items[out])
    return Choice(taught, tried, _rehearse_left_out(lesson, shrinkage, known), limit)


def _choose_untaught(metric: Metric, tried: tuple[Tried, ...], vectors: Float32s, known: Known) -> Choice:
    who = np.flatnonzero(known.several)
    who = who[:: max(1, len(who) // (FOLDS * MOST_QUERIES))]
    return Choice(metric, tried, rehearse(vectors, who, known), choose_group_limit(vectors, known.items))


def choose_group_limit(vectors: Float32s, items: Ints) -> float | None:
    """The limit at which grouping pictures of known items agrees best with the items, by the F1 score of pairs.

    Of at most MOST_GROUPED pictures, at most MOST_VIEWS of an item; None without items of several pictures.
    """
    counts = np.bincount(items)
    place: dict[int, int] = {}
    chosen = []
    for row, item in enumerate(items.tolist()):
        place[item] = place.get(item, 0) + 1
        if place[item] <= MOST_VIEWS and counts[item] > 1:
            chosen.append(row)
    rows = np.array(sorted(chosen, key=lambda row: (int(items[row]), row))[:MOST_GROUPED], np.int64)
    if len(np.unique(items[rows])) < 2:
        return None
    similar = (vectors[rows] @ vectors[rows].T).astype(np.float64)
    same = (items[rows][:, None] == items[rows][None, :]) & ~np.eye(len(rows), dtype=np.bool_)
    scores = []
    for limit in GROUP_LIMITS:
        groups = link_on_average(similar, limit)
        joined = (groups[:, None] == groups[None, :]) & ~np.eye(len(rows), dtype=np.bool_)
        scores.append(
            2.0
            * int(np.count_nonzero(same & joined))
            / max(1, int(np.count_nonzero(same)) + int(np.count_nonzero(joined)))
        )
    return float(GROUP_LIMITS[int(np.argmax(scores))])


@dataclass(frozen=True, eq=False)
class _Lesson:
    """Principal coordinates (n, m), which of them are alike (-1: not known), and in which fold each is left out."""

    rows: Floats
    alike: Ints
    folds: Ints
    residual: float

    def map_without(self, out: Bools, shrinkage: float) -> Float32s:
        """Vectors of all of them under the metric taught without some."""
        stay = ~out & (self.alike >= 0)
        axes = discriminate(self.rows[stay], _number_again(self.alike[stay]), shrinkage, self.residual)
        return scale_to_unit((self.rows - axes.mean) @ axes.axes).astype(np.float32)

    def left_out(self, fold: int) -> Bools:
        """Which are left out in a fold, and known."""
        return np.asarray((self.folds == fold) & (self.alike >= 0))


def _rehearse_left_out(lesson: _Lesson, shrinkage: float, known: Known) -> Rehearsal:
    """Search for pictures by metrics that were not taught them, among all that may be found.

    Of items that are there, their other pictures were taught; of items that are not there, none was.
    """
    present = _rehearse_folds(lesson, shrinkage, known, known.groups % REHEARSED)
    absent = _rehearse_folds(lesson, shrinkage, known, known.items % REHEARSED)
    return Rehearsal(present.same, present.other, absent.other)


def _rehearse_folds(lesson: _Lesson, shrinkage: float, known: Known, folds: Ints) -> Rehearsal:
    found = []
    for fold in range(REHEARSED):
        who = np.flatnonzero((folds == fold) & known.several)
        who = who[:: max(1, len(who) // MOST_QUERIES)]
        found.append(rehearse(lesson.map_without(folds == fold, shrinkage), who, known))
    same, other = (np.concatenate([getattr(one, side) for one in found]) for side in ("same", "other"))
    return Rehearsal(same, other, other)


def _number(names: Sequence[str | None]) -> Ints:
    """Numbers of names, -1 for none."""
    place = {name: number for number, name in enumerate(sorted({name for name in names if name is not None}))}
    return np.array([-1 if name is None else place[name] for name in names], np.int64)


def _without_singles(numbers: Ints) -> Ints:
    """Numbers that only one picture has become -1: such a picture says nothing of what is alike."""
    counts = np.bincount(numbers[numbers >= 0], minlength=1)
    return np.where((numbers >= 0) & (counts[numbers] > 1), numbers, -1)


def _number_again(numbers: Ints) -> Ints:
    return np.unique(numbers, return_inverse=True)[1].astype(np.int64)


def _number_by_first(numbers: Ints) -> Ints:
    """Numbers in the order of their first occurrence, whatever they were."""
    _, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[inverse], np.int64)


def _fold(items: Sequence[str]) -> Ints:
    """Which fold each picture is left out in: items in turn, in the order of their names."""
    place = {item: number % FOLDS for number, item in enumerate(sorted(set(items)))}
    return np.array([place[item] for item in items], np.int64)


def _try_all(lesson: _Lesson, units: Floats, whitened: Float32s, progress: Progress) -> tuple[Tried, ...]:
    scores: dict[str, list[tuple[float, int]]] = {}
    for fold in range(FOLDS):
        out = lesson.left_out(fold)
        vectors: dict[str, Floats | Float32s] = {PLAIN: units[out], WHITENED: whitened[out]}
        if np.count_nonzero((lesson.folds != fold) & (lesson.alike >= 0)) > 1:
            vectors |= {
                f"{TAUGHT} {level}": lesson.map_without(lesson.folds == fold, level)[out] for level in SHRINKAGES
            }
        for name, values in vectors.items():
            score = _score(values, lesson.alike[out])
            scores.setdefault(name, []).extend([] if score is None else [score])
        progress("learning", 2 + fold, FOLDS + 2)
    return tuple(
        Tried(name, float(np.average([s for s, _ in found], weights=[n for _, n in found])))
        for name, found in scores.items()
        if found
    )


def _score(vectors: Floats | Float32s, alike: Ints) -> tuple[float, int] | None:
    """Mean average precision of every picture as a query among the others, and how many queries counted."""
    queries = np.arange(len(vectors))[:: max(1, len(vectors) // MOST_QUERIES)]
    scaled = scale_to_unit(np.asarray(vectors, np.float64)).astype(np.float32)
    similar = scaled[queries] @ scaled.T
    similar[np.arange(len(queries)), queries] = -np.inf
    ranked = np.argsort(-similar, axis=1, kind="stable")[:, :-1]
    relevant = alike[ranked] == alike[queries][:, None]
    if not relevant.any():
        return None
    found = measure_retrieval(relevant)
    return found.mean_average_precision, found.n
