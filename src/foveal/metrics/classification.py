"""Figures of single-label answers."""

import numpy as np
import numpy.typing as npt

from foveal.core.errors import InputError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def confusion_matrix(truth: Ints, answer: Ints, n_classes: int) -> Ints:
    """Count (C, C): row the truth, column the answer.

    Raises InputError for lengths that differ or an index out of range.
    """
    if truth.shape != answer.shape or truth.ndim != 1:
        raise InputError(f"Truth and answer must be equally long, got {truth.shape} and {answer.shape}.")
    if len(truth) and (min(truth.min(), answer.min()) < 0 or max(truth.max(), answer.max()) >= n_classes):
        raise InputError(f"Class indices must be in [0, {n_classes}).")
    return np.bincount(truth * n_classes + answer, minlength=n_classes**2).reshape(n_classes, n_classes)


def class_figures(confusion: Ints) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1 (C,) of each class; 0 where nothing was answered or nothing true."""
    hits = np.diagonal(confusion).astype(float)
    answered, true = confusion.sum(axis=0), confusion.sum(axis=1)
    precision = np.divide(hits, answered, out=np.zeros_like(hits), where=answered > 0)
    recall = np.divide(hits, true, out=np.zeros_like(hits), where=true > 0)
    total = precision + recall
    f1 = np.divide(2 * precision * recall, total, out=np.zeros_like(hits), where=total > 0)
    return precision, recall, f1


def macro_f1(confusion: Ints) -> float:
    """Mean F1 of the classes that occur in truth or answers."""
    present = confusion.sum(axis=0) + confusion.sum(axis=1) > 0
    return float(class_figures(confusion)[2][present].mean()) if present.any() else 0.0
