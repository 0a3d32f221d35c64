"""How good a ranking of a catalogue is: recall at k and mean average precision."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foveal.core.errors import InputError

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Retrieval:
    """Shares over the queries that have something to find."""

    n: int  # queries
    recall_at_1: float  # the best hit is right
    recall_at_5: float  # one of the best five is right
    mean_average_precision: float


def measure_retrieval(relevant: Bools) -> Retrieval:
    """Measure rankings of q queries over n things, best first: relevant (q, n) says which are right.

    Queries without anything relevant are left out. Average precision is the mean, over the relevant ones, of the
    share of relevant ones up to and including each. Source: Manning et al. 2008, section 8.4.

    >>> measure_retrieval(np.array([[True, False, True], [False, True, False]]))
    Retrieval(n=2, recall_at_1=0.5, recall_at_5=1.0, mean_average_precision=0.6666666666666666)
    """
    if relevant.ndim != 2:
        raise InputError(f"Rankings must be bool (queries, things), got shape {relevant.shape}.")
    relevant = relevant[relevant.any(axis=1)]
    if not len(relevant):
        raise InputError("No query has anything relevant to find; give queries with known answers.")
    precision = relevant.cumsum(axis=1) / np.arange(1, relevant.shape[1] + 1)
    average = (precision * relevant).sum(axis=1) / relevant.sum(axis=1)
    return Retrieval(
        len(relevant),
        float(relevant[:, 0].mean()),
        float(relevant[:, :5].any(axis=1).mean()),
        float(average.mean()),
    )


def measure_overlap(found: npt.NDArray[np.int64], exact: npt.NDArray[np.int64]) -> float:
    """Mean share of the exact neighbors (q, k) that were found (q, k): recall at k of an approximate search."""
    return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found.tolist(), exact.tolist(), strict=True)]))
