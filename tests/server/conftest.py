"""Servers that several tests share."""

import pytest

from tests.pictures import make_folder
from tests.server.serving import Served


@pytest.fixture(scope="session")
def shapes(tmp_path_factory):
    """A folder per class, 12 pictures each."""
    return make_folder(tmp_path_factory.mktemp("shapes") / "photos", each=12)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """An empty server for one file of tests."""
    one = Served(tmp_path_factory.mktemp("served") / "home").ready()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def taught(served, shapes):
    """The server with the workspace "shapes" taught, and a client that may do everything."""
    client = served.client()
    client.create("shapes")
    for folder in sorted(shapes.iterdir()):
        client.upload("shapes", sorted(folder.iterdir()), label=folder.name)
    result = client.teach("shapes", single=True)
    assert result["figures"]["left_out"]["accuracy"] > 0.6
    return client


@pytest.fixture(scope="session")
def new_picture(tmp_path_factory):
    """Pictures of shapes that were never taught."""
    return make_folder(tmp_path_factory.mktemp("new") / "photos", each=6, start=100)
