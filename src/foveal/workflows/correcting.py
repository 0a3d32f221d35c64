"""Setting the right label of taught pictures, or saying what they are not."""

from collections.abc import Sequence
from pathlib import Path

from foveal.core.contracts import Progress, silent
from foveal.core.errors import InputError
from foveal.store.workspace import Workspace
from foveal.workflows.forgetting import find_pictures
from foveal.workflows.learned import Learned, fit_workspace
from foveal.workflows.model_file import open_source
from foveal.workflows.workspace_model import keep_model


def correct(
    folder: str | Path,
    pictures: Sequence[str],
    *,
    label: str | None = None,
    is_not: str | None = None,
    progress: Progress = silent,
) -> Learned:
    """Relabel pictures, or with `is_not` take a label away and remember what they are not; then fit.

    Raises InputError when neither or both are given, or a picture is not known.
    """
    if (label is None) == (is_not is None):
        raise InputError("Say either the right label or what the picture is not, and not both.")
    with Workspace.open(folder, writing=True) as workspace:
        backbone = open_source(workspace.settings["backbone"])  # first: it refuses what has no classes
        ids = find_pictures(workspace, pictures, by="picture")
        rows = {row.id: row for row in workspace.rows()}
        labels, not_labels = [], []
        for number in ids:
            row = rows[number]
            labels.append([label] if label is not None else [old for old in row.labels if old != is_not])
            denied = [old for old in row.not_labels if old != label]
            not_labels.append(denied if is_not is None else sorted({*denied, is_not}))
        workspace.relabel(ids, labels, not_labels=not_labels)
        learned = fit_workspace(workspace, backbone, progress=progress)
        keep_model(workspace, learned)
    return learned
