"""Whether an anomaly map is high where the defect is."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from foveal.core.errors import InputError
from foveal.metrics.ranking import measure_auroc

Maps = Sequence[npt.NDArray[np.float32]]
Masks = Sequence[npt.NDArray[np.int64]]
MOST_FALSE = 0.3  # share of good points up to which overlap is counted
STEPS = 200  # thresholds between none and MOST_FALSE


def measure_pixel_auroc(maps: Maps, regions: Masks) -> float:
    """Chance that a defective point scores above a good one, over all maps (rows, columns) together.

    `regions` number the defects of each map from 1; 0 is good. Raises InputError without both kinds.
    """
    scores = np.concatenate([one.ravel() for one in maps]).astype(np.float64)
    return measure_auroc(scores, np.concatenate([one.ravel() for one in regions]) > 0)


def measure_aupro(maps: Maps, regions: Masks) -> float:
    """Area under the mean overlap of defects against the share of good points, up to MOST_FALSE, scaled to 1.

    Every defect counts the same, however large. Source: Bergmann et al. 2020, "Uninformed Students",
    arXiv 1911.02357, section 4. Raises InputError without a defect or without good points.
    """
    good = np.sort(np.concatenate([one[region == 0] for one, region in zip(maps, regions, strict=True)]))
    defects = [
        np.sort(one[region == number])
        for one, region in zip(maps, regions, strict=True)
        for number in range(1, int(region.max(initial=0)) + 1)
        if (region == number).any()
    ]
    if not defects or not len(good):
        raise InputError("Overlap needs at least one defect and one good point.")
    shares = np.linspace(0, MOST_FALSE, STEPS + 1)
    places = np.minimum(np.ceil((1 - shares) * len(good)).astype(np.int64), len(good) - 1)
    thresholds = good[places]
    overlap = np.zeros(len(shares))
    for defect in defects:
        overlap += (len(defect) - np.searchsorted(defect, thresholds, side="right")) / len(defect)
    return float(np.trapezoid(overlap / len(defects), shares) / MOST_FALSE)
