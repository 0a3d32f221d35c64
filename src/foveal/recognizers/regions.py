"""Regions of an anomaly map beyond the limit, in the picture's own pixels."""

import numpy as np
import numpy.typing as npt

from foveal.core.contracts import Float32s
from foveal.core.inspection import Region

FINE = 8  # points a position's side is divided into
TIGHT = 0.6  # of a region's peak: less is the reach of the network, not the defect
MOST = 20  # regions told, strongest first
Bools = npt.NDArray[np.bool_]


def find_regions(anomaly_map: Float32s, width: int, height: int, *, limit: float = 1.0) -> tuple[Region, ...]:
    """Connected regions of `anomaly_map` (rows, columns) at or beyond `limit`, strongest first, at most MOST.

    Of each, what has at least TIGHT of its largest value is told.

    >>> one = np.zeros((4, 4), np.float32); one[1, 2] = 2.0
    >>> [(r.box, r.peak) for r in find_regions(one, 400, 400)]
    [((200, 100, 300, 200), (1, 2))]
    """
    fine = enlarge_map(anomaly_map, FINE)
    labels = label_regions(fine >= limit)
    regions = []
    for number in range(1, int(labels.max(initial=0)) + 1):
        inside = labels == number
        inside &= fine >= TIGHT * fine[inside].max()
        regions.append(_describe(inside, np.where(inside, fine, -np.inf), limit, width, height))
    return tuple(sorted(regions, key=lambda region: -region.strength)[:MOST])


def enlarge_map(anomaly_map: Float32s, times: int) -> Float32s:
    """Linear interpolation between the positions' centers, (rows * times, columns * times)."""
    return resize_map(anomaly_map, anomaly_map.shape[0] * times, anomaly_map.shape[1] * times)


def resize_map(anomaly_map: Float32s, height: int, width: int) -> Float32s:
    """The map in a picture's own pixels: linear interpolation between the positions' centers, (height, width)."""
    for axis, wanted in ((0, height), (1, width)):
        side = anomaly_map.shape[axis]
        at = ((np.arange(wanted) + 0.5) * side / wanted - 0.5).clip(0, side - 1)
        low = np.floor(at).astype(np.int64)
        share = (at - low).astype(np.float32)
        share = share[:, None] if axis == 0 else share[None, :]
        high = np.minimum(low + 1, side - 1)
        anomaly_map = np.take(anomaly_map, low, axis) * (1 - share) + np.take(anomaly_map, high, axis) * share
    return anomaly_map


def label_regions(inside: Bools) -> npt.NDArray[np.int64]:
    """Number the regions whose points touch by a side: 0 outside, from 1 in reading order of their first point.

    >>> label_regions(np.array([[1, 0, 1], [1, 1, 1], [0, 0, 0], [0, 0, 1]], bool)).tolist()
    [[1, 0, 1], [1, 1, 1], [0, 0, 0], [0, 0, 2]]
    """
    parents: list[int] = [0]
    marks = np.zeros(inside.shape, np.int64)

    def root(number: int) -> int:
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    for row in range(len(inside)):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], inside[row], [False]]).astype(np.int8)))
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            above = {root(int(n)) for n in np.unique(marks[row - 1, start:stop]) if n} if row else set()
            own = min(above, default=len(parents))
            if own == len(parents):
                parents.append(own)
            for other in above:
                parents[other] = own
            marks[row, start:stop] = own
    roots = np.array([root(number) for number in range(len(parents))], np.int64)
    return np.searchsorted(np.unique(roots), roots)[marks]


def _describe(inside: Bools, values: Float32s, limit: float, width: int, height: int) -> Region:
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    high, wide = height / inside.shape[0], width / inside.shape[1]
    row, column = divmod(int(values.argmax()), inside.shape[1])
    left, top = int(columns[0] * wide), int(rows[0] * high)
    return Region(
        box=(left, top, max(left + 1, round((columns[-1] + 1) * wide)), max(top + 1, round((rows[-1] + 1) * high))),
        area=max(1, round(float(inside.sum()) * high * wide)),
        strength=float(values.max()) / limit,
        peak=(row // FINE, column // FINE),
        mask=inside,
    )
