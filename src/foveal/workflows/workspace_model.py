"""The recognizer of a workspace: its cached file, opened or fitted again where the cache is stale."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from foveal.core.contracts import Backbone, Progress, silent
from foveal.core.errors import FovealError
from foveal.memory.moments import Moments
from foveal.recognizers.taught import Taught
from foveal.store.recognizer_file import read_recognizer_file
from foveal.store.rows import ExampleRow
from foveal.store.workspace import Workspace
from foveal.workflows.learned import (
    Learned,
    describe_state,
    fit_workspace,
    labels_to_teach,
    read_choices,
    teaching_rows,
)
from foveal.workflows.model_file import open_source, read_learned, read_moments, write_learned
from foveal.workflows.pictures import WorkspaceCodes


def keep_model(workspace: Workspace, learned: Learned) -> None:
    """Write the cached file and log the memory's hash."""
    if learned.moments is None or learned.taught is None:
        raise FovealError("Only a recognizer that was just fitted can be kept.")
    source = workspace.settings["backbone"]
    write_learned(workspace.model_path, learned, source)
    order = {"ids": [int(i) for i in learned.taught.ids], "groups": [int(g) for g in learned.taught.groups]}
    workspace.update_settings({"fitted": learned.state, "order": order}, memory_sha256=learned.moments.sha256())


def open_workspace_model(folder: Path, progress: Progress = silent) -> Learned:
    """Open the recognizer of a workspace, fitting it again where what is taught has changed.

    Works on a folder that cannot be written, too. Raises StoreError where there is no workspace.
    """
    with Workspace.open(folder) as workspace:
        kept = workspace.settings
        backbone = open_source(kept["backbone"])
        multi_label, settings, _ = read_choices(workspace)
        rows = {row.id: row for row in teaching_rows(workspace.rows(), multi_label=multi_label)}
        state = describe_state(list(rows.values()), backbone.id, settings, multi_label=multi_label)
        cached = _read_cache(workspace.model_path, state, backbone)
        order: dict[str, Any] = kept.get("order", {})
        if cached is None or kept.get("fitted") != state or set(order.get("ids", ())) != set(rows):
            return fit_workspace(workspace, backbone, progress=progress)
        return _attach(cached, rows, order, folder, multi_label=multi_label)


def read_kept_moments(workspace: Workspace) -> Moments | None:
    """The memory in the cached file, None where it is missing or is not what the log says."""
    try:
        moments = read_moments(read_recognizer_file(workspace.model_path))
    except FovealError:
        return None
    return moments if moments is not None and moments.sha256() == workspace.memory_sha256 else None


def _read_cache(path: Path, state: str, backbone: Backbone) -> Learned | None:
    if not path.exists():
        return None
    try:
        cached, _ = read_learned(path, backbone)
    except FovealError:
        return None  # a cache that cannot be trusted is made anew
    return cached if cached.state == state else None


def _attach(
    cached: Learned, rows: dict[int, ExampleRow], order: dict[str, Any], folder: Path, *, multi_label: bool
) -> Learned:
    ids = [int(i) for i in order["ids"]]
    taught = Taught(
        np.array(ids, np.int64),
        tuple(rows[i].name for i in ids),
        tuple(labels_to_teach(rows[i], multi_label=multi_label) for i in ids),
        np.array(order["groups"], np.int64),
        WorkspaceCodes(folder),
    )
    return replace(cached, taught=taught)
