"""What an inspector knows, as values, and how it is fitted from a workspace."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from foveal.backbones.patch_backbone import PatchOptions, open_patch_backbone
from foveal.core.contracts import Code, PatchBackbone, Progress, silent
from foveal.core.errors import InputError
from foveal.core.image import Appearance
from foveal.core.inspection import GOOD
from foveal.memory.codes import hash_code
from foveal.memory.patch_codes import hash_code_set
from foveal.recognizers.classifier import Classifier
from foveal.recognizers.defect_kinds import fit_kinds
from foveal.recognizers.good_pictures import GoodPictures
from foveal.recognizers.inspector import Inspector, fit_inspector
from foveal.recognizers.statistics import Ints
from foveal.store.rows import ExampleRow
from foveal.store.workspace import Workspace
from foveal.workflows.learned import TEACHING_SPLITS
from foveal.workflows.model_file import refuse_gallery


@dataclass(frozen=True, eq=False)
class LearnedInspector:
    """An inspector, the backbone it sees with, and the good pictures it was fitted on.

    `ids` and `names` are in canonical order, that of `inspector.left_out`; both are empty for one loaded
    from a file. `memory_sha256` is the hash of the set of their codes.
    """

    name: str
    backbone: PatchBackbone
    inspector: Inspector
    kinds: Classifier | None  # of defects, where at least two were taught
    ids: tuple[int, ...]
    names: tuple[str, ...]
    memory_sha256: str
    state: str
    folder: Path | None = None


def good_rows(rows: Iterable[ExampleRow]) -> list[ExampleRow]:
    """Rows that are taught as good."""
    return [row for row in rows if row.labels == (GOOD,) and row.split in TEACHING_SPLITS]


def good_looks(workspace: Workspace) -> list[Appearance]:
    """Measures of the pixels of all pictures taught as good."""
    good = {row.id for row in good_rows(workspace.rows())}
    return [measured.appearance for measured in workspace.measures() if measured.id in good]


def kind_rows(rows: Iterable[ExampleRow]) -> list[ExampleRow]:
    """Rows that teach what kinds of defects there are."""
    return [row for row in rows if row.labels and row.labels != (GOOD,) and row.split in TEACHING_SPLITS]


def open_patch_source(source: dict[str, Any]) -> PatchBackbone:
    """Open a patch backbone as a workspace or a file describes it.

    Raises InputError for one that has classes, or finds.
    """
    refuse_gallery(source)
    options = dict(source.get("options", {}))
    if "maps" in options:
        raise InputError("This tells classes apart and has no good pictures. Teach a part with teach --good.")
    options["blocks"] = tuple(options.get("blocks", PatchOptions().blocks))
    return open_patch_backbone(str(source.get("name", "")), PatchOptions(**options))


def hash_taught(workspace: Workspace, rows: Iterable[ExampleRow]) -> str:
    """Hash of the memory that these rows are, from their labels and stored codes; needs no model."""
    taught = [row for row in rows if row.labels and row.split in TEACHING_SPLITS]
    blocks = workspace.code_blocks([row.id for row in taught], rows=32)
    hashes = [hash_code(code) for _, codes in blocks for code in codes]
    lines = [f"{row.labels[0]} {line}" for row, line in zip(taught, hashes, strict=True)]
    return hash_code_set(str(workspace.settings["backbone_id"]), lines)


def fit_part(workspace: Workspace, backbone: PatchBackbone, progress: Progress = silent) -> LearnedInspector:
    """Fit the inspector of everything taught as good.

    The order of teaching plays no part. Raises InputError where too few good pictures are taught.
    """
    kept, every = workspace.settings, workspace.rows()
    progress("remembering", 0, 2)
    rows, codes = _read_in_order(workspace, good_rows(every), backbone)
    good = GoodPictures(codes, _number_groups(rows), backbone.shape)
    progress("learning what good looks like", 1, 2)
    inspector = fit_inspector(good, str(kept["way"]), float(kept["false_alarms"]))
    return LearnedInspector(
        name=str(kept.get("name", "")),
        backbone=backbone,
        inspector=inspector,
        kinds=_fit_kinds(workspace, inspector, kind_rows(every), backbone),
        ids=tuple(row.id for row in rows),
        names=tuple(row.name for row in rows),
        memory_sha256=hash_taught(workspace, every),
        state=describe_state(every, kept),
        folder=workspace.folder,
    )


def describe_state(rows: Sequence[ExampleRow], kept: dict[str, Any]) -> str:
    """SHA-256 of everything a fit depends on, whatever the order of teaching."""
    digest = hashlib.sha256(json.dumps([kept["backbone_id"], kept["way"]]).encode())
    taught = [*good_rows(rows), *kind_rows(rows)]
    for line in sorted(json.dumps([r.sha256, r.name, r.group, r.labels]) for r in taught):
        digest.update(line.encode())
    return digest.hexdigest()


def _read_in_order(
    workspace: Workspace, rows: Sequence[ExampleRow], backbone: PatchBackbone
) -> tuple[list[ExampleRow], Code]:
    """Rows in canonical order, that of their codes' hashes, with their codes (n, d)."""
    if not rows:
        return [], np.zeros((0, int(np.prod(backbone.shape))), np.int16)
    codes = workspace.codes([row.id for row in rows])
    hashes = [hash_code(code) for code in codes]
    order = sorted(range(len(rows)), key=lambda i: (hashes[i], rows[i].sha256, rows[i].name))
    return [rows[i] for i in order], codes[order]


def _number_groups(rows: Sequence[ExampleRow]) -> Ints:
    """Group of each row (n,): the user's and the files' groups, and copies, are left out together."""
    numbers: dict[str, int] = {}
    keys = [f"group {row.group}" if row.group is not None else f"file {row.sha256}" for row in rows]
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)


def _fit_kinds(
    workspace: Workspace, inspector: Inspector, rows: Sequence[ExampleRow], backbone: PatchBackbone
) -> Classifier | None:
    if len({row.labels[0] for row in rows}) < 2:
        return None
    ordered, codes = _read_in_order(workspace, rows, backbone)
    return fit_kinds(inspector, codes, [row.labels[0] for row in ordered], _number_groups(ordered))
