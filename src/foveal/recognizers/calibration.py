"""From left-out scores to probabilities: temperature and priors."""

import numpy as np

from foveal.recognizers.statistics import Floats, Ints

# 1 / temperature is searched on a logarithmic scale between these.
COLDEST, HOTTEST = 1e-4, 1e4
PRECISION = 1e-3  # of the logarithm: a tenth of a percent of the temperature


def log_softmax(scores: Floats) -> Floats:
    """Logarithms of probabilities along the last axis; -inf stays -inf."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def measure_log_loss(scores: Floats, truth: Ints, sharpness: float, log_priors: Floats) -> float:
    """Mean negative log probability of smoothed truths under softmax(sharpness * score + log prior).

    Of n pictures, each truth is trusted for 1 - 1 / (n + 2) and the rest is spread over the other
    classes, so that few pictures, all told apart, do not end in certainty.
    Source: Platt 1999, section 2.2, carried over to several classes.
    """
    logits = log_softmax(sharpness * scores + log_priors)
    doubt = 1.0 / (len(scores) + 2.0)
    own = np.take_along_axis(logits, truth[:, None], axis=1)[:, 0]
    possible = np.isfinite(logits)
    rest = np.where(possible, logits, 0.0).sum(axis=1) - own
    return float(-((1.0 - doubt) * own + doubt * rest / np.maximum(possible.sum(axis=1) - 1, 1)).mean())


def fit_sharpness(scores: Floats, truth: Ints, log_priors: Floats) -> tuple[float, float]:
    """Return the sharpness (1 / temperature) with the least log loss, and that loss.

    The loss is convex in the sharpness, so a golden-section search on its logarithm finds the
    minimum. Source: Guo et al. 2017, eq. 9. Rows whose true class has the score -inf must not be
    given. Without rows the sharpness is 1 and the loss is nan.
    """
    if not len(scores):
        return 1.0, float("nan")

    def loss(point: float) -> float:
        return measure_log_loss(scores, truth, float(np.exp(point)), log_priors)

    ratio = (np.sqrt(5.0) - 1.0) / 2.0
    low, high = np.log(COLDEST), np.log(HOTTEST)
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = loss(left), loss(right)
    while high - low > PRECISION:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = loss(right)
    best = float(np.exp((low + high) / 2.0))
    return best, loss(np.log(best))
