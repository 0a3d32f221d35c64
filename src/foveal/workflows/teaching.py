"""From a source of labelled pictures to a recognizer kept in a workspace."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path

from foveal.backbones.catalog import DEFAULT, Options
from foveal.core.contracts import Progress, silent
from foveal.core.errors import InputError
from foveal.core.example import Example
from foveal.recognizers.settings import Settings
from foveal.store.database import DATABASE
from foveal.store.rows import NewExample
from foveal.store.workspace import Workspace
from foveal.workflows.choosing import choose_view
from foveal.workflows.learned import Learned, fit_workspace
from foveal.workflows.model_file import describe_source, open_source
from foveal.workflows.seeing import Eye, Seen, Unreadable, class_eye, see_all
from foveal.workflows.sources.archive import UNPACKED
from foveal.workflows.sources.listing import list_examples
from foveal.workflows.workspace_model import keep_model

BATCH = 256  # pictures acknowledged together
AUTO = "auto"


@dataclass(frozen=True)
class Choices:
    """How a new workspace is made; an existing one keeps what it was made with.

    `view`: which part of a picture counts: "whole", "center", "close", or "auto" to choose by the
    left-out score of a sample. `multi_label` None means: as the labels show. `bursts`: whether file
    neighbours that look alike are left out together; without it every picture stands for itself.
    """

    backbone: str = DEFAULT
    view: str = AUTO
    runtime: str = "onnxruntime"
    precision: str = "fp32"
    size: int | None = None
    multi_label: bool | None = None
    bursts: bool = True
    settings: Settings = field(default_factory=Settings)
    name: str = ""


@dataclass(frozen=True, eq=False)
class Taught:
    """What teaching did."""

    learned: Learned
    n_new: int
    n_known: int
    n_changed: int  # labels corrected, because the source now says otherwise
    unreadable: tuple[tuple[str, str], ...]  # name and reason
    skipped: tuple[tuple[str, str], ...]
    seconds: dict[str, float]


def teach_workspace(
    source: str | Path, folder: str | Path, choices: Choices | None = None, progress: Progress = silent
) -> Taught:
    """Teach a source to the workspace in `folder`, made if missing, and fit it.

    Pictures already taught are not read again; a picture whose label changed in the source is
    corrected. Raises InputError when there is nothing to teach or only one class, BusyError when
    another process writes.
    """
    begun = time.perf_counter()
    choices = choices or Choices()
    listing = list_examples(source, unpack_into=Path(folder) / UNPACKED)
    examples, unlabelled = _labelled(listing.examples)
    with _open(Path(folder), examples, choices, Path(source).stem, progress) as workspace:
        backbone = open_source(workspace.settings["backbone"])
        _check_classes(workspace, examples)
        fresh, n_known, n_changed = sort_out(workspace, examples)
        chosen = time.perf_counter()
        unreadable = tuple(see_and_keep(workspace, fresh, class_eye(backbone), progress))
        seen = time.perf_counter()
        learned = fit_workspace(workspace, backbone, progress=progress)
        keep_model(workspace, learned)
    done = time.perf_counter()
    return Taught(
        learned,
        len(fresh) - len(unreadable),
        n_known,
        n_changed,
        unreadable,
        (*listing.skipped, *((name, "no label") for name in unlabelled)),
        {"preparing": chosen - begun, "seeing": seen - chosen, "fitting": done - seen, "total": done - begun},
    )


def _labelled(examples: Iterable[Example]) -> tuple[list[Example], list[str]]:
    kept, unlabelled = [], []
    for example in examples:
        if example.labels or example.not_labels:
            kept.append(example)
        else:
            unlabelled.append(example.name)
    if not kept:
        raise InputError(
            "No picture has a label. Put pictures into one folder per class, "
            "or give a table with the columns path and label."
        )
    return kept, unlabelled


def _open(folder: Path, examples: Sequence[Example], choices: Choices, name: str, progress: Progress) -> Workspace:
    if (folder / DATABASE).exists():
        return Workspace.open(folder, writing=True)
    multi_label = choices.multi_label
    if multi_label is None:
        multi_label = any(len(example.labels) > 1 for example in examples)
    if not multi_label:
        _check_enough({example.labels[0] for example in examples if example.labels})
    options = Options(size=choices.size, runtime=choices.runtime, precision=choices.precision, view=choices.view)
    if choices.view == AUTO:
        options = choose_view(choices.backbone, options, [] if multi_label else examples, progress)
    source = describe_source(choices.backbone, options)
    backbone = open_source(source)  # before anything is made: a backbone that cannot be opened leaves nothing behind
    kept = {
        "name": choices.name or name,
        "backbone": source,
        "backbone_id": backbone.id,
        "backbone_card": backbone.card.to_dict(),
        "dim": backbone.dim,
        "multi_label": multi_label,
        "bursts": choices.bursts,
        "decide": asdict(choices.settings),
    }
    return Workspace.create(folder, kept)


def _check_classes(workspace: Workspace, examples: Sequence[Example]) -> None:
    if workspace.settings["multi_label"]:
        return
    known = {label for row in workspace.rows() for label in row.labels}
    _check_enough(known | {label for example in examples for label in example.labels})
    several = next((example for example in examples if len(example.labels) > 1), None)
    if several is not None:
        raise InputError(
            f"{several.name} has {len(several.labels)} labels, but this workspace was made for one label a picture. "
            "Make a new workspace for tags."
        )


def _check_enough(classes: set[str]) -> None:
    if len(classes) < 2:
        raise InputError(
            f"Telling apart needs at least two classes, got {len(classes)} ({', '.join(classes) or 'none'}). "
            "Add pictures of something else, for example of everything that is not it."
        )


def sort_out(workspace: Workspace, examples: Sequence[Example]) -> tuple[list[Example], int, int]:
    """Examples not known yet, and how many are known and how many of these were corrected."""
    rows = {row.path: row for row in workspace.rows()}
    fresh, corrected = [], []
    for example in examples:
        row = rows.get(example.path)
        if row is None:
            fresh.append(example)
        elif set(example.labels) != set(row.labels) and example.labels:
            corrected.append((row.id, example.labels))
    if corrected:
        workspace.relabel([number for number, _ in corrected], [labels for _, labels in corrected])
    return fresh, len(examples) - len(fresh), len(corrected)


def see_and_keep(
    workspace: Workspace, examples: Sequence[Example], eye: Eye, progress: Progress, *, batch: int = BATCH
) -> Iterator[tuple[str, str]]:
    """Read, embed and acknowledge batch after batch; yields name and reason of unreadable files."""
    results = see_all(examples, eye, n_examples=len(examples), progress=progress)
    while part := list(islice(results, batch)):
        new = [to_new_example(seen) for seen in part if isinstance(seen, Seen)]
        bad = [(seen.example.name, seen.reason) for seen in part if isinstance(seen, Unreadable)]
        workspace.add(new, unreadable=bad)
        yield from bad


def to_new_example(seen: Seen) -> NewExample:
    """A seen picture as the workspace keeps it."""
    return NewExample(seen.example, seen.capture, seen.appearance, seen.code, seen.thumbnail)


def parse_priors(text: str, settings: Settings) -> Settings:
    """The settings with priors from "taught", "equal" or "label=weight,label=weight".

    Raises InputError for anything else.
    """
    if "=" not in text:
        return replace(settings, priors=text)
    weights = []
    for part in text.split(","):
        label, _, number = part.rpartition("=")
        try:
            weights.append((label.strip(), float(number)))
        except ValueError:
            raise InputError(f"Priors are given as label=weight,label=weight; got {part!r}.") from None
    return replace(settings, priors="given", weights=tuple(weights))
