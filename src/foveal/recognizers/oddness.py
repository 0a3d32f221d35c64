"""How unlike anything taught: a p-value of a left-out distance that a few strange taught pictures do not spoil."""

import numpy as np

from foveal.recognizers.statistics import Floats

BULK = 0.9  # up to this quantile the taught pictures themselves are the yardstick


def tail_p_value(sorted_distances: Floats, distance: float) -> float:
    """How often a picture like the taught ones is at least this far away, in (0, 1]; see `tail_p_values`.

    >>> round(tail_p_value(np.arange(1.0, 100.0), 50.0), 2)
    0.51
    >>> tail_p_value(np.append(np.arange(1.0, 100.0), 1e6), 1000.0) < 1e-6
    True
    """
    return float(tail_p_values(sorted_distances, np.array([distance]))[0])


def tail_p_values(sorted_distances: Floats, distances: Floats) -> Floats:
    """How often a picture like the taught ones is at least as far away as each distance (m,), in (0, 1].

    In the bulk it is the share of taught pictures at least this far, the new one counted among them.
    Beyond the ninth decile it continues as the predictive tail of exponential excesses whose scale
    the median and the ninth decile give, observed on the k pictures between them: P (1 + z / k)^-k.
    So one wrong picture among the taught does not make everything look familiar, and a hundred
    pictures are enough to call something one in a thousand. Pickands 1975 (generalized Pareto
    tails); the predictive form is Lomax's, 1954.
    """
    n = len(sorted_distances)
    if n == 0:
        return np.ones(len(distances))
    shares = (1 + n - np.searchsorted(sorted_distances, distances, side="left")) / (n + 1)
    middle, high = np.quantile(sorted_distances, [0.5, BULK])
    scale = (high - middle) / np.log(0.5 / (1.0 - BULK))
    if scale <= 0.0:
        return shares
    observed = max(1.0, n * (BULK - 0.5))
    excess = np.maximum(distances - high, 0.0) / scale
    at_high = (2 + n - int(np.searchsorted(sorted_distances, high, side="right"))) / (n + 2)
    return np.where(distances <= high, shares, at_high * np.exp(-observed * np.log1p(excess / observed)))
