"""How sure a measured share is."""

from math import exp, lgamma, log, log1p, sqrt

import numpy as np
import numpy.typing as npt

from foveal.core.errors import InputError

Interval = tuple[float, float]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Z95 = 1.959963984540054


def wilson_interval(successes: int, n: int) -> Interval:
    """95 % interval of a share. Source: Wilson 1927.

    >>> [round(x, 3) for x in wilson_interval(8, 10)]
    [0.49, 0.943]
    """
    _check(successes, n)
    if n == 0:
        return 0.0, 1.0
    return _wilson(successes / n, float(n))


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


def cluster_interval(right: Bools, groups: Ints) -> Interval:
    """95 % interval of the share of True (n,) when pictures come in groups (n,), whose members resemble each other.

    The Wilson interval for as many independent pictures as the groups are worth. Source: Korn and
    Graubard 1998, with Wilson's limits.
    """
    worth = effective_size(right, groups)
    return _wilson(float(np.mean(right)), worth)


def effective_size(right: Bools, groups: Ints) -> float:
    """How many independent pictures n pictures in groups are worth for the share of True, 1 to n.

    n divided by the design effect, with Student's t for few groups. Where all are True or all are
    False, the groups cannot show how alike their members are, and each counts as one picture.
    Source: Kish 1965, "Survey Sampling", section 8.2; Korn and Graubard 1998.
    """
    if len(right) != len(groups) or not len(right):
        raise InputError(f"Needs one group per picture and at least one, got {len(right)} and {len(groups)}.")
    n, share = len(right), float(np.mean(right))
    _, index = np.unique(groups, return_inverse=True)
    sizes = np.bincount(index).astype(float)
    n_groups = len(sizes)
    if n_groups == n:
        return float(n)
    worth = float(n**2 / (sizes**2).sum())
    if n_groups > 1 and 0.0 < share < 1.0:
        apart = np.bincount(index, np.asarray(right, float)) - share * sizes
        variance = float((apart**2).sum()) * n_groups / (n_groups - 1) / n**2
        worth = max(1.0, min(float(n), share * (1.0 - share) / variance if variance > 0 else float(n)))
        worth *= (Z95 / student_quantile(n_groups - 1)) ** 2
    return max(worth, 1.0)


def student_quantile(freedom: int) -> float:
    """The 97.5 % quantile of Student's t, to 1 % or better.

    Exact values up to four degrees of freedom, then the Cornish-Fisher expansion.
    Source: Abramowitz and Stegun 1964, 26.7.5.

    >>> [round(student_quantile(k), 2) for k in (1, 5, 30)]
    [12.71, 2.57, 2.04]
    """
    if freedom < 1:
        raise InputError(f"Student's t needs at least one degree of freedom, got {freedom}.")
    exact = {1: 12.7062, 2: 4.3027, 3: 3.1824, 4: 2.7764}
    if freedom in exact:
        return exact[freedom]
    z = Z95
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def _check(successes: int, n: int) -> None:
    if not 0 <= successes <= n:
        raise InputError(f"Successes must lie between 0 and n, got {successes} of {n}.")


def _wilson(share: float, n: float) -> Interval:
    z2 = Z95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)
