"""What a watch has seen and which alerts are still to be delivered, on the disk before anything is done about it."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from foveal.core.errors import StoreError

JOURNAL = "watch.db"
DUE, SENT = "due", "sent"
_TABLES = """
CREATE TABLE IF NOT EXISTS sightings (
  id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, source TEXT NOT NULL, name TEXT NOT NULL, time REAL NOT NULL,
  verdict TEXT NOT NULL, score REAL, p_value REAL, look TEXT, reason TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS alerts (
  id INTEGER PRIMARY KEY, sighting INTEGER, subject TEXT NOT NULL, text TEXT NOT NULL, evidence TEXT NOT NULL,
  created REAL NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, next_try REAL NOT NULL,
  problem TEXT NOT NULL DEFAULT '', sent REAL, repeats INTEGER NOT NULL DEFAULT 0, acknowledged REAL,
  level INTEGER NOT NULL DEFAULT 0);
"""
_ALERT = "id, subject, text, evidence, created, state, attempts, next_try, problem, sent, repeats, acknowledged, level"


@dataclass(frozen=True)
class Sighting:
    """One picture or frame that was judged, or could not be.

    `key` tells it from all others; `look` are measures of its pixels as JSON, for drift.
    """

    key: str
    source: str
    name: str
    time: float  # seconds since 1970
    verdict: str  # of an inspection, or "unreadable"
    score: float | None = None
    p_value: float | None = None
    look: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Alert:
    """Something to tell people. `level` 0 goes to those on duty, 1 to those it is escalated to."""

    id: int
    subject: str
    text: str
    evidence: str  # path of a picture, or ""
    created: float
    state: str
    attempts: int
    next_try: float
    problem: str
    sent: float | None
    repeats: int
    acknowledged: float | None
    level: int


class Journal:
    """The journal of one watch. Every method is one transaction: when it has returned, it is on the disk."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Open the journal in `folder`, made if missing; raises StoreError where that cannot be."""
        self.folder = Path(folder)
        with self._explained():
            self.folder.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.folder / JOURNAL, isolation_level=None, timeout=10.0)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript(_TABLES)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self._connection.close()

    def keys(self) -> set[str]:
        """Keys of everything seen."""
        with self._explained():
            return {str(row[0]) for row in self._connection.execute("SELECT key FROM sightings")}

    def record(self, sighting: Sighting, alert: tuple[str, str, str] | None = None, *, quiet_s: float = 0.0) -> None:
        """Keep a sighting, and with it an alert (subject, text, evidence).

        Where an alert on the same subject, not acknowledged, is younger than `quiet_s`, that one counts
        the repeat instead. A sighting that is known already changes nothing.
        """
        with self._change() as connection:
            s = sighting
            values = (s.key, s.source, s.name, s.time, s.verdict, s.score, s.p_value, s.look, s.reason)
            done = connection.execute(
                "INSERT OR IGNORE INTO sightings (key, source, name, time, verdict, score, p_value, look, reason) "
                "VALUES (?,?,?,?,?,?,?,?,?)",
                values,
            )
            if done.rowcount and alert is not None:
                self._raise(connection, done.lastrowid, alert, sighting.time, quiet_s)

    def alert(self, subject: str, text: str, now: float, *, quiet_s: float = 0.0, evidence: str = "") -> None:
        """Raise an alert that no picture is behind: a camera that is gone, drift."""
        with self._change() as connection:
            self._raise(connection, None, (subject, text, evidence), now, quiet_s)

    @staticmethod
    def _raise(
        connection: sqlite3.Connection, sighting: int | None, alert: tuple[str, str, str], now: float, quiet_s: float
    ) -> None:
        subject, text, evidence = alert
        same = connection.execute(
            "SELECT id FROM alerts WHERE subject = ? AND level = 0 AND acknowledged IS NULL AND created > ? "
            "ORDER BY id DESC LIMIT 1",
            (subject, now - quiet_s),
        ).fetchone()
        if same is not None:
            connection.execute("UPDATE alerts SET repeats = repeats + 1 WHERE id = ?", same)
            return
        connection.execute(
            "INSERT INTO alerts (sighting, subject, text, evidence, created, state, next_try) VALUES (?,?,?,?,?,?,?)",
            (sighting, subject, text, evidence, now, DUE, now),
        )

    def due(self, now: float) -> list[Alert]:
        """Alerts to deliver now, oldest first."""
        return self._alerts("state = ? AND next_try <= ? ORDER BY id", DUE, now)

    def waiting(self) -> list[Alert]:
        """All alerts not yet delivered."""
        return self._alerts("state = ? ORDER BY id", DUE)

    def unacknowledged(self) -> list[Alert]:
        """Delivered alerts nobody has answered, oldest first."""
        return self._alerts("state = ? AND acknowledged IS NULL AND level = 0 ORDER BY id", SENT)

    def count_sent(self, since: float) -> int:
        """Alerts delivered since then."""
        with self._explained():
            found = self._connection.execute("SELECT count(*) FROM alerts WHERE sent > ?", (since,)).fetchone()
        return int(found[0])

    def mark_sent(self, number: int, now: float) -> None:
        """Note that an alert was delivered."""
        with self._change() as connection:
            connection.execute("UPDATE alerts SET state = ?, sent = ?, problem = '' WHERE id = ?", (SENT, now, number))

    def mark_failed(self, number: int, problem: str, next_try: float) -> None:
        """Note that an alert could not be delivered, and when to try again."""
        with self._change() as connection:
            connection.execute(
                "UPDATE alerts SET attempts = attempts + 1, problem = ?, next_try = ? WHERE id = ?",
                (problem, next_try, number),
            )

    def escalate(self, now: float, after_s: float) -> None:
        """Raise, once each, what was delivered longer than `after_s` ago and is not acknowledged."""
        with self._change() as connection:
            connection.execute(
                "INSERT INTO alerts (sighting, subject, text, evidence, created, state, next_try, level) "
                "SELECT sighting, 'escalated ' || id, 'Not acknowledged: ' || text, evidence, ?, ?, ?, 1 FROM alerts a "
                "WHERE state = ? AND level = 0 AND acknowledged IS NULL AND sent <= ? "
                "AND NOT EXISTS (SELECT 1 FROM alerts b WHERE b.level = 1 AND b.subject = 'escalated ' || a.id)",
                (now, DUE, now, SENT, now - after_s),
            )

    def acknowledge(self, now: float, numbers: list[int] | None = None) -> int:
        """Note that people have seen alerts, all of them unless numbered; returns how many."""
        with self._change() as connection:
            if numbers is None:
                done = connection.execute("UPDATE alerts SET acknowledged = ? WHERE acknowledged IS NULL", (now,))
                return done.rowcount
            rows = [(now, number) for number in numbers]
            done = connection.executemany(
                "UPDATE alerts SET acknowledged = ? WHERE id = ? AND acknowledged IS NULL", rows
            )
            return done.rowcount

    def recent(self, most: int, source: str | None = None) -> list[Sighting]:
        """The newest sightings that were judged, oldest of them first."""
        with self._explained():
            rows = self._connection.execute(
                "SELECT key, source, name, time, verdict, score, p_value, look, reason FROM sightings "
                "WHERE score IS NOT NULL AND (? IS NULL OR source = ?) ORDER BY time DESC, id DESC LIMIT ?",
                (source, source, most),
            ).fetchall()
        return [Sighting(*row) for row in rows[::-1]]

    def sources(self) -> list[str]:
        """What was watched, by name."""
        with self._explained():
            rows = self._connection.execute("SELECT DISTINCT source FROM sightings ORDER BY source").fetchall()
        return [str(row[0]) for row in rows]

    def _alerts(self, where: str, *values: object) -> list[Alert]:
        with self._explained():
            rows = self._connection.execute(f"SELECT {_ALERT} FROM alerts WHERE {where}", values).fetchall()
        return [Alert(*row) for row in rows]

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as problem:
            raise StoreError(
                f"The journal in {self.folder} cannot be used: {problem}. Free space or mend it."
            ) from None
