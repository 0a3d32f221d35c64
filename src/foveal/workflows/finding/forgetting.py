"""Forgetting pictures of a gallery, or kept queries, so that it is as if they had never been there."""

import time
from collections.abc import Sequence
from pathlib import Path

from foveal.core.contracts import Progress, silent
from foveal.core.gallery import GALLERY
from foveal.store.gallery.local import LocalGallery
from foveal.store.rows import ExampleRow
from foveal.store.workspace import Workspace
from foveal.workflows.finding.gallery import QUERIES_KIND, OpenGallery, holds_gallery, open_gallery
from foveal.workflows.finding.learning import learn
from foveal.workflows.finding.model import GalleryModel
from foveal.workflows.forgetting import Forgotten, find_pictures, forget
from foveal.workflows.sources.archive import delete_unpacked


def forget_anywhere(
    folder: str | Path, values: Sequence[str], *, by: str = "picture", progress: Progress = silent
) -> Forgotten:
    """Forget from whatever the folder holds: classes, an inspector, a gallery or kept queries."""
    with Workspace.open(folder) as workspace:
        kind = workspace.settings.get("kind")
    wanted = forget_from_gallery if kind in (GALLERY, QUERIES_KIND) else forget
    return wanted(folder, values, by=by, progress=progress)


def forget_from_gallery(
    folder: str | Path, values: Sequence[str], *, by: str = "picture", progress: Progress = silent
) -> Forgotten:
    """Erase pictures of a gallery or kept queries everywhere, certify it, and learn again from what remains.

    `values` are paths or names of pictures, items (by "group"), or subjects. What was learned from a picture that
    goes is learned anew from those that were there then, and the index is made anew, so that nothing of it stays.
    Raises InputError naming those that are not known; then nothing is erased.
    """
    begun = time.perf_counter()
    with Workspace.open(folder) as workspace:
        ids = find_pictures(workspace, values, by=by)
        rows = workspace.rows()
    leaving = set(ids)
    if not holds_gallery(folder):
        store = LocalGallery.open(Path(folder))
        _delete_copies(Path(folder), rows, leaving)
        try:
            return _erase(store, ids, values, by, begun)
        finally:
            store.close()
    with open_gallery(folder) as gallery:
        model, store = gallery.model, gallery.local
        _delete_copies(Path(folder), rows, leaving)
        progress("erasing", 0, 1)
        forgotten = _erase(store, ids, values, by, begun)
        _learn_what_remains(gallery, model, min(ids), progress)
        store.consolidate(progress, afresh=True)
        done = time.perf_counter()
    seconds = {**forgotten.seconds, "fitting": done - begun - forgotten.seconds["certified"], "total": done - begun}
    return Forgotten(forgotten.n_erased, forgotten.certificate, None, seconds)


def _delete_copies(folder: Path, rows: Sequence[ExampleRow], leaving: set[int]) -> None:
    forgotten = [row.path for row in rows if row.id in leaving]
    delete_unpacked(folder, forgotten, [row.path for row in rows if row.id not in leaving])


def _erase(store: LocalGallery, ids: Sequence[int], values: Sequence[str], by: str, begun: float) -> Forgotten:
    erased = store.forget(ids, asked=by, words=values)
    certificate = store.certify(erased)
    certified = time.perf_counter() - begun
    return Forgotten(len(ids), certificate, None, {"certified": certified, "fitting": 0.0, "total": certified})


def _learn_what_remains(gallery: OpenGallery, model: GalleryModel, first: int, progress: Progress) -> None:
    """Learn again where something learned from is gone; otherwise keep what was learned."""
    if model.n and first <= model.last_id:
        learn(gallery, progress, up_to=model.last_id)
    elif model.n:
        gallery.keep_model(model)
