"""Items and their pictures as rows of the database."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from foveal.core.contracts import Code, Float32s
from foveal.core.errors import InputError
from foveal.core.example import Example
from foveal.core.gallery import Columns, Kept, NewPicture, Shown
from foveal.core.image import Appearance, Capture
from foveal.store.gallery.columns import NUMBER, TEXT
from foveal.store.log import Entry
from foveal.store.plain import from_json, to_json, to_portable
from foveal.store.rows import NewExample, insert_example, to_columns, to_leaf

HIDDEN = "train"  # the split of pictures that teach the metric only
_WANTED = "json_each(?) AS wanted"
_SEQ = "(SELECT max(seq) + 1 FROM records)"  # of the log record that the open transaction will write


def check_fit(connection: sqlite3.Connection, pictures: Sequence[NewPicture], dim: int | None) -> None:
    """Raise InputError for codes or vectors of another length than those kept."""
    kept = connection.execute("SELECT length(code) / 2 FROM codes LIMIT 1").fetchone()
    expected = kept[0] if kept else (pictures[0].code.size if pictures else 0)
    for new in pictures:
        if new.code.dtype != np.int16 or new.code.shape != (expected,):
            raise InputError(
                f"{new.name}: its code must be int16 ({expected},) like the others, got {new.code.dtype} "
                f"{new.code.shape}. Use the backbone the gallery was made with."
            )
        if dim is not None and new.vector.shape != (dim,):
            raise InputError(
                f"{new.name}: its vector must be of the gallery's metric, ({dim},), got {new.vector.shape}."
            )


def insert(
    connection: sqlite3.Connection, pictures: Sequence[NewPicture], columns: Mapping[str, Columns]
) -> tuple[list[int], list[Entry]]:
    """Insert pictures and set columns inside the transaction that is open; returns ids and what the log keeps."""
    ids: list[int] = []
    entries: list[Entry] = []
    first: dict[str, int] = {}
    for new in pictures:
        item = to_portable(new.item)
        example = Example(new.path, new.name, group=item, subject=new.subject, split=HIDDEN if new.hidden else None)
        kept = NewExample(example, new.capture, new.appearance, new.code, new.thumbnail)
        row = to_columns(kept)
        number = insert_example(connection, row, kept)
        ids.append(number)
        entries.append((number, to_leaf(row, new.code)))
        if item not in first:
            first[item] = number
            connection.execute(
                f"INSERT INTO items (item, columns, seq) SELECT ?, '{{}}', {_SEQ} WHERE true ON CONFLICT DO NOTHING",
                (item,),
            )
        if not new.hidden:
            connection.execute(
                "INSERT INTO vectors SELECT ?, id, ? FROM items WHERE item = ?", (number, to_blob(new.vector), item)
            )
    return ids, entries + update(connection, columns)


def update(connection: sqlite3.Connection, columns: Mapping[str, Columns]) -> list[Entry]:
    """Replace the columns of items; raises InputError naming those that are not there."""
    entries: list[Entry] = []
    for name, values in columns.items():
        item, plain = to_portable(name), _plain(values)
        changed = connection.execute(
            f"UPDATE items SET columns = ?, seq = {_SEQ} WHERE item = ?", (to_json(plain), item)
        )
        number = connection.execute("SELECT min(id) FROM examples WHERE grp = ?", (item,)).fetchone()[0]
        if changed.rowcount != 1 or number is None:
            raise InputError(f"The gallery has no item {name}. Nothing was changed.")
        entries.append((number, {"columns": plain}))
    return entries


def _plain(columns: Columns) -> dict[str, Any]:
    plain = {}
    for name, value in columns.items():
        if not isinstance(value, str | int | float | bool) or value != value or value in (float("inf"), -float("inf")):
            raise InputError(f"The column {name} must hold a text, a number, true or false, got {value!r}.")
        if not name.strip() or '"' in name:
            raise InputError(f"A column must have a name without quotation marks, got {name!r}. Rename it.")
        plain[to_portable(name).strip().lower()] = to_portable(value) if isinstance(value, str) else value
    return plain


def to_blob(vector: Float32s) -> bytes:
    """A vector as it is stored, float16, little-endian."""
    return vector.astype("<f2").tobytes()


def replace_vectors(connection: sqlite3.Connection, numbers: Sequence[int], vectors: Float32s) -> None:
    """Set the vectors of pictures that may be found; hidden ones have none."""
    rows = [(to_blob(vector), int(number)) for number, vector in zip(numbers, vectors, strict=True)]
    connection.executemany("UPDATE vectors SET vector = ? WHERE id = ?", rows)


def show(connection: sqlite3.Connection, pictures: Sequence[int]) -> list[Shown]:
    """What is known of pictures, in that order."""
    rows = connection.execute(
        f"SELECT examples.id, grp, examples.name, examples.path, columns FROM {_WANTED} JOIN examples ON examples.id = wanted.value "
        "JOIN items ON items.item = grp ORDER BY wanted.key",
        (to_json([int(number) for number in pictures]),),
    )
    return [Shown(number, item, name, path, from_json(columns)) for number, item, name, path, columns in rows]


def pictures_of(connection: sqlite3.Connection, items: Sequence[str]) -> dict[str, list[int]]:
    """Ids of the pictures of items."""
    spelled = {to_portable(item): item for item in items}
    rows = connection.execute(
        f"SELECT grp, examples.id FROM {_WANTED} JOIN examples ON grp = wanted.value ORDER BY examples.id",
        (to_json(list(spelled)),),
    )
    found: dict[str, list[int]] = {}
    for item, number in rows:
        found.setdefault(spelled[item], []).append(number)
    return found


def read_codes(connection: sqlite3.Connection, pictures: Sequence[int]) -> Code:
    """Codes int16 (n, d), in that order; raises InputError when a picture is gone."""
    rows = connection.execute(
        f"SELECT code FROM {_WANTED} JOIN codes ON codes.id = wanted.value ORDER BY wanted.key",
        (to_json([int(number) for number in pictures]),),
    ).fetchall()
    if len(rows) != len(pictures):
        raise InputError(f"{len(pictures) - len(rows)} of {len(pictures)} pictures are no longer in the gallery.")
    flat = np.frombuffer(b"".join(code for (code,) in rows), "<i2").astype(np.int16)
    return flat.reshape(len(rows), -1) if rows else np.zeros((0, 0), np.int16)


def list_pictures(connection: sqlite3.Connection) -> list[Kept]:
    """Every picture, by id."""
    query = "SELECT examples.id, grp, name, path, columns, split FROM examples JOIN items ON item = grp ORDER BY examples.id"
    known: dict[str, Columns] = {}
    found = []
    for number, item, name, path, text, split in connection.execute(query):
        if item not in known:
            known[item] = from_json(text)
        found.append(Kept(number, item, name, path, known[item], split == HIDDEN))
    return found


def read_measures(connection: sqlite3.Connection) -> dict[int, tuple[Capture, Appearance]]:
    """What the files and pixels of all pictures say, by id."""
    rows = connection.execute("SELECT id, capture, appearance FROM examples ORDER BY id")
    return {number: (Capture(**from_json(c)), Appearance(**from_json(a))) for number, c, a in rows}


def column_kinds(connection: sqlite3.Connection) -> dict[str, str]:
    """Names of the columns, each "number" or "text"."""
    rows = connection.execute(
        "SELECT DISTINCT key, type = 'text' FROM items, json_each(items.columns) WHERE type <> 'null' ORDER BY key, 2"
    )
    kinds: dict[str, str] = {}
    for name, is_text in rows:
        kinds.setdefault(name, TEXT if is_text else NUMBER)
    return kinds
