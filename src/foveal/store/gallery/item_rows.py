"""Items and their pictures go into the database as rows."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from foveal.core.contracts import Float32s
from foveal.core.errors import InputError
from foveal.core.example import Example
from foveal.core.gallery import Columns, NewPicture
from foveal.store.log import Entry
from foveal.store.plain import to_json, to_portable
from foveal.store.rows import NewExample, insert_example, to_columns, to_leaf

HIDDEN = "train"  # the split of pictures that teach the metric only
_SEQ = "(SELECT max(seq) + 1 FROM records)"  # of the log record that the open transaction will write


def check_fit(pictures: Sequence[NewPicture], settings: Mapping[str, Any]) -> None:
    """Raise InputError for codes or vectors of another length than the gallery's."""
    for new in pictures:
        code, vector = (settings.get("dim") or new.code.size,), (settings.get("vector_dim") or new.vector.size,)
        if new.code.dtype != np.int16 or new.code.shape != code or (not new.hidden and new.vector.shape != vector):
            raise InputError(
                f"{new.name}: its code must be int16 {code} and its vector {vector}, got {new.code.dtype} "
                f"{new.code.shape} and {new.vector.shape}. Use the backbone the gallery was made with."
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
        item, plain = to_portable(name), plain_columns(values)
        changed = connection.execute(
            f"UPDATE items SET columns = ?, seq = {_SEQ} WHERE item = ?", (to_json(plain), item)
        )
        number = connection.execute("SELECT min(id) FROM examples WHERE grp = ?", (item,)).fetchone()[0]
        if changed.rowcount != 1 or number is None:
            raise InputError(f"The gallery has no item {name}. Nothing was changed.")
        entries.append((number, {"columns": plain}))
    return entries


def plain_columns(columns: Columns) -> dict[str, Any]:
    """Columns as JSON keeps them; raises InputError for what is neither text, number nor truth value."""
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
