"""A server for the whole run, and a gallery of each kind for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from foveal.core.gallery import GalleryStore
from tests.gallery.stores import NAMES, make_store, postgres_server


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with postgres_server() as address:
        yield address


@pytest.fixture(params=NAMES)
def opened(request, tmp_path: Path):
    """A store and how to open it again."""
    address = request.getfixturevalue("server") if request.param == "postgres" else None
    store, reopen = make_store(request.param, tmp_path, address)
    stores = [store]

    def again() -> GalleryStore:
        stores[-1].close()
        stores.append(reopen())
        return stores[-1]

    yield store, again
    stores[-1].close()


@pytest.fixture
def store(opened) -> GalleryStore:
    return opened[0]
