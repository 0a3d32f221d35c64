"""What a recognizer knows, as values, and how it is fitted from a workspace."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from foveal.core.contracts import Backbone, Progress, silent
from foveal.core.errors import InputError
from foveal.memory.moments import Moments, sum_moments
from foveal.recognizers.classifier import fit_classifier
from foveal.recognizers.decision import NOT, LeftOutRows
from foveal.recognizers.settings import Settings
from foveal.recognizers.statistics import Ints
from foveal.recognizers.tagger import fit_tagger
from foveal.recognizers.taught import CodeReader, Taught
from foveal.store.rows import ExampleRow
from foveal.store.workspace import Workspace
from foveal.workflows.kinds import Readout
from foveal.workflows.pictures import WorkspaceCodes, group_rows

TEACHING_SPLITS = (None, "train", "val")


@dataclass(frozen=True, eq=False)
class Learned:
    """A backbone, a read-out, and what they were made from where it is known.

    `state` identifies what was taught and how; equal states give equal read-outs. `left_out` is
    there right after a fit. `taught` and `moments` are None in a file saved without its memory.
    """

    name: str
    backbone: Backbone
    readout: Readout
    moments: Moments | None
    taught: Taught | None
    left_out: LeftOutRows | None
    state: str


def labels_to_teach(row: ExampleRow, *, multi_label: bool) -> tuple[str, ...]:
    """The labels under which memory holds a picture; "not X" alone is a class of its own."""
    if multi_label:
        return row.labels
    return row.labels[:1] if row.labels else tuple(NOT + label for label in row.not_labels[:1])


def teaching_rows(rows: Iterable[ExampleRow], *, multi_label: bool) -> list[ExampleRow]:
    """Rows that are taught: not held out for testing, and labelled."""
    return [
        row
        for row in rows
        if row.split in TEACHING_SPLITS and (multi_label or labels_to_teach(row, multi_label=multi_label))
    ]


def describe_state(rows: Sequence[ExampleRow], backbone_id: str, settings: Settings, *, multi_label: bool) -> str:
    """SHA-256 of everything a fit depends on, whatever the order of teaching."""
    digest = hashlib.sha256(json.dumps([backbone_id, asdict(settings), multi_label], sort_keys=True).encode())
    for line in sorted(json.dumps([r.sha256, r.name, r.labels, r.not_labels, r.group]) for r in rows):
        digest.update(line.encode())
    return digest.hexdigest()


def sum_rows(workspace: Workspace, rows: Sequence[ExampleRow]) -> Moments:
    """Moments of these rows, from their stored codes; needs no model, so it works on any machine."""
    kept = workspace.settings
    multi_label = bool(kept["multi_label"])
    labels = {row.id: labels_to_teach(row, multi_label=multi_label) for row in rows}
    blocks = (
        (codes, [labels[int(number)] for number in ids])
        for ids, codes in workspace.code_blocks([row.id for row in rows])
    )
    return sum_moments(str(kept["backbone_id"]), int(kept["dim"]), blocks)


def _order_taught(rows: Sequence[ExampleRow], groups: Ints, reader: CodeReader, *, multi_label: bool) -> Taught:
    """Put rows in the canonical order: groups by their smallest file hash, then file hashes, then names."""
    first: dict[int, str] = {}
    for row, group in zip(rows, groups, strict=True):
        first[int(group)] = min(first.get(int(group), row.sha256), row.sha256)
    keys = [(first[int(g)], int(g), r.sha256, r.name, r.labels) for r, g in zip(rows, groups, strict=True)]
    order = sorted(range(len(rows)), key=lambda i: (keys[i][0], keys[i][2:]))
    numbers: dict[int, int] = {}
    for i in order:
        numbers.setdefault(int(groups[i]), len(numbers))
    # Two groups may share their smallest hash (a copied file the user put in two groups): keep rows of a group together.
    order.sort(key=lambda i: numbers[int(groups[i])])
    return Taught(
        np.array([rows[i].id for i in order], np.int64),
        tuple(rows[i].name for i in order),
        tuple(labels_to_teach(rows[i], multi_label=multi_label) for i in order),
        np.array([numbers[int(groups[i])] for i in order], np.int64),
        reader,
    )


def fit_workspace(
    workspace: Workspace,
    backbone: Backbone,
    moments: Moments | None = None,
    progress: Progress = silent,
    *,
    bursts: bool | None = None,
) -> Learned:
    """Fit the read-out of everything taught in a workspace.

    `moments` saves summing where they are known; `bursts` overrides the workspace's choice. Raises InputError where nothing is taught or too
    few classes are.
    """
    multi_label, settings, name = read_choices(workspace)
    rows = teaching_rows(workspace.rows(), multi_label=multi_label)
    if not rows:
        raise InputError(f"{workspace.folder} holds no labelled pictures to teach. Teach some first.")
    progress("remembering", 0, 1)
    moments = moments or sum_rows(workspace, rows)
    bursts = bool(workspace.settings.get("bursts", True)) if bursts is None else bursts
    groups = group_rows(workspace, rows, bursts=bursts)
    taught = _order_taught(rows, groups, WorkspaceCodes(workspace.folder), multi_label=multi_label)
    state = describe_state(rows, backbone.id, settings, multi_label=multi_label)
    del rows, groups  # of many pictures they take more than the fit
    readout: Readout
    if multi_label:
        readout, left_out = fit_tagger(moments, taught, settings, progress)
    else:
        readout, left_out = fit_classifier(moments, taught, settings, progress)
    return Learned(name, backbone, readout, moments, taught, left_out, state)


def read_choices(workspace: Workspace) -> tuple[bool, Settings, str]:
    """Whether pictures have tags, how to decide, and the recognizer's name, as the workspace keeps them."""
    kept = workspace.settings
    plain = dict(kept.get("decide", {}))
    weights = tuple((str(label), float(weight)) for label, weight in plain.pop("weights", ()))
    return bool(kept.get("multi_label", False)), replace(Settings(**plain), weights=weights), str(kept.get("name", ""))
