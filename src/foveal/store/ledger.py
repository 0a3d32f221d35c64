"""What every change of a workspace goes through: the database, the lock, the transaction and its signed record."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from foveal.core.errors import InputError, StoreError
from foveal.store import database
from foveal.store.keys import KEYS, create_keys, fingerprint, load_private
from foveal.store.lock import WriterLock
from foveal.store.log import Entry, LogRecord, append_record
from foveal.store.plain import from_json, to_json

PAGE_BYTES = 16384  # three codes of 2,064 numbers to a page
IDENTITY, FINGERPRINT, HEAD, PENDING = "_id", "_fingerprint", "_head", "_pending"


class _Writer(NamedTuple):
    lock: WriterLock
    key: Ed25519PrivateKey


class Ledger:
    """An open database of a workspace, with the right to change it or without. Use from one thread."""

    def __init__(self, folder: Path, connection: sqlite3.Connection, writer: _Writer | None) -> None:
        """Use `create` or `open` instead."""
        self.folder = folder
        self.connection = connection
        self._writer = writer

    @classmethod
    def create(cls, folder: Path, settings: Mapping[str, Any]) -> "Ledger":
        """Make keys, database and first record in `folder` and open it for writing."""
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
                    ledger = cls(folder, connection, _Writer(lock, key))
                    ledger._begin_log(settings, fingerprint(key.public_key()))
                    return ledger

    def _begin_log(self, settings: Mapping[str, Any], key_fingerprint: str) -> None:
        with self.change("Creating a workspace") as connection:
            database.create_tables(connection)
            self.put({IDENTITY: os.urandom(16).hex(), FINGERPRINT: key_fingerprint})
            self.record("create", [(None, {"settings": sorted(settings)})], settings=settings)

    @classmethod
    def open(cls, folder: Path, *, writing: bool) -> "Ledger":
        """Open the database in `folder`, bringing an old format up to date when it is opened for writing."""
        if not (folder / database.DATABASE).is_file():
            raise StoreError(f"There is no workspace in {folder} (no {database.DATABASE}). Teach into it first.")
        if not writing:
            return cls(folder, _open_checked(folder, writing=False), None)
        lock = WriterLock(folder)
        with _closing_on_error(lock.release):
            key = load_private(folder)
            connection = _open_checked(folder, writing=True)
            with _closing_on_error(connection.close):
                ledger = cls(folder, connection, _Writer(lock, key))
                if ledger.setting(FINGERPRINT) != fingerprint(key.public_key()):
                    raise StoreError(f"{folder}/{KEYS} holds keys of another workspace. Restore its own from a backup.")
                return ledger

    def close(self) -> None:
        """Close the database and let others write; closing twice is fine."""
        self.connection.close()
        if self._writer is not None:
            self._writer.lock.release()
            self._writer = None

    def key(self, doing: str) -> Ed25519PrivateKey:
        """Return the signing key; raises StoreError when the workspace is open for reading only."""
        if self._writer is None:
            raise StoreError(f"{doing} needs the workspace {self.folder} opened for writing (writing=True).")
        return self._writer.key

    @contextmanager
    def change(self, doing: str) -> Iterator[sqlite3.Connection]:
        """Hold one transaction: all of the block happens, durably, or, when it raises, nothing does."""
        self.key(doing)
        with database.explained(self.folder, doing):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            finally:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")

    def record(
        self, kind: str, entries: Iterable[Entry], memory_sha256: str = "", settings: Mapping[str, Any] | None = None
    ) -> LogRecord:
        """Write settings, a log record and the log's head inside the transaction that is open."""
        for key in settings or {}:
            if key.startswith("_"):
                raise InputError(f"A setting's name must not start with an underscore, got {key!r}. Rename it.")
        self.put(settings or {})
        record = append_record(self.connection, self.key("Logging"), kind, entries, memory_sha256=memory_sha256)
        self.put({HEAD: [record.seq, record.sha256]})
        return record

    def put(self, settings: Mapping[str, Any]) -> None:
        """Write settings inside the transaction that is open, without a log record."""
        self.connection.executemany(
            "INSERT OR REPLACE INTO settings VALUES (?, ?)", [(key, to_json(value)) for key, value in settings.items()]
        )

    def reading(self, doing: str) -> AbstractContextManager[None]:
        """Explain what goes wrong while reading."""
        return database.explained(self.folder, doing)

    def setting(self, key: str) -> Any:
        """Return one setting, None when it is not set."""
        with self.reading("Reading the settings"):
            found = self.connection.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
        return None if found is None else from_json(found[0])


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
