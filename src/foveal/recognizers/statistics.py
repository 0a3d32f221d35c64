"""What a linear read-out needs to know of a memory, in float64."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foveal.core.errors import InputError
from foveal.memory.codes import CODE_SCALE
from foveal.memory.moments import Moments

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Statistics:
    """Counts (C,), means (C, d) and overall mean (d,) of the classes, and a scatter matrix (d, d).

    `scatter` is the sum of (x - m)(x - m)^T, m being the mean of x's class (within classes) or of
    all codes (about the overall mean).
    """

    n: int
    counts: Ints
    means: Floats
    mean: Floats
    scatter: Floats

    @property
    def dim(self) -> int:
        """Length d of a vector."""
        return int(self.mean.shape[0])

    @property
    def n_classes(self) -> int:
        """Number of classes C."""
        return int(self.counts.shape[0])


def measure_within(moments: Moments) -> Statistics:
    """Scatter within classes of single-label moments: T = G - sum_c s_c s_c^T / n_c."""
    if int(moments.counts.sum()) != moments.n:
        raise InputError("A single-label memory needs exactly one label a picture; teach tags as multi-label instead.")
    means, mean, second = _scale(moments)
    return Statistics(moments.n, moments.counts, means, mean, second - (means.T * moments.counts) @ means)


def measure_about_mean(moments: Moments) -> Statistics:
    """Scatter about the overall mean, for tags: T = G - n m m^T."""
    means, mean, second = _scale(moments)
    return Statistics(moments.n, moments.counts, means, mean, second - moments.n * np.outer(mean, mean))


def measure_arrays(vectors: Floats, class_index: Ints, n_classes: int) -> Statistics:
    """Scatter within classes of plain float vectors (n, d), each class present at least once."""
    counts = np.bincount(class_index, minlength=n_classes)
    means = np.zeros((n_classes, vectors.shape[1]))
    np.add.at(means, class_index, vectors)
    means /= counts[:, None]
    centered = vectors - means[class_index]
    return Statistics(len(vectors), counts.astype(np.int64), means, vectors.mean(axis=0), centered.T @ centered)


def _scale(moments: Moments) -> tuple[Floats, Floats, Floats]:
    means = moments.sums / (moments.counts[:, None] * float(CODE_SCALE))
    return means, moments.total / (moments.n * float(CODE_SCALE)), moments.second / float(CODE_SCALE) ** 2
