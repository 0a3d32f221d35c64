"""What a read-out says of one code, before it is shown to anybody."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foveal.core.errors import InputError
from foveal.recognizers.settings import Settings
from foveal.recognizers.statistics import Floats, Ints

# A taught "this is NOT X" is remembered as a class of its own whose label starts with this mark.
NOT = "\u00ac"


@dataclass(frozen=True, eq=False)
class Decision:
    """Probabilities (C,), which classes could be, the answered classes and why none if none."""

    probabilities: Floats
    could_be: npt.NDArray[np.bool_]
    answer: tuple[int, ...]
    reason: str
    oddness: float  # p-value of being like what was taught: small is odd


@dataclass(frozen=True, eq=False)
class LeftOutRows:
    """What every taught picture would have got without its own group, in the order of `ids`.

    `probabilities` is float32 (n, C). Rows that cannot be estimated, because no other group holds
    their class or because they only say what a picture is not, are False in `valid` (n,).
    """

    ids: Ints
    truth: npt.NDArray[np.bool_]  # (n, C)
    probabilities: npt.NDArray[np.float32]
    distances: Floats
    valid: npt.NDArray[np.bool_]


def is_decided(probabilities: Floats, p_values: Floats, settings: Settings) -> bool:
    """Whether probabilities and p-values (C,) of one picture single out an answer.

    They do when one class alone could be, or when the best is likely enough; but never where
    no class could be and the best one falls far short of it.
    """
    alpha, best = 1.0 - settings.coverage, int(probabilities.argmax())
    candidates = int((p_values > alpha).sum())
    likely = bool(probabilities[best] >= settings.answer_from)
    return candidates == 1 or (likely and (candidates > 1 or bool(p_values[best] > alpha / 5.0)))


def split_columns(labels: tuple[str, ...]) -> tuple[tuple[str, ...], Ints, Ints]:
    """Classes, their columns, and for each class the column of its NOT class or -1."""
    classes = tuple(label for label in labels if not label.startswith(NOT))
    places = {label: column for column, label in enumerate(labels)}
    columns = np.array([places[label] for label in classes], np.int64)
    negatives = np.array([places.get(NOT + label, -1) for label in classes], np.int64)
    return classes, columns, negatives


def fold_negatives(probabilities: Floats, columns: Ints, negatives: Ints) -> Floats:
    """Give the mass of each NOT class to the classes it does not speak against.

    `probabilities` is (n, all columns); returns (n, C) whose rows add up to one.
    """
    folded = probabilities[:, columns]
    for index in np.flatnonzero(negatives >= 0):
        mass = probabilities[:, negatives[index]]
        others = folded.sum(axis=1) - folded[:, index]
        share = np.divide(mass, others, out=np.zeros_like(mass), where=others > 0)
        gain = 1.0 + share[:, None]
        folded = np.where(np.arange(len(columns)) == index, folded, folded * gain)
    total = folded.sum(axis=1, keepdims=True)
    return np.asarray(folded / np.where(total > 0, total, 1.0))


def log_prior(labels: tuple[str, ...], counts: Ints, priors: str, weights: dict[str, float]) -> Floats:
    """Logarithm of the prior of each label (C,): as taught, equal, or as given by label."""
    if priors == "equal":
        values = np.ones(len(labels))
    elif priors == "given":
        missing = [label for label in labels if label not in weights and not label.startswith(NOT)]
        if missing:
            raise InputError(f"Priors need a weight for every label; missing: {', '.join(missing[:5])}.")
        values = np.array([weights.get(label, 1.0) for label in labels])
    else:
        values = counts.astype(np.float64)
    return np.asarray(np.log(values / values.sum()))
