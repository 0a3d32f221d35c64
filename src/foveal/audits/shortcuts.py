"""Classes that can be told apart by something that is not in the picture: size, format, border, device."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

import numpy as np

from foveal.audits.finding import Finding
from foveal.audits.pictures import Pictures

FOLDS = 4
DRAWS = 199
LEAST_GAIN = 0.3  # of what the majority class leaves to gain; less is no shortcut worth a warning
BINS = 8


def find_shortcuts(pictures: Pictures, groups: Sequence[int]) -> list[Finding]:
    """List facts of the file that alone tell the class, tested with whole groups held out.

    A table of the majority class per value of the fact is learned on three quarters of the groups
    and tested on the rest; labels shuffled between groups show what chance reaches.
    """
    labels = [names[0] if len(names) == 1 else "" for names in pictures.labels]
    if len(set(labels) - {""}) < 2:
        return []
    found = []
    number = np.asarray(groups)
    for fact, values in _facts(pictures).items():
        if len(set(values)) < 2:
            continue
        score, base = _held_out_accuracy(values, labels, number)
        if score - base < LEAST_GAIN * (1.0 - base):
            continue
        if _chance(values, labels, number, score) > 0.05:
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


def _held_out_accuracy(values: Sequence[Hashable], labels: Sequence[str], groups: np.ndarray) -> tuple[float, float]:
    """Share right with the fact, and by the majority class alone."""
    right = base = 0
    for fold in range(FOLDS):
        outside = np.flatnonzero(groups % FOLDS != fold).tolist()
        inside = np.flatnonzero(groups % FOLDS == fold).tolist()
        by_value: dict[Hashable, Counter[str]] = defaultdict(Counter)
        for i in outside:
            by_value[values[i]][labels[i]] += 1
        majority = Counter(labels[i] for i in outside).most_common(1)
        usual = majority[0][0] if majority else ""
        for i in inside:
            guess = by_value[values[i]].most_common(1)[0][0] if by_value.get(values[i]) else usual
            right += guess == labels[i]
            base += usual == labels[i]
    return right / len(labels), base / len(labels)


def _chance(values: Sequence[Hashable], labels: Sequence[str], groups: np.ndarray, score: float) -> float:
    """P-value of the score when labels are shuffled among groups. Source: Phipson and Smyth 2010."""
    rng = np.random.default_rng(0)
    first = {int(g): labels[i] for i, g in reversed(list(enumerate(groups)))}
    keys = sorted(first)
    draws = min(DRAWS, max(39, 200_000 // len(labels)))
    reached = 0
    for _ in range(draws):
        moved = dict(zip(keys, (first[keys[k]] for k in rng.permutation(len(keys))), strict=True))
        reached += _held_out_accuracy(values, [moved[int(g)] for g in groups], groups)[0] >= score
    return (1 + reached) / (1 + draws)


def _tell(values: Sequence[Hashable], labels: Sequence[str], most: int = 6) -> tuple[str, ...]:
    by_value: dict[Hashable, Counter[str]] = defaultdict(Counter)
    for value, label in zip(values, labels, strict=True):
        by_value[value][label] += 1
    common = sorted(by_value.items(), key=lambda item: -item[1].total())[:most]
    return tuple(
        f"{value}: {counts.most_common(1)[0][0]} ({counts.most_common(1)[0][1]} of {counts.total()})"
        for value, counts in common
    )
