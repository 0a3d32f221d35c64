"""The append-only log: records chained by SHA-256 and signed, personal content in leaves that can be blanked.

A record's hash covers the hashes of its leaves; a leaf's hash is SHA-256 of a random salt and its
content. Erasing a picture removes the salt and content of its leaves and keeps their hashes: the
chain still verifies, and what was there can no longer be guessed and checked.
"""

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from foveal.core.errors import StoreError
from foveal.store.keys import is_signed
from foveal.store.plain import from_json, to_json

GENESIS = "0" * 64  # what the first record names as the one before it
SALT_BYTES = 16
Entry = tuple[int | None, dict[str, Any]]  # the picture a leaf is about, and what it says
Pin = tuple[int, str]  # seq and hash of a record seen elsewhere, as in a certificate


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One acknowledged change."""

    seq: int  # 1, 2, 3, ...
    time: str  # ISO 8601, UTC
    kind: str  # "create", "teach", "correct", "group", "forget", "export", ...
    n_leaves: int
    leaves_sha256: str  # of the leaves' hashes, concatenated
    memory_sha256: str  # of the memory after the change; "" where the caller gave none
    prev_sha256: str
    sha256: str
    signature: bytes

    def digest(self) -> str:
        """The hash this record must have: of everything in it but hash and signature."""
        fields = ("seq", "time", "kind", "n_leaves", "leaves_sha256", "memory_sha256", "prev_sha256")
        return hashlib.sha256(to_json({name: getattr(self, name) for name in fields}).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Leaf:
    """One blankable piece of a record; salt and content are both None once erased."""

    seq: int
    position: int
    example_id: int | None
    hash: bytes
    salt: bytes | None
    content: str | None


def now() -> str:
    """The time, ISO 8601, UTC, to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def hash_leaf(salt: bytes, content: str) -> bytes:
    """SHA-256 of salt and content."""
    return hashlib.sha256(salt + content.encode()).digest()


def append_record(
    connection: sqlite3.Connection,
    key: Ed25519PrivateKey,
    kind: str,
    entries: Iterable[Entry],
    *,
    memory_sha256: str = "",
) -> LogRecord:
    """Add a record and its leaves inside the transaction that is open, and return it."""
    last = connection.execute("SELECT seq, sha256 FROM records ORDER BY seq DESC LIMIT 1").fetchone()
    seq, previous = (last[0] + 1, last[1]) if last else (1, GENESIS)
    leaves = [_make_leaf(seq, position, *entry) for position, entry in enumerate(entries)]
    together = hashlib.sha256(b"".join(leaf.hash for leaf in leaves)).hexdigest()
    unsigned = LogRecord(seq, now(), kind, len(leaves), together, memory_sha256, previous, "", b"")
    digest = unsigned.digest()
    record = LogRecord(
        seq, unsigned.time, kind, len(leaves), together, memory_sha256, previous, digest, key.sign(digest.encode())
    )
    connection.execute(
        "INSERT INTO records VALUES (?,?,?,?,?,?,?,?,?)", [getattr(record, name) for name in record.__slots__]
    )
    connection.executemany(
        "INSERT INTO leaves VALUES (?,?,?,?,?,?)",
        [(x.seq, x.position, x.example_id, x.hash, x.salt, x.content) for x in leaves],
    )
    return record


def _make_leaf(seq: int, position: int, example_id: int | None, plain: dict[str, Any]) -> Leaf:
    salt, content = os.urandom(SALT_BYTES), to_json(plain)
    return Leaf(seq, position, example_id, hash_leaf(salt, content), salt, content)


def read_log(connection: sqlite3.Connection) -> tuple[list[LogRecord], list[Leaf]]:
    """Read all records and leaves, in order; checks nothing."""
    records = [LogRecord(*row) for row in connection.execute("SELECT * FROM records ORDER BY seq")]
    leaves = [Leaf(*row) for row in connection.execute("SELECT * FROM leaves ORDER BY seq, position")]
    return records, leaves


def verify_log(
    records: Sequence[LogRecord],
    leaves: Sequence[Leaf],
    public_key: Ed25519PublicKey,
    *,
    pinned: Iterable[Pin] = (),
) -> list[str]:
    """List everything wrong with a log, in the order found; an empty list means it is whole.

    Finds edited, dropped, added and reordered records and leaves, content removed without a
    forget record, and content that a forget record says is gone but is still there. A dropped
    tail is found through `pinned` records, which certificates and the head setting carry.
    """
    problems = []
    by_seq: dict[int, list[Leaf]] = {}
    for leaf in leaves:
        by_seq.setdefault(leaf.seq, []).append(leaf)
    previous = GENESIS
    for place, record in enumerate(records, start=1):
        if record.seq != place:
            problems.append(f"Record {place} is missing or out of order: found number {record.seq} in its place.")
        if record.prev_sha256 != previous:
            problems.append(f"Record {record.seq} does not follow the one before it: the chain is broken.")
        problems += _check_record(record, by_seq.pop(record.seq, []), public_key)
        previous = record.sha256
    problems += [f"Leaves of record {seq} remain, but the record is missing." for seq in sorted(by_seq)]
    known = {(record.seq, record.sha256) for record in records}
    for seq, digest in pinned:
        if (seq, digest) not in known:
            problems.append(f"Record {seq} ({digest[:12]}...) was seen before and is no longer in the log.")
    return problems + _check_erasures(records, leaves)


def _check_record(record: LogRecord, leaves: Sequence[Leaf], public_key: Ed25519PublicKey) -> list[str]:
    problems = []
    if record.digest() != record.sha256:
        problems.append(f"Record {record.seq} was edited: its hash does not match what it says.")
    if not is_signed(public_key, record.signature, record.sha256.encode()):
        problems.append(f"Record {record.seq} is not signed with the given key.")
    together = hashlib.sha256(b"".join(leaf.hash for leaf in leaves)).hexdigest()
    if len(leaves) != record.n_leaves or together != record.leaves_sha256:
        problems.append(f"Record {record.seq}: its {record.n_leaves} leaves were edited, dropped or reordered.")
    for leaf in leaves:
        if (leaf.salt is None) != (leaf.content is None):
            problems.append(f"Record {record.seq}, leaf {leaf.position} is blanked only in part.")
        elif leaf.salt is not None and leaf.content is not None and hash_leaf(leaf.salt, leaf.content) != leaf.hash:
            problems.append(f"Record {record.seq}, leaf {leaf.position} was edited: it does not match its hash.")
    return problems


def _check_erasures(records: Sequence[LogRecord], leaves: Sequence[Leaf]) -> list[str]:
    """Compare the leaves that are blank with those that forget records say were blanked."""
    forgets = {record.seq for record in records if record.kind == "forget"}
    promised: set[str] = set()
    problems = []
    for leaf in leaves:
        if leaf.seq in forgets and leaf.content is not None:
            try:
                promised.update(from_json(leaf.content)["leaves"])
            except (StoreError, KeyError, TypeError):
                problems.append(f"Record {leaf.seq}, leaf {leaf.position} does not say what was forgotten.")
    for leaf in leaves:
        blank = leaf.content is None
        if blank and leaf.hash.hex() not in promised:
            problems.append(f"Record {leaf.seq}, leaf {leaf.position} was blanked without a forget record.")
        if not blank and leaf.hash.hex() in promised:
            problems.append(f"Record {leaf.seq}, leaf {leaf.position} should be blank but still has content.")
    return problems
