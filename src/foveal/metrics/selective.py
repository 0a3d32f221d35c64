"""What is gained by answering only when sure."""

import numpy as np
import numpy.typing as npt

from foveal.core.errors import InputError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def selective_curve(confidence: Floats, right: Bools, n_points: int = 50) -> tuple[tuple[float, float], ...]:
    """(share answered, share of answers right) when only the surest are answered, from few to all.

    Equal confidences are answered together. Source: El-Yaniv and Wiener 2010, section 2.
    """
    if confidence.shape != right.shape or not len(right):
        raise InputError(f"One confidence per answer and at least one, got {confidence.shape} and {right.shape}.")
    order = np.argsort(-confidence, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(confidence[order])), len(order) - 1)
    shares, hits = (ends + 1) / len(order), np.cumsum(right[order])[ends] / (ends + 1)
    wanted = np.unique(np.searchsorted(shares, np.linspace(1 / n_points, 1.0, n_points) - 1e-12))
    return tuple((float(shares[i]), float(hits[i])) for i in wanted)
