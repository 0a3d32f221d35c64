"""Everything that is measured of a recognizer, as one value."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from foveal.core.errors import InputError
from foveal.metrics.calibration import (
    ReliabilityBin,
    brier_score,
    expected_calibration_error,
    log_loss,
    reliability_bins,
)
from foveal.metrics.classification import class_figures, confusion_matrix, macro_f1
from foveal.metrics.coverage import Coverage, mean_set_size, measure_coverage
from foveal.metrics.intervals import Interval, cluster_interval
from foveal.metrics.ranking import average_precision
from foveal.metrics.selective import selective_curve
from foveal.metrics.tags import exact_match, micro_f1, tag_figures

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ClassRow:
    """One class: how many pictures, how it does, and how often its truth was in the could-be set."""

    label: str
    n: int
    precision: float
    recall: float
    recall_interval: Interval
    f1: float
    coverage: float
    coverage_range: Interval  # where 95 % of such measurements fall if the promise holds


@dataclass(frozen=True)
class CoverageReport(Coverage):
    """Coverage over all classes, and the mean number of classes in a set."""

    mean_set_size: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Figures on pictures that were not taught. `accuracy` counts the best guess of every picture.

    For tags, accuracy is the share of right yes/no decisions over all tags, `confusion` is None,
    and `average_precision` is the mean over tags.
    """

    how: str  # "test pictures" or "left-out groups"
    n: int
    n_groups: int
    accuracy: float
    accuracy_interval: Interval
    macro_f1: float
    log_loss: float
    calibration_error: float
    bins: tuple[ReliabilityBin, ...]
    coverage: CoverageReport
    share_answered: float
    accuracy_answered: float
    classes: tuple[ClassRow, ...]
    confusion: Ints | None
    confused: tuple[tuple[str, str, int], ...]  # truth, answer, how often; most frequent first
    brier: float
    selective: tuple[tuple[float, float], ...]  # share answered, share of answers right, the surest first
    average_precision: float | None = None
    exact_match: float | None = None  # share of pictures whose tags are all right
    micro_f1: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        plain = {
            name: getattr(self, name)
            for name in ("how", "n", "n_groups", "accuracy", "macro_f1", "log_loss", "brier", "calibration_error",
                         "share_answered", "accuracy_answered", "average_precision", "exact_match", "micro_f1")
        }  # fmt: skip
        return plain | {
            "accuracy_interval": list(self.accuracy_interval),
            "coverage": asdict(self.coverage) | {"is_kept": self.coverage.is_kept},
            "classes": [asdict(row) for row in self.classes],
            "reliability": [asdict(b) for b in self.bins],
            "confusion": None if self.confusion is None else self.confusion.tolist(),
            "confused": [list(row) for row in self.confused],
            "selective": [list(point) for point in self.selective],
        }


@dataclass(frozen=True, eq=False)
class Answers:
    """What a recognizer said of n pictures: probabilities and could-be sets (n, C), answered (n,)."""

    probabilities: Floats
    could_be: Bools
    answered: Bools
    groups: Ints  # group number of every picture (n,)
    coverage: float  # promised


def measure_evaluation(classes: Sequence[str], truth: Ints, answers: Answers, *, how: str) -> Evaluation:
    """Measure single-label answers; `truth` holds class indices (n,). Raises InputError without pictures."""
    _check(classes, len(truth), answers)
    n, n_classes = answers.probabilities.shape
    best, surest = answers.probabilities.argmax(axis=1), answers.probabilities.max(axis=1)
    right = best == truth
    confusion = confusion_matrix(truth, best, n_classes)
    covered = answers.could_be[np.arange(n), truth]
    bins = reliability_bins(np.minimum(surest, 1.0), right)
    answered = answers.answered
    return Evaluation(
        how=how,
        n=n,
        n_groups=len(np.unique(answers.groups)),
        accuracy=float(right.mean()),
        accuracy_interval=cluster_interval(right, answers.groups),
        macro_f1=macro_f1(confusion),
        log_loss=log_loss(answers.probabilities[np.arange(n), truth]),
        calibration_error=expected_calibration_error(bins),
        bins=bins,
        coverage=_report_coverage(covered, answers.groups, answers),
        share_answered=float(answered.mean()),
        accuracy_answered=float(right[answered].mean()) if answered.any() else 0.0,
        classes=_class_rows(classes, confusion, truth, covered, answers),
        confusion=confusion,
        confused=_most_confused(classes, confusion),
        brier=brier_score(answers.probabilities, np.arange(n_classes) == truth[:, None]),
        selective=selective_curve(surest, right),
    )


def measure_tags(classes: Sequence[str], truth: Bools, answers: Answers, *, how: str) -> Evaluation:
    """Measure tags; `truth` (n, C) says which tags each picture has. Raises InputError without pictures."""
    _check(classes, len(truth), answers)
    probabilities = answers.probabilities
    said = probabilities > 0.5
    right = said == truth
    rows = _tag_rows(classes, truth, said, answers)
    precisions = [average_precision(probabilities[:, c], truth[:, c]) for c in range(len(classes)) if truth[:, c].any()]
    bins = reliability_bins(np.minimum(probabilities.ravel(), 1.0), truth.ravel())
    told_truth = np.where(truth, probabilities, 1.0 - probabilities)
    # A picture is as sure as its least sure decision.
    surest = np.abs(probabilities - 0.5).min(axis=1)
    return Evaluation(
        how=how,
        n=len(truth),
        n_groups=len(np.unique(answers.groups)),
        accuracy=float(right.mean()),
        accuracy_interval=cluster_interval(right.ravel(), np.repeat(answers.groups, len(classes))),
        macro_f1=float(np.mean([row.f1 for row in rows])),
        log_loss=log_loss(told_truth.ravel()),
        calibration_error=expected_calibration_error(bins),
        bins=bins,
        coverage=_report_coverage(answers.could_be[truth], answers.groups[np.nonzero(truth)[0]], answers),
        share_answered=float(answers.answered.mean()),
        accuracy_answered=float(right[answers.answered].mean()) if answers.answered.any() else 0.0,
        classes=rows,
        confusion=None,
        confused=(),
        brier=float(((probabilities - truth) ** 2).mean()),
        selective=selective_curve(surest, right.all(axis=1)),
        average_precision=float(np.mean(precisions)) if precisions else None,
        exact_match=exact_match(truth, said),
        micro_f1=micro_f1(truth, said),
    )


def _check(classes: Sequence[str], n: int, answers: Answers) -> None:
    expected = (n, len(classes))
    if not n or answers.probabilities.shape != expected or answers.could_be.shape != expected:
        raise InputError(
            f"Needs at least one picture and (pictures, classes) = {expected} of everything, got probabilities "
            f"{answers.probabilities.shape} and sets {answers.could_be.shape}."
        )


def _report_coverage(covered: Bools, groups: Ints, answers: Answers) -> CoverageReport:
    measured = measure_coverage(covered, answers.coverage, groups)
    return CoverageReport(
        measured.promised, measured.measured, measured.n, measured.expected_range, mean_set_size(answers.could_be)
    )


def _tag_rows(classes: Sequence[str], truth: Bools, said: Bools, answers: Answers) -> tuple[ClassRow, ...]:
    precision, recall, f1 = tag_figures(truth, said)
    rows = []
    for index, label in enumerate(classes):
        has = truth[:, index]
        n = int(has.sum())
        inside = measure_coverage(answers.could_be[has, index], answers.coverage, answers.groups[has])
        interval = cluster_interval(said[has, index], answers.groups[has]) if n else (0.0, 1.0)
        figures = float(precision[index]), float(recall[index]), interval, float(f1[index])
        rows.append(ClassRow(label, n, *figures, inside.measured, inside.expected_range))
    return tuple(rows)


def _class_rows(
    classes: Sequence[str], confusion: Ints, truth: Ints, covered: Bools, answers: Answers
) -> tuple[ClassRow, ...]:
    precision, recall, f1 = class_figures(confusion)
    rows = []
    for index, label in enumerate(classes):
        mine = truth == index
        n = int(mine.sum())
        inside = measure_coverage(covered[mine], answers.coverage, answers.groups[mine])
        right = answers.probabilities[mine].argmax(axis=1) == index
        interval = cluster_interval(right, answers.groups[mine]) if n else (0.0, 1.0)
        figures = float(precision[index]), float(recall[index]), interval, float(f1[index])
        rows.append(ClassRow(label, n, *figures, inside.measured, inside.expected_range))
    return tuple(rows)


def _most_confused(classes: Sequence[str], confusion: Ints, most: int = 12) -> tuple[tuple[str, str, int], ...]:
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = [divmod(int(i), len(classes)) for i in order]
    return tuple((classes[a], classes[b], int(wrong[a, b])) for a, b in pairs if wrong[a, b] > 0)
