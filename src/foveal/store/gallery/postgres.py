"""A gallery in PostgreSQL with pgvector, for catalogues that outgrow one machine.

Several galleries share a database, each in a schema of its own: postgresql://USER@HOST/DATABASE?gallery=NAME.
Vectors are compared one and all below EXACT_BELOW; above, through an HNSW index that goes on until enough pass the
filter (pgvector 0.8 and later).
"""

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, LiteralString, final

import numpy as np

from foveal.core.contracts import Code, Float32s
from foveal.core.errors import InputError, MissingExtraError, StoreError
from foveal.core.gallery import Columns, GalleryStore, Kept, Matches, NewPicture, Shown, refuse_unknown
from foveal.core.image import Appearance, Capture
from foveal.core.where import Where, list_columns
from foveal.store.gallery.columns import NUMBER, TEXT, check_columns, check_kinds
from foveal.store.gallery.item_rows import check_fit, plain_columns
from foveal.store.gallery.searching import EXACT_BELOW
from foveal.store.gallery.vectors import pack
from foveal.store.gallery.where_sql import to_sql
from foveal.store.plain import to_portable

try:
    import psycopg
    from psycopg import sql
    from psycopg.types.json import Jsonb
except ImportError:
    raise MissingExtraError("A gallery in PostgreSQL", "postgres") from None

_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_TABLES = """
CREATE TABLE settings (key text PRIMARY KEY, value jsonb NOT NULL);
CREATE TABLE model (id int PRIMARY KEY CHECK (id = 1), file bytea NOT NULL);
CREATE TABLE items (item text PRIMARY KEY, columns jsonb NOT NULL);
CREATE TABLE pictures (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item text NOT NULL REFERENCES items(item), name text NOT NULL,
  path text NOT NULL, subject text, hidden boolean NOT NULL, code bytea NOT NULL, vector vector, thumbnail bytea NOT NULL,
  capture jsonb NOT NULL, appearance jsonb NOT NULL);
CREATE INDEX pictures_of_item ON pictures(item);
"""
_LEAST = (0, 8)  # pgvector
_MORE = 4  # times as many pictures are asked for as items, to begin with


def split_address(address: str) -> tuple[str, str]:
    """Connection string and gallery name; raises InputError for a name that is not plain.

    >>> split_address("postgresql://me@host/shop?gallery=shoes&sslmode=require")
    ('postgresql://me@host/shop?sslmode=require', 'shoes')
    """
    place, _, query = address.partition("?")
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    name = next((value for key, _, value in pairs if key == "gallery"), "foveal")
    if not _NAME.fullmatch(name):
        raise InputError(f"A gallery's name has small letters, digits and _, and begins with a letter, got {name!r}.")
    rest = "&".join(f"{key}={value}" for key, _, value in pairs if key != "gallery")
    return place + (f"?{rest}" if rest else ""), name


@final
class PostgresGallery(GalleryStore):
    """The gallery of a schema. Several processes may write; every change is one transaction."""

    def __init__(self, connection: "psycopg.Connection[Any]", name: str) -> None:
        """Use `create` or `open` instead."""
        self._connection, self._name = connection, name
        self._lock = threading.RLock()

    @classmethod
    def create(cls, address: str, settings: Mapping[str, Any]) -> "PostgresGallery":
        """Make an empty gallery; raises StoreError when it is there already, or the server cannot be used."""
        gallery = cls._connect(address)
        try:
            with gallery._work("Creating a gallery") as cursor:
                cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
                cursor.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
                _check_version(str(cursor.fetchone()[0]))  # type: ignore[index]
                cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(gallery._name)))
                cursor.execute(_TABLES)
                gallery._put(cursor, settings)
        except StoreError:
            gallery.close()
            raise
        return gallery

    @classmethod
    def open(cls, address: str) -> "PostgresGallery":
        """Open a gallery; raises StoreError when there is none."""
        gallery = cls._connect(address)
        with gallery._work("Opening") as cursor:
            cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (gallery._name,))
            if cursor.fetchone() is None:
                gallery.close()
                raise StoreError(f"There is no gallery {gallery._name} on this server. Make one: foveal index.")
        return gallery

    @classmethod
    def _connect(cls, address: str) -> "PostgresGallery":
        place, name = split_address(address)
        try:
            connection = psycopg.connect(place, autocommit=True)
            connection.execute("SET hnsw.iterative_scan = strict_order")
            connection.execute("SET hnsw.ef_search = 288")
            connection.execute(sql.SQL("SET search_path TO {}, public").format(sql.Identifier(name)))
        except psycopg.Error as problem:
            raise StoreError(f"Cannot connect to PostgreSQL: {problem}. Check the address and that it runs.") from None
        return cls(connection, name)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    # -- settings -----------------------------------------------------------------------------------------

    @property
    def settings(self) -> dict[str, Any]:
        """What the gallery was made with, read afresh."""
        return dict(self._rows("Reading the settings", "SELECT key, value FROM settings"))

    def update_settings(self, settings: Mapping[str, Any]) -> None:
        """Set some settings and keep the others."""
        with self._work("Changing settings") as cursor:
            self._put(cursor, settings)

    @staticmethod
    def _put(cursor: "psycopg.Cursor[Any]", settings: Mapping[str, Any]) -> None:
        cursor.executemany(
            "INSERT INTO settings VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [(key, Jsonb(value)) for key, value in settings.items()],
        )

    # -- changing -----------------------------------------------------------------------------------------

    def add(self, pictures: Sequence[NewPicture], columns: Mapping[str, Columns]) -> list[int]:
        """Keep pictures in one transaction; returns their ids."""
        check_fit(pictures, self.settings)
        ids = []
        with self._work("Adding to the gallery") as cursor:
            for new in pictures:
                item = to_portable(new.item)
                cursor.execute("INSERT INTO items VALUES (%s, '{}') ON CONFLICT DO NOTHING", (item,))
                cursor.execute(
                    "INSERT INTO pictures (item, name, path, subject, hidden, code, vector, thumbnail, capture, appearance) "
                    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
                    (
                        item,
                        to_portable(new.name),
                        to_portable(new.path),
                        new.subject,
                        new.hidden,
                        new.code.astype("<i2").tobytes(),
                        None if new.hidden else _to_text(new.vector),
                        new.thumbnail,
                        Jsonb(asdict(new.capture)),
                        Jsonb(asdict(new.appearance)),
                    ),
                )
                ids.append(int(cursor.fetchone()[0]))  # type: ignore[index]
            self._set_columns(cursor, columns)
        return ids

    def set_columns(self, columns: Mapping[str, Columns]) -> None:
        """Replace the columns of items."""
        with self._work("Changing columns") as cursor:
            self._set_columns(cursor, columns)

    @staticmethod
    def _set_columns(cursor: "psycopg.Cursor[Any]", columns: Mapping[str, Columns]) -> None:
        for item, values in columns.items():
            plain = Jsonb(plain_columns(values))
            cursor.execute("UPDATE items SET columns = %s WHERE item = %s", (plain, to_portable(item)))
            if cursor.rowcount != 1:
                raise InputError(f"The gallery has no item {item}. Nothing was changed.")

    def remove(self, items: Sequence[str]) -> int:
        """Take items out with all their pictures."""
        known = self.pictures_of(items)
        refuse_unknown(items, known)
        with self._work("Removing items") as cursor:
            names = [to_portable(item) for item in items]
            cursor.execute("DELETE FROM pictures WHERE item = ANY(%s)", (names,))
            n = cursor.rowcount
            cursor.execute("DELETE FROM items WHERE item = ANY(%s)", (names,))
        return n

    def set_vectors(self, blocks: Iterator[tuple[Sequence[int], Float32s]], dim: int, metric: str) -> None:
        """Replace the vectors of all pictures in one transaction, and the index over them."""
        with self._work("Changing the metric") as cursor:
            cursor.execute("DROP INDEX IF EXISTS pictures_by_vector")
            for numbers, vectors in blocks:
                rows = [(_to_text(vector), int(number)) for number, vector in zip(numbers, vectors, strict=True)]
                cursor.executemany("UPDATE pictures SET vector = %s WHERE id = %s AND NOT hidden", rows)
            self._put(cursor, {"metric": metric, "vector_dim": dim})

    def consolidate(self) -> bool:
        """Make the index where there are many vectors; tells whether it did."""
        settings = self.settings
        if self.count()[1] < EXACT_BELOW or settings.get("indexed") == settings["metric"]:
            return False
        with self._work("Indexing") as cursor:
            cursor.execute("DROP INDEX IF EXISTS pictures_by_vector")
            cursor.execute(
                sql.SQL(
                    "CREATE INDEX pictures_by_vector ON pictures USING hnsw ((vector::halfvec({})) halfvec_ip_ops) "
                    "WITH (m = 24, ef_construction = 160)"
                ).format(sql.Literal(int(settings["vector_dim"])))
            )
            self._put(cursor, {"indexed": settings["metric"]})
        return True

    # -- searching ----------------------------------------------------------------------------------------

    def search(self, vectors: Float32s, k: int, *, where: Where | None = None, without: Sequence[int] = ()) -> Matches:
        """The best items for vectors float32 (q, dim)."""
        condition: str = "true"
        values: dict[str, Any] = {}
        if where is not None:
            kinds = self.columns()
            check_columns(list_columns(where), kinds)
            check_kinds(where, kinds)
            condition, values = to_sql(where)
        with self._work("Searching") as cursor:
            rows = [self._search_one(cursor, vector, k, (condition, values), without) for vector in vectors]
        return pack(rows, k)

    def _search_one(
        self,
        cursor: "psycopg.Cursor[Any]",
        vector: Float32s,
        k: int,
        filter_: tuple[str, dict[str, Any]],
        without: Sequence[int],
    ) -> tuple[np.ndarray[Any, np.dtype[np.int64]], Float32s]:
        """Best k items of one query: more pictures are asked for until there are k items, or no more pictures."""
        condition, values = filter_
        most, dim = _MORE * k, len(vector)
        while True:
            query = (
                f"SELECT id, item, -(vector::halfvec({dim}) <#> %(vector)s::halfvec({dim})) FROM pictures JOIN items USING (item) "
                f"WHERE NOT hidden AND id <> ALL(%(without)s) AND {condition} "
                f"ORDER BY vector::halfvec({dim}) <#> %(vector)s::halfvec({dim}), id LIMIT %(most)s"
            )
            given = {**values, "vector": _to_text(vector), "without": list(map(int, without)), "most": most}
            cursor.execute(query, given)
            found = cursor.fetchall()
            best: dict[str, tuple[int, float]] = {}
            for number, item, similarity in found:
                best.setdefault(item, (number, similarity))
            if len(best) >= k or len(found) < most:
                kept = list(best.values())[:k]
                return np.array([n for n, _ in kept], np.int64), np.array([s for _, s in kept], np.float32)
            most *= 8

    # -- reading ------------------------------------------------------------------------------------------

    def show(self, pictures: Sequence[int]) -> list[Shown]:
        """What is known of pictures."""
        rows = self._rows(
            "Reading items",
            "SELECT id, item, name, path, columns FROM pictures JOIN items USING (item) WHERE id = ANY(%s)",
            list(map(int, pictures)),
        )
        known = {row[0]: Shown(*row) for row in rows}
        return [known[int(number)] for number in pictures if int(number) in known]

    def pictures_of(self, items: Sequence[str]) -> dict[str, list[int]]:
        """Ids of the pictures of items."""
        spelled = {to_portable(item): item for item in items}
        found: dict[str, list[int]] = {}
        query = "SELECT item, id FROM pictures WHERE item = ANY(%s) ORDER BY id"
        for item, number in self._rows("Reading items", query, list(spelled)):
            found.setdefault(spelled[item], []).append(number)
        return found

    def codes(self, pictures: Sequence[int]) -> Code:
        """Codes int16 (n, d)."""
        numbers = list(map(int, pictures))
        rows = dict(self._rows("Reading codes", "SELECT id, code FROM pictures WHERE id = ANY(%s)", numbers))
        if len(rows) != len(set(numbers)):
            raise InputError(
                f"{len(set(numbers)) - len(rows)} of {len(numbers)} pictures are no longer in the gallery."
            )
        found = [np.frombuffer(rows[number], "<i2").astype(np.int16) for number in numbers]
        return np.stack(found) if found else np.zeros((0, 0), np.int16)

    def all_pictures(self) -> list[Kept]:
        """Every picture by id."""
        query = "SELECT id, item, name, path, columns, hidden FROM pictures JOIN items USING (item) ORDER BY id"
        return [Kept(*row) for row in self._rows("Reading items", query)]

    def thumbnail(self, picture: int) -> bytes:
        """The small JPEG of a picture."""
        rows = self._rows("Reading pictures", "SELECT thumbnail FROM pictures WHERE id = ANY(%s)", [int(picture)])
        return bytes(rows[0][0]) if rows else b""

    def load_model(self) -> bytes | None:
        """The file of what was learned."""
        rows = self._rows("Reading what was learned", "SELECT file FROM model")
        return bytes(rows[0][0]) if rows else None

    def save_model(self, file: bytes) -> None:
        """Keep the file of what was learned."""
        with self._work("Keeping what was learned") as cursor:
            cursor.execute(
                "INSERT INTO model VALUES (1, %s) ON CONFLICT (id) DO UPDATE SET file = excluded.file", (file,)
            )

    def measures(self) -> dict[int, tuple[Capture, Appearance]]:
        """What the files and pixels of all pictures say."""
        rows = self._rows("Reading measures", "SELECT id, capture, appearance FROM pictures ORDER BY id")
        return {number: (Capture(**capture), Appearance(**appearance)) for number, capture, appearance in rows}

    def columns(self) -> dict[str, str]:
        """Names and kinds of the columns."""
        rows = self._rows(
            "Reading columns",
            "SELECT key, bool_or(jsonb_typeof(value) <> 'string') FROM items, jsonb_each(columns) GROUP BY key ORDER BY key",
        )
        return {name: NUMBER if has_numbers else TEXT for name, has_numbers in rows}

    def count(self) -> tuple[int, int]:
        """Number of items and of pictures that may be found."""
        ((n_items, n),) = self._rows("Counting", "SELECT count(DISTINCT item), count(*) FROM pictures WHERE NOT hidden")
        return int(n_items), int(n)

    # -- inside -------------------------------------------------------------------------------------------

    def _rows(self, doing: str, query: LiteralString, *given: Any) -> list[tuple[Any, ...]]:
        with self._work(doing) as cursor:
            cursor.execute(query, given)
            return cursor.fetchall()

    def _work(self, doing: str) -> "_Work":
        return _Work(self, doing)


class _Work:
    """One transaction of one thread at a time, its errors explained."""

    def __init__(self, gallery: PostgresGallery, doing: str) -> None:
        self._gallery, self._doing = gallery, doing

    def __enter__(self) -> "psycopg.Cursor[Any]":
        self._gallery._lock.acquire()
        try:
            self._transaction = self._gallery._connection.transaction()
            self._transaction.__enter__()
        except psycopg.Error as problem:
            self._gallery._lock.release()
            raise StoreError(f"{self._doing} in PostgreSQL: {problem}. Check that the server runs.") from None
        return self._gallery._connection.cursor()

    def __exit__(self, kind: Any, problem: Any, trace: Any) -> None:
        try:
            self._transaction.__exit__(kind, problem, trace)
        finally:
            self._gallery._lock.release()
        if isinstance(problem, psycopg.Error):
            raise StoreError(f"{self._doing} in PostgreSQL: {problem}. Nothing was changed.") from None


def _to_text(vector: Float32s) -> str:
    return json.dumps([float(value) for value in vector.astype(np.float16)])


def _check_version(version: str) -> None:
    if tuple(int(part) for part in version.split(".")[:2]) < _LEAST:
        raise StoreError(f"The server has pgvector {version}; searching with filters needs 0.8 or later. Upgrade it.")
