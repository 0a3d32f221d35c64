"""How sure a measured share is."""

from math import exp, lgamma, log, log1p, sqrt

import numpy as np
import numpy.typing as npt

from foveal.core.errors import InputError

Interval = tuple[float, float]
Z95 = 1.959963984540054


def wilson_interval(successes: int, n: int) -> Interval:
    """95 % interval of a share. Source: Wilson 1927.

    >>> [round(x, 3) for x in wilson_interval(8, 10)]
    [0.49, 0.943]
    """
    _check(successes, n)
    if n == 0:
        return 0.0, 1.0
    share, z2 = successes / n, Z95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def binomial_range(share: float, n: int) -> Interval:
    """Range that holds 95 % of the measured shares of n draws when the true share is `share`.

    The central range of the binomial distribution: at most 2.5 % lie below and above each end.

    >>> binomial_range(0.9, 100)
    (0.84, 0.95)
    """
    if not 0.0 < share < 1.0 or n < 1:
        raise InputError(f"A binomial range needs a share in (0, 1) and n >= 1, got {share} and {n}.")
    below, low, high = 0.0, 0, n
    for k in range(n + 1):
        chance = exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(share) + (n - k) * log1p(-share))
        if below <= 0.025:
            low = k
        below += chance
        if below >= 0.975:
            high = k
            break
    return low / n, high / n


def cluster_interval(right: npt.NDArray[np.bool_], groups: npt.NDArray[np.int64], rounds: int = 2000) -> Interval:
    """95 % interval of a share when pictures come in groups: groups are drawn again, seed fixed.

    Source: Field and Welsh 2007, "Bootstrapping clustered data".
    """
    if len(right) != len(groups) or not len(right):
        raise InputError(f"Needs one group per picture and at least one, got {len(right)} and {len(groups)}.")
    _, index = np.unique(groups, return_inverse=True)
    sums, sizes = np.bincount(index, right.astype(float)), np.bincount(index).astype(float)
    draws = np.random.default_rng(0).integers(0, len(sums), (rounds, len(sums)))
    shares = sums[draws].sum(axis=1) / sizes[draws].sum(axis=1)
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(low), float(high)


def _check(successes: int, n: int) -> None:
    if not 0 <= successes <= n:
        raise InputError(f"Successes must lie between 0 and n, got {successes} of {n}.")
