"""Whether could-be sets hold the truth as often as promised."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foveal.core.errors import InputError
from foveal.metrics.intervals import Interval, binomial_range, effective_size

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Coverage:
    """Promised and measured coverage of n truths, and where 95 % of such measurements fall if the promise holds."""

    promised: float
    measured: float
    n: int
    expected_range: Interval

    @property
    def is_kept(self) -> bool:
        """Whether the measured coverage lies in the range."""
        return self.expected_range[0] <= self.measured <= self.expected_range[1]

    @property
    def is_below(self) -> bool:
        """Whether fewer truths were covered than the promise allows."""
        return self.n > 0 and self.measured < self.expected_range[0]


def measure_coverage(covered: Bools, promised: float, groups: Ints | None = None) -> Coverage:
    """Coverage of the truths (n,) that were or were not inside their sets.

    Source: Vovk, Gammerman, Shafer 2005, section 2.3. The range is the binomial one, of as many
    independent pictures as their `groups` (n,) are worth; without groups all are independent.
    Without truths nothing is measured: n is 0 and the range is everything.
    """
    if not 0.0 < promised < 1.0:
        raise InputError(f"A promised coverage lies in (0, 1), got {promised}.")
    n = len(covered)
    if not n:
        return Coverage(promised, 0.0, 0, (0.0, 1.0))
    worth = n if groups is None else max(1, round(effective_size(covered, groups)))
    return Coverage(promised, float(np.mean(covered)), n, binomial_range(promised, worth))


def mean_set_size(could_be: Bools) -> float:
    """Mean number of classes in the sets (n, C); 0 without pictures."""
    return float(could_be.sum(axis=1).mean()) if len(could_be) else 0.0
