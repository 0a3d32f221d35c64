"""The erasure certificate: a signed statement of what was erased, checked how, and what it does not cover.

It names no picture. Whoever still holds a picture can check that it was meant: the certificate has,
for each, SHA-256 of a random salt and the hash of the file, and the salt.

How to raise the format number: as for recognizer files; certificates are kept for years, so the
check of every number stays.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from foveal.core.errors import FovealError, IntegrityError
from foveal.store.files import write_aside
from foveal.store.keys import fingerprint, is_signed
from foveal.store.log import SALT_BYTES, Leaf, LogRecord
from foveal.store.plain import from_json, to_json
from foveal.store.rows import Export

CERTIFICATES = "certificates"
FORMAT = 1
INTERRUPTED = "The erasure was interrupted and finished later, so the files were not searched for traces."
KIND = "foveal erasure certificate"
_FIELDS = {
    "format": int,
    "kind": str,
    "workspace": str,
    "public_key_sha256": str,
    "time": str,
    "asked": str,
    "n_erased": int,
    "erased_leaves": list,
    "commitments": list,
    "memory_before": str,
    "memory_after": str,
    "pictures_before": int,
    "pictures_after": int,
    "log": dict,
    "scan": dict,
    "not_covered": list,
    "signature": str,
}


def commit_to(file_sha256: str) -> dict[str, str]:
    """Return a fresh salt and SHA-256 of salt and file hash, both hexadecimal."""
    salt = os.urandom(SALT_BYTES)
    return {"salt": salt.hex(), "sha256": _commitment(salt, bytes.fromhex(file_sha256))}


def _commitment(salt: bytes, file_hash: bytes) -> str:
    return hashlib.sha256(salt + file_hash).hexdigest()


def list_not_covered(exports: Sequence[Export]) -> list[dict[str, Any]]:
    """What no erasure inside a workspace can reach."""
    handed_out = [{"time": e.time, "file": e.file, "sha256": e.sha256, "n_pictures": e.n_pictures} for e in exports]
    return [
        {"what": "backups and copies of the workspace made outside foveal, and snapshots of the drive"},
        {"what": "files handed out before, from the export register", "files": handed_out},
        {"what": "the original pictures, which stay where they are"},
        {"what": "codes computed again from a picture, which on another processor may differ in the last bit"},
    ]


def sign_certificate(plain: Mapping[str, Any], key: Ed25519PrivateKey) -> dict[str, Any]:
    """Return the certificate with its signature."""
    return {**plain, "signature": key.sign(_message(plain)).hex()}


def _message(certificate: Mapping[str, Any]) -> bytes:
    return to_json({key: value for key, value in certificate.items() if key != "signature"}).encode()


def write_certificate(path: Path, certificate: Mapping[str, Any]) -> None:
    """Write a certificate as JSON, durably; raises OSError."""
    path.parent.mkdir(exist_ok=True)
    write_aside(path, [to_json(certificate).encode()])


def read_certificate(path: Path) -> dict[str, Any]:
    """Read a certificate; raises IntegrityError when it is not one. `verify_certificate` checks it."""
    try:
        plain = from_json(path.read_bytes().decode())
    except (OSError, UnicodeDecodeError, FovealError) as problem:
        raise IntegrityError(f"{path} cannot be read as a certificate ({problem}). Ask for it again.") from problem
    if not isinstance(plain, dict):
        raise IntegrityError(f"{path} is not a certificate: expected a JSON object. Ask for it again.")
    return plain


def verify_certificate(certificate: Mapping[str, Any], public_key: Ed25519PublicKey) -> list[str]:
    """List everything wrong with a certificate; an empty list means it holds."""
    number = certificate.get("format")
    if isinstance(number, int) and number > FORMAT:
        return [f"The certificate has format {number}; this foveal reads formats up to {FORMAT}. Upgrade foveal."]
    wrong = [name for name, kind in _FIELDS.items() if not isinstance(certificate.get(name), kind)]
    if wrong or certificate["kind"] != KIND:
        return [f"It is not an erasure certificate: {', '.join(wrong) or 'kind'} missing or of the wrong type."]
    problems = []
    if certificate["public_key_sha256"] != fingerprint(public_key):
        problems.append("The certificate was signed with another key than the one given.")
    if not _is_hex(certificate["signature"]) or not is_signed(
        public_key, bytes.fromhex(certificate["signature"]), _message(certificate)
    ):
        problems.append("The signature does not match: the certificate was altered, or is not from this workspace.")
    return problems + _check_statement(certificate)


def _check_statement(certificate: Mapping[str, Any]) -> list[str]:
    """Check that what the certificate says adds up, and that its scan was made and found nothing."""
    problems = []
    n = certificate["n_erased"]
    if certificate["pictures_before"] - certificate["pictures_after"] != n or len(certificate["commitments"]) != n:
        problems.append("The numbers of pictures before, after and erased do not add up.")
    if certificate["memory_before"] and certificate["memory_before"] == certificate["memory_after"]:
        problems.append("The memory is the same before and after: nothing was taken out of it.")
    if not certificate["scan"].get("performed"):
        problems.append(INTERRUPTED)
    elif certificate["scan"].get("n_found") != 0:
        problems.append(f"Traces of what was erased were found in: {certificate['scan'].get('found_in')}.")
    return problems


def _is_hex(text: str) -> bool:
    return len(text) % 2 == 0 and all(digit in "0123456789abcdef" for digit in text)


def check_against_log(
    certificate: Mapping[str, Any], records: Sequence[LogRecord], leaves: Sequence[Leaf]
) -> list[str]:
    """List where a certificate that `verify_certificate` accepts and a log disagree."""
    log = certificate["log"]
    record = next((record for record in records if record.seq == log.get("seq")), None)
    if record is None or record.sha256 != log.get("sha256"):
        return [f"The certificate's forget record {log.get('seq')} is not in the log."]
    if record.kind != "forget" or record.memory_sha256 != certificate["memory_after"]:
        return [f"The certificate and record {record.seq} of the log say different things."]
    is_blank = {leaf.hash.hex(): leaf.content is None for leaf in leaves}
    missing = [digest for digest in certificate["erased_leaves"] if digest not in is_blank]
    full = [digest for digest in certificate["erased_leaves"] if not is_blank.get(digest, True)]
    problems = [f"{len(missing)} leaves that the certificate erased are not in the log."] if missing else []
    return problems + ([f"{len(full)} leaves that the certificate erased still have content."] if full else [])


def fulfils_commitment(certificate: Mapping[str, Any], picture: bytes) -> bool:
    """Tell whether the file with these bytes is one of the pictures that the certificate says were erased."""
    digest = hashlib.sha256(picture).digest()
    return any(
        _commitment(bytes.fromhex(entry["salt"]), digest) == entry["sha256"] for entry in certificate["commitments"]
    )
