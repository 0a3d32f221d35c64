"""Handing out a recognizer as a file, and making a workspace from such a file."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from foveal.core.contracts import Progress, silent
from foveal.core.errors import ModelError
from foveal.core.example import Example
from foveal.core.image import Appearance, Capture
from foveal.store.recognizer_file import read_recognizer_file
from foveal.store.rows import NewExample
from foveal.store.workspace import Workspace
from foveal.workflows.carding import make_card
from foveal.workflows.learned import Learned, fit_workspace, teaching_rows
from foveal.workflows.model_file import open_source, write_learned
from foveal.workflows.workspace_model import keep_model, open_workspace_model


def save(
    folder: str | Path, path: str | Path, *, share: bool = False, progress: Progress = silent
) -> tuple[str, Learned]:
    """Write the recognizer of a workspace to a file and note it in the export register.

    With `share` the file decides and shows where, but holds no memory, codes or names of taught
    pictures. Returns the file's SHA-256 and what was written.
    """
    learned = open_workspace_model(Path(folder), progress)
    with Workspace.open(folder, writing=True) as workspace:
        pictures = [] if share else _describe_pictures(workspace, learned)
        source, card = workspace.settings["backbone"], make_card(workspace, learned)
        sha256 = write_learned(Path(path), learned, source, card=card, memory=not share, pictures=pictures)
        workspace.register_export(
            Path(path).name, sha256, memory_sha256=workspace.memory_sha256, n_pictures=len(pictures)
        )
    return sha256, learned


def make_workspace(path: str | Path, folder: str | Path, progress: Progress = silent) -> Learned:
    """Make a workspace from a recognizer file that holds its pictures' codes, and fit it.

    Raises ModelError where the file was saved for sharing, without them.
    """
    file = read_recognizer_file(Path(path))
    if "taught" not in file.arrays:
        raise ModelError(f"{Path(path).name} was saved without its memory: it decides, but cannot learn or forget.")
    readout, backbone = file.documents["readout"], file.manifest["backbone"]
    codes = file.arrays["taught"]["codes"]
    kept = {
        "name": str(file.manifest.get("name", "")),
        "backbone": backbone["source"],
        "backbone_id": backbone["id"],
        "backbone_card": backbone["card"],
        "dim": int(codes.shape[1]),
        "multi_label": readout["kind"] == "tagger",
        "decide": readout["settings"],
    }
    pictures = file.documents["taught"]["pictures"]
    with Workspace.create(folder, kept) as workspace:
        workspace.add([_to_new(plain, code) for plain, code in zip(pictures, codes, strict=True)])
        learned = fit_workspace(workspace, open_source(kept["backbone"]), progress=progress)
        keep_model(workspace, learned)
    return learned


def _describe_pictures(workspace: Workspace, learned: Learned) -> list[dict[str, Any]]:
    if learned.taught is None:
        return []
    measures = {m.id: m for m in workspace.measures()}
    multi_label = bool(workspace.settings["multi_label"])
    rows = {row.id: row for row in teaching_rows(workspace.rows(), multi_label=multi_label)}
    described = []
    for number in learned.taught.ids:
        row, found = rows[int(number)], measures[int(number)]
        described.append(
            {
                "name": row.name,
                "labels": list(row.labels),
                "not_labels": list(row.not_labels),
                "group": row.group,
                "subject": row.subject,
                "split": row.split,
                "capture": asdict(found.capture),
                "appearance": asdict(found.appearance),
            }
        )
    return described


def _to_new(plain: dict[str, Any], code: np.ndarray) -> NewExample:
    example = Example(
        path=plain["name"],  # a file holds no paths
        name=plain["name"],
        labels=tuple(plain["labels"]),
        not_labels=tuple(plain["not_labels"]),
        group=plain["group"],
        subject=plain["subject"],
        split=plain["split"],
    )
    return NewExample(example, Capture(**plain["capture"]), Appearance(**plain["appearance"]), code)
