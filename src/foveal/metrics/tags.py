"""Figures of multi-label answers: any number of tags a picture."""

import numpy as np
import numpy.typing as npt

from foveal.core.errors import InputError

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def tag_figures(truth: Bools, said: Bools) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1 (C,) of each tag; 0 where nothing was said or nothing true.

    Raises InputError unless both are (n, C) of one shape.
    """
    _check(truth, said)
    hits, told, has = ((part).sum(axis=0).astype(float) for part in (truth & said, said, truth))
    precision = np.divide(hits, told, out=np.zeros_like(hits), where=told > 0)
    recall = np.divide(hits, has, out=np.zeros_like(hits), where=has > 0)
    f1 = np.divide(2 * hits, told + has, out=np.zeros_like(hits), where=told + has > 0)
    return precision, recall, f1


def micro_f1(truth: Bools, said: Bools) -> float:
    """F1 of all yes-or-no decisions (n, C) counted together. Source: Sokolova and Lapalme 2009, table 5."""
    _check(truth, said)
    total = int(truth.sum() + said.sum())
    return 2.0 * int((truth & said).sum()) / total if total else 0.0


def exact_match(truth: Bools, said: Bools) -> float:
    """Share of pictures whose tags (n, C) are all right. Source: Sokolova and Lapalme 2009, table 5."""
    _check(truth, said)
    return float((truth == said).all(axis=1).mean()) if len(truth) else 0.0


def _check(truth: Bools, said: Bools) -> None:
    if truth.shape != said.shape or truth.ndim != 2:
        raise InputError(f"Truth and answers must be (pictures, tags), got {truth.shape} and {said.shape}.")
