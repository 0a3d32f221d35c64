"""Renders a report as one self-contained HTML page."""

import base64
import re
from importlib import resources
from typing import Any

import jinja2

from foveal.audits.evaluation import ClassRow, Evaluation
from foveal.workflows.report.data import Learning, ReportData
from foveal.workflows.report.plots import (
    draw_hundred,
    draw_interval,
    plot_learning_curve,
    plot_reliability,
    plot_selective,
)

MATRIX_CLASSES = 100  # more make a matrix nobody can read
MOST_GAINS = 10  # classes told of in "what would more pictures buy"
LEAST_GAIN = 0.005  # less is not worth telling
_ABSOLUTE = re.compile(r"(?<!\S)/(?:[^/\n]+/)+")


def render_report(report: ReportData) -> str:
    """Return the page as text: styles, plots and pictures are in it, nothing is fetched."""
    figures, learning = report.figures, report.learning
    matrix = _matrix(figures)
    return fill_template(
        "report.html.j2",
        report=report,
        card=report.card,
        figures=figures,
        headline=say_headline(figures),
        how=_how(report),
        hundred=draw_hundred(figures.accuracy, figures.accuracy_interval),
        numbers=_numbers(figures),
        reliability=plot_reliability(figures.bins),
        selective=plot_selective(figures.selective, figures.share_answered),
        curve=plot_learning_curve(learning.points, learning.curve, learning.now + learning.more),
        buys=_buys(learning),
        gains=_gains(learning),
        rows=sorted(map(_row, figures.classes), key=lambda row: (not row["n"], row["recall"])),
        matrix=matrix,
        cell=34 if len(matrix) <= 12 else 17,
    )


def fill_template(template: str, **values: Any) -> str:
    """Fill a template of this folder; the common style sheet is among the values."""
    folder = resources.files("foveal.workflows.report")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"percent": _percent, "picture": _picture, "short": _shorten}
    style = folder.joinpath("style.css").read_text("utf-8")
    return environment.from_string(folder.joinpath(template).read_text("utf-8")).render(style=style, **values)


def say_headline(figures: Evaluation) -> str:
    """The figure to quote, in words anybody understands."""
    low, high = (round(100 * end) for end in figures.accuracy_interval)
    middle = round(100 * figures.accuracy)
    if figures.average_precision is not None:
        return f"Of 100 yes-or-no decisions about tags, about {middle} are right ({low} to {high})."
    return f"Of 100 new pictures, about {middle} will be recognized ({low} to {high})."


def _how(report: ReportData) -> str:
    figures, estimate = report.figures, report.estimate
    if estimate is None:
        return (
            f"Estimated on {figures.n} taught pictures in {figures.n_groups} groups, each judged by a recognizer that "
            "never saw its group: bursts and copies are left out together, so they cannot recognize each other."
        )
    low, high = estimate.accuracy_interval
    told = (
        f"Measured on {figures.n} pictures that were never taught. The estimate from left-out groups of the taught "
        f"pictures says {_percent(estimate.accuracy)} ({_percent(low)} to {_percent(high)})"
    )
    if low <= figures.accuracy <= high:
        return told + ", which agrees."
    is_lower = figures.accuracy < low
    return told + (
        ": the test pictures are harder, as pictures of another place, camera or time are."
        if is_lower
        else ": the test pictures are easier."
    )


def _numbers(figures: Evaluation) -> list[tuple[str, str, str, str]]:
    """Figure, what it is, more about it, and a style."""
    low, high = figures.accuracy_interval
    first = (_percent(figures.accuracy), "accuracy", f"95 %: {_percent(low)} to {_percent(high)}", "")
    if figures.average_precision is None:
        second = (f"{figures.macro_f1:.3f}", "macro F1", "every class counts the same", "")
    else:
        exact = "" if figures.exact_match is None else f"all tags right: {_percent(figures.exact_match)}"
        second = (f"{figures.average_precision:.3f}", "mean average precision", exact, "")
    coverage = figures.coverage
    return [
        first,
        second,
        (
            _percent(figures.accuracy_answered),
            "right when it answers",
            f"it answers {_percent(figures.share_answered)}",
            "",
        ),
        (
            _percent(coverage.measured),
            "coverage of could-be sets",
            f"promised {coverage.promised:.0%}",
            "error" if coverage.is_below else "good",
        ),
    ]


def _row(row: ClassRow) -> dict[str, Any]:
    below = row.n > 0 and row.coverage < row.coverage_range[0]
    return {
        "label": row.label,
        "n": row.n,
        "recall": row.recall,
        "interval": row.recall_interval,
        "precision": row.precision,
        "f1": row.f1,
        "coverage": row.coverage,
        "is_below": below,
        "recall_strip": draw_interval(row.recall, row.recall_interval) if row.n else "",
        "coverage_strip": draw_interval(row.coverage, row.coverage_range, is_bad=below) if row.n else "",
    }


def _matrix(figures: Evaluation) -> list[tuple[str, list[tuple[int, int, bool, str]]]]:
    """A row per class: its name, and per column the count, percent of the row, whether right, and the column's name."""
    confusion = figures.confusion
    if confusion is None or len(confusion) > MATRIX_CLASSES:
        return []
    labels = [row.label for row in figures.classes]
    rows = []
    for i, label in enumerate(labels):
        total = max(1, int(confusion[i].sum()))
        cells = [(int(n), round(100 * int(n) / total), i == j, labels[j]) for j, n in enumerate(confusion[i])]
        rows.append((label, cells))
    return rows


def _gains(learning: Learning) -> list[tuple[str, tuple[float, float, float]]]:
    """The classes that would gain most, at least LEAST_GAIN."""
    worth = [item for item in learning.by_class.items() if item[1][0] >= LEAST_GAIN]
    return sorted(worth, key=lambda item: -item[1][0])[:MOST_GAINS]


def _buys(learning: Learning) -> str:
    if learning.buys is None:
        return "What more pictures would buy cannot be told from these: there are too few, or the curve is not clear."
    gain, low, high = (100 * share for share in learning.buys)
    if high < 0.5:
        return f"{learning.more} more pictures of every class would buy next to nothing (at most {high:.1f} points)."
    return (
        f"{learning.more} more pictures of every class would buy about {gain:.1f} points of accuracy "
        f"({low:.1f} to {high:.1f})."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}\u202f%"


def _picture(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _shorten(text: str) -> str:
    """File names without the folders they lie in on this machine."""
    return _ABSOLUTE.sub("", text)
