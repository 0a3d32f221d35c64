"""What an inspector knows, as values, and how it is fitted from a workspace."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from foveal.backbones.patch_backbone import PatchOptions, open_patch_backbone
from foveal.core.contracts import Code, PatchBackbone, Progress, silent
from foveal.core.errors import FovealError, InputError
from foveal.core.inspection import INSPECTOR
from foveal.memory.codes import hash_code
from foveal.memory.patch_codes import hash_code_set
from foveal.recognizers.good_pictures import GoodPictures
from foveal.recognizers.inspector import Inspector, fit_inspector
from foveal.recognizers.statistics import Ints
from foveal.store.rows import ExampleRow
from foveal.store.workspace import Workspace
from foveal.workflows.inspection.part_file import read_inspector, write_inspector
from foveal.workflows.learned import TEACHING_SPLITS

GOOD = "good"


@dataclass(frozen=True, eq=False)
class LearnedInspector:
    """An inspector, the backbone it sees with, and the good pictures it was fitted on.

    `ids` and `names` are in canonical order, that of `inspector.left_out`; both are empty for one loaded
    from a file. `memory_sha256` is the hash of the set of their codes.
    """

    name: str
    backbone: PatchBackbone
    inspector: Inspector
    ids: tuple[int, ...]
    names: tuple[str, ...]
    memory_sha256: str
    state: str
    folder: Path | None = None


def good_rows(rows: Iterable[ExampleRow]) -> list[ExampleRow]:
    """Rows that are taught as good."""
    return [row for row in rows if row.labels == (GOOD,) and row.split in TEACHING_SPLITS]


def open_patch_source(source: dict[str, Any]) -> PatchBackbone:
    """Open a patch backbone as a workspace or a file describes it."""
    options = dict(source.get("options", {}))
    options["blocks"] = tuple(options.get("blocks", PatchOptions().blocks))
    return open_patch_backbone(str(source.get("name", "")), PatchOptions(**options))


def hash_good(workspace: Workspace, rows: Sequence[ExampleRow]) -> str:
    """Hash of the memory that these rows are, from their stored codes; needs no model."""
    hashes = [hash_code(code) for _, codes in workspace.code_blocks([r.id for r in rows], rows=32) for code in codes]
    return hash_code_set(str(workspace.settings["backbone_id"]), hashes)


def fit_part(workspace: Workspace, backbone: PatchBackbone, progress: Progress = silent) -> LearnedInspector:
    """Fit the inspector of everything taught as good.

    The order of teaching plays no part. Raises InputError where too few good pictures are taught.
    """
    kept, rows = workspace.settings, good_rows(workspace.rows())
    progress("remembering", 0, 2)
    codes = workspace.codes([row.id for row in rows])
    hashes = [hash_code(code) for code in codes]
    order = sorted(range(len(rows)), key=lambda i: (hashes[i], rows[i].sha256, rows[i].name))
    rows = [rows[i] for i in order]
    good = _gather(codes[order] if len(rows) else codes, rows, backbone)
    progress("learning what good looks like", 1, 2)
    inspector = fit_inspector(good, str(kept["way"]), float(kept["false_alarms"]))
    return LearnedInspector(
        name=str(kept.get("name", "")),
        backbone=backbone,
        inspector=inspector,
        ids=tuple(row.id for row in rows),
        names=tuple(row.name for row in rows),
        memory_sha256=hash_code_set(backbone.id, hashes),
        state=describe_state(rows, kept),
        folder=workspace.folder,
    )


def describe_state(rows: Sequence[ExampleRow], kept: dict[str, Any]) -> str:
    """SHA-256 of everything a fit depends on, whatever the order of teaching."""
    digest = hashlib.sha256(json.dumps([kept["backbone_id"], kept["way"]]).encode())
    for line in sorted(json.dumps([r.sha256, r.name, r.group]) for r in rows):
        digest.update(line.encode())
    return digest.hexdigest()


def keep_part(workspace: Workspace, learned: LearnedInspector) -> None:
    """Write the cached file and log the memory's hash."""
    write_inspector(workspace.model_path, learned.inspector, make_manifest(workspace, learned), {})
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
        rows = {row.id: row for row in good_rows(workspace.rows())}
        ids = [int(number) for number in kept.get("order", {}).get("ids", ())]
        state = describe_state(list(rows.values()), kept)
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
    inspector, manifest = read_inspector(path)
    opened = backbone or open_patch_source(dict(manifest["backbone"].get("source", {})))
    if opened.id != manifest["backbone"]["id"]:
        raise InputError(
            f"{path.name} was made with the backbone {manifest['backbone']['id']}, but {opened.id} was opened."
        )
    name, state = str(manifest.get("name", path.stem)), str(manifest.get("state", ""))
    return LearnedInspector(name, opened, inspector, (), (), str(manifest.get("memory_sha256", "")), state)


def _read_cache(path: Path, backbone: PatchBackbone) -> LearnedInspector | None:
    try:
        return read_part(path, backbone)
    except FovealError:
        return None  # a cache that is missing or cannot be trusted is made anew


def _gather(codes: Code, rows: Sequence[ExampleRow], backbone: PatchBackbone) -> GoodPictures:
    """Codes with their groups: the user's and the files' groups, and copies, are left out together."""
    if not len(rows):
        return GoodPictures(
            np.zeros((0, int(np.prod(backbone.shape))), np.int16), np.zeros(0, np.int64), backbone.shape
        )
    numbers: dict[str, int] = {}
    keys = [f"group {row.group}" if row.group is not None else f"file {row.sha256}" for row in rows]
    groups: Ints = np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)
    return GoodPictures(codes, groups, backbone.shape)
