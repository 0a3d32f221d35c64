"""A workspace: the folder that keeps what was taught, and the only way to change it."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from foveal.core.contracts import Code
from foveal.core.errors import InputError, StoreError
from foveal.core.image import Appearance, Capture
from foveal.store import database
from foveal.store.keys import KEYS, PUBLIC, create_keys, fingerprint, load_private, load_public
from foveal.store.lock import WriterLock
from foveal.store.log import Entry, Leaf, LogRecord, append_record, now, read_log
from foveal.store.plain import from_json, to_json, to_portable
from foveal.store.rows import (
    ROW_COLUMNS,
    ExampleRow,
    Export,
    NewExample,
    RowReader,
    to_columns,
    to_leaf,
)

MODEL = "model.foveal"  # a cache that can be made again from the codes
PAGE_BYTES = 8192  # three codes of 1280 numbers to a page
FIND_BY = ("path", "name", "sha256", "group", "subject")
Ids = npt.NDArray[np.int64]


class Measures(NamedTuple):
    """What a kept picture's file and pixels say."""

    id: int
    capture: Capture
    appearance: Appearance


class _Writer(NamedTuple):
    lock: WriterLock
    key: Ed25519PrivateKey


class Workspace:
    """An open workspace. Reading never waits for a writer; writing needs `open(..., writing=True)`.

    Every changing method is one transaction with its log record: when it has returned, the change
    is on the disk; when it raises, or the process dies, nothing of it happened. Use from one thread.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection, writer: _Writer | None) -> None:
        """Use `create` or `open` instead."""
        self.folder = folder
        self._connection = connection
        self._writer = writer

    # -- opening and closing ------------------------------------------------------------------------------

    @classmethod
    def create(cls, folder: str | os.PathLike[str], settings: Mapping[str, Any]) -> "Workspace":
        """Make a workspace in `folder` (made if missing) and open it for writing.

        Raises StoreError when one is there already or nothing can be written, BusyError when
        another process is at it.
        """
        folder = Path(folder)
        with database.explained(folder, "Creating a workspace"):
            folder.mkdir(parents=True, exist_ok=True)
            lock = WriterLock(folder)
            with _closing_on_error(lock.release):
                key = create_keys(folder)
                connection = database.connect(folder, writing=True)
                with _closing_on_error(connection.close):
                    if not database.is_blank(connection):
                        raise StoreError(f"{folder} holds a workspace already. Open it, or choose another folder.")
                    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
                    connection.execute("PRAGMA journal_mode = WAL")
                    workspace = cls(folder, connection, _Writer(lock, key))
                    identity = {"_id": os.urandom(16).hex(), "_fingerprint": fingerprint(key.public_key())}
                    with workspace._change("Creating a workspace") as open_transaction:
                        database.create_tables(open_transaction)
                        _put_settings(open_transaction, identity)
                        workspace._record("create", [(None, {"settings": sorted(settings)})], settings=settings)
                    return workspace

    @classmethod
    def open(cls, folder: str | os.PathLike[str], *, writing: bool = False) -> "Workspace":
        """Open the workspace in `folder`, for reading or, as the only writer, for writing too.

        Opening for writing finishes an erasure that was cut short. Raises StoreError when there is
        no workspace, it is damaged or of a newer format; BusyError when another process writes.
        """
        folder = Path(folder)
        if not (folder / database.DATABASE).is_file():
            raise StoreError(f"There is no workspace in {folder} (no {database.DATABASE}). Teach into it first.")
        if not writing:
            return cls(folder, _open_checked(folder, writing=False), None)
        lock = WriterLock(folder)
        with _closing_on_error(lock.release):
            key = load_private(folder)
            connection = _open_checked(folder, writing=True)
            with _closing_on_error(connection.close):
                workspace = cls(folder, connection, _Writer(lock, key))
                if workspace._setting("_fingerprint") != fingerprint(key.public_key()):
                    raise StoreError(f"{folder}/{KEYS} holds keys of another workspace. Restore them.")
                return workspace

    def close(self) -> None:
        """Close the database and let others write; closing twice is fine."""
        self._connection.close()
        if self._writer is not None:
            self._writer.lock.release()
            self._writer = None

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
        return str(self._setting("_id"))

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
        with self._reading("Reading the settings"):
            rows = self._connection.execute("SELECT key, value FROM settings").fetchall()
        return {key: from_json(value) for key, value in rows if not key.startswith("_")}

    def update_settings(self, settings: Mapping[str, Any], *, memory_sha256: str = "") -> None:
        """Set some settings and keep the others; the log keeps their names only."""
        with self._change("Changing settings"):
            self._record("settings", [(None, {"settings": sorted(settings)})], memory_sha256, settings)

    # -- reading ------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Number of kept pictures."""
        with self._reading("Counting pictures"):
            return int(self._connection.execute("SELECT count(*) FROM examples").fetchone()[0])

    def rows(self, splits: Iterable[str] | None = None) -> list[ExampleRow]:
        """All kept pictures by id, or those of some splits."""
        wanted = None if splits is None else set(splits)
        with self._reading("Reading pictures"):
            every = map(RowReader(), self._connection.execute(f"SELECT {ROW_COLUMNS} FROM examples ORDER BY id"))
            return [row for row in every if wanted is None or row.split in wanted]

    def measures(self) -> list[Measures]:
        """What the files and pixels of all kept pictures say, by id."""
        with self._reading("Reading measures"):
            found = self._connection.execute("SELECT id, capture, appearance FROM examples ORDER BY id").fetchall()
        return [Measures(i, Capture(**from_json(c)), Appearance(**from_json(a))) for i, c, a in found]

    def code_blocks(self, ids: Sequence[int] | Ids | None = None, *, rows: int = 1024) -> Iterator[tuple[Ids, Code]]:
        """Yield (ids int64 (n,), codes int16 (n, d)) in blocks of at most `rows`, in the order of `ids` or by id.

        Raises StoreError when a picture has been forgotten meanwhile.
        """
        with self._reading("Reading codes"):
            if ids is None:
                ids = [number for (number,) in self._connection.execute("SELECT id FROM codes ORDER BY id")]
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
        with self._reading("Finding pictures"):
            for number, value in self._connection.execute(f"SELECT id, {column} FROM examples ORDER BY id"):
                if value in wanted:
                    found.setdefault(wanted[value], []).append(number)
        return found

    def unreadable(self) -> dict[str, str]:
        """Names of files that could not be read, with the reason."""
        with self._reading("Reading unreadable files"):
            return dict(self._connection.execute("SELECT name, reason FROM unreadable ORDER BY name"))

    def exports(self) -> list[Export]:
        """Files handed out, oldest first."""
        columns = "time, file, sha256, memory_sha256, n_pictures"
        with self._reading("Reading exports"):
            return [Export(*row) for row in self._connection.execute(f"SELECT {columns} FROM exports ORDER BY id")]

    def log(self) -> tuple[list[LogRecord], list[Leaf]]:
        """All log records and leaves, in order; `verify_log` checks them."""
        with self._reading("Reading the log"):
            return read_log(self._connection)

    @property
    def memory_sha256(self) -> str:
        """The memory hash that the newest log record carries; "" where the caller gave none."""
        with self._reading("Reading the log"):
            found = self._connection.execute("SELECT memory_sha256 FROM records ORDER BY seq DESC LIMIT 1").fetchone()
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
        with self._change("Teaching") as connection:
            self._check_codes(records)
            ids, entries = [], []
            for new in records:
                columns = to_columns(new)
                number = _insert_example(connection, columns, new)
                ids.append(number)
                entries.append((number, to_leaf(columns, new.code)))
                connection.execute("DELETE FROM unreadable WHERE name = ?", (columns["name"],))
            connection.executemany(
                "INSERT OR REPLACE INTO unreadable VALUES (?, ?)",
                [(to_portable(name), to_portable(reason)) for name, reason in unreadable],
            )
            self._record("teach", entries, memory_sha256, settings)
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
        with self._change("Correcting labels") as connection:
            for place, number in enumerate(ids):
                changed = {"labels": _portable(labels[place])}
                if not_labels is not None:
                    changed["not_labels"] = _portable(not_labels[place])
                for column, value in changed.items():
                    _update(connection, number, column, to_json(value))
                entries.append((number, changed))
            self._record("correct", entries, memory_sha256, settings)

    def set_groups(self, groups: Mapping[int, str | None], *, memory_sha256: str = "") -> None:
        """Set the group of pictures by id; None means it stands for itself."""
        entries: list[Entry] = []
        with self._change("Setting groups") as connection:
            for number, group in groups.items():
                value = None if group is None else to_portable(group)
                _update(connection, number, "grp", value)
                entries.append((number, {"group": value}))
            self._record("group", entries, memory_sha256)

    def register_export(self, file: str, sha256: str, *, memory_sha256: str, n_pictures: int) -> None:
        """Note that a file was handed out, so that certificates can say what erasure does not reach."""
        export = Export(now(), to_portable(Path(file).name), sha256, memory_sha256, n_pictures)
        with self._change("Registering an export") as connection:
            connection.execute(
                "INSERT INTO exports (time, file, sha256, memory_sha256, n_pictures) VALUES (?,?,?,?,?)",
                astuple(export),
            )
            entry = {"file": export.file, "sha256": sha256, "n_pictures": n_pictures}
            self._record("export", [(None, entry)], memory_sha256)

    # -- inside -------------------------------------------------------------------------------------------

    @contextmanager
    def _change(self, doing: str) -> Iterator[sqlite3.Connection]:
        if self._writer is None:
            raise StoreError(f"{doing} needs the workspace {self.folder} opened for writing (writing=True).")
        with database.explained(self.folder, doing):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def _record(
        self, kind: str, entries: Iterable[Entry], memory_sha256: str = "", settings: Mapping[str, Any] | None = None
    ) -> LogRecord:
        """Write settings, log record and its head inside the transaction that is open."""
        if self._writer is None:
            raise StoreError(f"The workspace {self.folder} is not open for writing (writing=True).")
        for key in settings or {}:
            if key.startswith("_"):
                raise InputError(f"A setting's name must not start with an underscore, got {key!r}.")
        _put_settings(self._connection, settings or {})
        record = append_record(self._connection, self._writer.key, kind, entries, memory_sha256=memory_sha256)
        _put_settings(self._connection, {"_head": [record.seq, record.sha256]})
        return record

    def _reading(self, doing: str) -> Any:
        return database.explained(self.folder, doing)

    def _setting(self, key: str) -> Any:
        with self._reading("Reading the settings"):
            found = self._connection.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
        return None if found is None else from_json(found[0])

    def _blobs(self, table: str, column: str, ids: Sequence[int]) -> list[bytes]:
        with self._reading("Reading pictures"):
            found = self._connection.execute(
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
        kept = self._connection.execute("SELECT length(code) / 2 FROM codes LIMIT 1").fetchone()
        expected = kept[0] if kept else (records[0].code.size if records else 0)
        for new in records:
            if new.code.dtype != np.int16 or new.code.shape != (expected,):
                raise InputError(
                    f"{new.example.name}: its code must be int16 ({expected},) like the others, "
                    f"got {new.code.dtype} {new.code.shape}. Use the backbone the workspace was made with."
                )


@contextmanager
def _closing_on_error(close: Callable[[], None]) -> Iterator[None]:
    finished = False
    try:
        yield
        finished = True
    finally:
        if not finished:
            close()


def _open_checked(folder: Path, *, writing: bool) -> sqlite3.Connection:
    with database.explained(folder, "Opening"):
        connection = database.connect(folder, writing=writing)
        with _closing_on_error(connection.close):
            number = database.check_format(connection, folder)
            if number < database.FORMAT:
                if not writing:
                    raise StoreError(f"The workspace {folder} has the old format {number}. Open it for writing once.")
                database.migrate(connection, number)
        return connection


def _put_settings(connection: sqlite3.Connection, settings: Mapping[str, Any]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO settings VALUES (?, ?)", [(key, to_json(value)) for key, value in settings.items()]
    )


def _insert_example(connection: sqlite3.Connection, columns: dict[str, Any], new: NewExample) -> int:
    marks = ", ".join(f":{name}" for name in columns)
    cursor = connection.execute(f"INSERT INTO examples ({', '.join(columns)}) VALUES ({marks})", columns)
    number = cursor.lastrowid
    connection.execute("INSERT INTO codes VALUES (?, ?)", (number, new.code.astype("<i2").tobytes()))
    connection.execute("INSERT INTO thumbnails VALUES (?, ?)", (number, new.thumbnail))
    return int(number or 0)


def _update(connection: sqlite3.Connection, number: int, column: str, value: str | None) -> None:
    changed = connection.execute(f"UPDATE examples SET {column} = ? WHERE id = ?", (value, number))
    if changed.rowcount != 1:
        raise InputError(f"There is no picture with id {number}. Read the rows again.")


def _portable(labels: Sequence[str]) -> list[str]:
    return [to_portable(label) for label in labels]
