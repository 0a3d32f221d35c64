"""What goes into a workspace and what comes out, as values."""

import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from foveal.core.contracts import Code
from foveal.core.example import Example
from foveal.core.image import Appearance, Capture
from foveal.store.plain import from_json, to_json, to_portable

ROW_COLUMNS = "id, name, path, sha256, labels, not_labels, grp, subject, split, status"


@dataclass(frozen=True, slots=True, eq=False)
class NewExample:
    """A picture to be kept: what the user said, what the file and the pixels say, and its code.

    Where the user names no group, the group the file itself gives (a patient) is kept.
    """

    example: Example
    capture: Capture
    appearance: Appearance
    code: Code  # int16 (d,)
    thumbnail: bytes = b""  # JPEG
    status: str = "taught"

    @property
    def group(self) -> str | None:
        """What must not leak between teaching and testing."""
        return self.example.group if self.example.group is not None else self.capture.group


@dataclass(frozen=True, slots=True)
class ExampleRow:
    """A kept picture without its code and thumbnail: light enough to hold 100,000 of them."""

    id: int
    name: str
    path: str
    sha256: str  # of the file's bytes
    labels: tuple[str, ...]
    not_labels: tuple[str, ...]
    group: str | None
    subject: str | None
    split: str | None
    status: str


@dataclass(frozen=True, slots=True)
class Export:
    """A file handed out: what erasure inside the workspace cannot reach."""

    time: str  # ISO 8601, UTC
    file: str  # name without folder
    sha256: str
    memory_sha256: str
    n_pictures: int


def read_exports(connection: sqlite3.Connection) -> list[Export]:
    """Files handed out, oldest first."""
    columns = "time, file, sha256, memory_sha256, n_pictures"
    return [Export(*row) for row in connection.execute(f"SELECT {columns} FROM exports ORDER BY id")]


def hash_bytes(data: bytes) -> str:
    """SHA-256, hexadecimal; of a code's stored bytes it is the code's hash."""
    return hashlib.sha256(data).hexdigest()


def to_columns(new: NewExample) -> dict[str, Any]:
    """The columns of table `examples` for a new picture, without its id."""
    return {
        "name": to_portable(new.example.name),
        "path": to_portable(new.example.path),
        "sha256": new.capture.sha256,
        "labels": to_json(tuple(map(to_portable, new.example.labels))),
        "not_labels": to_json(tuple(map(to_portable, new.example.not_labels))),
        "grp": _optional(new.group),
        "subject": _optional(new.example.subject),
        "split": new.example.split,
        "status": new.status,
        "capture": to_portable(to_json(asdict(new.capture))),
        "appearance": to_json(asdict(new.appearance)),
    }


def _optional(text: str | None) -> str | None:
    return None if text is None else to_portable(text)


def to_leaf(columns: dict[str, Any], code: Code) -> dict[str, Any]:
    """What the log keeps of a taught picture, in a form that can be blanked."""
    return {
        "name": columns["name"],
        "sha256": columns["sha256"],
        "code_sha256": hash_bytes(code.astype("<i2").tobytes()),
        "labels": from_json(columns["labels"]),
        "not_labels": from_json(columns["not_labels"]),
        "group": columns["grp"],
        "subject": columns["subject"],
    }


class RowReader:
    """Turns database rows into ExampleRow, parsing each distinct list of labels once."""

    def __init__(self) -> None:
        self._labels: dict[str, tuple[str, ...]] = {}

    def __call__(self, columns: Sequence[Any]) -> ExampleRow:
        """Build a row from ROW_COLUMNS."""
        number, name, path, sha256, labels, not_labels, group, subject, split, status = columns
        return ExampleRow(
            number, name, path, sha256, self._tuple(labels), self._tuple(not_labels), group, subject, split, status
        )

    def _tuple(self, text: str) -> tuple[str, ...]:
        known = self._labels.get(text)
        if known is None:
            known = self._labels[text] = tuple(from_json(text))
        return known


def insert_example(connection: sqlite3.Connection, columns: dict[str, Any], new: NewExample) -> int:
    """Insert a picture with its code and thumbnail inside the transaction that is open; returns its id."""
    marks = ", ".join(f":{name}" for name in columns)
    cursor = connection.execute(f"INSERT INTO examples ({', '.join(columns)}) VALUES ({marks})", columns)
    number = cursor.lastrowid
    connection.execute("INSERT INTO codes VALUES (?, ?)", (number, new.code.astype("<i2").tobytes()))
    connection.execute("INSERT INTO thumbnails VALUES (?, ?)", (number, new.thumbnail))
    return int(number or 0)
