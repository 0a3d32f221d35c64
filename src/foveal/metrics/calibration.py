"""Whether probabilities mean what they say."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foveal.core.errors import InputError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ReliabilityBin:
    """Answers of similar probability: how many, their mean probability and how many were right."""

    low: float
    high: float
    n: int
    probability: float
    right: float


def reliability_bins(probability: Floats, right: npt.NDArray[np.bool_], n_bins: int = 10) -> tuple[ReliabilityBin, ...]:
    """Non-empty bins of equal width, of probabilities (n,) in [0, 1]. Source: Niculescu-Mizil and Caruana 2005."""
    if probability.shape != right.shape or probability.ndim != 1:
        raise InputError(f"One probability per answer is needed, got {probability.shape} and {right.shape}.")
    if len(probability) and not (probability.min() >= 0.0 and probability.max() <= 1.0):
        raise InputError("Probabilities must lie in [0, 1].")
    place = np.minimum((probability * n_bins).astype(int), n_bins - 1)
    return tuple(
        ReliabilityBin(
            b / n_bins,
            (b + 1) / n_bins,
            int(inside.sum()),
            float(probability[inside].mean()),
            float(right[inside].mean()),
        )
        for b in range(n_bins)
        if (inside := place == b).any()
    )


def expected_calibration_error(bins: tuple[ReliabilityBin, ...]) -> float:
    """Mean gap between probability and share right, weighted by bin. Source: Guo et al. 2017, eq. 3."""
    n = sum(b.n for b in bins)
    return sum(b.n * abs(b.probability - b.right) for b in bins) / n if n else 0.0


def brier_score(probabilities: Floats, truth: npt.NDArray[np.bool_]) -> float:
    """Mean over pictures of the squared differences between probabilities and truth, both (n, C): 0 to 2.

    Source: Brier 1950, eq. 2.
    """
    if probabilities.shape != truth.shape:
        raise InputError(f"Probabilities and truth must have one shape, got {probabilities.shape} and {truth.shape}.")
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


def log_loss(probability_of_truth: Floats) -> float:
    """Mean negative logarithm of the probability given to the truth."""
    return float(-np.log(np.maximum(probability_of_truth, 1e-15)).mean())
