"""A gallery in a folder: SQLite holds the truth, arrays in memory and mapped files answer."""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np

from foveal.core.contracts import Code, Float32s, Progress, silent
from foveal.core.gallery import Columns, GalleryStore, Kept, Matches, NewPicture, Shown, refuse_unknown
from foveal.core.image import Appearance, Capture
from foveal.core.where import Where
from foveal.store.erasure import MODEL, Erased, Request, certify, erase, finish_erasure, take_out
from foveal.store.files import write_aside
from foveal.store.gallery import item_reading, item_rows
from foveal.store.gallery.approximate import build_approximate, extend_approximate
from foveal.store.gallery.columns import ColumnTable
from foveal.store.gallery.loaded import Loaded
from foveal.store.gallery.searching import EXACT_BELOW, Selection, Snapshot, search, select
from foveal.store.ledger import Ledger
from foveal.store.plain import from_json

FILTERS_KEPT = 32
METRIC, DIM, CODE_DIM = "metric", "vector_dim", "dim"  # settings


@final
class LocalGallery(GalleryStore):
    """The gallery of a folder. One process may write; any number may search meanwhile, and see what is added."""

    def __init__(self, folder: Path, reader: Ledger, threads: int) -> None:
        """Use `create` or `open` instead."""
        self.folder = folder
        self._reader = reader
        self._writer: Ledger | None = None
        self._lock = threading.RLock()
        self._threads = threads
        self._loaded: Loaded | None = None
        self._filters: OrderedDict[tuple[int, Where], Selection] = OrderedDict()

    @classmethod
    def create(cls, folder: Path, settings: Mapping[str, Any], *, threads: int = 1) -> "LocalGallery":
        """Make an empty gallery in a folder; raises StoreError when something is there already."""
        Ledger.create(folder, settings).close()
        return cls.open(folder, threads=threads)

    @classmethod
    def open(cls, folder: Path, *, threads: int = 1) -> "LocalGallery":
        """Open the gallery of a folder; the right to write is taken at the first change, until `close`."""
        return cls(folder, Ledger.open(folder, writing=False), threads)

    def close(self) -> None:
        """Let others write; closing twice is fine."""
        with self._lock:
            self._reader.close()
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    def _writing(self) -> Ledger:
        if self._writer is None:
            self._writer = Ledger.open(self.folder, writing=True)
            finish_erasure(self._writer)
        return self._writer

    # -- settings -----------------------------------------------------------------------------------------

    @property
    def settings(self) -> dict[str, Any]:
        """What the gallery was made with, read afresh."""
        with self._lock, self._reader.reading("Reading the settings"):
            rows = self._reader.connection.execute("SELECT key, value FROM settings").fetchall()
        return {key: from_json(value) for key, value in rows if not key.startswith("_")}

    def update_settings(self, settings: Mapping[str, Any]) -> None:
        """Set some settings and keep the others; the log keeps their names only."""
        with self._lock, self._writing().change("Changing settings"):
            self._writing().record("settings", [(None, {"settings": sorted(settings)})], settings=settings)

    # -- changing -----------------------------------------------------------------------------------------

    def add(self, pictures: Sequence[NewPicture], columns: Mapping[str, Columns]) -> list[int]:
        """Keep pictures in one transaction; returns their ids."""
        with self._lock:
            ledger = self._writing()
            item_rows.check_fit(pictures, {"dim": ledger.setting(CODE_DIM), DIM: ledger.setting(DIM)})
            with ledger.change("Adding to the gallery") as connection:
                ids, entries = item_rows.insert(connection, pictures, columns)
                ledger.record("teach", entries)
            return ids

    def set_columns(self, columns: Mapping[str, Columns]) -> None:
        """Replace the columns of items."""
        with self._lock:
            ledger = self._writing()
            with ledger.change("Changing columns") as connection:
                ledger.record("columns", item_rows.update(connection, columns))

    def remove(self, items: Sequence[str]) -> int:
        """Take items out with all their pictures; `forget` does so with a certificate."""
        with self._lock:
            ledger = self._writing()
            known = self.pictures_of(items)
            refuse_unknown(items, known)
            numbers = sorted(number for found in known.values() for number in found)
            with ledger.change("Removing items"):
                take_out(ledger, numbers, "", {})
            return len(numbers)

    def forget(self, pictures: Sequence[int], *, asked: str, words: Sequence[str]) -> Erased:
        """Erase pictures everywhere in the folder, caches included; `certify` then proves it."""
        with self._lock:
            self._loaded = None  # its files are deleted
            self._reader.close()  # or the bytes could not be overwritten
            try:
                return erase(self._writing(), pictures, Request(asked, "", words=tuple(words)))
            finally:
                self._reader = Ledger.open(self.folder, writing=False)

    def certify(self, erased: Erased) -> dict[str, Any]:
        """Search every file for what was erased, then write and return the signed certificate."""
        with self._lock:
            return certify(self._writing(), erased)

    def set_vectors(self, blocks: Iterator[tuple[Sequence[int], Float32s]], dim: int, metric: str) -> None:
        """Replace the vectors of all pictures in one transaction."""
        with self._lock:
            ledger = self._writing()
            with ledger.change("Changing the metric") as connection:
                for numbers, vectors in blocks:
                    item_rows.replace_vectors(connection, numbers, vectors)
                ledger.record("settings", [(None, {"settings": [METRIC]})], settings={METRIC: metric, DIM: dim})
            self._loaded = None

    # -- searching ----------------------------------------------------------------------------------------

    def search(self, vectors: Float32s, k: int, *, where: Where | None = None, without: Sequence[int] = ()) -> Matches:
        """The best items for vectors float32 (q, dim)."""
        with self._lock:
            loaded = self._refresh()
            snapshot = loaded.snapshot()
            chosen = None if where is None else self._select(loaded, snapshot, where)
        return search(snapshot, vectors, k, chosen, np.array(without, np.int64), self._threads)

    def _refresh(self) -> Loaded:
        with self._reader.reading("Reading the gallery"):
            if self._loaded is None or not self._loaded.catch_up(self._reader.connection):
                self._filters.clear()
                self._loaded = Loaded.load(self.folder, self._reader.connection)
        return self._loaded

    def _select(self, loaded: Loaded, snapshot: Snapshot, where: Where) -> Selection:
        key = (loaded.seq, where)
        if key not in self._filters:
            with self._reader.reading("Reading columns"):
                table: ColumnTable = loaded.table(self._reader.connection, where)
            self._filters[key] = select(snapshot, table.select(where))
            while len(self._filters) > FILTERS_KEPT:
                self._filters.popitem(last=False)
        self._filters.move_to_end(key)
        return self._filters[key]

    def consolidate(self, progress: Progress = silent, *, afresh: bool = False, least: int = EXACT_BELOW) -> bool:
        """Put what was added since into the approximate index, where there is enough of it; tells whether it did.

        Fewer than `least` vectors need none. `afresh` makes the index from the vectors alone, whatever it was before.
        """
        with self._lock:
            loaded = self._refresh()
            rows = loaded.rows_to_index(least, afresh=afresh)
            metric = str(self._reader.setting(METRIC) or "")
        if rows is None:
            return False
        if loaded.main is None or afresh:
            build_approximate(self.folder, loaded.seq, metric, rows, progress)
        else:
            extend_approximate(self.folder, loaded.main, loaded.seq, rows, self._threads, progress)
        with self._lock:
            self._loaded = None
        return True

    # -- reading ------------------------------------------------------------------------------------------

    def show(self, pictures: Sequence[int]) -> list[Shown]:
        """What is known of pictures."""
        with self._lock, self._reader.reading("Reading items"):
            return item_reading.show(self._reader.connection, pictures)

    def pictures_of(self, items: Sequence[str]) -> dict[str, list[int]]:
        """Ids of the pictures of items."""
        with self._lock, self._reader.reading("Reading items"):
            return item_reading.pictures_of(self._reader.connection, items)

    def codes(self, pictures: Sequence[int]) -> Code:
        """Codes int16 (n, d)."""
        with self._lock, self._reader.reading("Reading codes"):
            return item_reading.read_codes(self._reader.connection, pictures)

    def all_pictures(self) -> list[Kept]:
        """Every picture by id."""
        with self._lock, self._reader.reading("Reading items"):
            return item_reading.list_pictures(self._reader.connection)

    def thumbnail(self, picture: int) -> bytes:
        """The small JPEG of a picture."""
        with self._lock, self._reader.reading("Reading pictures"):
            found = self._reader.connection.execute("SELECT jpeg FROM thumbnails WHERE id = ?", (picture,)).fetchone()
        return bytes(found[0]) if found else b""

    def load_model(self) -> bytes | None:
        """The file of what was learned."""
        file = self.folder / MODEL
        return file.read_bytes() if file.is_file() else None

    def save_model(self, file: bytes) -> None:
        """Keep the file of what was learned."""
        with self._lock:
            self._writing().key("Keeping what was learned")
            write_aside(self.folder / MODEL, [file])

    def measures(self) -> dict[int, tuple[Capture, Appearance]]:
        """What the files and pixels of all pictures say."""
        with self._lock, self._reader.reading("Reading measures"):
            return item_reading.read_measures(self._reader.connection)

    def columns(self) -> dict[str, str]:
        """Names and kinds of the columns."""
        with self._lock, self._reader.reading("Reading columns"):
            return item_reading.column_kinds(self._reader.connection)

    def count(self) -> tuple[int, int]:
        """Number of items and of pictures that may be found."""
        with self._lock, self._reader.reading("Counting"):
            return self._refresh().count()
