"""A workspace taught once, copied by tests that change it."""

import shutil

import pytest
from tests.pictures import make_folder

from foveal.workflows.teaching import Choices, teach_workspace


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """A folder per class, 12 pictures each."""
    return make_folder(tmp_path_factory.mktemp("photos") / "shapes", each=12)


@pytest.fixture(scope="session")
def taught_once(photos, tmp_path_factory):
    """A workspace of `photos`; do not change it."""
    folder = tmp_path_factory.mktemp("taught") / "workspace"
    teach_workspace(photos, folder, Choices(view="whole", bursts=False))
    return folder


@pytest.fixture
def workspace(taught_once, tmp_path):
    """A workspace of one's own."""
    return shutil.copytree(taught_once, tmp_path / "workspace")
