"""A picture as a whole: the mean and the spread of its features, one Gaussian.

It sees what no single patch shows: another texture, another part, another light.
"""

from dataclasses import dataclass

import numpy as np

from foveal.core.contracts import Float32s
from foveal.memory.patch_codes import ROUNDING
from foveal.recognizers.good_pictures import GoodPictures, measure_patches
from foveal.recognizers.statistics import Floats

DIMENSIONS = 64  # principal directions of all patches
SHRINKAGE = 0.05  # to a multiple of the identity


@dataclass(frozen=True, eq=False)
class Overall:
    """`project` (d, k) turns patches; `mean` (2k,) and `factor` (2k, 2k): distance^2 = |(summary - mean) factor|^2."""

    project: Floats
    mean: Floats
    factor: Floats

    def distance(self, patches: Float32s) -> float:
        """Distance of one picture's features (P, d)."""
        summary = _summarize(patches[None], self.project)[0]
        return float(np.linalg.norm((summary - self.mean) @ self.factor))


def fit_overall(good: GoodPictures, probes: GoodPictures | None = None) -> tuple[Overall, Floats, Floats]:
    """Fit on all good pictures; return it with left-out distances (n,) and those of the probes (m,)."""
    project = _principal(good)
    summaries = _summarize_all(good, project)
    probe = np.empty((0, summaries.shape[1])) if probes is None else _summarize_all(probes, project)
    left_out, probed = np.empty(len(good)), np.empty(len(probe))
    for group in range(good.n_groups):
        mine = good.groups == group
        mean, factor = _gaussian(summaries[~mine])
        left_out[mine] = np.linalg.norm((summaries[mine] - mean) @ factor, axis=1)
        if probes is not None:
            its = probes.groups == group
            probed[its] = np.linalg.norm((probe[its] - mean) @ factor, axis=1)
    return Overall(project, *_gaussian(summaries)), left_out, probed


def _principal(good: GoodPictures) -> Floats:
    _, covariance = measure_patches(good)
    spread = np.sqrt(np.maximum(np.diag(covariance), ROUNDING))
    _, vectors = np.linalg.eigh(covariance / np.outer(spread, spread))
    return np.asarray(vectors[:, -DIMENSIONS:] / spread[:, None])


def _summarize_all(pictures: GoodPictures, project: Floats) -> Floats:
    """Summaries (n, 2k), a band of positions at a time."""
    total = np.zeros((len(pictures), project.shape[1]))
    second = np.zeros_like(total)
    for _, features in pictures.bands():
        vectors = features @ project.astype(np.float32)
        total += vectors.sum(axis=1, dtype=np.float64)
        second += np.square(vectors).sum(axis=1, dtype=np.float64)
    return _to_summary(total / pictures.n_positions, second / pictures.n_positions)


def _summarize(patches: Float32s, project: Floats) -> Floats:
    vectors = (patches @ project.astype(np.float32)).astype(np.float64)
    return _to_summary(vectors.mean(axis=1), np.square(vectors).mean(axis=1))


def _to_summary(mean: Floats, second: Floats) -> Floats:
    return np.concatenate([mean, np.sqrt(np.maximum(second - mean * mean, 0.0))], axis=1)


def _gaussian(summaries: Floats) -> tuple[Floats, Floats]:
    """Mean and factor of the inverse of the shrunken covariance, each coordinate at its own scale."""
    mean = summaries.mean(axis=0)
    spread = summaries.std(axis=0) + 1e-6
    standard = (summaries - mean) / spread
    correlation = standard.T @ standard / len(standard)
    level = max(float(np.trace(correlation)) / len(correlation), 1e-6)
    shrunk = (1 - SHRINKAGE) * correlation + SHRINKAGE * level * np.eye(len(correlation))
    return mean, np.asarray(np.linalg.cholesky(np.linalg.inv(shrunk)) / spread[:, None])
