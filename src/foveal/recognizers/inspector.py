"""An inspector: what good pictures look like, and how far from it a picture may be.

The score of a picture is the larger of two standardized ones: that of its worst patches and that of the
picture as a whole. Its p-value is conformal: the share of good pictures, left out in turn and the
picture counted among them, that score at least as high. Source: Vovk, Gammerman, Shafer 2005,
"Algorithmic Learning in a Random World"; left-out scores as in Barber et al. 2021 (CV+).
"""

from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import numpy as np

from foveal.core.contracts import Code, Float32s
from foveal.core.errors import InputError
from foveal.memory.patch_codes import to_patches
from foveal.recognizers.aligned import Aligned, fit_aligned
from foveal.recognizers.anywhere import Anywhere, fit_anywhere
from foveal.recognizers.good_pictures import GoodPictures, score_map
from foveal.recognizers.oddness import BULK, tail_p_value
from foveal.recognizers.overall import Overall, fit_overall
from foveal.recognizers.statistics import Floats

ALIGNED, ANYWHERE = "aligned", "anywhere"
WAYS = (ALIGNED, ANYWHERE)
HANDICAP = 1.0  # of the whole picture's score: patches show where, the whole only that something is different
LEAST = 5  # good pictures without which nothing can be left out
DIFFERENT = 0.5  # share of the picture beyond the limit from which it is no longer a defect but another scene
STRANGE = 1e-6  # tail p-value of the whole picture from which it is another scene


class Verdict(NamedTuple):
    """What an inspector says of one code."""

    score: float
    p_value: float  # conformal, in (0, 1]
    is_good: bool
    is_other: bool  # another part, view or light, rather than a defect
    distances: Float32s  # (rows, columns)


class Yardstick(NamedTuple):
    """Median and distance from it to the ninth decile of left-out scores: spoiled by no few odd ones."""

    middle: float
    spread: float

    def measure(self, score: Floats | float) -> Floats:
        """The score in units of the spread above the median."""
        return np.asarray((score - self.middle) / self.spread)


@dataclass(frozen=True, eq=False)
class Inspector:
    """Fitted on good pictures alone.

    `left_out` (n,) are their scores and `peaks` (n,) their largest patch distances, each under a model
    without its group, in canonical order; `whole` (n,) are their distances as wholes.
    """

    shape: tuple[int, int, int]
    patches: Aligned | Anywhere
    overall: Overall
    left_out: Floats
    peaks: Floats
    whole: Floats
    on_patches: Yardstick
    on_whole: Yardstick
    false_alarms: float

    @property
    def way(self) -> str:
        """How patches are compared: one of WAYS."""
        return ALIGNED if isinstance(self.patches, Aligned) else ANYWHERE

    @property
    def n_good(self) -> int:
        """Good pictures it was fitted on."""
        return len(self.left_out)

    @property
    def promised(self) -> float:
        """The rate of false alarms that can be promised: the one asked for, or 1 / (n + 1) where n is too small."""
        return max(self.false_alarms, 1.0 / (self.n_good + 1))

    @property
    def threshold(self) -> float:
        """The largest score that passes as good."""
        return float(np.sort(self.left_out)[-count_beyond(self.n_good, self.promised)])

    @property
    def limit(self) -> float:
        """The patch distance that the worst patch of a good picture passes as rarely as promised."""
        return float(np.sort(self.peaks)[-count_beyond(self.n_good, self.promised)])

    def inspect(self, code: Code) -> Verdict:
        """Judge one picture's patch code, int16 (rows * columns * d,)."""
        patches = to_patches(code, self.shape[2])
        distances, whole = self.patches.distances(patches), self.overall.distance(patches)
        on_patches = self.on_patches.measure(score_map(distances[None]))
        on_whole = self.on_whole.measure(np.log(whole))
        score = float(_combine(on_patches, on_whole)[0])
        p_value = p_value_of(score, self.left_out)
        is_good = p_value > self.promised
        strange = tail_p_value(np.sort(self.whole), whole) < STRANGE
        is_other = not is_good and strange and float((distances > self.limit).mean()) > DIFFERENT
        return Verdict(score, p_value, is_good, is_other, distances.reshape(self.shape[:2]))


def count_needed(false_alarms: float) -> int:
    """Good pictures needed before this rate of false alarms can be promised.

    >>> count_needed(0.01), count_needed(0.05)
    (99, 19)
    """
    return ceil(round(1.0 / false_alarms - 1.0, 9))


def count_beyond(n: int, rate: float) -> int:
    """How many of n left-out scores lie at or beyond the threshold for this rate, at least one.

    >>> count_beyond(99, 0.01), count_beyond(199, 0.05)
    (1, 10)
    """
    return max(1, int(round(rate * (n + 1), 9)))


def check_rate(false_alarms: float) -> None:
    """Raise InputError for a rate of false alarms outside (0, 0.5]."""
    if not 0.0 < false_alarms <= 0.5:
        raise InputError(f"The rate of false alarms lies above 0 and at most at 0.5, got {false_alarms}.")


def p_value_of(score: float, left_out: Floats) -> float:
    """Share of left-out scores at least as high, the new one counted among them."""
    return float((1 + (left_out >= score).sum()) / (len(left_out) + 1))


def fit_inspector(good: GoodPictures, way: str, false_alarms: float) -> Inspector:
    """Fit on good pictures.

    Raises InputError for fewer than LEAST pictures, for pictures that are all one group, for an
    unknown way and for a rate outside (0, 0.5].
    """
    _check(good, way, false_alarms)
    patches, distances, _ = fit_aligned(good) if way == ALIGNED else fit_anywhere(good)
    overall, whole, _ = fit_overall(good)
    on_map, on_whole = score_map(distances), np.log(np.maximum(whole, 1e-9))
    patch_yard, whole_yard = make_yardstick(on_map), make_yardstick(on_whole)
    return Inspector(
        shape=good.shape,
        patches=patches,
        overall=overall,
        left_out=_combine(patch_yard.measure(on_map), whole_yard.measure(on_whole)),
        peaks=distances.max(axis=1).astype(np.float64),
        whole=whole,
        on_patches=patch_yard,
        on_whole=whole_yard,
        false_alarms=false_alarms,
    )


def measure_placements(good: GoodPictures, probes: GoodPictures, way: str) -> Floats:
    """For each probe (m,), the share of left-out good pictures that score below it."""
    _, distances, probed = fit_aligned(good, probes) if way == ALIGNED else fit_anywhere(good, probes)
    scores = np.sort(score_map(distances))
    return np.asarray(np.searchsorted(scores, score_map(probed)) / len(scores))


def make_yardstick(scores: Floats) -> Yardstick:
    """Median and spread of left-out scores (n,)."""
    middle, high = np.quantile(scores, [0.5, BULK])
    return Yardstick(float(middle), max(float(high - middle), 1e-6))


def _combine(on_patches: Floats, on_whole: Floats) -> Floats:
    return np.maximum(on_patches, on_whole - HANDICAP)


def _check(good: GoodPictures, way: str, false_alarms: float) -> None:
    if way not in WAYS:
        raise InputError(f"Unknown way to inspect {way!r}; choose one of {', '.join(WAYS)}.")
    check_rate(false_alarms)
    if len(good) < LEAST:
        raise InputError(f"Inspecting needs at least {LEAST} good pictures, got {len(good)}. Add more.")
    if good.n_groups < 2:
        raise InputError("All good pictures are copies or one group, so none can be left out. Add others.")
