"""Whether a workspace is what its log says: the chain, the pictures, the certificates."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from foveal.core.errors import FovealError
from foveal.store.certificate import CERTIFICATES, INTERRUPTED, check_against_log, read_certificate, verify_certificate
from foveal.store.ledger import HEAD, Ledger
from foveal.store.log import Leaf, LogRecord, Pin, read_log, verify_log
from foveal.store.plain import from_json
from foveal.store.rows import hash_bytes

_COLUMNS = ("name", "sha256", "labels", "not_labels", "group", "subject")


def list_problems(ledger: Ledger, public_key: Ed25519PublicKey) -> list[str]:
    """List everything that does not fit together; see `Workspace.problems`."""
    with ledger.reading("Verifying"):
        records, leaves = read_log(ledger.connection)
    head = ledger.setting(HEAD)
    pinned: list[Pin] = [(head[0], head[1])] if head else []
    problems = verify_log(records, leaves, public_key, pinned=pinned)
    with ledger.reading("Verifying"):
        problems += _check_pictures(ledger, leaves)
        problems += _check_certificates(ledger, records, leaves, public_key)
    return problems


def _check_pictures(ledger: Ledger, leaves: Iterable[Leaf]) -> list[str]:
    """Compare every kept picture with what the log last said of it."""
    said = _replay(leaves)
    query = (
        "SELECT examples.id, name, sha256, labels, not_labels, grp, subject, code, thumbnails.id FROM examples "
        "LEFT JOIN codes ON codes.id = examples.id LEFT JOIN thumbnails ON thumbnails.id = examples.id"
    )
    problems = []
    for number, name, sha256, labels, not_labels, group, subject, code, thumbnail in ledger.connection.execute(query):
        if code is None or thumbnail is None:
            problems.append(f"Picture {number} has lost its code or its thumbnail.")
            continue
        values = (name, sha256, from_json(labels), from_json(not_labels), group, subject)
        row = {**dict(zip(_COLUMNS, values, strict=True)), "code_sha256": hash_bytes(code)}
        logged = said.pop(number, None)
        if logged is None:
            problems.append(f"Picture {number} is kept but was never taught, says the log.")
        else:
            different = ", ".join(key for key in row if logged.get(key) != row[key])
            problems += [f"Picture {number} was changed outside foveal: {different}."] if different else []
    gone = [f"Picture {number} is gone, but the log does not say it was forgotten." for number in sorted(said)]
    return problems + gone


def _replay(leaves: Iterable[Leaf]) -> dict[int, dict[str, Any]]:
    """What the log's leaves, in order, say of each picture that was not forgotten."""
    said: dict[int, dict[str, Any]] = {}
    for leaf in leaves:
        if leaf.example_id is not None and leaf.content is not None:
            said.setdefault(leaf.example_id, {}).update(from_json(leaf.content))
    return said


def _check_certificates(
    ledger: Ledger, records: Sequence[LogRecord], leaves: Sequence[Leaf], public_key: Ed25519PublicKey
) -> list[str]:
    problems = []
    for file in sorted((ledger.folder / CERTIFICATES).glob("*.json")):
        try:
            certificate: Mapping[str, Any] = read_certificate(file)
        except FovealError as problem:
            problems.append(str(problem))
            continue
        found = verify_certificate(certificate, public_key)
        # An interrupted search is no fault of the workspace; the certificate says so to whoever reads it.
        if found in ([], [INTERRUPTED]):
            found = check_against_log(certificate, records, leaves)
        problems += [f"{CERTIFICATES}/{file.name}: {problem}" for problem in found]
    return problems
