"""Gathers a report from a workspace and writes it as one self-contained page."""

import shlex
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from foveal.core.contracts import Progress, silent
from foveal.core.errors import StoreError
from foveal.store.workspace import Workspace
from foveal.workflows.carding import make_card
from foveal.workflows.doctoring import Diagnosis, examine
from foveal.workflows.evaluating import MORE, Case, Evaluated
from foveal.workflows.report.data import ConfusedPair, Learning, ReportData, Shown
from foveal.workflows.report.page import render_report

MISTAKES, UNSURE = 24, 12  # shown in the galleries
PAIRS, EXAMPLES = 6, 3  # confused pairs shown, pictures of each


def write_report(
    folder: str | Path, evaluated: Evaluated, path: str | Path, *, doctor: bool = True, progress: Progress = silent
) -> Path:
    """Write the page; it holds thumbnails, styles and plots and opens without a network.

    Raises StoreError when the file cannot be written.
    """
    diagnosis = examine(folder, progress=progress) if doctor else None
    with Workspace.open(folder) as workspace:
        page = render_report(gather_report(workspace, evaluated, diagnosis))
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page, "utf-8")
    except OSError as problem:
        raise StoreError(f"Cannot write {target}: {problem.strerror}. Choose another place.") from None
    return target


def gather_report(workspace: Workspace, evaluated: Evaluated, diagnosis: Diagnosis | None) -> ReportData:
    """Collect what a report shows, thumbnails included where the workspace has them."""
    figures = evaluated.headline
    wrong = sorted((c for c in evaluated.cases if c.best not in c.truth), key=lambda c: -c.probability)
    silent_on = sorted((c for c in evaluated.cases if not c.answered), key=lambda c: c.probability)
    folder = shlex.quote(str(workspace.folder))
    card = make_card(workspace, evaluated.learned, figures)
    return ReportData(
        name=evaluated.learned.name or "Recognizer",
        made=f"Made {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.",
        card=card,
        figures=figures,
        estimate=evaluated.left_out if evaluated.test is not None else None,
        learning=_gather_learning(evaluated, sum(card["classes"].values()) / max(1, len(card["classes"]))),
        pairs=_gather_pairs(workspace, figures.confused[:PAIRS], wrong),
        mistakes=_show(workspace, wrong[:MISTAKES]),
        unsure=_show(workspace, silent_on[:UNSURE]),
        findings=None if diagnosis is None else diagnosis.findings,
        repeat=f"foveal evaluate --workspace {folder} --report report.html",
    )


def _gather_learning(evaluated: Evaluated, now: float) -> Learning:
    gains, classes = evaluated.class_gains, evaluated.learned.readout.classes
    told = {} if gains is None else dict(zip(classes, gains.gains, strict=True))
    by_class = {label: gain for label, gain in told.items() if gain is not None}
    return Learning(evaluated.points, evaluated.curve, now, MORE, evaluated.buys, by_class)


def _gather_pairs(
    workspace: Workspace, confused: Iterable[tuple[str, str, int]], wrong: list[Case]
) -> tuple[ConfusedPair, ...]:
    by_pair: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in wrong:
        for label in case.truth:
            by_pair[label, case.best].append(case)
    pairs = []
    for truth, answer, n in confused:
        examples = _show(workspace, by_pair[truth, answer][:EXAMPLES])
        pairs.append(ConfusedPair(truth, answer, n, tuple(e for e in examples if e.jpeg)))
    return tuple(pairs)


def _show(workspace: Workspace, cases: list[Case]) -> tuple[Shown, ...]:
    known = workspace.find("path", [case.path for case in cases])
    return tuple(
        Shown(
            workspace.thumbnail(known[case.path][0]) if known.get(case.path) else b"",
            Path(case.name).name,
            ", ".join(case.truth) or "nothing",
            case.best,
            case.probability,
            case.answered,
        )
        for case in cases
    )
