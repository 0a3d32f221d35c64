"""Whether higher scores mean more of what they are named after."""

import numpy as np
import numpy.typing as npt

from foveal.core.errors import InputError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def measure_auroc(scores: Floats, positive: Bools) -> float:
    """Chance that a positive scores above a negative, ties counting half. Source: Hanley and McNeil 1982.

    Raises InputError without at least one of each.
    """
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    if not n_positive or not n_negative:
        raise InputError("AUROC needs at least one positive and one negative.")
    ranks = rank_with_ties(scores)
    return float((ranks[positive].sum() - n_positive * (n_positive + 1) / 2.0) / (n_positive * n_negative))


def rank_with_ties(scores: Floats) -> Floats:
    """Rank of each score (n,) from 1, ties sharing the mean of theirs.

    >>> rank_with_ties(np.array([3.0, 1.0, 3.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2.0)[place])


def average_precision(scores: Floats, positive: Bools) -> float:
    """Sum of precision at every new recall, ties taken together. Source: Salton and McGill 1983.

    Raises InputError without a positive.
    """
    if not positive.any():
        raise InputError("Average precision needs at least one positive.")
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits = np.cumsum(positive[order])[ends]
    precision = hits / (ends + 1)
    return float((np.diff(np.append(0, hits)) * precision).sum() / positive.sum())
