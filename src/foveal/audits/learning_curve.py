"""What more pictures would buy, from accuracies measured with fewer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foveal.core.errors import InputError

EXPONENTS = np.linspace(0.05, 1.5, 59)


@dataclass(frozen=True)
class Curve:
    """Error = floor + scale n^-exponent, n pictures a class; `residual` is the worst misfit."""

    floor: float
    scale: float
    exponent: float
    residual: float

    def accuracy(self, n: float) -> float:
        """Accuracy expected with n pictures a class."""
        return float(1.0 - (self.floor + self.scale * n**-self.exponent))


def fit_learning_curve(points: Sequence[tuple[float, float]]) -> Curve:
    """Fit (pictures a class, accuracy) points, at least two, by least squares over a grid of exponents.

    Source: Cortes et al. 1993, "Learning curves: asymptotic values and rate of convergence", eq. 1.
    Floor and scale are kept from being negative.
    """
    if len(points) < 2:
        raise InputError(f"A learning curve needs at least two points, got {len(points)}.")
    n, errors = np.array([p[0] for p in points]), 1.0 - np.array([p[1] for p in points])
    best: tuple[float, Curve] | None = None
    for exponent in EXPONENTS:
        shape = n**-exponent
        for with_floor in (True, False):
            if with_floor and len(points) > 2:
                scale, floor = np.polyfit(shape, errors, 1)
            else:
                scale, floor = float(shape @ errors / (shape @ shape)), 0.0
            if scale < 0 or floor < 0:
                continue
            misfit = np.abs(floor + scale * shape - errors)
            loss = float((misfit**2).sum())
            if best is None or loss < best[0]:
                best = loss, Curve(float(floor), float(scale), float(exponent), float(misfit.max()))
    return best[1] if best else Curve(float(errors.mean()), 0.0, 1.0, float(np.ptp(errors)))


def what_more_buys(curve: Curve, n_now: float, more: int, noise: float = 0.0) -> tuple[float, float, float] | None:
    """Gain in accuracy from `more` pictures a class, with a low and a high guess.

    `noise` is how unsure the measured accuracies are. None where the curve cannot say: it does not
    fall, or its misfit and the noise exceed what it would promise.
    """
    gain = curve.accuracy(n_now + more) - curve.accuracy(n_now)
    unsure = curve.residual + noise
    if curve.scale <= 0.0 or gain <= 0.0 or unsure > max(gain, 0.02):
        return None
    return gain, max(0.0, gain - unsure), gain + unsure
