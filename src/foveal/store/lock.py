"""One writer at a time: a lock the operating system drops by itself when the process ends."""

import os
import sys
from pathlib import Path

from foveal.core.errors import BusyError, StoreError

LOCK = "lock"

if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 20  # lock a byte beyond the text, so that others can read who holds it

    def _take(descriptor: int) -> None:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class WriterLock:
    """The right to write to a workspace, held until `release` or the end of the process."""

    def __init__(self, folder: Path) -> None:
        """Take the lock; raises BusyError naming the process that holds it, StoreError when it may not be taken."""
        file = folder / LOCK
        try:
            self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as problem:
            raise StoreError(
                f"Cannot write to the workspace {folder}: {problem.strerror}. "
                "Make the folder writable, or open it for reading only."
            ) from problem
        try:
            _take(self._descriptor)
        except OSError as problem:
            holder = os.read(self._descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise BusyError(
                f"The workspace {folder} is being written to by process {holder}. "
                "Wait until it has finished, or stop it, and try again."
            ) from problem
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, str(os.getpid()).encode())

    def release(self) -> None:
        """Give the lock back."""
        os.close(self._descriptor)
