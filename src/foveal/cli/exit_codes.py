"""What the exit status of a command means."""

from enum import IntEnum

from foveal.core.errors import (
    BusyError,
    FovealError,
    InputError,
    IntegrityError,
    MissingExtraError,
    ModelError,
    StoreError,
)


class ExitCode(IntEnum):
    """Named exit statuses."""

    OK = 0
    FAILURE = 1  # a fault of foveal itself
    USAGE = 2  # unknown option or command
    INPUT = 3  # what was given cannot be used
    MODEL = 4  # a backbone or recognizer file is refused
    STORE = 5  # a workspace or another file cannot be opened or written
    BUSY = 6  # another process is writing
    INTEGRITY = 7  # something was altered, or a check found problems
    MISSING_EXTRA = 8  # an optional part is not installed
    INTERRUPTED = 130


# Most specific class first.
CODES: tuple[tuple[type[FovealError], ExitCode], ...] = (
    (BusyError, ExitCode.BUSY),
    (StoreError, ExitCode.STORE),
    (InputError, ExitCode.INPUT),
    (ModelError, ExitCode.MODEL),
    (IntegrityError, ExitCode.INTEGRITY),
    (MissingExtraError, ExitCode.MISSING_EXTRA),
)


def code_of(error: FovealError) -> ExitCode:
    """The exit status for an error."""
    return next((code for kind, code in CODES if isinstance(error, kind)), ExitCode.FAILURE)
