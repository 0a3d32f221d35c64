"""One self-contained HTML page: how good a recognizer is, with the pictures in it."""

import base64
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

from foveal.audits.evaluation import Evaluation
from foveal.core.contracts import Progress, silent
from foveal.core.errors import StoreError
from foveal.store.workspace import Workspace
from foveal.workflows.carding import make_card
from foveal.workflows.doctoring import Diagnosis, examine
from foveal.workflows.evaluating import MORE, Case, Evaluated
from foveal.workflows.plots import plot_learning_curve, plot_reliability

MISTAKES = 24  # shown in the gallery
MATRIX_CLASSES = 100  # more make a matrix nobody can read


def write_report(
    folder: str | Path, evaluated: Evaluated, path: str | Path, *, doctor: bool = True, progress: Progress = silent
) -> Path:
    """Write the page; it holds thumbnails, styles and plots and opens without a network.

    Raises StoreError when the file cannot be written.
    """
    diagnosis = examine(folder, progress=progress) if doctor else None
    with Workspace.open(folder) as workspace:
        page = render_report(workspace, evaluated, diagnosis)
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page, "utf-8")
    except OSError as problem:
        raise StoreError(f"Cannot write {target}: {problem.strerror}. Choose another place.") from None
    return target


def render_report(workspace: Workspace, evaluated: Evaluated, diagnosis: Diagnosis | None) -> str:
    """Return the page as text."""
    figures = evaluated.headline
    template = resources.files("foveal.workflows").joinpath("templates/report.html.j2").read_text("utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    matrix = _matrix(figures)
    return environment.from_string(template).render(
        name=evaluated.learned.name or "Recognizer",
        made=f"Made {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.",
        card=make_card(workspace, evaluated.learned, figures),
        figures=figures,
        headline=_headline(figures),
        how=_how(evaluated),
        numbers=_numbers(figures),
        rows=sorted(figures.classes, key=lambda row: row.recall),
        matrix=matrix,
        matrix_labels=[label for label, _ in matrix],
        cell=34 if len(matrix) <= 12 else 16,
        confused=figures.confused,
        reliability=plot_reliability(figures.bins),
        curve=plot_learning_curve(evaluated.points, evaluated.curve, MORE),
        buys=_buys(evaluated),
        gallery=_gallery(workspace, evaluated.cases),
        findings=None if diagnosis is None else diagnosis.findings,
        folder=str(workspace.folder),
        percent=lambda share: f"{100 * share:.1f} %",
    )


def _headline(figures: Evaluation) -> str:
    low, high = figures.accuracy_interval
    if figures.average_precision is not None:
        return f"Of 100 yes-or-no decisions about tags, about {100 * figures.accuracy:.0f} are right."
    return f"Of 100 new pictures, about {100 * figures.accuracy:.0f} will be recognized ({100 * low:.0f} to {100 * high:.0f})."


def _how(evaluated: Evaluated) -> str:
    figures, estimate = evaluated.headline, evaluated.left_out
    if evaluated.test is None:
        return (
            f"Estimated on {figures.n} taught pictures, each judged by a recognizer that never saw its group: "
            "bursts and copies are left out together, so they cannot recognize each other."
        )
    return (
        f"Measured on {figures.n} pictures that were never taught. The estimate from left-out groups of the taught "
        f"pictures says {100 * estimate.accuracy:.1f} %."
    )


def _numbers(figures: Evaluation) -> list[tuple[str, str, str]]:
    low, high = figures.accuracy_interval
    first = (f"{100 * figures.accuracy:.1f} %", "accuracy", f"95 %: {100 * low:.1f} to {100 * high:.1f} %")
    if figures.average_precision is not None:
        second = (f"{figures.average_precision:.3f}", "mean average precision", "over tags")
    else:
        second = (f"{figures.macro_f1:.3f}", "macro F1", "every class counts the same")
    return [
        first,
        second,
        (
            f"{100 * figures.accuracy_answered:.1f} %",
            "right when it answers",
            f"it answers {100 * figures.share_answered:.1f} %",
        ),
        (f"{100 * figures.coverage.measured:.1f} %", "coverage", f"promised {100 * figures.coverage.promised:.0f} %"),
    ]


def _matrix(figures: Evaluation) -> list[tuple[str, list[tuple[int, float, bool]]]]:
    confusion = figures.confusion
    if confusion is None or len(confusion) > MATRIX_CLASSES:
        return []
    rows = []
    for i, row in enumerate(figures.classes):
        total = max(1, int(confusion[i].sum()))
        rows.append((row.label, [(int(n), int(n) / total, i == j) for j, n in enumerate(confusion[i])]))
    return rows


def _buys(evaluated: Evaluated) -> str:
    if evaluated.buys is None:
        return "What more pictures would buy cannot be told from these: there are too few, or the curve is not clear."
    gain, low, high = evaluated.buys
    return (
        f"{MORE} more pictures of every class would buy about {100 * gain:.1f} points of accuracy "
        f"({100 * low:.1f} to {100 * high:.1f})."
    )


def _gallery(workspace: Workspace, cases: tuple[Case, ...]) -> list[dict[str, Any]]:
    """The surest mistakes, with thumbnails where the workspace has them."""
    wrong = sorted((c for c in cases if c.best not in c.truth), key=lambda c: -c.probability)[:MISTAKES]
    known = workspace.find("path", [case.path for case in wrong])
    shown = []
    for case in wrong:
        thumbnail = workspace.thumbnail(known[case.path][0]) if case.path in known else b""
        image = f"data:image/jpeg;base64,{base64.b64encode(thumbnail).decode()}" if thumbnail else ""
        shown.append(
            {
                "image": image,
                "name": Path(case.name).name,
                "truth": ", ".join(case.truth) or "nothing",
                "best": case.best,
                "probability": case.probability,
                "answered": case.answered,
            }
        )
    return shown
