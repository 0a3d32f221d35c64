"""One label a picture: the shrunken discriminant with calibrated, abstaining answers."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import numpy as np

from foveal.core.contracts import Progress, silent
from foveal.core.errors import InputError
from foveal.memory.codes import to_unit
from foveal.memory.moments import Moments
from foveal.recognizers.calibration import log_softmax
from foveal.recognizers.conformal import Conformal, make_conformal
from foveal.recognizers.decision import Decision, LeftOutRows, fold_negatives, is_decided, log_prior, split_columns
from foveal.recognizers.discriminant import Shrinkage, decompose
from foveal.recognizers.left_out_fit import Part, Rows, choose_level, left_out_scores
from foveal.recognizers.oddness import tail_p_value
from foveal.recognizers.settings import Settings
from foveal.recognizers.statistics import Floats, Ints, measure_within
from foveal.recognizers.taught import Taught


@final
@dataclass(frozen=True, eq=False)
class Classifier:
    """Decides among classes by score = weights u + biases, whose softmax is the probability.

    `labels` are the columns, NOT classes among them; `weights` (L, d) and `biases` (L,) already
    contain the sharpness, and `biases` the offsets and the log priors; scores are relative to the average label's.
    `means` (L, d), `inverse`
    (d, d) and `lengths` (L,) are the class means, S^-1 and mu^T S^-1 mu. `distances` are the left-out squared distances to the nearest class,
    sorted.
    """

    labels: tuple[str, ...]
    counts: Ints
    weights: Floats
    biases: Floats
    means: Floats
    inverse: Floats
    lengths: Floats
    shrinkage: Shrinkage
    sharpness: float
    conformal: Conformal
    distances: Floats
    settings: Settings

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels a picture can be given."""
        return split_columns(self.labels)[0]

    @property
    def columns(self) -> Ints:
        """Column of every class."""
        return split_columns(self.labels)[1]

    def probabilities(self, vectors: Floats) -> Floats:
        """Calibrated probabilities (n, C) of vectors (n, d)."""
        return _posterior(vectors @ self.weights.T + self.biases, self.labels)

    def decide(self, code: np.ndarray) -> Decision:
        """Answer for one code, int16 (d,)."""
        vector = to_unit(code)
        scores = self.weights @ vector + self.biases
        probabilities = _posterior(scores[None], self.labels)[0]
        oddness = tail_p_value(self.distances, self._distance(vector))
        p_values = self.conformal.p_values(probabilities, self.settings.coverage)
        could_be = p_values > 1.0 - self.settings.coverage
        best = int(probabilities.argmax())
        reason = "unlike anything taught" if oddness <= self.settings.odd_below else ""
        if not reason and not is_decided(probabilities, p_values, self.settings):
            reason = self._name_candidates(could_be)
        return Decision(probabilities, could_be, () if reason else (best,), reason, oddness)

    def _distance(self, vector: Floats) -> float:
        """Squared Mahalanobis distance to the nearest class mean."""
        toward = self.inverse @ vector
        return float(vector @ toward - (2.0 * (self.means @ toward) - self.lengths)[self.columns].max())

    def _name_candidates(self, could_be: np.ndarray) -> str:
        if not could_be.any():
            return "fits none of the classes well"
        names = ", ".join(self.classes[i] for i in np.flatnonzero(could_be)[:5])
        return f"could be any of {int(could_be.sum())} classes: {names}"


def fit_classifier(
    moments: Moments, taught: Taught, settings: Settings | None = None, progress: Progress = silent
) -> tuple[Classifier, LeftOutRows]:
    """Fit in closed form; shrinkage, calibration and conformal sets come from left-out groups.

    Raises InputError when fewer than two classes were taught.
    """
    settings = settings or Settings()
    classes, columns, _ = split_columns(moments.labels)
    if len(classes) < 2:
        raise InputError(
            f"Telling apart needs at least two classes, got {len(classes)} ({', '.join(classes) or 'none'}). "
            "Add pictures of something else, for example everything that is not it."
        )
    statistics = measure_within(moments)
    place = {label: index for index, label in enumerate(moments.labels)}
    class_index = np.array([place[names[0]] for names in taught.labels], np.int64)
    positive = np.isin(class_index, columns)
    priors = log_prior(moments.labels, moments.counts, settings.priors, dict(settings.weights))
    rows = Rows(taught, class_index, decompose(statistics, taught.vectors_if_few(statistics.dim)))
    progress("choosing shrinkage", 0, 1)
    parts = rows.some_parts()
    choice = choose_level(statistics, rows.spectrum, parts, positive, settings.level)
    every: Iterable[Part] = rows.parts() if rows.is_thinned else parts
    del parts  # where rows are read again, those in hand are let go first
    scores, distances = left_out_scores(statistics, rows, every, choice, progress)
    probabilities = _posterior(scores + priors, moments.labels)
    own = np.take_along_axis(scores, class_index[:, None], axis=1)[:, 0]
    valid = positive & np.isfinite(own)
    truth = class_index[:, None] == columns
    picked = np.take_along_axis(probabilities[valid], truth[valid].argmax(axis=1)[:, None], axis=1)[:, 0]
    conformal = make_conformal(picked.astype(np.float64), truth[valid].argmax(axis=1), len(classes))
    inverse = rows.spectrum.inverse(choice.shrinkage)
    weights = choice.calibration.sharpness * (statistics.means @ inverse)
    biases = priors + choice.calibration.offsets - 0.5 * np.einsum("cd,cd->c", weights, statistics.means)
    # Scores count from the average class: softmax does not see it, and heat-maps lose the common part.
    weights, biases = weights - weights.mean(axis=0), biases - biases.mean()
    classifier = Classifier(
        moments.labels,
        moments.counts,
        weights,
        biases,
        statistics.means,
        inverse,
        measure_lengths(statistics.means, inverse),
        choice.shrinkage,
        choice.calibration.sharpness,
        conformal,
        np.sort(distances[valid]),
        settings,
    )
    return classifier, LeftOutRows(taught.ids, truth, probabilities.astype(np.float32), distances, valid)


def measure_lengths(means: Floats, inverse: Floats) -> Floats:
    """Squared Mahalanobis length mu^T S^-1 mu of every mean (L,)."""
    return np.asarray(np.einsum("cd,cd->c", means @ inverse, means))


def _posterior(scores: Floats, labels: tuple[str, ...]) -> Floats:
    """Probabilities (n, C) from scores (n, L), the NOT classes folded in."""
    _, columns, negatives = split_columns(labels)
    probabilities = np.exp(log_softmax(np.asarray(scores, np.float64)))
    return fold_negatives(probabilities, columns, negatives) if (negatives >= 0).any() else probabilities
