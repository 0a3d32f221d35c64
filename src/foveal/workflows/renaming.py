"""Giving classes other names; two that get one name become one class."""

from collections.abc import Mapping
from pathlib import Path

from foveal.core.contracts import Progress, silent
from foveal.core.errors import InputError
from foveal.recognizers.decision import NOT
from foveal.store.workspace import Workspace
from foveal.workflows.learned import Learned, fit_workspace
from foveal.workflows.model_file import open_source
from foveal.workflows.workspace_model import keep_model


def rename_classes(folder: str | Path, names: Mapping[str, str], *, progress: Progress = silent) -> Learned:
    """Rename classes, or merge them by naming them alike, and fit.

    Raises InputError for a class that is not taught, an empty name, or where one class would be left; then nothing
    is changed.
    """
    new = {old: name.strip() for old, name in names.items()}
    wrong = [name for name in new.values() if not name or name.startswith(NOT)]
    if wrong or not new:
        raise InputError(f"A class needs a name that is not empty and does not start with {NOT!r}.")
    with Workspace.open(folder, writing=True) as workspace:
        backbone = open_source(workspace.settings["backbone"])
        rows = workspace.rows()
        known = {label for row in rows for label in row.labels}
        unknown = sorted(set(new) - known)
        if unknown:
            raise InputError(f"No picture is taught as {', '.join(unknown)}. Classes: {', '.join(sorted(known))}.")
        if not workspace.settings["multi_label"] and len({new.get(label, label) for label in known}) < 2:
            raise InputError("This would leave one class; telling apart needs at least two.")
        changed = [row for row in rows if set(new) & {*row.labels, *row.not_labels}]
        labels, denied = (
            [tuple(dict.fromkeys(new.get(label, label) for label in getattr(row, field))) for row in changed]
            for field in ("labels", "not_labels")
        )
        workspace.relabel([row.id for row in changed], labels, not_labels=denied)
        learned = fit_workspace(workspace, backbone, progress=progress)
        keep_model(workspace, learned)
    return learned
