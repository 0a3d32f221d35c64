"""Erasure: rows, codes, thumbnails, log leaves and caches go; then the bytes are overwritten, searched and certified.

The transaction that deletes also notes, without personal content, that cleaning is due; a crash at
any later moment is made good at the next opening for writing.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foveal.core.errors import BusyError, InputError
from foveal.store.certificate import (
    CERTIFICATES,
    FORMAT,
    KIND,
    commit_to,
    list_not_covered,
    read_certificate,
    sign_certificate,
    write_certificate,
)
from foveal.store.database import DATABASE
from foveal.store.files import ASIDE
from foveal.store.keys import KEYS
from foveal.store.ledger import FINGERPRINT, IDENTITY, PENDING, Ledger
from foveal.store.lock import LOCK
from foveal.store.log import Entry, LogRecord, now
from foveal.store.plain import from_json, to_json
from foveal.store.rows import read_exports
from foveal.store.traces import Traces, collect_traces, search_traces

MODEL = "model.foveal"  # a cache that can be made again from the codes
CACHE = "cache"  # a folder of caches that can be made again too
ASKED = ("picture", "group", "subject")
_CLEANING = "Overwriting what was forgotten (the next opening for writing completes it)"
_WANTED = "id IN (SELECT value FROM json_each(?))"
_IN_MEMORY_BYTES = 128 << 20  # a larger database is rebuilt through a temporary file, with kept pictures only
_LARGE_BYTES = 1 << 30  # rewriting takes minutes: only where the scan finds something in it


@dataclass(frozen=True)
class Request:
    """What to erase besides the ids."""

    asked: str  # one of ASKED
    memory_sha256: str  # of the memory without the pictures
    settings: dict[str, Any] = field(default_factory=dict)
    words: tuple[str, ...] = ()  # further strings that must be gone


@dataclass(frozen=True)
class Erased:
    """What has been erased: the beginnings of a certificate, and the byte strings to look for, kept in memory only."""

    draft: dict[str, Any]
    traces: Traces = field(repr=False)

    @property
    def n_erased(self) -> int:
        """Number of pictures."""
        return int(self.draft["n_erased"])


def erase(ledger: Ledger, ids: Sequence[int], request: Request) -> Erased:
    """Delete pictures in one transaction, then overwrite what they left; see `Workspace.erase`."""
    if request.asked not in ASKED:
        raise InputError(f"An erasure is asked for by {', '.join(ASKED)}, got {request.asked!r}.")
    numbers = sorted({int(number) for number in ids})
    wanted = to_json(numbers)
    with ledger.change("Forgetting") as connection:
        query = f"SELECT name, sha256 FROM examples WHERE {_WANTED} ORDER BY id"
        kept = connection.execute(query, (wanted,)).fetchall()
        if not numbers or len(kept) != len(numbers):
            missing = len(numbers) - len(kept)
            raise InputError(f"{missing} of the {len(numbers)} pictures to forget are not here. Read the rows again.")
        traces = collect_traces(connection, wanted, request.words)
        statement = _state(ledger, [digest for _, digest in kept], request)
        record, blanked = take_out(ledger, numbers, request.memory_sha256, request.settings)
        draft = {
            **statement,
            "time": record.time,
            "erased_leaves": [digest for digests in blanked for digest in digests],
            "log": {"seq": record.seq, "sha256": record.sha256},
        }
        ledger.put({_pending_key(draft): draft})
    clean(ledger)
    return Erased(draft, traces)


def take_out(
    ledger: Ledger, numbers: Sequence[int], memory_sha256: str, settings: Mapping[str, Any]
) -> tuple[LogRecord, list[list[str]]]:
    """Delete pictures, and items that are left without one, inside the transaction that is open.

    Returns the log record and the hashes of the leaves that were blanked, a list for each picture.
    """
    connection, wanted = ledger.connection, to_json(list(numbers))
    names = connection.execute(f"SELECT DISTINCT name FROM examples WHERE {_WANTED}", (wanted,)).fetchall()
    items = connection.execute(f"SELECT DISTINCT grp FROM examples WHERE {_WANTED}", (wanted,)).fetchall()
    blanked = _blank_leaves(connection, wanted)
    connection.execute(f"DELETE FROM examples WHERE {_WANTED}", (wanted,))
    connection.executemany("DELETE FROM unreadable WHERE name = ?", names)
    connection.executemany(
        "DELETE FROM items WHERE item = ? AND NOT EXISTS (SELECT 1 FROM examples WHERE grp = items.item)", items
    )
    entries: list[Entry] = [(None, {"leaves": digests}) for digests in blanked]
    return ledger.record("forget", entries, memory_sha256, settings), blanked


def _blank_leaves(connection: sqlite3.Connection, wanted: str) -> list[list[str]]:
    """Remove salt and content of the pictures' log leaves; returns the leaves' hashes, a list for each picture."""
    blanked = connection.execute(
        "UPDATE leaves SET salt = NULL, content = NULL WHERE content IS NOT NULL "
        "AND example_id IN (SELECT value FROM json_each(?)) RETURNING example_id, hash",
        (wanted,),
    ).fetchall()
    by_picture: dict[int, list[str]] = {}
    for number, digest in blanked:
        by_picture.setdefault(number, []).append(digest.hex())
    return list(by_picture.values())


def _state(ledger: Ledger, hashes: Sequence[str], request: Request) -> dict[str, Any]:
    """What the certificate says of the workspace before the deletion."""
    connection = ledger.connection
    (before,) = connection.execute("SELECT count(*) FROM examples").fetchone()
    (memory,) = connection.execute("SELECT memory_sha256 FROM records ORDER BY seq DESC LIMIT 1").fetchone()
    return {
        "format": FORMAT,
        "kind": KIND,
        "workspace": ledger.setting(IDENTITY),
        "public_key_sha256": ledger.setting(FINGERPRINT),
        "asked": request.asked,
        "n_erased": len(hashes),
        "commitments": [commit_to(digest) for digest in hashes],
        "memory_before": memory,
        "memory_after": request.memory_sha256,
        "pictures_before": before,
        "pictures_after": before - len(hashes),
    }


def owned_files(folder: Path) -> list[Path]:
    """Every file of a workspace: what a scan must read."""
    fixed = [folder / MODEL, folder / LOCK, *folder.glob(f"{DATABASE}*"), *_unfinished(folder)]
    kept = [file for name in (KEYS, CERTIFICATES, CACHE) for file in (folder / name).glob("*")]
    return sorted({file for file in (*fixed, *kept) if file.is_file()})


def _unfinished(folder: Path) -> list[Path]:
    return [file for name in ("", KEYS, CERTIFICATES) for file in (folder / name).glob(f"{ASIDE}*")]


def clean(ledger: Ledger, *, rewrite: bool | None = None) -> None:
    """Delete caches and unfinished files, and see to it that nothing deleted is left in the database's bytes.

    SQLite overwrites what it deletes; a database that is not large is rewritten besides, unless `rewrite` says.
    """
    with ledger.reading(_CLEANING):
        for file in (ledger.folder / MODEL, *(ledger.folder / CACHE).glob("*"), *_unfinished(ledger.folder)):
            file.unlink(missing_ok=True)
        size = (ledger.folder / DATABASE).stat().st_size
        ledger.connection.execute(f"PRAGMA temp_store = {'MEMORY' if size < _IN_MEMORY_BYTES else 'FILE'}")
        _checkpoint(ledger)
        if size < _LARGE_BYTES if rewrite is None else rewrite:
            ledger.connection.execute("VACUUM")
            _checkpoint(ledger)


def _checkpoint(ledger: Ledger) -> None:
    """Move everything from the write-ahead log into the database and empty it."""
    (busy, _, _) = ledger.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise BusyError(
            f"The pictures are forgotten, but another program is reading {ledger.folder}, so their bytes cannot be "
            "overwritten yet. Close it and open the workspace for writing: that finishes the erasure."
        )


def certify(ledger: Ledger, erased: Erased) -> dict[str, Any]:
    """Search every owned file for traces and write the signed certificate; see `Workspace.certify`."""
    with ledger.reading("Searching for traces"):
        scan = search_traces(ledger.connection, ledger.folder, owned_files(ledger.folder), erased.traces)
    if DATABASE in scan["found_in"] and (ledger.folder / DATABASE).stat().st_size >= _LARGE_BYTES:
        clean(ledger, rewrite=True)
        with ledger.reading("Searching for traces again"):
            scan = search_traces(ledger.connection, ledger.folder, owned_files(ledger.folder), erased.traces)
    return _finish(ledger, erased.draft, scan)


def finish_erasure(ledger: Ledger) -> None:
    """Complete erasures that were cut short after their transaction; does nothing when there are none."""
    with ledger.reading("Looking for unfinished erasures"):
        found = ledger.connection.execute(
            "SELECT value FROM settings WHERE key >= ? AND key < ? ORDER BY key", (f"{PENDING}:", f"{PENDING};")
        ).fetchall()
    if found:
        clean(ledger)
    for (value,) in found:
        draft = from_json(value)
        file = _certificate_file(ledger, draft)
        if file.exists() and read_certificate(file).get("log") == draft["log"]:
            _settle(ledger, draft)
        else:
            _finish(ledger, draft, {"performed": False})


def _finish(ledger: Ledger, draft: dict[str, Any], scan: dict[str, Any]) -> dict[str, Any]:
    with ledger.reading("Reading exports"):
        exports = read_exports(ledger.connection)
    statement = {**draft, "certified": now(), "scan": scan, "not_covered": list_not_covered(exports)}
    certificate = sign_certificate(statement, ledger.key("Certifying"))
    with ledger.reading("Writing the certificate"):
        write_certificate(_certificate_file(ledger, draft), certificate)
    _settle(ledger, draft)
    return certificate


def _settle(ledger: Ledger, draft: dict[str, Any]) -> None:
    """Note that an erasure is complete: nothing is left to do at the next opening."""
    with ledger.change("Completing an erasure") as connection:
        connection.execute("DELETE FROM settings WHERE key = ?", (_pending_key(draft),))


def _pending_key(draft: dict[str, Any]) -> str:
    return f"{PENDING}:{draft['log']['seq']:09d}"


def _certificate_file(ledger: Ledger, draft: dict[str, Any]) -> Path:
    return ledger.folder / CERTIFICATES / f"forget-{draft['log']['seq']:06d}.json"
