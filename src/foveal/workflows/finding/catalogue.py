"""What a catalogue holds: pictures of items, with columns of any kind."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from foveal.core.errors import InputError
from foveal.core.example import Example
from foveal.core.where import Value
from foveal.workflows.sources.listing import list_examples
from foveal.workflows.sources.table import PATH_COLUMNS, SUFFIXES, read_rows, split_values

ITEM_COLUMNS = ("item", "item_id", "id", "sku", "product", "article")
MANY_COLUMNS = ("paths", "files", "images")
CATEGORY = "category"
_SPECIAL = ("subject", "split")


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Pictures, each with its item as the group, and the columns of every item."""

    examples: tuple[Example, ...]
    columns: dict[str, dict[str, Value]]
    skipped: tuple[tuple[str, str], ...]


@dataclass(eq=False)
class _Gathered:
    examples: dict[str, Example] = field(default_factory=dict)
    columns: dict[str, dict[str, Value]] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)


def read_catalogue(
    source: str | os.PathLike[str], *, folders_are_items: bool = False, unpack_into: Path | None = None
) -> Catalogue:
    """Read a folder, a zip or a table.

    A table (CSV, TSV, JSON lines, Parquet) names pictures in a column path, or several in paths; item (or id, sku)
    says what they show, otherwise each picture is an item of its own, named by its path; every other column is data
    of the item. In a folder each picture is an item, its folder the column category; with `folders_are_items`, each
    folder is an item with several pictures. Raises InputError when there is nothing to index.
    """
    path = Path(source).expanduser()
    if path.is_file() and path.suffix.lower() in SUFFIXES:
        return _read_table(path)
    listing = list_examples(path, unpack_into=unpack_into)
    examples: list[Example] = []
    columns: dict[str, dict[str, Value]] = {}
    for example in listing.examples:
        folder = example.labels[0] if example.labels else ""
        item = folder if folders_are_items and folder else example.name
        examples.append(replace(example, group=item, labels=(), split=None))
        columns[item] = {CATEGORY: folder} if folder and not folders_are_items else {}
    return Catalogue(tuple(examples), columns, listing.skipped)


def _read_table(path: Path) -> Catalogue:
    rows = read_rows(path)
    names = {name for row in rows for name in row}
    where = next((name for name in (*MANY_COLUMNS, *PATH_COLUMNS) if name in names), None)
    if where is None:
        raise InputError(
            f"{path.name} needs a column named path, or paths for several pictures; it has "
            f"{', '.join(sorted(names)) or 'no columns'}."
        )
    which = next((name for name in ITEM_COLUMNS if name in names), None)
    found = _Gathered()
    for number, row in enumerate(rows, start=1):
        _add_row(found, path, number, row, (where, which))
    if not found.examples:
        raise InputError(f"{path.name} names no pictures. Fill its column {where}.")
    return Catalogue(tuple(found.examples.values()), found.columns, tuple(found.skipped))


def _add_row(
    found: _Gathered, table: Path, number: int, row: Mapping[str, Any], places: tuple[str, str | None]
) -> None:
    where, which = places
    files = [name.replace("\\", "/") for name in split_values(row.get(where))]
    item = str(row.get(which) if which and row.get(which) is not None else "").strip() or (files[0] if files else "")
    if not files:
        found.skipped.append((f"{table.name}, row {number}", "no path"))
        return
    values = {
        name: value
        for name in row
        if name not in (where, which, *_SPECIAL)
        if (value := to_value(row[name])) is not None
    }
    known = found.columns.setdefault(item, {})
    different = [name for name, value in values.items() if known.setdefault(name, value) != value]
    if different:
        raise InputError(
            f"{table.name}, row {number}: item {item} has two values of {different[0]}: {known[different[0]]!r} and "
            f"{values[different[0]]!r}. Keep one."
        )
    subject = str(row.get("subject") or "").strip() or None
    for name in files:
        place = str((table.parent / name).absolute())
        if place in found.examples:
            found.skipped.append((f"{table.name}, row {number}", f"names {name} again"))
        else:
            found.examples[place] = Example(place, name, group=item, subject=subject)


def to_value(value: Any) -> Value | None:
    """A cell as a number where it reads as one, as true or false, or as text; None where it is empty.

    >>> to_value("12.50"), to_value("yes"), to_value(" "), to_value(True), to_value("0049")
    (12.5, 'yes', None, True, '0049')
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return None if value != value else value
    text = (
        ";".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)
    ).strip()
    digits = text.lstrip("+-")
    if not digits or (digits[0] == "0" and digits[1:2].isdigit()):
        return text or None  # leading zeros belong to article numbers
    try:
        number = float(text) if digits[0] in "0123456789." and "_" not in text else None
    except ValueError:
        number = None
    if number is None or number in (float("inf"), -float("inf")):
        return {"true": True, "false": False}.get(text.lower(), text)
    return int(text) if digits.isdigit() else number
