"""Plain values to and from text: one canonical JSON, and names that every file can hold."""

import json
from typing import Any

from foveal.core.errors import StoreError


def to_json(plain: Any) -> str:
    """Canonical JSON: sorted keys, no spaces, no NaN; equal values give equal text."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def from_json(text: str) -> Any:
    """Read JSON that foveal wrote; raises StoreError when it was damaged."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise StoreError(f"A stored value is damaged ({problem}). Restore the workspace from a backup.") from problem


def to_portable(text: str) -> str:
    r"""Spell what UTF-8 cannot hold (bytes of an old file name) as \udcXX; other text is unchanged."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
