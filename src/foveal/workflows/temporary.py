"""Folders that go when nobody needs them."""

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import final


@final
class TemporaryFolder:
    """A folder that is removed when nothing refers to it, or at the end of the process."""

    def __init__(self) -> None:
        """Make it."""
        self.path = Path(tempfile.mkdtemp(prefix="foveal-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
