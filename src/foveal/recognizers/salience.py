"""Where a picture shows something: the box around what excites the network most."""

from collections.abc import Sequence

import numpy as np

from foveal.core.contracts import Float32s
from foveal.recognizers.regions import label_regions


def find_salient(maps: Sequence[Float32s]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom, as shares of what the network saw, around the largest excited region.

    A position of the smallest map is excited when its channels sum to more than the mean over positions.
    Source: Wei et al. 2017 (selective convolutional descriptor aggregation), section III.
    """
    excitement = min(maps, key=lambda found: found.shape[1]).sum(axis=0, dtype=np.float64)
    numbers = label_regions(excitement > excitement.mean())
    if not numbers.any():
        return 0.0, 0.0, 1.0, 1.0
    rows, columns = np.nonzero(numbers == np.bincount(numbers[numbers > 0]).argmax())
    height, width = excitement.shape
    return (
        float(columns.min() / width),
        float(rows.min() / height),
        float((columns.max() + 1) / width),
        float((rows.max() + 1) / height),
    )
