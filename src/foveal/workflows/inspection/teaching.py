"""From pictures of good parts to an inspector kept in a workspace."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from foveal.backbones.catalog import DEFAULT
from foveal.backbones.patch_backbone import PatchOptions
from foveal.core.contracts import Progress, silent
from foveal.core.errors import InputError
from foveal.core.example import Example
from foveal.core.inspection import DEFECT, GOOD, INSPECTOR, is_inspector
from foveal.recognizers.inspector import LEAST, count_needed
from foveal.store.database import DATABASE
from foveal.store.workspace import Workspace
from foveal.workflows.inspection.choosing import choose_way
from foveal.workflows.inspection.keeping import keep_part
from foveal.workflows.inspection.learned import LearnedInspector, fit_part, open_patch_source
from foveal.workflows.seeing import patch_eye
from foveal.workflows.sources.archive import UNPACKED
from foveal.workflows.sources.listing import list_examples
from foveal.workflows.teaching import see_and_keep, sort_out

FINE_WORDS = frozenset({"good", "ok", "normal", "nominal", "free", "fine", "pass"})  # folder names that mean good
USUAL_RATE = 0.01  # of false alarms


@dataclass(frozen=True)
class PartChoices:
    """How a new inspector is made; an existing one keeps what it was made with.

    `way`: "aligned", "anywhere", or None to choose by made-up defects, as with `size` (pixels a side).
    """

    backbone: str = DEFAULT
    runtime: str = "onnxruntime"
    precision: str = "fp32"
    size: int | None = None
    way: str | None = None
    false_alarms: float | None = None  # None keeps what the workspace has, or takes USUAL_RATE
    name: str = ""


@dataclass(frozen=True, eq=False)
class TaughtPart:
    """What teaching did."""

    learned: LearnedInspector
    n_new: int
    n_known: int
    n_defects: int  # known defects kept to measure with
    unreadable: tuple[tuple[str, str], ...]
    skipped: tuple[tuple[str, str], ...]
    seconds: dict[str, float]

    @property
    def needed(self) -> int:
        """Good pictures still missing for the rate of false alarms that was asked for."""
        inspector = self.learned.inspector
        return max(0, count_needed(inspector.false_alarms) - inspector.n_good)


def teach_good(
    source: str | Path,
    folder: str | Path,
    choices: PartChoices | None = None,
    *,
    bad: str | Path | None = None,
    kinds: str | Path | None = None,
    progress: Progress = silent,
) -> TaughtPart:
    """Teach good pictures to the workspace in `folder`, made if missing, and fit it.

    `source` is a folder of good pictures, an MVTec-like folder, a table or a zip; `bad` holds known
    defects, by kind or not, which measure and never teach; `kinds` holds defects in a folder per kind, which
    teach what kind a defect is once it is found, never what is good. Raises InputError where there are too few
    good pictures, BusyError when another process writes.
    """
    begun = time.perf_counter()
    choices = choices or PartChoices()
    listing = list_examples(source, unpack_into=Path(folder) / UNPACKED)
    examples = mark_good(listing.examples)
    skipped = list(listing.skipped)
    if bad is not None:
        defects = list_examples(bad, unpack_into=Path(folder) / UNPACKED)
        examples += [replace(e, labels=e.labels or (DEFECT,), split="test") for e in defects.examples]
        skipped += defects.skipped
    if kinds is not None:
        named = list_examples(kinds, unpack_into=Path(folder) / UNPACKED)
        examples += [replace(e, split=None) for e in named.examples if e.labels]
        skipped += [*named.skipped, *((e.name, "in no folder of a kind") for e in named.examples if not e.labels)]
    with _open(Path(folder), examples, choices, Path(source).stem, progress) as workspace:
        backbone = open_patch_source(workspace.settings["backbone"])
        fresh, n_known, _ = sort_out(workspace, examples)
        chosen = time.perf_counter()
        unreadable = tuple(see_and_keep(workspace, fresh, patch_eye(backbone), progress, batch=32))
        seen = time.perf_counter()
        learned = fit_part(workspace, backbone, progress)
        keep_part(workspace, learned)
        n_defects = sum(row.labels != (GOOD,) and row.split == "test" for row in workspace.rows())
    done = time.perf_counter()
    return TaughtPart(
        learned,
        len(fresh) - len(unreadable),
        n_known,
        n_defects,
        unreadable,
        tuple(skipped),
        {"choosing": chosen - begun, "seeing": seen - chosen, "fitting": done - seen, "total": done - begun},
    )


def mark_good(examples: Sequence[Example]) -> list[Example]:
    """Label what is good, and hold out what is not.

    Where some folders are called good and others are not, the others are known defects; otherwise
    everything that is not held out for testing is good, whatever its folder is called.
    """
    words = {label.lower() for example in examples for label in example.labels}
    told = bool(words & FINE_WORDS) and bool(words - FINE_WORDS)

    def mark(example: Example) -> Example:
        label = example.labels[0] if example.labels else GOOD
        if (told or example.split == "test") and label.lower() not in FINE_WORDS and example.labels:
            return replace(example, labels=(label,), split="test")
        return replace(example, labels=(GOOD,))

    return [mark(example) for example in examples]


def _open(folder: Path, examples: Sequence[Example], choices: PartChoices, name: str, progress: Progress) -> Workspace:
    if (folder / DATABASE).exists():
        workspace = Workspace.open(folder, writing=True)
        if not is_inspector(workspace.settings):
            workspace.close()
            raise InputError(f"{folder} holds classes, not an inspector. Give another folder with --workspace.")
        if choices.false_alarms is not None:
            workspace.update_settings({"false_alarms": choices.false_alarms})
        return workspace
    good = [example for example in examples if example.labels == (GOOD,) and example.split != "test"]
    if len(good) < LEAST:
        raise InputError(f"Inspecting needs at least {LEAST} good pictures, got {len(good)}. Add more.")
    options = PatchOptions(runtime=choices.runtime, precision=choices.precision)
    options, way = choose_way(choices.backbone, options, good, progress, way=choices.way, size=choices.size)
    source: dict[str, Any] = {"name": choices.backbone, "options": {**asdict(options), "blocks": list(options.blocks)}}
    backbone = open_patch_source(source)
    kept = {
        "kind": INSPECTOR,
        "name": choices.name or name,
        "backbone": source,
        "backbone_id": backbone.id,
        "backbone_card": backbone.card.to_dict(),
        "dim": int(np.prod(backbone.shape)),
        "multi_label": False,
        "bursts": False,
        "way": way,
        "false_alarms": USUAL_RATE if choices.false_alarms is None else choices.false_alarms,
    }
    return Workspace.create(folder, kept)
