"""Items and their pictures as read from the database."""

import sqlite3
from collections.abc import Sequence

import numpy as np

from foveal.core.contracts import Code
from foveal.core.errors import InputError
from foveal.core.gallery import Columns, Kept, Shown
from foveal.core.image import Appearance, Capture
from foveal.store.gallery.columns import NUMBER, TEXT
from foveal.store.gallery.item_rows import HIDDEN
from foveal.store.plain import from_json, to_json, to_portable

_WANTED = "json_each(?) AS wanted"


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
