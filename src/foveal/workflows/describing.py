"""Results in plain words, for people who read a terminal."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foveal.audits.evaluation import Evaluation
from foveal.core.prediction import FLAGS, Prediction
from foveal.workflows.evaluating import MORE, Evaluated
from foveal.workflows.kinds import describe_readout
from foveal.workflows.teaching import Taught


def describe_taught(taught: Taught, folder: str | Path) -> dict[str, Any]:
    """What teaching did, as plain values; "lines" are for people."""
    learned, left_out = taught.learned, taught.learned.left_out
    n = len(learned.taught) if learned.taught is not None else 0
    accuracy = None
    if left_out is not None and left_out.valid.any() and describe_readout(learned.readout)["kind"] == "classifier":
        right = left_out.probabilities.argmax(axis=1) == left_out.truth.argmax(axis=1)
        accuracy = float(right[left_out.valid].mean())
    groups = len(set(learned.taught.groups.tolist())) if learned.taught is not None else 0
    lines = [
        f"Learned {len(learned.readout.classes)} classes from {n} pictures in {groups} independent groups "
        f"({taught.n_new} new, {taught.n_known} known, {taught.n_changed} corrected), {taught.seconds['total']:.1f} s.",
    ]
    if accuracy is not None:
        lines.append(f"Left out group by group, {accuracy:.1%} of pictures are recognized: the figure to expect.")
    else:
        lines.append("No estimate yet: every class lies inside one group. Add pictures taken at another time or place.")
    lines += passed_over("unreadable", taught.unreadable) + passed_over("skipped", taught.skipped)
    lines.append(f"Kept in {folder}.")
    return {
        "lines": lines,
        "workspace": str(folder),
        "classes": list(learned.readout.classes),
        "pictures": n,
        "groups": groups,
        "new": taught.n_new,
        "known": taught.n_known,
        "corrected": taught.n_changed,
        "unreadable": [{"name": name, "reason": reason} for name, reason in taught.unreadable],
        "skipped": [{"name": name, "reason": reason} for name, reason in taught.skipped],
        "left_out_accuracy": accuracy,
        "backbone": learned.backbone.id,
        "seconds": taught.seconds,
    }


def describe_prediction(prediction: Prediction) -> str:
    """One answer in one or two lines."""
    if prediction.labels:
        said = ", ".join(
            f"{label} ({prediction.probabilities[prediction.classes.index(label)]:.0%})" for label in prediction.labels
        )
    else:
        said = f"I don't know: {prediction.reason}. Best guess {prediction.best} ({prediction.probability:.0%})"
    lines = [f"{prediction.origin}: {said}"]
    others = [label for label in prediction.could_be if label not in prediction.labels]
    if others and prediction.labels:
        lines.append(f"  could also be: {', '.join(others)} (set holds the truth for {prediction.coverage:.0%})")
    if prediction.flags:
        lines.append(f"  note: {'; '.join(FLAGS[flag] for flag in prediction.flags)}")
    return "\n".join(lines)


def describe_evaluated(evaluated: Evaluated) -> list[str]:
    """The figures, the ones to quote first."""
    lines = []
    if evaluated.test is not None:
        lines += _describe(evaluated.test)
        gap = 100 * (evaluated.left_out.accuracy - evaluated.test.accuracy)
        lines.append(f"  the left-out estimate said {evaluated.left_out.accuracy:.1%}: {gap:+.1f} points from the test")
    lines += _describe(evaluated.left_out)
    if evaluated.buys is not None:
        gain, low, high = evaluated.buys
        lines.append(
            f"{MORE} more pictures a class would buy about {100 * gain:+.1f} points ({100 * low:.1f} to {100 * high:.1f})."
        )
    else:
        lines.append("What more pictures would buy cannot be told from these.")
    return lines


def _describe(figures: Evaluation) -> list[str]:
    low, high = figures.accuracy_interval
    coverage = figures.coverage
    name = "Accuracy" if figures.average_precision is None else "Right yes/no decisions"
    kept = "kept" if coverage.is_kept else "above the promise" if coverage.measured > coverage.promised else "NOT kept"
    return [
        f"On {figures.n} {figures.how} ({figures.n_groups} independent):",
        f"  {name} {figures.accuracy:.1%} (95 %: {low:.1%} to {high:.1%}), macro F1 {figures.macro_f1:.3f}, "
        f"calibration error {figures.calibration_error:.3f}",
        f"  could-be sets promised {coverage.promised:.0%}, measured {coverage.measured:.1%} ({kept}), "
        f"{coverage.mean_set_size:.2f} classes each",
        f"  answers {figures.share_answered:.1%} of pictures, and {figures.accuracy_answered:.1%} of those rightly",
    ]


def passed_over(what: str, rows: Sequence[tuple[str, str]], most: int = 5) -> list[str]:
    """Files that were passed over, the first few with the reason."""
    if not rows:
        return []
    lines = [f"{len(rows)} {what}:"] + [f"  {name}: {reason}" for name, reason in rows[:most]]
    return lines + ([f"  and {len(rows) - most} more"] if len(rows) > most else [])
