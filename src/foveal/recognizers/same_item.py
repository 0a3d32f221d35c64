"""Whether a hit is the same item: a probability from the catalogue's own items that have several pictures."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from foveal.core.contracts import Float32s
from foveal.recognizers.statistics import Floats, Ints

Bools = npt.NDArray[np.bool_]
LEAST = 20  # pictures with another of the same item, from which on a probability is promised
STEPS = 60  # of Newton's method, which needs about 10
BLOCK = 512  # queries compared at once


@dataclass(frozen=True, eq=False)
class Rehearsal:
    """Pictures that have a companion, searched for as if they were new.

    `same` (n,) is the best similarity to another picture of its item, `other` (n,) the best to any other item's.
    `absent` (m,) is the best similarity to any other item's of pictures of items that are not there.
    """

    same: Floats
    other: Floats
    absent: Floats


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of n pictures: item and group numbers (n,), and which may be found.

    Pictures of one group (a burst, copies) are no companions of each other: finding them proves nothing.
    """

    items: Ints
    groups: Ints
    findable: Bools

    @property
    def several(self) -> Bools:
        """Which have another picture of their item (n,)."""
        return np.asarray(np.bincount(self.items)[self.items] > 1)


def rehearse(vectors: Float32s, who: Ints, known: Known) -> Rehearsal:
    """Search those of vectors (n, k) that may be found for those of the rows `who` (q,)."""
    queries, items, groups = vectors[who], known.items[known.findable], known.groups[known.findable]
    vectors = vectors[known.findable]
    same, other = np.full(len(queries), -np.inf), np.full(len(queries), -np.inf)
    if not len(vectors):
        return Rehearsal(same[:0], other[:0], other[:0])
    for start in range(0, len(queries), BLOCK):
        rows = slice(start, start + BLOCK)
        similar = queries[rows] @ vectors.T
        own = known.items[who[rows]][:, None] == items[None, :]
        burst = known.groups[who[rows]][:, None] == groups[None, :]
        same[rows] = np.where(own & ~burst, similar, -np.inf).max(axis=1)
        other[rows] = np.where(own | burst, -np.inf, similar).max(axis=1)
    told = np.isfinite(same) & np.isfinite(other)
    return Rehearsal(same[told], other[told], other[told])


@final
@dataclass(frozen=True)
class SameItem:
    """P(same item) of a hit of similarity s: 1 / (1 + exp(-(slope s + offset))), and what it would have done.

    It supposes that as many things are searched for that are in the catalogue as are not. Fitted by
    maximum likelihood with Platt's targets (Platt 1999; Lin et al. 2007, doi:10.1007/s10994-007-5018-6).
    """

    slope: float
    offset: float
    n: int  # pictures it was fitted on
    found: float  # of things in the catalogue, the share whose best hit is right and beyond one half
    false: float  # of things not in it, the share whose best hit is beyond one half

    def probability(self, similarity: float) -> float:
        """P(same item), in (0, 1)."""
        return float(1.0 / (1.0 + np.exp(-np.clip(self.slope * similarity + self.offset, -30.0, 30.0))))

    def similarity_at(self, probability: float) -> float:
        """The similarity from which on a hit has this probability."""
        return float((np.log(probability / (1.0 - probability)) - self.offset) / self.slope)


def fit_same_item(rehearsal: Rehearsal) -> SameItem | None:
    """Fit the curve; None where there are too few pictures, or similarity tells nothing."""
    n = len(rehearsal.same)
    if n < LEAST:
        return None
    best, absent = np.maximum(rehearsal.same, rehearsal.other), rehearsal.absent
    right = rehearsal.same > rehearsal.other
    truth = np.concatenate([right, np.zeros(len(absent), np.bool_)])
    weights = np.concatenate([np.full(n, 1.0 / n), np.full(len(absent), 1.0 / max(1, len(absent)))])
    slope, offset = _fit_logistic(np.concatenate([best, absent]), truth, weights * n)
    if not slope > 0:
        return None
    limit = -offset / slope
    found = float((right & (best >= limit)).mean())
    return SameItem(slope, offset, n, found, float((absent >= limit).mean()))


def _fit_logistic(values: Floats, truth: Bools, counts: Floats) -> tuple[float, float]:
    """Slope and offset that fit best, each value counting as `counts` says."""
    n_true = float(counts[truth].sum())
    targets = np.where(truth, (n_true + 1.0) / (n_true + 2.0), 1.0 / (float(counts.sum()) - n_true + 2.0))
    center, spread = float(values.mean()), float(values.std()) or 1.0
    inputs = np.stack([(values - center) / spread, np.ones(len(values))], axis=1)
    weights = np.zeros(2)
    for _ in range(STEPS):
        shares = 1.0 / (1.0 + np.exp(-np.clip(inputs @ weights, -30.0, 30.0)))
        gradient = inputs.T @ (counts * (shares - targets))
        curvature = (inputs.T * (counts * shares * (1.0 - shares))) @ inputs + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        weights -= step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-10:
            break
    slope = float(weights[0] / spread)
    return slope, float(weights[1] - weights[0] * center / spread)
