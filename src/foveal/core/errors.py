"""Everything foveal raises on purpose.

    FovealError
    ├── InputError          what was given cannot be used
    │   └── DecodeError     a file that is not a readable image
    ├── ModelError          a backbone or a recognizer that must not be loaded
    ├── StoreError          a workspace that cannot be opened or written
    │   └── BusyError       another process is writing to it
    ├── IntegrityError      a hash, a chain or a signature that does not match
    └── MissingExtraError   an optional part that is not installed

Every message says what was expected, what was found and what to do.
"""


class FovealError(Exception):
    """Root of all errors that foveal raises on purpose."""


class InputError(FovealError):
    """What was given cannot be used: a folder, a table, a label or an option."""


class DecodeError(InputError):
    """A file is not a readable image; the message names the file."""


class ModelError(FovealError):
    """A backbone or recognizer file is refused: unknown format, wrong hash or licence."""


class StoreError(FovealError):
    """A workspace cannot be opened, read or written."""


class BusyError(StoreError):
    """Another process is writing to the workspace."""


class IntegrityError(FovealError):
    """A hash, a chain or a signature does not match: something was altered."""


class MissingExtraError(FovealError):
    """An optional dependency is not installed; the message gives the pip line."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional part that is not installed. Run: pip install 'foveal[{extra}]'")
