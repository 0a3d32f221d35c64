"""What the child that changes workspaces can be asked: teach, measure, correct, forget, index. One task at a time."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foveal.audits.finding import Finding
from foveal.core.errors import InputError
from foveal.recognizers.decision import NOT
from foveal.server.child import Report, Task
from foveal.server.wire import Message
from foveal.store.gallery.local import LocalGallery
from foveal.store.workspace import Workspace
from foveal.workflows.correcting import correct
from foveal.workflows.describing import describe_taught
from foveal.workflows.doctoring import examine
from foveal.workflows.evaluating import Evaluated, evaluate
from foveal.workflows.finding.describing import describe_indexed
from foveal.workflows.finding.forgetting import forget_anywhere
from foveal.workflows.finding.indexing import Plan, index_catalogue
from foveal.workflows.forgetting import verify
from foveal.workflows.inspection.describing import describe_part
from foveal.workflows.inspection.operating import list_operating_points, set_false_alarms
from foveal.workflows.inspection.teaching import PartChoices, teach_good
from foveal.workflows.reading_cards import read_card_of
from foveal.workflows.renaming import rename_classes
from foveal.workflows.report.page import render_report, say_headline
from foveal.workflows.report.plots import draw_hundred, plot_learning_curve
from foveal.workflows.reporting import gather_report
from foveal.workflows.reviewing import LOOKED, drop_kept, list_expired, list_kept, settle
from foveal.workflows.saving import save
from foveal.workflows.teaching import Choices, teach_workspace

Plain = dict[str, Any]


def _finite(value: Any) -> Any:
    """Plain values without NaN and infinities, which JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value


def _result(plain: Plain, blobs: Sequence[bytes] = ()) -> Message:
    return _finite(plain), list(blobs)


def _teach(asked: Plain, blobs: list[bytes], report: Report) -> Message:
    """Teach what a table names, then measure and examine; the table is deleted."""
    folder, table = Path(asked["folder"]), Path(asked["table"])
    if asked["kind"] == "inspector":
        choices = PartChoices(name=asked["name"], false_alarms=asked.get("false_alarms"))
        part = teach_good(table, folder, choices, progress=report)
        table.unlink(missing_ok=True)
        return _result({"taught": _without_places(describe_part(part, folder)), **_part_figures(folder)})
    taught = teach_workspace(table, folder, Choices(name=asked["name"], bursts=not asked.get("single")), report)
    table.unlink(missing_ok=True)
    return _result({"taught": _without_places(describe_taught(taught, folder)), **_figures(folder, report)})


def _without_places(plain: Plain) -> Plain:
    return {key: value for key, value in plain.items() if key not in ("lines", "workspace")}


def _measure(asked: Plain, blobs: list[bytes], report: Report) -> Message:
    """Figures and findings of a workspace."""
    folder = Path(asked["folder"])
    return _result(_part_figures(folder) if asked["kind"] == "inspector" else _figures(folder, report))


def _figures(folder: Path, report: Report) -> Plain:
    findings = [_finding(one) for one in examine(folder, progress=report).findings]
    try:
        found = evaluate(folder, progress=report)
    except InputError as problem:
        return {"figures": None, "why": str(problem), "findings": findings}
    return {"figures": _measured(found), "findings": findings}


def _measured(found: Evaluated) -> Plain:
    figures = found.headline
    most = max((point[0] for point in found.points), default=0.0)
    return {
        "headline": say_headline(figures),
        "hundred": draw_hundred(figures.accuracy, figures.accuracy_interval),
        "curve": plot_learning_curve(found.points, found.curve, most),
        "labels": [row.label for row in figures.classes],
        **found.to_dict(),
    }


def _finding(one: Finding) -> Plain:
    return one.to_dict()


def _part_figures(folder: Path) -> Plain:
    findings = [_finding(one) for one in examine(folder).findings]
    return {"points": list_operating_points(folder), "findings": findings}


def _relabel(asked: Plain, blobs: list[bytes], report: Report) -> Message:
    """Set the right label of taught pictures, or say what they are not."""
    folder = Path(asked["folder"])
    names = _names(folder, asked["ids"])
    learned = correct(folder, names, label=asked.get("label"), is_not=asked.get("is_not"), progress=report)
    return _result({"corrected": len(names), "classes": list(learned.readout.classes)})


def _names(folder: Path, ids: Sequence[int]) -> list[str]:
    with Workspace.open(folder) as workspace:
        paths = {row.id: row.path for row in workspace.rows()}
    unknown = [str(number) for number in ids if number not in paths]
    if unknown or not ids:
        raise InputError(f"No picture has the number {', '.join(unknown) or 'that was named'}.")
    return [paths[number] for number in ids]


def _rename(asked: Plain, blobs: list[bytes], report: Report) -> Message:
    """Rename or merge classes."""
    learned = rename_classes(Path(asked["folder"]), asked["names"], progress=report)
    return _result({"classes": [label for label in learned.readout.classes if not label.startswith(NOT)]})


def _answer(asked: Plain, blobs: list[bytes], report: Report) -> Message:
    """Teach kept pictures as what people say of them."""
    folder = Path(asked["folder"])
    learned = settle(folder, asked["names"], label=asked.get("label"), is_not=asked.get("is_not"), progress=report)
    return _result({"settled": len(asked["names"]), "classes": list(learned.readout.classes)})


def _forget(asked: Plain, blobs: list[bytes], report: Report) -> Message:
    """Erase pictures everywhere, kept looks of the same files included, and certify it."""
    folder, by = Path(asked["folder"]), asked["by"]
    values = _names(folder, [int(value) for value in asked["values"]]) if by == "picture" else asked["values"]
    _drop_same(folder, values, by)
    forgotten = forget_anywhere(folder, values, by=by, progress=report)
    return _result({"erased": forgotten.n_erased, "certificate": forgotten.certificate})


def _drop_same(folder: Path, values: Sequence[str], by: str) -> None:
    """Kept looks of the files that are to be forgotten go first."""
    kept = list_kept(folder)
    if not kept:
        return
    with Workspace.open(folder) as workspace:
        column = "path" if by == "picture" else by
        ids = {number for numbers in workspace.find(column, values).values() for number in numbers}
        leaving = {row.sha256 for row in workspace.rows() if row.id in ids}
    store = LocalGallery.open(folder / LOOKED)
    try:
        hashes = {number: capture.sha256 for number, (capture, _) in store.measures().items()}
    finally:
        store.close()
    drop_kept(folder, [one.name for one in kept if hashes[one.picture] in leaving])


def _expire(asked: Plain, blobs: list[bytes], report: Report) -> Message:
    """Forget kept pictures that are older than the administrator wants, or those named."""
    folder = Path(asked["folder"])
    names = asked["names"] if "names" in asked else list_expired(folder, asked["days"])
    return _result({"erased": drop_kept(folder, names)})


def _index(asked: Plain, blobs: list[bytes], report: Report) -> Message:
    """Index what a table names into a gallery; the table is deleted."""
    table = Path(asked["table"])
    found = index_catalogue(table, asked["folder"], plan=Plan(learn=asked.get("learn")), progress=report)
    table.unlink(missing_ok=True)
    return _result(_without_places(describe_indexed(found, asked["folder"])))


def _choose(asked: Plain, blobs: list[bytes], report: Report) -> Message:
    """Set the promised share of false alarms."""
    folder = Path(asked["folder"])
    set_false_alarms(folder, asked["false_alarms"])
    return _result({"points": list_operating_points(folder)})


def _card(asked: Plain, blobs: list[bytes], report: Report) -> Message:
    """The model card."""
    return _result({"card": read_card_of(asked["folder"], report)})


def _check(asked: Plain, blobs: list[bytes], report: Report) -> Message:
    """Verify log, pictures, certificates and memory of a workspace."""
    verdict = verify(asked["folder"])
    return _result({"checked": list(verdict.checked), "problems": list(verdict.problems)})


def _hand_out(asked: Plain, blobs: list[bytes], report: Report) -> Message:
    """Write a recognizer file and note it in the export register."""
    from foveal.workflows.inspection.saving import save_part

    target = Path(asked["target"])
    target.parent.mkdir(parents=True, exist_ok=True)
    if asked["kind"] == "inspector":
        return _result({"sha256": save_part(asked["folder"], target)})
    return _result({"sha256": save(asked["folder"], target, share=asked["share"], progress=report)[0]})


def _page(asked: Plain, blobs: list[bytes], report: Report) -> Message:
    """The whole report as one self-contained page."""
    folder = Path(asked["folder"])
    evaluated, diagnosis = evaluate(folder, progress=report), examine(folder, progress=report)
    with Workspace.open(folder) as workspace:
        return _result({}, [render_report(gather_report(workspace, evaluated, diagnosis)).encode()])


TASKS: dict[str, Task] = {
    "teach": _teach, "measure": _measure, "relabel": _relabel, "rename": _rename, "answer": _answer, "forget": _forget,
    "expire": _expire, "index": _index, "choose": _choose, "card": _card, "check": _check, "hand out": _hand_out,
    "page": _page,
}  # fmt: skip
