"""Everything that is measured of a recognizer, as one value."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from foveal.metrics.calibration import ReliabilityBin, expected_calibration_error, log_loss, reliability_bins
from foveal.metrics.classification import class_figures, confusion_matrix, macro_f1
from foveal.metrics.intervals import Interval, binomial_range, cluster_interval, wilson_interval
from foveal.metrics.ranking import average_precision

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


@dataclass(frozen=True)
class CoverageReport:
    """Promised and measured coverage, and the range in which 95 % of such measurements fall."""

    promised: float
    measured: float
    expected_range: Interval
    mean_set_size: float

    @property
    def is_kept(self) -> bool:
        """Whether the measured coverage lies in the range."""
        return self.expected_range[0] <= self.measured <= self.expected_range[1]


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
    average_precision: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        plain = {
            name: getattr(self, name)
            for name in ("how", "n", "n_groups", "accuracy", "macro_f1", "log_loss", "calibration_error",
                         "share_answered", "accuracy_answered", "average_precision")
        }  # fmt: skip
        return plain | {
            "accuracy_interval": list(self.accuracy_interval),
            "coverage": asdict(self.coverage) | {"is_kept": self.coverage.is_kept},
            "classes": [asdict(row) for row in self.classes],
            "reliability": [asdict(b) for b in self.bins],
            "confusion": None if self.confusion is None else self.confusion.tolist(),
            "confused": [list(row) for row in self.confused],
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
    """Measure single-label answers; `truth` holds class indices (n,)."""
    n, n_classes = answers.probabilities.shape
    best = answers.probabilities.argmax(axis=1)
    right = best == truth
    confusion = confusion_matrix(truth, best, n_classes)
    covered = answers.could_be[np.arange(n), truth]
    bins = reliability_bins(answers.probabilities.max(axis=1), right)
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
        coverage=_measure_coverage(covered, answers),
        share_answered=float(answered.mean()),
        accuracy_answered=float(right[answered].mean()) if answered.any() else 0.0,
        classes=_class_rows(classes, confusion, truth, covered),
        confusion=confusion,
        confused=_most_confused(classes, confusion),
    )


def measure_tags(classes: Sequence[str], truth: Bools, answers: Answers, *, how: str) -> Evaluation:
    """Measure tags; `truth` (n, C) says which tags each picture has."""
    said = answers.probabilities > 0.5
    right = said == truth
    rows, precisions = [], []
    for index, label in enumerate(classes):
        has, told = truth[:, index], said[:, index]
        hits = int((has & told).sum())
        precision, recall = hits / max(1, int(told.sum())), hits / max(1, int(has.sum()))
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        covered = float(answers.could_be[has, index].mean()) if has.any() else 0.0
        rows.append(
            ClassRow(label, int(has.sum()), precision, recall, wilson_interval(hits, int(has.sum())), f1, covered)
        )
        if has.any():
            precisions.append(average_precision(answers.probabilities[:, index], has))
    bins = reliability_bins(answers.probabilities.ravel(), truth.ravel())
    told_truth = np.where(truth, answers.probabilities, 1.0 - answers.probabilities)
    return Evaluation(
        how=how,
        n=len(truth),
        n_groups=len(np.unique(answers.groups)),
        accuracy=float(right.mean()),
        accuracy_interval=cluster_interval(right.mean(axis=1), answers.groups),
        macro_f1=float(np.mean([row.f1 for row in rows])),
        log_loss=log_loss(told_truth.ravel()),
        calibration_error=expected_calibration_error(bins),
        bins=bins,
        coverage=_measure_coverage(answers.could_be[truth], answers),
        share_answered=float(answers.answered.mean()),
        accuracy_answered=float(right[answers.answered].mean()) if answers.answered.any() else 0.0,
        classes=tuple(rows),
        confusion=None,
        confused=(),
        average_precision=float(np.mean(precisions)) if precisions else None,
    )


def _measure_coverage(covered: Bools, answers: Answers) -> CoverageReport:
    return CoverageReport(
        answers.coverage,
        float(covered.mean()) if len(covered) else 0.0,
        binomial_range(answers.coverage, max(1, len(covered))),
        float(answers.could_be.sum(axis=1).mean()),
    )


def _class_rows(classes: Sequence[str], confusion: Ints, truth: Ints, covered: Bools) -> tuple[ClassRow, ...]:
    precision, recall, f1 = class_figures(confusion)
    rows = []
    for index, label in enumerate(classes):
        mine = truth == index
        n, hits = int(mine.sum()), int(confusion[index, index])
        share = float(covered[mine].mean()) if n else 0.0
        rows.append(
            ClassRow(
                label,
                n,
                float(precision[index]),
                float(recall[index]),
                wilson_interval(hits, n),
                float(f1[index]),
                share,
            )
        )
    return tuple(rows)


def _most_confused(classes: Sequence[str], confusion: Ints, most: int = 12) -> tuple[tuple[str, str, int], ...]:
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = [divmod(int(i), len(classes)) for i in order]
    return tuple((classes[a], classes[b], int(wrong[a, b])) for a, b in pairs if wrong[a, b] > 0)
