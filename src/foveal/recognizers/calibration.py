"""From left-out scores to probabilities: one temperature, an offset a class, and priors."""

from dataclasses import dataclass

import numpy as np

from foveal.recognizers.statistics import Floats, Ints

COLDEST, HOTTEST = 1e-4, 1e4  # bounds of 1 / temperature
ROUNDS = 50  # of Newton's method; five to ten are enough
TOLERANCE = 1e-9  # of the mean log loss


@dataclass(frozen=True, eq=False)
class Calibration:
    """Probabilities are softmax(sharpness * score + offset + log prior); offsets (C,) in nats.

    `log_loss` is the mean over the rows it was fitted on, nan without rows.
    """

    sharpness: float
    offsets: Floats
    log_loss: float


def log_softmax(scores: Floats) -> Floats:
    """Logarithms of probabilities along the last axis; -inf stays -inf."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def fit_calibration(
    scores: Floats, truth: Ints, log_priors: Floats, weights: Floats | None = None, *, per_class: bool = True
) -> Calibration:
    """Return the sharpness (1 / temperature) and the offsets of classes with the least log loss.

    `scores` (n, C) may hold -inf, but not for a row's own class; rows count by `weights` (n,), one
    each by default. The scatter that classes share is an average of theirs, so a class wider than
    the others gets too little; its offset sets that right. An offset has a normal prior of variance
    one, and is 0 where no row is of the class or where `per_class` is False. Without rows the
    sharpness is 1. The loss is convex; Newton's method with halved steps finds its minimum.
    Source: Guo et al. 2017, section 4.2: vector scaling with one slope for all classes.
    """
    n_classes = scores.shape[1]
    if not len(scores):
        return Calibration(1.0, np.zeros(n_classes), float("nan"))
    weights = np.ones(len(scores)) if weights is None else weights
    free = (np.bincount(truth, minlength=n_classes) > 0) & per_class
    loss = _Loss(scores, smooth_truth(scores, truth, float(weights.sum())), weights, log_priors, free)
    point, value = np.r_[COLDEST, np.zeros(int(free.sum()))], np.inf
    for _ in range(ROUNDS):
        gradient, curvature, at_point = loss.expand(point)
        step = np.asarray(-np.linalg.solve(curvature, gradient), np.float64)
        before, (point, value) = at_point, loss.descend(point, step, at_point)
        if before - value <= TOLERANCE:
            break
    offsets = np.zeros(n_classes)
    offsets[free] = point[1:]
    return Calibration(float(point[0]), offsets, value)


def smooth_truth(scores: Floats, truth: Ints, n: float) -> Floats:
    """What the probabilities (rows, C) are fitted to: nearly one for the true class.

    Of n independent pictures, each truth is trusted for 1 - 1 / (n + 2) and the rest is spread over
    the other classes whose score is finite, so that few pictures, all told apart, do not end in
    certainty. Source: Platt 1999, section 2.2, carried over to several classes.
    """
    others = np.isfinite(scores)
    np.put_along_axis(others, truth[:, None], False, axis=1)
    n_others = others.sum(axis=1, keepdims=True)
    doubt = np.where(n_others > 0, 1.0 / (n + 2.0), 0.0)
    wanted = np.where(others, doubt / np.maximum(n_others, 1), 0.0)
    np.put_along_axis(wanted, truth[:, None], 1.0 - doubt, axis=1)
    return wanted


@dataclass(frozen=True, eq=False)
class _Loss:
    """Mean log loss as a function of (sharpness, offsets of the free classes), the prior included."""

    scores: Floats
    wanted: Floats
    weights: Floats
    log_priors: Floats
    free: np.ndarray

    def logits(self, point: Floats) -> Floats:
        """Log probabilities (n, C)."""
        shift = self.log_priors.copy()
        shift[self.free] += point[1:]
        return log_softmax(point[0] * self.scores + shift)

    def at(self, point: Floats) -> float:
        """The loss."""
        return self._value(self.logits(point), point)

    def expand(self, point: Floats) -> tuple[Floats, Floats, float]:
        """Gradient (1 + F,), Hessian and value."""
        logits = self.logits(point)
        likely = np.exp(logits)
        finite = np.where(np.isfinite(self.scores), self.scores, 0.0)
        finite = finite - (likely * finite).sum(axis=1, keepdims=True)  # about the expected score
        weighted = likely * self.weights[:, None]
        free = weighted[:, self.free]
        curvature = np.empty((len(point), len(point)))
        curvature[0, 0] = (weighted * finite**2).sum() + 1e-12
        curvature[0, 1:] = curvature[1:, 0] = (free * finite[:, self.free]).sum(axis=0)
        curvature[1:, 1:] = np.diag(free.sum(axis=0) + 1.0) - free.T @ likely[:, self.free]
        error = weighted - self.wanted * self.weights[:, None]
        gradient = np.r_[(error * finite).sum(), error[:, self.free].sum(axis=0) + point[1:]]
        n = self.weights.sum()
        return gradient / n, curvature / n, self._value(logits, point)

    def descend(self, point: Floats, step: Floats, value: float) -> tuple[Floats, float]:
        """The first of ever halved steps that lowers the loss, or where it stood."""
        for halving in range(40):
            tried = point + step / 2.0**halving
            tried[0] = np.clip(tried[0], COLDEST, HOTTEST)
            found = self.at(tried)
            if found < value:
                return tried, found
        return point, value

    def _value(self, logits: Floats, point: Floats) -> float:
        lost = self.wanted * np.where(np.isfinite(logits), logits, 0.0)
        return float((0.5 * point[1:] @ point[1:] - self.weights @ lost.sum(axis=1)) / self.weights.sum())
