"""The server's own records: accounts, jobs, pictures not yet taught. Every change that matters is a signed log record."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

from foveal.store.database import DATABASE
from foveal.store.keys import KEYS, PUBLIC, load_public
from foveal.store.ledger import Ledger
from foveal.store.log import Leaf, LogRecord, read_log, verify_log

_TABLES = """
CREATE TABLE IF NOT EXISTS users (
  name TEXT PRIMARY KEY, role TEXT NOT NULL, password TEXT NOT NULL, created REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sessions (
  token TEXT PRIMARY KEY, user TEXT NOT NULL, csrf TEXT NOT NULL, expires REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keys (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, user TEXT NOT NULL, scopes TEXT NOT NULL, secret TEXT NOT NULL,
  created REAL NOT NULL, expires REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS workspaces (
  name TEXT PRIMARY KEY, kind TEXT NOT NULL, path TEXT NOT NULL, created REAL NOT NULL, figures TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS staged (
  id INTEGER PRIMARY KEY AUTOINCREMENT, workspace TEXT NOT NULL, name TEXT NOT NULL, label TEXT NOT NULL,
  sha256 TEXT NOT NULL, facts TEXT NOT NULL, thumbnail BLOB NOT NULL, time REAL NOT NULL, UNIQUE (workspace, name));
CREATE TABLE IF NOT EXISTS settled (
  workspace TEXT NOT NULL, finding TEXT NOT NULL, PRIMARY KEY (workspace, finding)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS jobs (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, workspace TEXT NOT NULL, arguments TEXT NOT NULL, state TEXT NOT NULL,
  result TEXT, problem TEXT, who TEXT NOT NULL, created REAL NOT NULL, finished REAL, attempts INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS answers (
  key TEXT NOT NULL, who TEXT NOT NULL, request TEXT NOT NULL, body TEXT NOT NULL, status INTEGER, headers TEXT,
  answer BLOB, time REAL NOT NULL, PRIMARY KEY (key, who)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS targets (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, address TEXT NOT NULL, secret TEXT NOT NULL, created REAL NOT NULL)
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS watches (
  id TEXT PRIMARY KEY, workspace TEXT NOT NULL, source TEXT NOT NULL, name TEXT NOT NULL, every REAL NOT NULL,
  running INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS choices (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


@final
class State:
    """One SQLite file with a signed, chained log. Safe to use from several threads; one server holds it at a time."""

    def __init__(self, ledger: Ledger) -> None:
        """Use `open` instead."""
        self.folder = ledger.folder
        self._ledger, self._lock = ledger, threading.RLock()

    @classmethod
    def open(cls, folder: Path) -> "State":
        """Open the records in a folder, made if missing; raises BusyError while another server holds them."""
        exists = (folder / DATABASE).is_file()
        ledger = Ledger.open(folder, writing=True) if exists else Ledger.create(folder, {"kind": "server"})
        with ledger.reading("Preparing the server's records"):
            ledger.connection.executescript(_TABLES)
        return cls(ledger)

    def close(self) -> None:
        """Let another server have them."""
        with self._lock:
            self._ledger.close()

    def all(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Rows of a query."""
        with self._lock, self._ledger.reading("Reading the server's records"):
            cursor = self._ledger.connection.execute(query, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def one(self, query: str, *values: object) -> dict[str, Any] | None:
        """The first row of a query, None where there is none."""
        return next(iter(self.all(query, *values)), None)

    @contextmanager
    def change(self, who: str, what: str, **about: Any) -> Iterator[sqlite3.Connection]:
        """One transaction with its signed record of who did what; when it raises, nothing happened."""
        with self._lock, self._ledger.change(what) as connection:
            yield connection
            self._ledger.record(what, [(None, {"who": who, **about})])

    @contextmanager
    def note(self) -> Iterator[sqlite3.Connection]:
        """One transaction for what passes, as sessions and finished jobs do, and is not in the log."""
        with self._lock, self._ledger.change("Noting") as connection:
            yield connection

    def choice(self, name: str, default: Any = None) -> Any:
        """What the administrator chose."""
        row = self.one("SELECT value FROM choices WHERE name = ?", name)
        return default if row is None else json.loads(row["value"])

    def choose(self, who: str, **choices: Any) -> None:
        """Keep what the administrator chose."""
        with self.change(who, "settings", settings=sorted(choices)) as connection:
            rows = [(name, json.dumps(value)) for name, value in choices.items()]
            connection.executemany("INSERT OR REPLACE INTO choices VALUES (?, ?)", rows)

    def log(self, *, after: int = 0, most: int = 100) -> list[dict[str, Any]]:
        """Records with who and what, the newest first, from before number `after` where that is given."""
        bound = after or 1 << 60
        query = (
            "SELECT r.seq, r.time, r.kind, l.content FROM records r LEFT JOIN leaves l ON l.seq = r.seq "
            "WHERE r.seq < ? ORDER BY r.seq DESC LIMIT ?"
        )
        rows = self.all(query, bound, most)
        return [
            {"number": r["seq"], "time": r["time"], "what": r["kind"], **json.loads(r["content"] or "{}")} for r in rows
        ]

    def problems(self) -> list[str]:
        """Everything wrong with the log; nothing where it is whole."""
        records, leaves = self._read_log()
        return verify_log(records, leaves, load_public(self.folder / KEYS / PUBLIC))

    def _read_log(self) -> tuple[list[LogRecord], list[Leaf]]:
        with self._lock, self._ledger.reading("Reading the log"):
            return read_log(self._ledger.connection)
