"""Whether and when a series of scores changed its level."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from foveal.metrics.ranking import rank_with_ties

LEAST = 12  # values without which no change is told


class Change(NamedTuple):
    """The first value after the change, how likely chance alone looks so, and the medians before and after."""

    place: int
    p_value: float
    before: float
    after: float


def find_change(values: npt.NDArray[np.float64]) -> Change | None:
    """The most likely single change of level in a series (n,), None for fewer than LEAST values.

    Pettitt's rank test, so that no distribution is assumed and single outliers do not matter. Source:
    Pettitt 1979, "A non-parametric approach to the change-point problem".

    >>> change = find_change(np.repeat([0.0, 1.0], 20) + np.tile([0.0, 0.1], 20))
    >>> change.place, change.p_value < 0.001
    (20, True)
    """
    n = len(values)
    if n < LEAST:
        return None
    ranks = rank_with_ties(values)
    steps = np.arange(1, n)
    statistic = np.abs(2 * np.cumsum(ranks)[:-1] - steps * (n + 1))
    place = int(statistic.argmax()) + 1
    p_value = float(min(1.0, 2 * np.exp(-6 * statistic.max() ** 2 / (n**3 + n**2))))
    return Change(place, p_value, float(np.median(values[:place])), float(np.median(values[place:])))
