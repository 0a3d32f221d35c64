"""Pictures named in a table: CSV, TSV, JSON lines or Parquet."""

import csv
import io
import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from foveal.core.errors import InputError, MissingExtraError
from foveal.core.example import SPLITS as KNOWN_SPLITS
from foveal.core.example import Example
from foveal.workflows.sources.folder import SPLITS

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
PATH_COLUMNS = ("path", "file", "image", "filename")
_SEPARATORS = re.compile(r"[;|]")


def list_table(path: Path) -> tuple[list[Example], list[tuple[str, str]]]:
    """Read a table with the columns path and label (or labels), and optionally group, subject, split and not.

    Paths are relative to the table's folder. Rows without a path are passed over with the reason.
    Raises InputError when the table cannot be read, has no column of paths, or contradicts itself.
    """
    rows = read_rows(path)
    columns = sorted({name for row in rows for name in row})
    where = _path_column(columns)
    if where is None:
        raise InputError(f"{path.name} needs a column named path; it has {', '.join(columns) or 'no columns'}.")
    examples: dict[str, Example] = {}
    skipped = []
    for number, row in enumerate(rows, start=1):
        name = str(row.get(where) or "").strip()
        if not name:
            skipped.append((f"{path.name}, row {number}", "no path"))
            continue
        example = _to_example(path, name, row)
        first = examples.setdefault(example.path, example)
        if first is not example:
            _check_repeated(path.name, first, example)
            skipped.append((f"{path.name}, row {number}", f"names {name} again"))
    return list(examples.values()), skipped


def names_pictures(path: Path) -> bool:
    """Whether a table can be read and has a column of paths."""
    try:
        return _path_column({name for row in read_rows(path) for name in row}) is not None
    except InputError:
        return False


def _path_column(columns: Collection[str]) -> str | None:
    return next((name for name in PATH_COLUMNS if name in columns), None)


def _check_repeated(table: str, first: Example, again: Example) -> None:
    if set(first.labels) != set(again.labels):
        one, two = (" and ".join(example.labels) or "no label" for example in (first, again))
        both = ";".join(dict.fromkeys(first.labels + again.labels))
        raise InputError(
            f"{table} names {again.name} twice, as {one} and as {two}. Keep one row of it, "
            f"or give both in a column named labels: {both}."
        )


def _to_example(table: Path, name: str, row: Mapping[str, Any]) -> Example:
    split = _text(row, "split")
    known = SPLITS.get(split.lower()) if split else None
    if split and known is None:
        raise InputError(f"{table.name}: split must be one of {', '.join(KNOWN_SPLITS)}, got {split!r} for {name}.")
    name = name.replace("\\", "/")
    labels = split_values(row.get("labels")) or ((_text(row, "label"),) if _text(row, "label") else ())
    return Example(
        path=str((table.parent / name).absolute()),
        name=name,
        labels=tuple(label for label in labels if label),
        group=_text(row, "group") or None,
        subject=_text(row, "subject") or None,
        split=known,
        not_labels=split_values(row.get("not")),
    )


def _text(row: Mapping[str, Any], column: str) -> str:
    value = row.get(column)
    return "" if value is None else str(value).strip()


def split_values(value: Any) -> tuple[str, ...]:
    """Values from a list, a JSON list, or text separated by ; or |."""
    if value is None:
        return ()
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("["):
            try:
                value = json.loads(text)
            except ValueError:
                raise InputError(f"Labels that start with [ must be a JSON list, got {text[:60]!r}.") from None
        else:
            value = _SEPARATORS.split(text)
    return tuple(str(label).strip() for label in value if str(label).strip())


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of a table, their columns in small letters; raises InputError when it cannot be read."""
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        rows = _read_parquet(path)
    else:
        try:
            text = path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as problem:
            raise InputError(f"Cannot read {path.name} as UTF-8 text: {problem}.") from None
        rows = _read_lines(path, text) if suffix in (".jsonl", ".ndjson") else _read_csv(text, suffix)
    return [{str(key).strip().lower(): value for key, value in row.items() if key is not None} for row in rows]


def _read_csv(text: str, suffix: str) -> list[dict[str, Any]]:
    first = text.partition("\n")[0]
    delimiter = "\t" if suffix == ".tsv" or "\t" in first else ";" if ";" in first and "," not in first else ","
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))


def _read_lines(path: Path, text: str) -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            raise InputError(f"{path.name}, line {number}: expected a JSON object, got {line[:60]!r}.") from None
        if not isinstance(row, dict):
            raise InputError(f"{path.name}, line {number}: expected a JSON object, got {type(row).__name__}.")
        rows.append(row)
    return rows


def _read_parquet(path: Path) -> list[dict[str, Any]]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("Reading Parquet tables", "parquet") from None
    try:
        rows: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
    except (pyarrow.ArrowException, OSError) as problem:
        raise InputError(f"Cannot read {path.name} as Parquet: {problem}.") from None
    return rows
