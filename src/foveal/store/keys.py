"""The Ed25519 key pair of a workspace: what signs its log and its certificates."""

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from foveal.core.errors import StoreError

KEYS = "keys"
PRIVATE = "private.pem"
PUBLIC = "public.pem"


def create_keys(folder: Path) -> Ed25519PrivateKey:
    """Make the key pair of the workspace in `folder`, or return the one already there."""
    keys = folder / KEYS
    keys.mkdir(exist_ok=True)
    if not (keys / PRIVATE).exists():
        private = Ed25519PrivateKey.generate()
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        aside = keys / f".foveal-{PRIVATE}"
        aside.unlink(missing_ok=True)
        _write_private(aside, pem)
        aside.replace(keys / PRIVATE)
    private = load_private(folder)
    (keys / PUBLIC).write_bytes(
        private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return private


def _write_private(file: Path, pem: bytes) -> None:
    """Write a file that only its owner may read, from its first byte on."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(pem)
        stream.flush()
        os.fsync(stream.fileno())


def load_private(folder: Path) -> Ed25519PrivateKey:
    """Read the signing key of a workspace; raises StoreError when it is missing or not an Ed25519 key."""
    file = folder / KEYS / PRIVATE
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as problem:
        raise StoreError(
            f"The signing key {file} cannot be read ({problem}). Restore keys/ from a backup; "
            "without it the workspace can be read but not changed."
        ) from problem
    if not isinstance(key, Ed25519PrivateKey):
        raise StoreError(f"{file} is not an Ed25519 key. Restore keys/ from a backup.")
    return key


def load_public(file: Path) -> Ed25519PublicKey:
    """Read a public key file (PEM); raises StoreError when it is missing or not an Ed25519 key."""
    try:
        key = serialization.load_pem_public_key(file.read_bytes())
    except (OSError, ValueError) as problem:
        raise StoreError(f"The public key {file} cannot be read ({problem}). Ask for the file again.") from problem
    if not isinstance(key, Ed25519PublicKey):
        raise StoreError(f"{file} is not an Ed25519 public key. Ask for keys/{PUBLIC} of the workspace.")
    return key


def fingerprint(key: Ed25519PublicKey) -> str:
    """SHA-256 of the 32 bytes of a public key, hexadecimal: what people compare."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def is_signed(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    """Tell whether `signature` over `message` was made with the private half of `key`."""
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
