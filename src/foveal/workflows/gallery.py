"""The Python way in for finding: index, find, add, update, remove, recommend, forget."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self, final

from foveal.core.contracts import Progress, silent
from foveal.core.errors import InputError
from foveal.core.example import Example
from foveal.core.gallery import Found
from foveal.core.image import Image
from foveal.core.where import Value
from foveal.imaging.appearance import measure_appearance
from foveal.imaging.thumbnail import make_thumbnail
from foveal.imaging.to_image import to_image
from foveal.store.gallery.local import LocalGallery
from foveal.workflows.finding.explaining import draw, explain
from foveal.workflows.finding.forgetting import forget_from_gallery
from foveal.workflows.finding.gallery import GalleryChoices, OpenGallery, create_gallery, holds_gallery, open_gallery
from foveal.workflows.finding.indexing import Indexed, Plan, index_catalogue, keep_seen
from foveal.workflows.finding.learning import learn
from foveal.workflows.finding.model import GalleryModel
from foveal.workflows.finding.recommending import recommend
from foveal.workflows.finding.searching import Wish, check_wish, find_by_text, search, see_query
from foveal.workflows.seeing import Seen


@final
class Gallery:
    """Items with pictures and columns, searched by what pictures show.

    Safe to use from several threads at once: items may be added while others search. One process may change it; any
    number may search.

    >>> import tempfile
    >>> import numpy as np
    >>> gallery = Gallery(tempfile.mkdtemp() + "/shop")
    >>> for item, color in (("apple", (200, 30, 40)), ("lime", (90, 190, 60))):
    ...     _ = gallery.add(item, np.full((64, 64, 3), color, np.uint8), price=2.5)
    >>> gallery.find(np.full((64, 64, 3), (90, 190, 60), np.uint8), k=1).best.item
    'lime'
    >>> gallery.close()
    """

    def __init__(self, address: str | Path, choices: GalleryChoices | None = None) -> None:
        """Open the gallery in a folder or on a server (postgresql://..., qdrant://...), or make an empty one."""
        self._address = address
        exists = holds_gallery(address)
        self._open: OpenGallery = (
            open_gallery(address)
            if exists
            else create_gallery(address, choices or GalleryChoices(), Path(str(address)).stem)
        )

    @classmethod
    def index(
        cls, source: str | Path, address: str | Path, choices: GalleryChoices | None = None, plan: Plan | None = None,
        *, progress: Progress = silent,
    ) -> tuple["Gallery", Indexed]:  # fmt: skip
        """Add what is new in a catalogue (folder, table or zip), learn where that is due, and open the gallery."""
        indexed = index_catalogue(source, address, choices, plan, progress=progress)
        return cls(address), indexed

    def __len__(self) -> int:
        """Number of items."""
        return self._open.store.count()[0]

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *problem: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Let go of files and connections, and let others write."""
        self._open.close()

    # -- changing -----------------------------------------------------------------------------------------

    def add(self, item: str, *pictures: Any, subject: str | None = None, **columns: Value) -> list[int]:
        """Add pictures (paths, bytes, Pillow images or arrays) to an item, made if missing; returns their ids.

        Columns, where given, replace the item's. Raises DecodeError when a picture cannot be read: then none is added.
        """
        seen = [self._see(item, place, picture, subject) for place, picture in enumerate(pictures)]
        if not seen:
            raise InputError(f"Adding {item} needs at least one picture; update changes columns alone.")
        return keep_seen(self._open, seen, {item: columns}, hidden=False)

    def _see(self, item: str, place: int, picture: Any, subject: str | None) -> Seen:
        image, capture = to_image(picture, at_least=self._open.side)
        is_file = isinstance(picture, str | os.PathLike)
        name = str(picture) if is_file else f"{item} {place + 1}"
        path = str(Path(picture).absolute()) if is_file else name
        thumbnail = make_thumbnail(image, self._open.eye().thumbnail)
        example = Example(path, name, group=item, subject=subject)
        return Seen(example, capture, measure_appearance(image), self._open.embed(image), thumbnail)

    def update(self, item: str, **columns: Value) -> None:
        """Replace the columns of an item; raises InputError where it is not there."""
        self._open.store.set_columns({item: columns})

    def remove(self, *items: str) -> int:
        """Take items out; returns how many pictures went. `forget` does so with a certificate."""
        return self._open.store.remove(items)

    def forget(self, *values: str, by: str = "group") -> dict[str, Any]:
        """Erase items (or pictures or subjects, as `by` says) everywhere, and return the signed certificate.

        What was learned and the index are made anew without them.
        """
        folder = self._open.folder
        self._open.close()
        try:
            return forget_from_gallery(folder, values, by=by).certificate
        finally:
            self._open = open_gallery(folder)

    def learn(self, *, by: str | None = None, progress: Progress = silent) -> GalleryModel:
        """Learn from the items what similar means and what a similarity promises; put new pictures into the index."""
        model = learn(self._open, progress, by=by)
        if isinstance(self._open.store, LocalGallery):
            self._open.store.consolidate(progress)
        return model

    # -- asking -------------------------------------------------------------------------------------------

    def find(self, x: Any, *, evidence: bool = False, **wish: Any) -> Found:
        """Search by a path, bytes, a Pillow image or an array; `wish` are the fields of `Wish`: k, where, crop, ...

        With `evidence` the best hits say where query and hit match.
        """
        wanted = Wish(**wish)
        check_wish(wanted)
        query = see_query(self._open, x, wanted)
        found = search(self._open, query, wanted)
        return explain(self._open, query, found)[0] if evidence else found

    def find_text(self, words: str, **wish: Any) -> Found:
        """Search by words, where the gallery was indexed with a text-image pair."""
        return find_by_text(self._open, words, Wish(**wish))

    def draw(self, x: Any, **wish: Any) -> Image:
        """Search as `find` does and draw a sheet of the hits and where they match."""
        wanted = Wish(**wish)
        check_wish(wanted)
        query = see_query(self._open, x, wanted)
        return draw(self._open, query, search(self._open, query, wanted))

    def recommend(
        self, liked: Sequence[str], *, bought: Sequence[str] = (), k: int = 10, where: str | None = None
    ) -> Found:
        """Items like the liked ones, varied, without these and what was bought."""
        return recommend(self._open, liked, bought=bought, k=k, where=where)
