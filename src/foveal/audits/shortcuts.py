"""Classes that can be told apart by something that is not in the picture: size, format, border, device."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

from foveal.audits.finding import Finding
from foveal.audits.pictures import Pictures

Ints = npt.NDArray[np.int64]

FOLDS = 4
DRAWS = 199
CHANCE = 0.01  # p-value; several facts are tried, so 0.05 would cry wolf every fourth time
LEAST_GAIN = 0.3  # of what the most common class leaves to gain; less is no shortcut worth a warning
BINS = 8
MOST_VALUES = 64  # rarer values of a fact count as one


def find_shortcuts(pictures: Pictures, groups: Sequence[int], *, chance: float = CHANCE) -> list[Finding]:
    """List facts of the file that alone tell the class, tested with whole groups held out.

    A table of the majority class per value of the fact is learned on three quarters of the groups
    (n,) and tested on the rest; labels shuffled between groups show what chance reaches, and how
    often by chance (`chance`, a p-value) is too often. Pictures without exactly one label are passed over.
    """
    single = [i for i, names in enumerate(pictures.labels) if len(names) == 1]
    if len({pictures.labels[i] for i in single}) < 2:
        return []
    labels = [pictures.labels[i][0] for i in single]
    _, truth = np.unique(labels, return_inverse=True)
    _, number = np.unique(np.asarray(groups)[single], return_inverse=True)
    base = float(np.bincount(truth).max()) / len(truth)
    found = []
    for fact, column in _facts(pictures).items():
        values = [column[i] for i in single]
        coded = _code(values)
        score = _held_out_accuracy(coded, truth, number)
        if coded.max() == 0 or score - base < LEAST_GAIN * (1.0 - base):
            continue
        if _chance(coded, truth, number, score) > chance:
            continue
        found.append(
            Finding(
                "shortcut",
                "warning",
                _tell(values, labels),
                f"The {fact} alone tells the class for {score:.0%} of pictures ({base:.0%} by always guessing one).",
                f"New pictures will not carry this. Mix classes so that every {fact} occurs in each.",
                score,
            )
        )
    return found


def _facts(pictures: Pictures) -> dict[str, list[Hashable]]:
    captures, looks = pictures.captures, pictures.appearances
    return {
        "size in pixels": [(c.width, c.height) for c in captures],
        "aspect ratio": [round(c.width / c.height, 2) for c in captures],
        "file format": [c.format for c in captures],
        "camera": [c.device for c in captures],
        "file size in bytes a pixel": _binned([c.n_bytes / (c.width * c.height) for c in captures]),
        "brightness of the border": _binned([look.border for look in looks]),
    }


def _binned(values: list[float]) -> list[Hashable]:
    """Eight equally full ranges, named by their bounds."""
    edges = np.quantile(values, np.linspace(0, 1, BINS + 1))
    names = [f"{low:.3g} to {high:.3g}" for low, high in itertools.pairwise(edges)]
    return [names[int(k)] for k in np.searchsorted(edges[1:-1], values)]


def _code(values: Sequence[Hashable]) -> Ints:
    """Number the values (n,), the most common first; the rare ones share the last number."""
    numbers = {value: min(k, MOST_VALUES) for k, (value, _) in enumerate(Counter(values).most_common())}
    return np.array([numbers[value] for value in values], np.int64)


def _held_out_accuracy(values: Ints, truth: Ints, groups: Ints) -> float:
    """Share right with a table of the fact, a quarter of the groups (n,) held out at a time."""
    n_values, n_classes = int(values.max()) + 1, int(truth.max()) + 1
    folds = (np.random.default_rng(0).permutation(int(groups.max()) + 1) % FOLDS)[groups]
    places = (folds * n_values + values) * n_classes + truth
    inside = np.bincount(places, minlength=FOLDS * n_values * n_classes).reshape(FOLDS, n_values, n_classes)
    outside = inside.sum(axis=0) - inside
    usual = outside.sum(axis=1).argmax(axis=1)
    guess = np.where(outside.any(axis=2), outside.argmax(axis=2), usual[:, None])
    return float(np.take_along_axis(inside, guess[:, :, None], axis=2).sum()) / len(truth)


def _chance(values: Ints, truth: Ints, groups: Ints, score: float) -> float:
    """P-value of the score when classes are shuffled among groups. Source: Phipson and Smyth 2010."""
    rng = np.random.default_rng(0)
    _, first = np.unique(groups, return_index=True)
    of_group = truth[first]
    reached = sum(_held_out_accuracy(values, rng.permutation(of_group)[groups], groups) >= score for _ in range(DRAWS))
    return (1 + reached) / (1 + DRAWS)


def _tell(values: Sequence[Hashable], labels: Sequence[str], most: int = 6) -> tuple[str, ...]:
    by_value: dict[Hashable, Counter[str]] = defaultdict(Counter)
    for value, label in zip(values, labels, strict=True):
        by_value[value][label] += 1
    common = sorted(by_value.items(), key=lambda item: -item[1].total())[:most]
    return tuple(
        f"{value}: {counts.most_common(1)[0][0]} ({counts.most_common(1)[0][1]} of {counts.total()})"
        for value, counts in common
    )
