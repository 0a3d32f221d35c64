"""What a gallery keeps in memory, brought up to date from the database before every search."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from foveal.core.gallery import Ids
from foveal.core.where import Value, Where, list_columns
from foveal.store.gallery.approximate import Approximate, Halves, open_approximate
from foveal.store.gallery.columns import Column, ColumnTable, check_columns, check_kinds
from foveal.store.gallery.searching import Snapshot
from foveal.store.gallery.vectors import Mask, Tail
from foveal.store.plain import from_json

ROWS = 8192  # read at once
FEW_NEW = 0.25  # of the index: as many pictures added since are worth putting into it
_NEWEST = "SELECT seq FROM records ORDER BY seq DESC LIMIT 1"


@dataclass(eq=False)
class Loaded:
    """Vectors by picture and columns by item, as of a log record."""

    metric: str
    dim: int
    main: Approximate | None
    tail: Tail
    seq: int
    last_id: int
    main_alive: Mask | None = None
    tail_alive: Mask | None = None
    n_items: int = 0  # the highest number of an item, and one
    usual: float = 1.0  # pictures of an item, on average
    _per_item: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    _n: int = 0
    _n_known: int = 0
    _columns: dict[str, Column] = field(default_factory=dict)
    _names: frozenset[str] = frozenset()

    @classmethod
    def load(cls, folder: Path, connection: sqlite3.Connection) -> "Loaded":
        """Map the cache where it fits, and read the rest from the database."""
        settings = {key: from_json(value) for key, value in connection.execute("SELECT key, value FROM settings")}
        metric, dim = str(settings.get("metric", "")), int(settings.get("vector_dim", 0))
        main = open_approximate(folder, metric)
        seq, last = (main.manifest.seq, int(main.ids[-1])) if main is not None and main.manifest.n else (0, 0)
        loaded = cls(metric, dim, main, Tail(dim), seq, last)
        if main is not None:
            loaded._count(main.items)
        loaded.catch_up(connection)
        return loaded

    def catch_up(self, connection: sqlite3.Connection) -> bool:
        """Read what changed since; tells whether that sufficed: after a change of the metric it does not."""
        if connection.execute(_NEWEST).fetchone()[0] == self.seq:
            return True
        connection.execute("BEGIN")
        try:
            kinds = {kind for (kind,) in connection.execute("SELECT kind FROM records WHERE seq > ?", (self.seq,))}
            if "settings" in kinds and _setting(connection, "metric") != self.metric:
                return False
            self._read_new(connection)
            if "forget" in kinds:
                self._read_alive(connection)
            self._read_changed_columns(connection)
            self.seq = int(connection.execute(_NEWEST).fetchone()[0])
        finally:
            connection.execute("COMMIT")
        return True

    def _read_new(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute("SELECT id, item, vector FROM vectors WHERE id > ? ORDER BY id", (self.last_id,))
        while part := rows.fetchmany(ROWS):
            ids, items = (np.array(column, np.int64) for column in list(zip(*part, strict=True))[:2])
            vectors = np.frombuffer(b"".join(vector for _, _, vector in part), "<f2").reshape(len(part), self.dim)
            self.tail.append(ids, items, vectors)
            self._count(items)
            if self.tail_alive is not None:
                self.tail_alive = np.concatenate([self.tail_alive, np.ones(len(ids), np.bool_)])
            self.last_id = int(ids[-1])

    def _read_alive(self, connection: sqlite3.Connection) -> None:
        kept = np.array([number for (number,) in connection.execute("SELECT id FROM vectors ORDER BY id")], np.int64)
        self.tail_alive = np.isin(self.tail.ids, kept, assume_unique=True)
        if self.main is not None:
            alive = np.isin(self.main.ids, kept, assume_unique=True)
            self.main_alive = None if alive.all() else alive

    def _count(self, items: Ids) -> None:
        if int(items.max(initial=0)) >= len(self._per_item):
            larger = np.zeros(2 * int(items.max()) + 1024, np.int64)
            larger[: len(self._per_item)] = self._per_item
            self._per_item = larger
        new, counts = np.unique(items, return_counts=True)
        self._n_known += int(np.count_nonzero(self._per_item[new] == 0))
        self._per_item[new] += counts
        self._n += len(items)
        self.n_items = max(self.n_items, int(items.max(initial=0)) + 1)
        self.usual = self._n / max(1, self._n_known)

    def _read_changed_columns(self, connection: sqlite3.Connection) -> None:
        self._names = frozenset()
        for name, column in self._columns.items():
            column.put(_read_values(connection, name, self.seq))

    def snapshot(self) -> Snapshot:
        """What one search reads."""
        tail = self.tail
        return Snapshot(
            self.main, self.main_alive, tail.ids, tail.items, tail.vectors, self.tail_alive, float(np.ceil(self.usual))
        )

    def count(self) -> tuple[int, int]:
        """Number of items and of pictures that are there."""
        parts = [self.tail.items if self.tail_alive is None else self.tail.items[self.tail_alive]]
        if self.main is not None:
            parts.append(self.main.items if self.main_alive is None else self.main.items[self.main_alive])
        items = np.concatenate(parts)
        return int(np.count_nonzero(np.bincount(items))), len(items)

    def table(self, connection: sqlite3.Connection, where: Where) -> ColumnTable:
        """The columns that a filter names; raises InputError for one that no item has."""
        asked = sorted(set(list_columns(where)))
        if not set(asked) <= self._names:
            rows = connection.execute("SELECT DISTINCT key FROM items, json_each(items.columns)")
            self._names = frozenset(str(name) for (name,) in rows)
        check_columns(asked, self._names)
        for name in asked:
            if name not in self._columns:
                self._columns[name] = Column()
                self._columns[name].put(_read_values(connection, name, -1))
        check_kinds(where, {name: self._columns[name].kind for name in asked})
        return ColumnTable({name: self._columns[name] for name in asked}, self.n_items)

    def rows_to_index(self, least: int, *, afresh: bool) -> tuple[Ids, Ids, Halves] | None:
        """Ids, items and vectors the approximate index lacks, or all of them; None where it is not worth while."""
        tail_alive = np.ones(self.tail.n, np.bool_) if self.tail_alive is None else self.tail_alive
        n_main = self.main.manifest.n if self.main is not None else 0
        if n_main + int(tail_alive.sum()) < least:
            return None
        tail = (
            self.tail.ids[tail_alive],
            self.tail.items[tail_alive],
            self.tail.vectors[tail_alive].astype(np.float16),
        )
        if self.main is None or not n_main:
            return tail
        if afresh:
            kept: Sequence[bool] | Mask = np.ones(n_main, np.bool_) if self.main_alive is None else self.main_alive
            ids = np.concatenate([self.main.ids[kept], tail[0]])
            items = np.concatenate([self.main.items[kept], tail[1]])
            return ids, items, np.concatenate([np.asarray(self.main.vectors[kept]), tail[2]])
        return tail if len(tail[0]) >= FEW_NEW * n_main else None


def _setting(connection: sqlite3.Connection, key: str) -> str:
    found = connection.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
    return str(from_json(found[0])) if found else ""


def _read_values(connection: sqlite3.Connection, name: str, after: int) -> Iterator[tuple[int, Value | None]]:
    """A column's values by item number, of items changed after a log record."""
    query = "SELECT id, json_extract(columns, ?) FROM items WHERE seq > ?"
    return connection.execute(query, (f'$."{name}"', after))
