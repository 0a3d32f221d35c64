"""Parts that lie alike in every picture: what each position looks like, one Gaussian a position.

Source: Defard et al. 2021 (PaDiM, arXiv 2011.08785), here in a space whitened by what all positions
share, with shrinkage to it.
"""

from dataclasses import dataclass

import numpy as np

from foveal.core.contracts import Float32s
from foveal.memory.patch_codes import ROUNDING
from foveal.recognizers.good_pictures import GoodPictures
from foveal.recognizers.statistics import Ints

DIMENSIONS = 96  # of the whitened space: the directions in which good pictures differ most
FINE_POSITIONS, FINE_DIMENSIONS = 2400, 64  # of a finer grid, so that a file stays under 50 MB
RIDGE = 0.01  # of the mean variance, added before whitening
SHRINKAGE = 0.02  # share of the covariance that all positions share


@dataclass(frozen=True, eq=False)
class Aligned:
    """`project` (d, k) whitens; `means` (P, k) and `factors` (P, k, k): distance^2 = |(x project - mean) factor|^2."""

    project: Float32s
    means: Float32s
    factors: Float32s

    def distances(self, patches: Float32s) -> Float32s:
        """Mahalanobis distance of each position (P,) of one picture's features (P, d)."""
        centered = patches @ self.project - self.means
        return np.asarray(np.linalg.norm(np.matmul(centered[:, None, :], self.factors)[:, 0], axis=1))


def fit_aligned(good: GoodPictures, probes: GoodPictures | None = None) -> tuple[Aligned, Float32s, Float32s]:
    """Fit on all good pictures; return it with left-out distances (n, P) and those of the probes (m, P).

    Leaving a group out is exact, without refitting but for the whitening that all positions share.
    """
    project = _whiten(good)
    n, positions, k = len(good), good.n_positions, project.shape[1]
    means, factors = np.empty((positions, k), np.float32), np.empty((positions, k, k), np.float32)
    left_out = np.empty((n, positions), np.float32)
    probed = np.empty((0 if probes is None else len(probes), positions), np.float32)
    members = _group_by_size(good.groups)
    probe_bands = iter(()) if probes is None else probes.bands()
    for where, features in good.bands():
        vectors = np.ascontiguousarray((features @ project).transpose(1, 0, 2))  # (band, n, k)
        mean = vectors.mean(axis=1)
        vectors -= mean[:, None]
        scatter = vectors.transpose(0, 2, 1) @ vectors
        means[where], factors[where] = mean, _factor(scatter, n)
        its = None if probes is None else (next(probe_bands)[1] @ project).transpose(1, 0, 2) - mean[:, None]
        for size, groups in members.items():
            factor = _factor(scatter, n - size)
            for mine in groups:
                own = vectors[:, mine] @ factor
                left_out[mine, where] = _measure_without(own, own, n).T
                if probes is not None and its is not None:
                    of_group = np.flatnonzero(probes.groups == good.groups[mine[0]])
                    if len(of_group):
                        probed[of_group, where] = _measure_without(its[:, of_group] @ factor, own, n).T
    return Aligned(project, means, factors), left_out, probed


def _group_by_size(groups: Ints) -> dict[int, list[Ints]]:
    """Places of each group's members, by the number of members."""
    by_size: dict[int, list[Ints]] = {}
    for group in np.unique(groups):
        mine = np.flatnonzero(groups == group)
        by_size.setdefault(len(mine), []).append(mine)
    return by_size


def _factor(scatter: Float32s, n: int) -> Float32s:
    """Factors (b, k, k) of the inverse of the shrunken covariances of n pictures with this scatter (b, k, k)."""
    covariance = (1 - SHRINKAGE) / max(n, 1) * scatter.astype(np.float64)
    return np.asarray(np.linalg.cholesky(np.linalg.inv(covariance + SHRINKAGE * np.eye(scatter.shape[1])))).astype(
        np.float32
    )


def _measure_without(vectors: Float32s, own: Float32s, n: int) -> Float32s:
    """Distances (b, m) of centered vectors (b, m, k) under the Gaussian without its pictures `own` (b, g, k).

    Both are multiplied by the factor of the whole scatter over n - g. With s the sum of the group and n' = n - g,
    the scatter without it is T - U^T U for the rows U = (own, s / sqrt(n')), and the mean moves by -s / n':
    the Woodbury identity then needs a system of g + 1 unknowns.
    """
    rest = max(n - own.shape[1], 1)
    total = own.sum(axis=1, keepdims=True)
    gone = np.concatenate([own, total / np.sqrt(rest)], axis=1).astype(np.float64)
    moved = vectors.astype(np.float64) + total / rest
    share = (1 - SHRINKAGE) / rest
    across = gone @ moved.transpose(0, 2, 1)  # (b, g + 1, m)
    system = np.eye(gone.shape[1]) - share * gone @ gone.transpose(0, 2, 1)
    more = share * (across * np.linalg.solve(system, across)).sum(axis=1)
    return np.asarray(np.sqrt(np.square(moved).sum(axis=2) + more).astype(np.float32))


def _whiten(good: GoodPictures) -> Float32s:
    """Directions (d, k) of the residuals about each position's mean, scaled to unit variance."""
    dim = good.shape[2]
    scatter = np.zeros((dim, dim))
    for _, features in good.bands():
        residuals = (features - features.mean(axis=0)).reshape(-1, dim)
        scatter += residuals.T @ residuals
    count = len(good) * good.n_positions
    spread = np.sqrt(np.maximum(np.diag(scatter), count * ROUNDING))
    values, vectors = np.linalg.eigh(scatter / np.outer(spread, spread))
    k = DIMENSIONS if good.n_positions <= FINE_POSITIONS else FINE_DIMENSIONS
    values, vectors = values[-k:], vectors[:, -k:]
    scale = np.sqrt(np.maximum(values, 0) + RIDGE * max(float(values.mean()), 1e-6))
    return np.asarray((np.sqrt(count) * vectors / scale / spread[:, None]).astype(np.float32))
