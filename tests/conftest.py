"""Fixtures that every room's tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data():
    """Folder of real pictures, from FOVEAL_DATA or beside the repository; skips where there is none."""
    folder = Path(os.environ.get("FOVEAL_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"real pictures are not here: {folder} (set FOVEAL_DATA)")
    return folder
