"""What a forgotten picture could have left behind, as byte strings, and the search for it."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foveal.store.certificate import KIND
from foveal.store.database import GALLERY_TABLES, TABLES
from foveal.store.plain import to_portable
from foveal.store.scan import SHORTEST, Search, scan

PIECE_BYTES = 64
STRIDE_BYTES = 512  # SQLite splits a long value over pages: some piece is whole on each of them
_VARIED = 16  # distinct bytes a piece must have: runs of zeros are everywhere
_SCAN_HEADER_END = b"\xff\xda"  # what comes before it is alike in all small JPEGs
_ORDINARY = (
    f"{TABLES} {GALLERY_TABLES} {KIND} sqlite_autoindex sqlite_sequence settings teach correct export picture".encode()
)
_RECORD = ("name", "path", "sha256", "labels", "not_labels", "grp", "subject", "split", "status", "capture")
_TEXTS = ("name", "path", "sha256", "labels", "grp", "subject", "capture")


@dataclass(frozen=True)
class Traces:
    """Byte strings that must be gone; held in memory only, never written."""

    words: tuple[bytes, ...]  # names, path, subject, group, hashes
    pieces: tuple[bytes, ...]  # of codes and thumbnails
    n_ordinary: int  # words not searched for: too short, or among those every workspace contains


def collect_traces(connection: sqlite3.Connection, wanted: str, words: Iterable[str]) -> Traces:
    """Gather what identifies the pictures whose ids the JSON list `wanted` holds, before they are deleted."""
    query = (
        "SELECT name, path, sha256, grp, subject, capture, code, jpeg, vector, columns FROM examples "
        "JOIN codes USING (id) JOIN thumbnails USING (id) LEFT JOIN vectors USING (id) "
        "LEFT JOIN items ON items.item = grp WHERE examples.id IN (SELECT value FROM json_each(?))"
    )
    texts = {to_portable(word).encode() for word in words}
    pieces: set[bytes] = set()
    for name, path, sha256, group, subject, capture, code, jpeg, vector, columns in connection.execute(
        query, (wanted,)
    ):
        texts |= {name.encode(), path.encode(), sha256.encode(), bytes.fromhex(sha256), _escaped(name), _escaped(path)}
        texts |= {text.encode() for text in (group, subject, json.loads(capture).get("group")) if text}
        texts |= {value.encode() for value in json.loads(columns or "{}").values() if isinstance(value, str)}
        pieces |= {
            *cut_pieces(code),
            *cut_pieces(vector or b""),
            *cut_pieces(jpeg[max(jpeg.find(_SCAN_HEADER_END), 0) :]),
        }
    telling = {text for text in texts if len(text) >= SHORTEST and text not in _ORDINARY}
    return Traces(tuple(sorted(telling)), tuple(sorted(pieces)), len(texts) - len(telling))


def _escaped(text: str) -> bytes:
    """The text as JSON with escapes would hold it."""
    return json.dumps(text)[1:-1].encode()


def cut_pieces(value: bytes) -> list[bytes]:
    """Choose from every STRIDE_BYTES of a value the piece with the most distinct bytes."""
    pieces = []
    for start in range(0, len(value), STRIDE_BYTES):
        stride = value[start : start + STRIDE_BYTES]
        places = range(0, max(len(stride) - PIECE_BYTES, 0) + 1, PIECE_BYTES)
        piece = max((stride[place : place + PIECE_BYTES] for place in places), key=lambda part: len(set(part)))
        if len(piece) >= SHORTEST and len(set(piece)) >= min(_VARIED, len(value) // 2):
            pieces.append(piece)
    return pieces


def search_traces(
    connection: sqlite3.Connection, folder: Path, files: Sequence[Path], traces: Traces
) -> dict[str, Any]:
    """Search `files` for traces and report, in plain values without any content.

    A trace that a kept picture holds too (a shared folder or subject, a duplicate) is no proof of
    anything; it is counted as held by others.
    """
    report = scan(folder, files, [*traces.words, *traces.pieces])
    hits = {needle for _, needle in report.found}
    shared = _held_by_others(connection, hits, traces)
    return {
        "performed": True,
        "n_files": len(report.files),
        "n_bytes": report.n_bytes,
        "n_searched": len(traces.words) + len(traces.pieces),
        "n_ordinary": traces.n_ordinary,
        "held_by_others": len(shared),
        "n_found": len(hits - shared),
        "found_in": sorted({file for file, needle in report.found if needle not in shared}),
    }


def _held_by_others(connection: sqlite3.Connection, hits: set[bytes], traces: Traces) -> set[bytes]:
    """Those of `hits` that the rows of kept pictures hold, and may hold."""
    if not hits:
        return set()
    held: set[bytes] = set()
    words, pieces = Search(hits & set(traces.words)), Search(hits & set(traces.pieces))
    texts = " || char(10) || ".join(f"coalesce({column}, '')" for column in _TEXTS)
    side_by_side = " || ".join(f"coalesce({column}, '')" for column in _RECORD)
    for query in (
        f"SELECT {texts} || char(10) || {side_by_side}, coalesce(grp, ''), id FROM examples",
        "SELECT columns, item, id FROM items",
        "SELECT content, '', 0 FROM leaves WHERE content IS NOT NULL",
    ):
        if set(traces.words) & hits - held:
            for text, indexed, number in connection.execute(query):
                # An index holds a text and right after it the row's number, whose bytes may read as letters.
                held |= words(f"{text}\n{indexed}".encode() + number.to_bytes(8, "big").lstrip(b"\0") + b"\0" * 4)
    if pieces.longest:
        for table, column in (("codes", "code"), ("thumbnails", "jpeg"), ("vectors", "vector")):
            for (blob,) in connection.execute(f"SELECT {column} FROM {table}"):
                held |= pieces(blob)
    return held
