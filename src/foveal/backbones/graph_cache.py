"""Graphs made once and kept, found again by what they were made from."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from foveal.core.hashing import hash_bytes
from foveal.store.files import write_aside


def cache_folder() -> Path:
    """FOVEAL_CACHE, else foveal in the user's cache folder."""
    given = os.environ.get("FOVEAL_CACHE")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "foveal"


def cached(key: str, build: Callable[[], bytes], folder: Path | None = None) -> bytes:
    """Return the bytes kept under `key`, built at the first call.

    The kept file starts with the SHA-256 of the rest; a damaged one is built again. A folder that
    cannot be written costs the time of building, nothing else.
    """
    path = (folder or cache_folder()) / f"{hash_bytes(key.encode())[:32]}.onnx"
    with suppress(OSError):
        kept = path.read_bytes()
        if kept[:64].decode("ascii", "replace") == hash_bytes(kept[64:]):
            return kept[64:]
    data = build()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_aside(path, [hash_bytes(data).encode(), data])
    return data
