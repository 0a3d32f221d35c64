"""The inspector of a workspace in its cached file: kept, opened, or fitted again where the cache is stale."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from foveal.core.contracts import PatchBackbone, Progress, silent
from foveal.core.errors import FovealError, InputError
from foveal.core.inspection import GOOD, INSPECTOR
from foveal.store.workspace import Workspace
from foveal.workflows.inspection.learned import LearnedInspector, describe_state, fit_part, good_rows, open_patch_source
from foveal.workflows.inspection.part_file import read_inspector, write_inspector


def keep_part(workspace: Workspace, learned: LearnedInspector) -> None:
    """Write the cached file and log the memory's hash."""
    write_inspector(workspace.model_path, learned.inspector, learned.kinds, make_manifest(workspace, learned), {})
    settings = {"fitted": learned.state, "order": {"ids": list(learned.ids)}}
    workspace.update_settings(settings, memory_sha256=learned.memory_sha256)


def make_manifest(workspace: Workspace, learned: LearnedInspector) -> dict[str, Any]:
    """What the file says of itself."""
    backbone, kept = learned.backbone, workspace.settings
    card = backbone.card
    return {
        "kind": INSPECTOR,
        "name": learned.name,
        "state": learned.state,
        "memory_sha256": learned.memory_sha256,
        "backbone": {"id": backbone.id, "sha256": card.sha256, "card": card.to_dict(), "source": kept["backbone"]},
        "classes": [GOOD],
        "licenses": {f"backbone code ({card.name})": card.license_code, "backbone weights": card.license_weights},
    }


def open_part(folder: Path, progress: Progress = silent) -> LearnedInspector:
    """Open the inspector of a workspace, fitting it again where what is taught has changed."""
    with Workspace.open(folder) as workspace:
        kept = workspace.settings
        backbone = open_patch_source(kept["backbone"])
        every = workspace.rows()
        rows = {row.id: row for row in good_rows(every)}
        ids = [int(number) for number in kept.get("order", {}).get("ids", ())]
        state = describe_state(every, kept)
        cached = _read_cache(workspace.model_path, backbone)
        if cached is None or {cached.state, kept.get("fitted")} != {state} or set(ids) != set(rows):
            return fit_part(workspace, backbone, progress)
    inspector = replace(cached.inspector, false_alarms=float(kept["false_alarms"]))
    names = tuple(rows[number].name for number in ids)
    return replace(cached, inspector=inspector, ids=tuple(ids), names=names, folder=folder)


def read_part(path: Path, backbone: PatchBackbone | None = None) -> LearnedInspector:
    """Read an inspector from a file; `backbone` saves opening the one it names.

    Raises ModelError or IntegrityError when the file must not be loaded.
    """
    inspector, kinds, manifest = read_inspector(path)
    opened = backbone or open_patch_source(dict(manifest["backbone"].get("source", {})))
    if opened.id != manifest["backbone"]["id"]:
        raise InputError(
            f"{path.name} was made with the backbone {manifest['backbone']['id']}, but {opened.id} was opened."
        )
    name, state = str(manifest.get("name", path.stem)), str(manifest.get("state", ""))
    return LearnedInspector(name, opened, inspector, kinds, (), (), str(manifest.get("memory_sha256", "")), state)


def _read_cache(path: Path, backbone: PatchBackbone) -> LearnedInspector | None:
    try:
        return read_part(path, backbone)
    except FovealError:
        return None  # a cache that is missing or cannot be trusted is made anew
