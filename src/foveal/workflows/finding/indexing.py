"""From a catalogue to a gallery, batch after batch, each on the disk before the next."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from foveal.core.contracts import Progress, silent
from foveal.core.errors import InputError, IntegrityError, ModelError
from foveal.core.example import Example
from foveal.core.gallery import Columns, Kept, NewPicture
from foveal.store.gallery.local import LocalGallery
from foveal.workflows.finding.catalogue import Catalogue, read_catalogue
from foveal.workflows.finding.gallery import (
    GalleryChoices,
    OpenGallery,
    create_gallery,
    holds_gallery,
    is_server,
    open_gallery,
)
from foveal.workflows.finding.learning import is_due, learn
from foveal.workflows.finding.model import GalleryModel
from foveal.workflows.seeing import Seen, Unreadable, see_all
from foveal.workflows.sources.archive import UNPACKED

BATCH = 64


@dataclass(frozen=True, eq=False)
class Indexed:
    """What indexing did."""

    model: GalleryModel
    n_items: int
    n_pictures: int
    n_new: int
    n_known: int
    n_removed: int
    unreadable: tuple[tuple[str, str], ...]
    skipped: tuple[tuple[str, str], ...]
    learned: bool
    seconds: dict[str, float]


@dataclass(frozen=True)
class Plan:
    """What indexing should do besides adding what is new.

    `teach_with` is a source of further pictures of items, a folder each, that teach the metric and are never found.
    `by` names the column that says what is alike. `learn`: True and False, or None for when it is due. `prune` removes
    items that the catalogue no longer has.
    """

    folders_are_items: bool = False
    teach_with: str | None = None
    by: str | None = None
    learn: bool | None = None
    prune: bool = False


def index_catalogue(
    source: str | Path,
    address: str | Path,
    choices: GalleryChoices | None = None,
    plan: Plan | None = None,
    *,
    progress: Progress = silent,
) -> Indexed:
    """Add what is new in a catalogue to the gallery at `address`, made if missing, and update columns.

    One picture that cannot be read is reported and passed over. Raises InputError where there is nothing to index,
    BusyError when another process writes.
    """
    begun = time.perf_counter()
    plan = plan or Plan()
    unpack = None if is_server(str(address)) else Path(address) / UNPACKED
    catalogue = read_catalogue(source, folders_are_items=plan.folders_are_items, unpack_into=unpack)
    with _open(address, choices or GalleryChoices(), Path(source).stem) as gallery:
        if plan.learn:
            _mend(gallery, plan, progress)
        kept = gallery.store.all_pictures()
        fresh, n_known, gone = _compare(kept, catalogue)
        unreadable = add_pictures(gallery, fresh, catalogue.columns, progress=progress)
        n_new = len(fresh) - len(unreadable)
        _update_columns(gallery, kept, catalogue, {example.group or "" for example in fresh})
        n_removed = gallery.store.remove(gone) if plan.prune and gone else 0
        if plan.teach_with is not None:
            lesson = read_catalogue(plan.teach_with, folders_are_items=True, unpack_into=unpack)
            extra, _, _ = _compare(gallery.store.all_pictures(), lesson)
            unreadable += add_pictures(gallery, extra, {}, hidden=True, progress=progress)
        if unreadable and not gallery.store.count()[1]:
            name, reason = unreadable[0]
            raise InputError(f"None of the {len(unreadable)} pictures of {source} can be read; {name}: {reason}")
        seen = time.perf_counter()
        due = is_due(gallery) or plan.teach_with is not None or plan.by is not None
        learned = due if plan.learn is None else plan.learn
        model = learn(gallery, progress, by=plan.by) if learned else gallery.model
        if isinstance(gallery.store, LocalGallery):
            gallery.store.consolidate(progress)
        n_items, n_pictures = gallery.store.count()
    done = time.perf_counter()
    seconds = {"seeing": seen - begun, "learning": done - seen, "total": done - begun}
    return Indexed(
        model, n_items, n_pictures, n_new, n_known, n_removed, unreadable, catalogue.skipped, learned, seconds
    )


def _open(address: str | Path, choices: GalleryChoices, name: str) -> OpenGallery:
    if holds_gallery(address):
        gallery = open_gallery(address)
        if choices.text and not gallery.pair:
            gallery.close()
            raise InputError(f"{address} was indexed without a text-image pair. Index anew, into another folder.")
        return gallery
    return create_gallery(address, choices, name)


def _mend(gallery: OpenGallery, plan: Plan, progress: Progress) -> None:
    """Learn before anything is added, where what was learned is missing or cannot be used."""
    try:
        _ = gallery.model
    except (ModelError, IntegrityError):
        learn(gallery, progress, by=plan.by)


def _compare(kept: Sequence[Kept], catalogue: Catalogue) -> tuple[list[Example], int, list[str]]:
    """Pictures not known yet, how many are, and items that the catalogue no longer names."""
    known = {(one.path, one.item) for one in kept}
    fresh = [example for example in catalogue.examples if (example.path, example.group) not in known]
    named = {example.group or "" for example in catalogue.examples}
    gone = sorted({one.item for one in kept if not one.hidden} - named)
    return fresh, len(catalogue.examples) - len(fresh), gone


def add_pictures(
    gallery: OpenGallery,
    examples: Sequence[Example],
    columns: Mapping[str, Columns],
    *,
    hidden: bool = False,
    progress: Progress = silent,
) -> tuple[tuple[str, str], ...]:
    """See pictures and keep them, batch after batch; returns names and reasons of those that cannot be read."""
    results = see_all(examples, gallery.eye(), n_examples=len(examples), progress=progress)
    unreadable: list[tuple[str, str]] = []
    while part := list(islice(results, BATCH)):
        seen = [one for one in part if isinstance(one, Seen)]
        unreadable += [(one.example.name, one.reason) for one in part if isinstance(one, Unreadable)]
        keep_seen(gallery, seen, columns, hidden=hidden)
    return tuple(unreadable)


def keep_seen(
    gallery: OpenGallery, seen: Sequence[Seen], columns: Mapping[str, Columns], *, hidden: bool = False
) -> list[int]:
    """Keep pictures that were seen; returns their ids."""
    if not seen:
        return []
    vectors = gallery.project(np.stack([one.code for one in seen]))
    new = [
        NewPicture(
            one.example.group or one.example.name,
            one.example.name,
            one.example.path,
            one.code,
            vector,
            one.capture,
            one.appearance,
            one.thumbnail,
            one.example.subject,
            hidden,
        )
        for one, vector in zip(seen, vectors, strict=True)
    ]
    named = dict.fromkeys(picture.item for picture in new)
    return gallery.store.add(new, {item: columns[item] for item in named if columns.get(item)})


def _update_columns(gallery: OpenGallery, kept: Sequence[Kept], catalogue: Catalogue, fresh: set[str]) -> None:
    """Set the columns of known items that have changed."""
    before = {one.item: dict(one.columns) for one in kept}
    changed = {
        item: values
        for item, values in catalogue.columns.items()
        if item in before and item not in fresh and before[item] != values
    }
    if changed:
        gallery.store.set_columns(changed)
