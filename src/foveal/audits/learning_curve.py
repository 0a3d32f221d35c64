"""What more pictures would buy, from accuracies measured with fewer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foveal.core.errors import InputError
from foveal.metrics.intervals import wilson_interval

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

EXPONENTS = np.linspace(0.05, 1.5, 59)
FALLS = np.linspace(-0.5, 1.5, 201)  # exponents of a class's errors; below zero they grow


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


@dataclass(frozen=True, eq=False)
class ClassErrors:
    """Left-out errors of each class, all (steps, C), from few pictures to all.

    `taught` is with how many pictures of the class, `judged` how many left-out ones were judged,
    and `wrong` how many of those got another class.
    """

    taught: Floats
    judged: Ints
    wrong: Ints


@dataclass(frozen=True)
class ClassGains:
    """What `more` pictures of one class would buy that class: (gain, low, high) in recall, or None.

    `exponent` says how fast errors fall, n^-exponent, in all classes together, with its 95 % interval.
    """

    exponent: float
    interval: tuple[float, float]
    more: int
    gains: tuple[tuple[float, float, float] | None, ...]


def measure_class_gains(steps: ClassErrors, now: Ints, more: int, *, alike: float = 1.0) -> ClassGains | None:
    """Say what more pictures of each class would buy, from errors made with a part and with all of them.

    `now` (C,) is how many each class has, more than the left-out figures could use. One class has
    too few errors to show how fast they fall, so all classes share the exponent of
    error = own level x taught^-exponent, fitted by Poisson likelihood; `alike` is the mean number
    of pictures a group, by which the likelihood counts for less. A class gets None where the counts
    cannot say: errors may not fall at all, it made none, or `more` leads farther than was measured.
    None is returned without two steps and an error. Source: Cortes et al. 1993, eq. 1, without the
    floor, hence an upper guess; interval: profile likelihood (Cox and Hinkley 1974, section 9.3).
    """
    taught, judged, wrong = steps.taught, steps.judged, steps.wrong
    seen = ((judged > 0) & (taught > 0)).all(axis=0)
    if len(judged) < 2 or not wrong[:, seen].any():
        return None
    parts = taught[:, seen], judged[:, seen], wrong[:, seen]
    likelihood = np.array([_profile(*parts, exponent) for exponent in FALLS]) / max(alike, 1.0)
    within = FALLS[likelihood >= likelihood.max() - 1.92]
    widest = float(np.median(taught[-1, seen] / taught[0, seen]))
    gains: list[tuple[float, float, float] | None] = []
    for n, tried, errors, has in zip(taught[-1], judged[-1], wrong[-1], now, strict=True):
        if within[0] <= 0.0 or not errors or n <= 0 or (has + more) / n > widest:
            gains.append(None)
            continue
        worth = max(1, round(float(tried) / max(alike, 1.0)))
        rates = float(errors / tried), *wilson_interval(round(float(errors / tried) * worth), worth)
        falls = np.array([FALLS[likelihood.argmax()], *within])
        less = (has / n) ** -falls - ((has + more) / n) ** -falls
        gains.append((rates[0] * float(less[0]), rates[1] * float(less.min()), rates[2] * float(less.max())))
    return ClassGains(float(FALLS[likelihood.argmax()]), (float(within[0]), float(within[-1])), more, tuple(gains))


def _profile(taught: Floats, judged: Ints, wrong: Ints, exponent: float) -> float:
    """Poisson log likelihood of the errors when every class has the level that suits it best."""
    expected = judged * taught**-exponent
    level = wrong.sum(axis=0) / expected.sum(axis=0)
    rate = np.where(wrong > 0, level * expected, 1.0)
    return float((wrong * np.log(rate)).sum())
