"""From left-out scores to probabilities: temperature and priors."""

import numpy as np

from foveal.recognizers.statistics import Floats, Ints

# 1 / temperature is searched on a logarithmic scale between these.
COLDEST, HOTTEST = 1e-4, 1e4


def log_softmax(scores: Floats) -> Floats:
    """Logarithms of probabilities along the last axis; -inf stays -inf."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def measure_log_loss(scores: Floats, truth: Ints, sharpness: float, log_priors: Floats) -> float:
    """Mean negative log probability of the truth under softmax(sharpness * score + log prior)."""
    logits = log_softmax(sharpness * scores + log_priors)
    return float(-np.take_along_axis(logits, truth[:, None], axis=1).mean())


def fit_sharpness(scores: Floats, truth: Ints, log_priors: Floats) -> tuple[float, float]:
    """Return the sharpness (1 / temperature) with the least log loss, and that loss.

    The loss is convex in the sharpness, so a golden-section search on its logarithm finds the
    minimum. Source: Guo et al. 2017, eq. 9. Rows whose true class has the score -inf must not be
    given. Without rows the sharpness is 1 and the loss is nan.
    """
    if not len(scores):
        return 1.0, float("nan")
    ratio = (np.sqrt(5.0) - 1.0) / 2.0
    low, high = np.log(COLDEST), np.log(HOTTEST)
    inner = [high - ratio * (high - low), low + ratio * (high - low)]
    losses = [measure_log_loss(scores, truth, float(np.exp(point)), log_priors) for point in inner]
    while high - low > 1e-3:
        if losses[0] <= losses[1]:
            high, inner[1], losses[1] = inner[1], inner[0], losses[0]
            inner[0] = high - ratio * (high - low)
            losses[0] = measure_log_loss(scores, truth, float(np.exp(inner[0])), log_priors)
        else:
            low, inner[0], losses[0] = inner[0], inner[1], losses[1]
            inner[1] = low + ratio * (high - low)
            losses[1] = measure_log_loss(scores, truth, float(np.exp(inner[1])), log_priors)
    best = float(np.exp((low + high) / 2.0))
    return best, measure_log_loss(scores, truth, best, log_priors)
