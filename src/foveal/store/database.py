"""The SQLite file of a workspace: its tables, its format number, and what its errors mean to a person.

How to raise the format number: add one to FORMAT, append to MIGRATIONS the function that turns a
database of the number before into the new one (it runs inside the opening transaction), change
TABLES to what a new workspace gets, and add a test that opens a database of the old number.
"""

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from foveal.core.errors import BusyError, StoreError

DATABASE = "workspace.db"
FORMAT = 2
APPLICATION_ID = 0x464F5645  # "FOVE", marks the file as ours
WAIT_S = 10.0  # how long a statement waits for another connection

# Pictures' codes and thumbnails have tables of their own, so that reading 100,000 rows touches few pages.
TABLES = """
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE examples (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, path TEXT NOT NULL, sha256 TEXT NOT NULL,
    labels TEXT NOT NULL, not_labels TEXT NOT NULL, grp TEXT, subject TEXT, split TEXT, status TEXT NOT NULL,
    capture TEXT NOT NULL, appearance TEXT NOT NULL);
CREATE TABLE codes (id INTEGER PRIMARY KEY REFERENCES examples(id) ON DELETE CASCADE, code BLOB NOT NULL);
CREATE TABLE thumbnails (id INTEGER PRIMARY KEY REFERENCES examples(id) ON DELETE CASCADE, jpeg BLOB NOT NULL);
CREATE TABLE unreadable (name TEXT PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE records (
    seq INTEGER PRIMARY KEY, time TEXT NOT NULL, kind TEXT NOT NULL, n_leaves INTEGER NOT NULL,
    leaves_sha256 TEXT NOT NULL, memory_sha256 TEXT NOT NULL, prev_sha256 TEXT NOT NULL,
    sha256 TEXT NOT NULL, signature BLOB NOT NULL);
CREATE TABLE leaves (
    seq INTEGER NOT NULL REFERENCES records(seq), position INTEGER NOT NULL, example_id INTEGER,
    hash BLOB NOT NULL, salt BLOB, content TEXT, PRIMARY KEY (seq, position)) WITHOUT ROWID;
CREATE INDEX leaves_of_example ON leaves(example_id) WHERE example_id IS NOT NULL;
CREATE TABLE exports (
    id INTEGER PRIMARY KEY, time TEXT NOT NULL, file TEXT NOT NULL, sha256 TEXT NOT NULL,
    memory_sha256 TEXT NOT NULL, n_pictures INTEGER NOT NULL);
"""
# Of a gallery: an item is named by the grp of its pictures; what may not be found has no vector;
# seq is that of the log record that changed it last.
GALLERY_TABLES = """
CREATE INDEX examples_of_group ON examples(grp) WHERE grp IS NOT NULL;
CREATE TABLE items (
    id INTEGER PRIMARY KEY AUTOINCREMENT, item TEXT NOT NULL UNIQUE, columns TEXT NOT NULL, seq INTEGER NOT NULL);
CREATE INDEX items_of_seq ON items(seq);
CREATE TABLE vectors (
    id INTEGER PRIMARY KEY REFERENCES examples(id) ON DELETE CASCADE, item INTEGER NOT NULL, vector BLOB NOT NULL);
"""


def _run(connection: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";"):
        if statement.strip():
            connection.execute(statement)


def _add_gallery_tables(connection: sqlite3.Connection) -> None:
    _run(connection, GALLERY_TABLES)


Migration = Callable[[sqlite3.Connection], None]
MIGRATIONS: dict[int, Migration] = {1: _add_gallery_tables}  # from this format number to the next


@contextmanager
def explained(folder: Path, doing: str) -> Iterator[None]:
    """Turn errors of SQLite and of the operating system into StoreError with what to do."""
    try:
        yield
    except (sqlite3.Error, OSError) as problem:
        raise _explain(folder, doing, problem) from problem


def _explain(folder: Path, doing: str, problem: sqlite3.Error | OSError) -> StoreError:
    code = getattr(problem, "sqlite_errorname", "") or ""
    where = f"{doing} in the workspace {folder}"
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return BusyError(f"{where}: another process holds the database. Wait for it to finish and try again.")
    if code.startswith(_NO_ROOM) or (isinstance(problem, OSError) and problem.errno in _NO_ROOM_ERRNO):
        return StoreError(f"{where}: no room left on the disk. Nothing was lost; free some space and try again.")
    if code.startswith("SQLITE_READONLY") or isinstance(problem, PermissionError):
        return StoreError(f"{where}: no permission to write. Make the folder writable or copy the workspace elsewhere.")
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return StoreError(f"{where}: {DATABASE} is damaged or not a database ({problem}). Restore it from a backup.")
    if code.startswith("SQLITE_CANTOPEN"):
        return StoreError(f"{where}: cannot open {DATABASE}. Check that the folder exists and may be read.")
    return StoreError(f"{where}: {problem}. Check the disk and try again.")


_NO_ROOM = ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_TRUNCATE", "SQLITE_IOERR_SHMSIZE")
_NO_ROOM_ERRNO = frozenset({errno.EFBIG, errno.ENOSPC, errno.EDQUOT})


def connect(folder: Path, *, writing: bool) -> sqlite3.Connection:
    """Open the database of an existing workspace for reading or for writing; it is not checked yet."""
    file = folder / DATABASE
    if writing:
        connection = sqlite3.connect(file, timeout=WAIT_S, isolation_level=None, check_same_thread=False)
    else:
        connection = sqlite3.connect(
            f"{file.absolute().as_uri()}?{_reading_mode(folder)}",
            uri=True,
            timeout=WAIT_S,
            isolation_level=None,
            check_same_thread=False,
        )
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    # FULL: a commit is on the disk when it returns, so what was acknowledged survives a power cut too.
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _reading_mode(folder: Path) -> str:
    """Choose how SQLite may read: a folder nobody can write to needs no lock files, and allows none."""
    wal = folder / f"{DATABASE}-wal"
    frozen = not os.access(folder, os.W_OK) and not (wal.exists() and wal.stat().st_size)
    return "immutable=1" if frozen else "mode=ro"


def create_tables(connection: sqlite3.Connection) -> None:
    """Make the tables of a new workspace inside the transaction that is open."""
    _run(connection, TABLES + GALLERY_TABLES)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def is_blank(connection: sqlite3.Connection) -> bool:
    """Tell whether the database has no tables at all, as after a creation cut short."""
    return bool(connection.execute("SELECT count(*) = 0 FROM sqlite_master").fetchone()[0])


def check_format(connection: sqlite3.Connection, folder: Path) -> int:
    """Return the format number; raises StoreError when the database is not ours or too new."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        if is_blank(connection):
            raise StoreError(f"{folder} was never finished: it holds an empty database. Teach again into this folder.")
        raise StoreError(f"{folder}/{DATABASE} is a database, but not one of foveal's. Choose another folder.")
    (number,) = connection.execute("PRAGMA user_version").fetchone()
    if number > FORMAT:
        raise StoreError(
            f"The workspace {folder} has format {number}; this foveal reads formats up to {FORMAT}. Upgrade foveal."
        )
    return int(number)


def migrate(
    connection: sqlite3.Connection,
    number: int,
    *,
    migrations: Mapping[int, Migration] = MIGRATIONS,
    target: int = FORMAT,
) -> None:
    """Bring a database of an older format number to `target`, one step at a time, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    for step in range(number, target):
        if step not in migrations:
            connection.execute("ROLLBACK")
            raise StoreError(f"Workspaces of format {step} can no longer be read. Open it with an older foveal first.")
        migrations[step](connection)
    connection.execute(f"PRAGMA user_version = {target}")
    connection.execute("COMMIT")
