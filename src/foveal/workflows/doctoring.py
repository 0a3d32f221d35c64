"""The data doctor: everything wrong with a set of pictures, before anything taught from it is trusted."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foveal.audits.bursts import find_bursts
from foveal.audits.class_sizes import find_small_classes
from foveal.audits.copies import find_copies
from foveal.audits.finding import SEVERITIES, Finding, say_how_many
from foveal.audits.labels import find_wrong_labels
from foveal.audits.looks import find_odd_pictures, find_poor_looks
from foveal.audits.pictures import Pictures
from foveal.audits.shortcuts import find_shortcuts
from foveal.backbones.catalog import DEFAULT, Options, open_backbone
from foveal.core.contracts import Progress, silent
from foveal.core.errors import InputError
from foveal.core.inspection import is_inspector
from foveal.recognizers.classifier import Classifier
from foveal.recognizers.settings import Settings
from foveal.store.database import DATABASE
from foveal.store.workspace import Workspace
from foveal.workflows.inspection.examining import examine_good
from foveal.workflows.learned import fit_workspace
from foveal.workflows.model_file import describe_source, open_source
from foveal.workflows.pictures import WorkspaceCodes, make_pictures
from foveal.workflows.seeing import class_eye
from foveal.workflows.sources.archive import UNPACKED
from foveal.workflows.sources.listing import list_examples
from foveal.workflows.teaching import see_and_keep


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What was examined and what was found, the gravest first."""

    n_pictures: int
    n_classes: int
    n_groups: int
    by_threshold: tuple[tuple[float, int], ...]  # burst threshold and number of groups
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "pictures": self.n_pictures,
            "classes": self.n_classes,
            "groups": self.n_groups,
            "groups_by_threshold": [list(row) for row in self.by_threshold],
            "findings": [finding.to_dict() for finding in self.findings],
        }


def examine(source: str | Path, *, progress: Progress = silent) -> Diagnosis:
    """Examine a source of pictures, in a temporary workspace that is removed, or a workspace.

    Raises InputError when the source holds no pictures at all.
    """
    if (Path(source) / DATABASE).exists():
        with Workspace.open(source) as workspace:
            return _examine(workspace, [], progress)
    with tempfile.TemporaryDirectory(prefix="foveal-doctor-") as folder:
        listing = list_examples(source, unpack_into=Path(folder) / UNPACKED)
        options = Options()
        backbone = open_backbone(DEFAULT, options)
        kept = {
            "name": Path(source).stem,
            "backbone": describe_source(DEFAULT, options),
            "backbone_id": backbone.id,
            "dim": backbone.dim,
            "multi_label": any(len(example.labels) > 1 for example in listing.examples),
        }
        with Workspace.create(Path(folder) / "workspace", kept) as workspace:
            list(see_and_keep(workspace, listing.examples, class_eye(backbone), progress))
            return _examine(workspace, listing.skipped, progress)


def _examine(workspace: Workspace, skipped: Sequence[tuple[str, str]], progress: Progress) -> Diagnosis:
    rows = workspace.rows()
    findings = _unreadable([*workspace.unreadable().items(), *skipped])
    if not rows:
        return Diagnosis(0, 0, 0, (), tuple(findings))
    measures = {m.id: m for m in workspace.measures()}
    if is_inspector(workspace.settings):
        good = [row for row in rows if row.split != "test"]
        findings += examine_good(workspace, make_pictures(good, measures))
        return Diagnosis(len(rows), 1, len(good), (), _rank(findings))
    pictures, reader = make_pictures(rows, measures), WorkspaceCodes(workspace.folder)
    bursts = find_bursts(pictures, reader)
    progress("examining", 1, 4)
    findings += find_copies(pictures, workspace.thumbnail)
    progress("examining", 2, 4)
    findings += _unlabelled(pictures)
    labels = [(names, int(g)) for names, g in zip(pictures.labels, bursts.groups, strict=True) if names]
    findings += find_small_classes([names for names, _ in labels], [g for _, g in labels], Settings().coverage)
    findings += find_poor_looks(pictures) + find_shortcuts(pictures, bursts.groups.tolist())
    progress("examining", 3, 4)
    findings += _from_left_out(workspace, progress)
    n_classes = len({label for names in pictures.labels for label in names})
    return Diagnosis(len(rows), n_classes, bursts.n_groups, bursts.by_threshold, _rank(findings))


def _rank(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def _unreadable(rows: Sequence[tuple[str, str]]) -> list[Finding]:
    if not rows:
        return []
    return [
        Finding(
            "unreadable",
            "error",
            tuple(f"{name}: {reason}" for name, reason in rows),
            say_how_many(len(rows), "file", "files") + " cannot be read.",
            "They are left out. Export them again, or remove them.",
            float(len(rows)),
        )
    ]


def _unlabelled(pictures: Pictures) -> list[Finding]:
    names = tuple(name for name, labels in zip(pictures.names, pictures.labels, strict=True) if not labels)
    if not names:
        return []
    return [Finding("no label", "warning", names, say_how_many(len(names), "picture has", "pictures have") + " no label.",
                    "Put them into the folder of their class, or remove them.", float(len(names)))]  # fmt: skip


def _from_left_out(workspace: Workspace, progress: Progress) -> list[Finding]:
    """Findings that need a recognizer; without two classes there are none."""
    try:
        learned = fit_workspace(workspace, open_source(workspace.settings["backbone"]), progress=progress)
    except InputError:
        return []
    taught, left_out = learned.taught, learned.left_out
    if taught is None or left_out is None or not left_out.valid.any():
        return []
    valid = left_out.valid
    names = [name for name, kept in zip(taught.names, valid, strict=True) if kept]
    found = find_odd_pictures(names, left_out.distances[valid])
    if isinstance(learned.readout, Classifier):
        truth = left_out.truth[valid].argmax(axis=1)
        found += find_wrong_labels(names, learned.readout.classes, truth, left_out.probabilities[valid])
    return found
