"""A workspace: the folder that keeps what was taught, and the only way to change it."""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from foveal.core.contracts import Code
from foveal.core.errors import FovealError, InputError, StoreError
from foveal.core.image import Appearance, Capture
from foveal.store.consistency import list_problems
from foveal.store.erasure import MODEL, Erased, Request, certify, erase, finish_erasure
from foveal.store.keys import KEYS, PUBLIC, load_public
from foveal.store.ledger import IDENTITY, Ledger
from foveal.store.log import Entry, Leaf, LogRecord, now, read_log
from foveal.store.plain import from_json, to_json, to_portable
from foveal.store.rows import (
    ROW_COLUMNS,
    ExampleRow,
    Export,
    NewExample,
    RowReader,
    insert_example,
    read_exports,
    to_columns,
    to_leaf,
)

FIND_BY = ("path", "name", "sha256", "group", "subject")
Ids = npt.NDArray[np.int64]


class Measures(NamedTuple):
    """What a kept picture's file and pixels say."""

    id: int
    capture: Capture
    appearance: Appearance


class Workspace:
    """An open workspace. Reading never waits for a writer; writing needs `open(..., writing=True)`.

    Every changing method is one transaction with its log record: when it has returned, the change
    is on the disk; when it raises, or the process dies, nothing of it happened. Use from one thread.
    """

    def __init__(self, ledger: Ledger) -> None:
        """Use `create` or `open` instead."""
        self.folder = ledger.folder
        self._ledger = ledger

    # -- opening and closing ------------------------------------------------------------------------------

    @classmethod
    def create(cls, folder: str | os.PathLike[str], settings: Mapping[str, Any]) -> "Workspace":
        """Make a workspace in `folder` (made if missing) and open it for writing.

        Raises StoreError when one is there already or nothing can be written, BusyError when
        another process is at it.
        """
        return cls(Ledger.create(Path(folder), settings))

    @classmethod
    def open(cls, folder: str | os.PathLike[str], *, writing: bool = False) -> "Workspace":
        """Open the workspace in `folder`, for reading or, as the only writer, for writing too.

        Opening for writing finishes an erasure that was cut short. Raises StoreError when there is
        no workspace, it is damaged or of a newer format; BusyError when another process writes.
        """
        ledger = Ledger.open(Path(folder), writing=writing)
        if writing:
            try:
                finish_erasure(ledger)
            except FovealError:
                ledger.close()
                raise
        return cls(ledger)

    def close(self) -> None:
        """Close the database and let others write; closing twice is fine."""
        self._ledger.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    # -- what it is ---------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """A random name given at creation, 32 hexadecimal digits."""
        return str(self._ledger.setting(IDENTITY))

    @property
    def model_path(self) -> Path:
        """Where the recognizer made from this workspace is cached; an erasure deletes it."""
        return self.folder / MODEL

    @property
    def public_key(self) -> Ed25519PublicKey:
        """What its log and certificates are checked with."""
        return load_public(self.folder / KEYS / PUBLIC)

    @property
    def settings(self) -> dict[str, Any]:
        """The caller's settings, read afresh."""
        with self._ledger.reading("Reading the settings"):
            rows = self._ledger.connection.execute("SELECT key, value FROM settings").fetchall()
        return {key: from_json(value) for key, value in rows if not key.startswith("_")}

    def update_settings(self, settings: Mapping[str, Any], *, memory_sha256: str = "") -> None:
        """Set some settings and keep the others; the log keeps their names only."""
        with self._ledger.change("Changing settings"):
            self._ledger.record("settings", [(None, {"settings": sorted(settings)})], memory_sha256, settings)

    # -- reading ------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Number of kept pictures."""
        with self._ledger.reading("Counting pictures"):
            return int(self._ledger.connection.execute("SELECT count(*) FROM examples").fetchone()[0])

    def rows(self, splits: Iterable[str] | None = None) -> list[ExampleRow]:
        """All kept pictures by id, or those of some splits."""
        wanted = None if splits is None else set(splits)
        with self._ledger.reading("Reading pictures"):
            every = map(RowReader(), self._ledger.connection.execute(f"SELECT {ROW_COLUMNS} FROM examples ORDER BY id"))
            return [row for row in every if wanted is None or row.split in wanted]

    def measures(self) -> list[Measures]:
        """What the files and pixels of all kept pictures say, by id."""
        with self._ledger.reading("Reading measures"):
            query = "SELECT id, capture, appearance FROM examples ORDER BY id"
            found = self._ledger.connection.execute(query).fetchall()
        return [Measures(i, Capture(**from_json(c)), Appearance(**from_json(a))) for i, c, a in found]

    def code_blocks(self, ids: Sequence[int] | Ids | None = None, *, rows: int = 1024) -> Iterator[tuple[Ids, Code]]:
        """Yield (ids int64 (n,), codes int16 (n, d)) in blocks of at most `rows`, in the order of `ids` or by id.

        Raises StoreError when a picture has been forgotten meanwhile.
        """
        with self._ledger.reading("Reading codes"):
            if ids is None:
                ids = [number for (number,) in self._ledger.connection.execute("SELECT id FROM codes ORDER BY id")]
        for start in range(0, len(ids), rows):
            wanted = [int(number) for number in ids[start : start + rows]]
            yield np.array(wanted, dtype=np.int64), self._codes(wanted)

    def codes(self, ids: Sequence[int] | Ids) -> Code:
        """Codes int16 (n, d) in the order of `ids`; (0, 0) where there are none."""
        blocks = [codes for _, codes in self.code_blocks(ids)]
        return np.concatenate(blocks) if blocks else np.zeros((0, 0), dtype=np.int16)

    def thumbnail(self, number: int) -> bytes:
        """The small JPEG of a picture, b"" where none was kept; raises StoreError when there is no such picture."""
        return self._blobs("thumbnails", "jpeg", [number])[0]

    def find(self, by: str, values: Iterable[str]) -> dict[str, list[int]]:
        """Ids of the kept pictures whose `by` (path, name, sha256, group or subject) is one of `values`.

        Values that no picture has are left out of the answer.
        """
        if by not in FIND_BY:
            raise InputError(f"Pictures are found by {', '.join(FIND_BY)}, not by {by!r}.")
        wanted = {to_portable(value): value for value in values}
        found: dict[str, list[int]] = {}
        column = "grp" if by == "group" else by
        with self._ledger.reading("Finding pictures"):
            for number, value in self._ledger.connection.execute(f"SELECT id, {column} FROM examples ORDER BY id"):
                if value in wanted:
                    found.setdefault(wanted[value], []).append(number)
        return found

    def unreadable(self) -> dict[str, str]:
        """Names of files that could not be read, with the reason."""
        with self._ledger.reading("Reading unreadable files"):
            return dict(self._ledger.connection.execute("SELECT name, reason FROM unreadable ORDER BY name"))

    def exports(self) -> list[Export]:
        """Files handed out, oldest first."""
        with self._ledger.reading("Reading exports"):
            return read_exports(self._ledger.connection)

    def log(self) -> tuple[list[LogRecord], list[Leaf]]:
        """All log records and leaves, in order; `verify_log` checks them."""
        with self._ledger.reading("Reading the log"):
            return read_log(self._ledger.connection)

    @property
    def memory_sha256(self) -> str:
        """The memory hash that the newest log record carries; "" where the caller gave none."""
        with self._ledger.reading("Reading the log"):
            query = "SELECT memory_sha256 FROM records ORDER BY seq DESC LIMIT 1"
            found = self._ledger.connection.execute(query).fetchone()
        return str(found[0]) if found else ""

    # -- changing -----------------------------------------------------------------------------------------

    def add(
        self,
        records: Sequence[NewExample],
        *,
        unreadable: Iterable[tuple[str, str]] = (),
        memory_sha256: str = "",
        settings: Mapping[str, Any] | None = None,
    ) -> list[int]:
        """Keep pictures (and the name and reason of files that could not be read); returns their ids.

        All or nothing, in one transaction. Raises InputError when the codes' length differs from those kept.
        """
        with self._ledger.change("Teaching") as connection:
            self._check_codes(records)
            ids, entries = [], []
            for new in records:
                columns = to_columns(new)
                number = insert_example(connection, columns, new)
                ids.append(number)
                entries.append((number, to_leaf(columns, new.code)))
                connection.execute("DELETE FROM unreadable WHERE name = ?", (columns["name"],))
            connection.executemany(
                "INSERT OR REPLACE INTO unreadable VALUES (?, ?)",
                [(to_portable(name), to_portable(reason)) for name, reason in unreadable],
            )
            self._ledger.record("teach", entries, memory_sha256, settings)
        return ids

    def relabel(
        self,
        ids: Sequence[int],
        labels: Sequence[Sequence[str]],
        *,
        not_labels: Sequence[Sequence[str]] | None = None,
        memory_sha256: str = "",
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """Set the labels of pictures, one list each; `not_labels` stay as they are unless given."""
        if len(labels) != len(ids) or (not_labels is not None and len(not_labels) != len(ids)):
            raise InputError(f"Relabeling needs one list of labels per picture: {len(ids)} ids, {len(labels)} lists.")
        entries: list[Entry] = []
        with self._ledger.change("Correcting labels") as connection:
            for place, number in enumerate(ids):
                changed = {"labels": _portable(labels[place])}
                if not_labels is not None:
                    changed["not_labels"] = _portable(not_labels[place])
                for column, value in changed.items():
                    _update(connection, number, column, to_json(value))
                entries.append((number, changed))
            self._ledger.record("correct", entries, memory_sha256, settings)

    def set_groups(self, groups: Mapping[int, str | None], *, memory_sha256: str = "") -> None:
        """Set the group of pictures by id; None means it stands for itself."""
        entries: list[Entry] = []
        with self._ledger.change("Setting groups") as connection:
            for number, group in groups.items():
                value = None if group is None else to_portable(group)
                _update(connection, number, "grp", value)
                entries.append((number, {"group": value}))
            self._ledger.record("group", entries, memory_sha256)

    def register_export(self, file: str, sha256: str, *, memory_sha256: str, n_pictures: int) -> None:
        """Note that a file was handed out, so that certificates can say what erasure does not reach."""
        export = Export(now(), to_portable(Path(file).name), sha256, memory_sha256, n_pictures)
        with self._ledger.change("Registering an export") as connection:
            connection.execute(
                "INSERT INTO exports (time, file, sha256, memory_sha256, n_pictures) VALUES (?,?,?,?,?)",
                astuple(export),
            )
            entry = {"file": export.file, "sha256": sha256, "n_pictures": n_pictures}
            self._ledger.record("export", [(None, entry)], memory_sha256)

    # -- erasing ------------------------------------------------------------------------------------------

    def erase(
        self,
        ids: Sequence[int],
        *,
        asked: str,
        memory_sha256: str,
        settings: Mapping[str, Any] | None = None,
        words: Iterable[str] = (),
    ) -> Erased:
        """Erase pictures everywhere in the workspace; when it has returned they cannot come back.

        `asked` is how: "picture", "group" or "subject". `memory_sha256` is the hash of the memory
        without them, `settings` are changed in the same transaction, and `words` are further
        strings that `certify` must not find any more. `model_path` is deleted: write it anew, then
        call `certify`. Raises InputError for ids that are not there, BusyError when a reader kept
        the old bytes from being overwritten: the next opening for writing then finishes.
        """
        return erase(self._ledger, ids, Request(asked, memory_sha256, dict(settings or {}), tuple(words)))

    def certify(self, erased: Erased) -> dict[str, Any]:
        """Scan every file of the workspace for what was erased, then write and return the signed certificate.

        `verify_certificate` lists a trace that was found as a problem.
        """
        return certify(self._ledger, erased)

    def problems(self, public_key: Ed25519PublicKey | None = None) -> list[str]:
        """List everything that does not fit together: the log, the pictures against it, the certificates.

        An empty list means all is well. `public_key` is the key to trust, by default the one in the folder.
        """
        return list_problems(self._ledger, public_key or self.public_key)

    # -- inside -------------------------------------------------------------------------------------------

    def _blobs(self, table: str, column: str, ids: Sequence[int]) -> list[bytes]:
        with self._ledger.reading("Reading pictures"):
            found = self._ledger.connection.execute(
                f"SELECT {column} FROM json_each(?) AS wanted JOIN {table} ON {table}.id = wanted.value "
                "ORDER BY wanted.key",
                (to_json(ids),),
            ).fetchall()
        if len(found) != len(ids):
            raise StoreError(f"{len(ids) - len(found)} of {len(ids)} pictures are no longer kept. Read the rows again.")
        return [blob for (blob,) in found]

    def _codes(self, ids: Sequence[int]) -> Code:
        blobs = self._blobs("codes", "code", ids)
        if len({len(blob) for blob in blobs}) > 1:
            raise StoreError(f"The workspace {self.folder} holds codes of different lengths. Restore it from a backup.")
        flat = np.frombuffer(b"".join(blobs), dtype="<i2").astype(np.int16)
        return flat.reshape(len(ids), -1) if ids else np.zeros((0, 0), dtype=np.int16)

    def _check_codes(self, records: Sequence[NewExample]) -> None:
        kept = self._ledger.connection.execute("SELECT length(code) / 2 FROM codes LIMIT 1").fetchone()
        expected = kept[0] if kept else (records[0].code.size if records else 0)
        for new in records:
            if new.code.dtype != np.int16 or new.code.shape != (expected,):
                raise InputError(
                    f"{new.example.name}: its code must be int16 ({expected},) like the others, "
                    f"got {new.code.dtype} {new.code.shape}. Use the backbone the workspace was made with."
                )


def _update(connection: sqlite3.Connection, number: int, column: str, value: str | None) -> None:
    changed = connection.execute(f"UPDATE examples SET {column} = ? WHERE id = ?", (value, number))
    if changed.rowcount != 1:
        raise InputError(f"There is no picture with id {number}. Read the rows again.")


def _portable(labels: Sequence[str]) -> list[str]:
    return [to_portable(label) for label in labels]
