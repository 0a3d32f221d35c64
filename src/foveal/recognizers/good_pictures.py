"""The patch codes of good pictures, in an order that depends on nothing but the codes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foveal.core.contracts import Float32s
from foveal.memory.patch_codes import to_patches
from foveal.recognizers.statistics import Floats, Ints

BAND = 64  # positions held as floats at a time


@dataclass(frozen=True, eq=False)
class GoodPictures:
    """Patch codes int16 (n, positions * d) with the group number of each (n,): what is left out together.

    `shape` is rows, columns and length of a patch's vector. Probes are further pictures, judged by a
    model without the group they name and never part of one.
    """

    codes: npt.NDArray[np.int16]
    groups: Ints
    shape: tuple[int, int, int]

    def __len__(self) -> int:
        """Number of pictures n."""
        return len(self.codes)

    @property
    def n_positions(self) -> int:
        """Positions of a picture, rows times columns."""
        return self.shape[0] * self.shape[1]

    @property
    def n_groups(self) -> int:
        """Groups, numbered from 0."""
        return int(self.groups.max(initial=-1)) + 1

    def bands(self) -> Iterator[tuple[slice, Float32s]]:
        """Yield positions and their features float32 (n, at most BAND, d)."""
        dim = self.shape[2]
        for start in range(0, self.n_positions, BAND):
            stop = min(start + BAND, self.n_positions)
            yield slice(start, stop), to_patches(self.codes[:, start * dim : stop * dim], dim)


def measure_patches(good: GoodPictures, fade: Float32s | None = None) -> tuple[Floats, Floats]:
    """Mean (d,) and covariance (d, d) of all patches, each multiplied by the `fade` (P,) of its position."""
    dim = good.shape[2]
    total, second = np.zeros(dim), np.zeros((dim, dim))
    for where, features in good.bands():
        flat = (features if fade is None else features * fade[where, None]).reshape(-1, dim)
        total += flat.sum(axis=0, dtype=np.float64)
        second += flat.T @ flat
    count = len(good) * good.n_positions
    mean = total / count
    return mean, second / count - np.outer(mean, mean)


def score_map(distances: Float32s) -> Floats:
    """Score of maps (n, positions): the logarithm of the mean of the largest hundredth, float64 (n,)."""
    top = max(1, distances.shape[1] // 100)
    largest = np.partition(distances, distances.shape[1] - top, axis=1)[:, -top:]
    return np.asarray(np.log(np.maximum(largest.astype(np.float64).mean(axis=1), 1e-9)))
