"""Writing a file so that a crash leaves the old one or the new one, never half of either."""

import os
import threading
from collections.abc import Iterable
from pathlib import Path

ASIDE = ".foveal-"  # how the names of unfinished files begin


def write_aside(path: Path, chunks: Iterable[bytes]) -> None:
    """Write `chunks` beside `path`, force them to the disk, then put them in its place; raises OSError."""
    aside = path.with_name(f"{ASIDE}{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        with open(aside, "wb") as stream:
            for chunk in chunks:
                stream.write(chunk)
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to the disk, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
