"""Any number of tags a picture: one ridge regression per tag from the same moments.

With m the overall mean, T = G - n m m^T, p_t the share of pictures with tag t and s_t their sum,
w_t = (T + r I)^-1 (s_t - n_t m), and the fitted value is p_t + w_t^T (x - m). Left-out residuals of
group K are (I - H_KK)^-1 (y_K - fit_K), H the hat matrix with its intercept. A logistic map per tag
(slope shared among tags, offset per tag) turns left-out values into probabilities.

Source: Hoerl and Kennard 1970; left-out residuals as in Cook and Weisberg 1982, section 2.2;
the logistic map as in Platt 1999, without its target smoothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import numpy as np

from foveal.core.contracts import Progress, silent
from foveal.core.errors import InputError
from foveal.memory.codes import to_unit
from foveal.memory.moments import Moments
from foveal.recognizers.conformal import Conformal, make_conformal
from foveal.recognizers.decision import NOT, Decision, LeftOutRows
from foveal.recognizers.discriminant import Shrinkage, Spectrum, decompose
from foveal.recognizers.leave_out import groups_of_equal_size
from foveal.recognizers.left_out_fit import Part, Rows
from foveal.recognizers.levels import search_levels
from foveal.recognizers.oddness import tail_p_value
from foveal.recognizers.settings import Settings
from foveal.recognizers.statistics import Floats, Ints, Statistics, measure_about_mean
from foveal.recognizers.taught import Taught


@final
@dataclass(frozen=True, eq=False)
class Tagger:
    """Decides every tag alone: logit = weights u + biases, calibrated.

    `present` and `absent` are conformal predictors of the tag being there and not: a tag is
    answered when only "there" is plausible, and "could be" when both or neither are.
    """

    labels: tuple[str, ...]
    counts: Ints
    weights: Floats
    biases: Floats
    mean: Floats
    inverse: Floats
    shrinkage: Shrinkage
    sharpness: float
    present: Conformal
    absent: Conformal
    distances: Floats
    settings: Settings

    @property
    def classes(self) -> tuple[str, ...]:
        """Tags a picture can be given."""
        return self.labels

    def probabilities(self, vectors: Floats) -> Floats:
        """Calibrated probability (n, C) of each tag, independent of the others."""
        return _sigmoid(vectors @ self.weights.T + self.biases)

    def decide(self, code: np.ndarray) -> Decision:
        """Answer for one code, int16 (d,)."""
        vector = to_unit(code)
        probabilities = self.probabilities(vector[None])[0]
        apart = vector - self.mean
        oddness = tail_p_value(self.distances, float(apart @ self.inverse @ apart))
        alpha = 1.0 - self.settings.coverage
        there = self.present.p_values(probabilities, self.settings.coverage) > alpha
        away = self.absent.p_values(1.0 - probabilities, self.settings.coverage) > alpha
        reason = "unlike anything taught" if oddness <= self.settings.odd_below else ""
        sure = there & ~away | (there == away) & (probabilities > 0.5)
        answer = () if reason else tuple(int(i) for i in np.argsort(-probabilities, kind="stable") if sure[i])
        return Decision(probabilities, there, answer, reason or ("" if answer else "none of the tags fits"), oddness)


def fit_tagger(
    moments: Moments, taught: Taught, settings: Settings | None = None, progress: Progress = silent
) -> tuple[Tagger, LeftOutRows]:
    """Fit every tag in closed form, ridge and calibration from left-out groups.

    Raises InputError without tags, or when every picture has the same tags.
    """
    settings = settings or Settings()
    tags = tuple(label for label in moments.labels if not label.startswith(NOT))
    if not tags or (moments.counts == moments.n).all():
        raise InputError("Tags need pictures with and without them; every picture has the same. Add others.")
    statistics = measure_about_mean(moments)
    truth = np.array([[tag in names for tag in moments.labels] for names in taught.labels], bool)
    columns = np.array([label in tags for label in moments.labels])
    spectrum = decompose(statistics, taught.vectors_if_few(statistics.dim))
    rows = Rows(taught, np.zeros(len(taught), np.int64), spectrum)
    progress("choosing shrinkage", 0, 1)
    shrinkage = _choose(statistics, rows, truth, settings.level)
    _, values, distances = _left_out_values(statistics, spectrum, rows.parts(), truth, shrinkage)
    sharpness, offsets = _fit_logistic(values[:, columns], truth[:, columns])
    probabilities = _sigmoid(sharpness * values[:, columns] + offsets)
    inverse = spectrum.inverse(shrinkage)
    slopes = sharpness * _weights(statistics, inverse)[columns]
    shares = sharpness * (moments.counts / moments.n)[columns]
    kept = truth[:, columns]
    everyone, n_tags = np.nonzero(kept), len(tags)
    others = np.nonzero(~kept)
    tagger = Tagger(
        tags,
        moments.counts[columns],
        slopes,
        shares - slopes @ statistics.mean + offsets,
        statistics.mean,
        inverse,
        shrinkage,
        sharpness,
        make_conformal(probabilities[everyone], everyone[1], n_tags),
        make_conformal(1.0 - probabilities[others], others[1], n_tags),
        np.sort(distances),
        settings,
    )
    valid = np.ones(len(taught), bool)
    return tagger, LeftOutRows(taught.ids, kept, probabilities.astype(np.float32), distances, valid)


def _weights(statistics: Statistics, inverse: Floats) -> Floats:
    """(T + r I)^-1 (s_t - n_t m) for every tag, (C, d)."""
    return np.asarray((statistics.counts[:, None] * (statistics.means - statistics.mean)) @ inverse)


def _shrinkage(statistics: Statistics, level: float) -> Shrinkage:
    """Ridge r = g / (1 - g) tr(T) / d, so that g in (0, 1] has the meaning it has for classes."""
    trace = float(np.trace(statistics.scatter)) or 1.0
    return Shrinkage(level, 1.0, level / max(1.0 - level, 1e-9) * trace / statistics.dim)


def _left_out_values(
    statistics: Statistics, spectrum: Spectrum, parts: Iterable[Part], truth: np.ndarray, shrinkage: Shrinkage
) -> tuple[Ints, Floats, Floats]:
    """Positions (m,) with their left-out fitted values (m, C) and squared distances from the mean (m,)."""
    diagonal = spectrum.inverse_diagonal(shrinkage)
    mean = statistics.mean @ spectrum.vectors
    slopes = (statistics.counts[:, None] * (spectrum.means - mean)) * diagonal
    places, values, distances = [], [], []
    for positions, part in parts:
        apart = part.vectors - mean
        fitted = statistics.counts / statistics.n + apart @ slopes.T
        for members in groups_of_equal_size(part.groups):
            near = apart[members]
            hat = 1.0 / statistics.n + (near * diagonal) @ near.transpose(0, 2, 1)
            actual = truth[positions[members]].astype(np.float64)
            errors = np.linalg.solve(np.eye(members.shape[1]) - hat, actual - fitted[members])
            alone = np.diagonal(hat, axis1=1, axis2=2) - 1.0 / statistics.n
            places.append(positions[members].ravel())
            values.append((actual - errors).reshape(-1, truth.shape[1]))
            distances.append((alone / np.maximum(1.0 - alone, 1e-12)).ravel())
    where = np.concatenate(places)
    order = np.argsort(where)
    return where[order], np.concatenate(values)[order], np.concatenate(distances)[order]


def _choose(statistics: Statistics, rows: Rows, truth: np.ndarray, level: float | None) -> Shrinkage:
    parts = rows.some_parts() if level is None else []

    def measure_loss(candidate: float) -> float:
        shrinkage = _shrinkage(statistics, candidate)
        where, values, _ = _left_out_values(statistics, rows.spectrum, parts, truth, shrinkage)
        sharpness, offsets = _fit_logistic(values, truth[where])
        logits = sharpness * values + offsets
        return float((np.logaddexp(0.0, logits) - truth[where] * logits).mean())

    return _shrinkage(statistics, search_levels(measure_loss) if level is None else level)


def _fit_logistic(values: Floats, truth: np.ndarray, rounds: int = 25) -> tuple[float, Floats]:
    """Slope shared among tags and an offset per tag (C,), by damped Newton steps on the log loss.

    Held within a small ridge, so that tags which are told apart perfectly stay finite.
    """
    slope, offsets = 4.0, -4.0 * values.mean(axis=0)
    for _ in range(rounds):
        likely = _sigmoid(slope * values + offsets)
        error, curve = likely - truth, likely * (1.0 - likely) + 1e-9
        at_slope = float((error * values).sum()) + 1e-2 * slope
        at_offsets = error.sum(axis=0) + 1e-2 * offsets
        diagonal, mixed = curve.sum(axis=0) + 1e-2, (curve * values).sum(axis=0)
        schur = float((curve * values**2).sum()) + 1e-2 - float((mixed**2 / diagonal).sum())
        move = (at_slope - float((mixed * at_offsets / diagonal).sum())) / schur
        move = float(np.clip(move, -0.5 * abs(slope) - 1.0, 0.5 * abs(slope) + 1.0))
        offsets = offsets - np.clip((at_offsets - mixed * move) / diagonal, -4.0, 4.0)
        slope -= move
    return slope, offsets


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * values)))
