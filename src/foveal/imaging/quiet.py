"""Keeping the warnings of the decoding libraries out of the caller's program."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LIBRARIES = r"(PIL|pydicom)\."
_lock = threading.Lock()
_inside = 0


@contextmanager
def without_library_warnings() -> Iterator[None]:
    """Ignore warnings that Pillow and pydicom issue while any thread is inside.

    `warnings.catch_warnings` swaps the process-wide filters and is not safe in threads, so this adds one
    filter that matches those two libraries only, and the last thread to leave takes it out again.
    """
    global _inside
    with _lock:
        if _inside == 0 or not _is_first():
            warnings.filterwarnings("ignore", module=_LIBRARIES)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0 and _is_first():
                del warnings.filters[0]  # type: ignore[attr-defined]  # a list, though typed as a Sequence


def _is_first() -> bool:
    pattern = warnings.filters[0][3] if warnings.filters else None
    return getattr(pattern, "pattern", None) == _LIBRARIES
