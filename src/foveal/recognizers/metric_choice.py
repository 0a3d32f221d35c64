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
)
from foveal.recognizers.same_item import Rehearsal, rehearse
from foveal.recognizers.statistics import Floats, Ints

SHRINKAGES = (0.05, 0.1, 0.2, 0.4)
FOLDS = 3
MOST_CODES = 12_000  # taught; of more, those with the lowest hashes
MOST_QUERIES = 1500  # a fold
LEAST_ITEMS = 12  # with several pictures, to teach a metric
LEAST_WHITENED = 30  # codes


@dataclass(frozen=True)
class Tried:
    """One metric and the mean average precision it reached on items left out."""

    name: str
    mean_average_precision: float


@dataclass(frozen=True, eq=False)
class Choice:
    """The metric, what was tried (nothing where there was nothing to measure with), and left-out pictures searched for."""

    metric: Metric
    tried: tuple[Tried, ...]
    rehearsal: Rehearsal


@dataclass(frozen=True, eq=False)
class Pictures:
    """What is known of n pictures: codes int16 (n, d), the item of each, and the group (n,) it must not prove.

    Where `labels` are given, alike means of one label when the metric is taught, otherwise of one item.
    """

    codes: Code
    items: tuple[str, ...]
    groups: Ints
    labels: tuple[str | None, ...] | None = None

    def keep(self, rows: Sequence[int]) -> "Pictures":
        """Some of them, in that order."""
        labels = None if self.labels is None else tuple(self.labels[i] for i in rows)
        return Pictures(self.codes[rows], tuple(self.items[i] for i in rows), self.groups[rows], labels)


def choose_metric(pictures: Pictures, progress: Progress = silent) -> Choice:
    """Choose by finding pictures of items left out whole. Depends on the set of pictures, not on their order."""
    hashes = [hash_code(code) for code in pictures.codes]
    order = sorted(range(len(hashes)), key=lambda i: (hashes[i], pictures.items[i]))
    pictures = pictures.keep(order[:MOST_CODES])
    numbers = _number(pictures.items)
    if len(order) < LEAST_WHITENED:
        plain = make_plain(pictures.codes.shape[1])
        return Choice(plain, (), _rehearse(plain.project(pictures.codes), numbers, pictures.groups))
    units = to_unit(pictures.codes)
    principal = find_principal(units)
    progress("learning", 1, FOLDS + 2)
    whitened = make_whitened(principal)
    vectors = whitened.project(pictures.codes)
    alike = _without_singles(_number(pictures.items if pictures.labels is None else pictures.labels))
    least = LEAST_ITEMS if pictures.labels is None else 2
    if np.count_nonzero(np.bincount(alike[alike >= 0], minlength=1) > 1) < least:
        return Choice(whitened, (), _rehearse(vectors, numbers, pictures.groups))
    residual = RESIDUAL if pictures.labels is None else BROAD
    lesson = _Lesson((units - principal.mean) @ principal.axes, alike, _fold(pictures.items), residual)
    tried = _try_all(lesson, units, vectors, progress)
    best = max((one for one in tried if one.name != PLAIN), key=lambda one: one.mean_average_precision)
    if best.name == WHITENED:
        return Choice(whitened, tried, _rehearse(vectors, numbers, pictures.groups))
    shrinkage = float(best.name.removeprefix(f"{TAUGHT} "))
    known = alike >= 0
    taught = make_taught(principal, units[known], _number_again(alike[known]), shrinkage, residual)
    return Choice(taught, tried, _rehearse_left_out(lesson, shrinkage, numbers, pictures.groups))


@dataclass(frozen=True, eq=False)
class _Lesson:
    """Principal coordinates (n, m), which of them are alike (-1: not known), and in which fold each is left out."""

    rows: Floats
    alike: Ints
    folds: Ints
    residual: float

    def map_without(self, fold: int, shrinkage: float) -> Floats:
        """All of them under the metric taught without a fold, not of unit length."""
        stay = (self.folds != fold) & (self.alike >= 0)
        axes = discriminate(self.rows[stay], _number_again(self.alike[stay]), shrinkage, self.residual)
        return (self.rows - axes.mean) @ axes.axes

    def left_out(self, fold: int) -> Bools:
        """Which are left out in a fold, and known."""
        return np.asarray((self.folds == fold) & (self.alike >= 0))


def _rehearse(vectors: Float32s, items: Ints, groups: Ints) -> Rehearsal:
    who = np.flatnonzero(np.bincount(items)[items] > 1)
    who = who[:: max(1, len(who) // (FOLDS * MOST_QUERIES))]
    return rehearse(vectors[who], vectors, who, items, groups)


def _rehearse_left_out(lesson: _Lesson, shrinkage: float, items: Ints, groups: Ints) -> Rehearsal:
    """Search for pictures of each fold by the metric taught without it, among all pictures."""
    several = np.bincount(items)[items] > 1
    found = []
    for fold in range(FOLDS):
        vectors = lesson.map_without(fold, shrinkage)
        scaled = (vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)).astype(np.float32)
        who = np.flatnonzero((lesson.folds == fold) & several)
        who = who[:: max(1, len(who) // MOST_QUERIES)]
        found.append(rehearse(scaled[who], scaled, who, items, groups))
    return Rehearsal(np.concatenate([one.same for one in found]), np.concatenate([one.other for one in found]))


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
            vectors |= {f"{TAUGHT} {level}": lesson.map_without(fold, level)[out] for level in SHRINKAGES}
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
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    scaled = (vectors / lengths).astype(np.float32)
    similar = scaled[queries] @ scaled.T
    similar[np.arange(len(queries)), queries] = -np.inf
    ranked = np.argsort(-similar, axis=1, kind="stable")[:, :-1]
    relevant = alike[ranked] == alike[queries][:, None]
    if not relevant.any():
        return None
    found = measure_retrieval(relevant)
    return found.mean_average_precision, found.n
