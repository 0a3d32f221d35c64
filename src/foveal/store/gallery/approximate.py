"""The approximate index: a cache of many vectors, made again whenever it does not fit what the database says.

Its files are written aside, forced to the disk and renamed, the manifest last, so that a crash leaves the old
cache, the new one, or none; never half of one. An HNSW graph: Malkov and Yashunin 2018, arXiv:1603.09320.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

from foveal.core.contracts import Float32s, Progress, silent
from foveal.core.gallery import Ids
from foveal.store.erasure import CACHE
from foveal.store.files import ASIDE, sync_folder, write_aside

MANIFEST = "index.json"
CONNECTIVITY, EXPANSION_ADD, EXPANSION_SEARCH = 32, 200, 640  # recall@10 of 0.99 and more at a million vectors
ADD_BLOCK = 4096
Halves = npt.NDArray[np.float16]


@dataclass(frozen=True)
class Manifest:
    """What the cache was made from."""

    seq: int  # of the newest log record it knows
    metric: str
    n: int
    dim: int
    sizes: tuple[int, ...]  # bytes of the files, in the order of _FILES


_FILES = ("vectors", "ids", "items", "graph")


@final
@dataclass(frozen=True, eq=False)
class Approximate:
    """Vectors float16 (n, dim), ids and items, mapped from files, and the graph over their positions."""

    manifest: Manifest
    ids: Ids  # rising
    items: Ids
    vectors: Halves
    graph: Any

    def rank(self, queries: Float32s, most: int, threads: int) -> tuple[Ids, Float32s]:
        """Positions (q, most) and similarities of about the best, best first; fewer than `most` are NONE."""
        found = self.graph.search(queries.astype(np.float16), min(most, self.manifest.n), threads=threads)
        shape = (len(queries), -1)
        return np.asarray(found.keys, np.int64).reshape(shape), 1.0 - found.distances.reshape(shape)


def open_approximate(folder: Path, metric: str) -> Approximate | None:
    """Map the cache in a gallery's folder; None where there is none, or it is of another metric or damaged."""
    cache = folder / CACHE
    try:
        plain = json.loads((cache / MANIFEST).read_text("utf-8"))
        manifest = Manifest(**plain | {"sizes": tuple(plain["sizes"])})
        files = [_file(cache, manifest, name) for name in _FILES]
        if manifest.metric != metric or tuple(file.stat().st_size for file in files) != manifest.sizes:
            return None
    except (OSError, ValueError, TypeError, KeyError):
        return None
    vectors = np.memmap(files[0], np.float16, "r", shape=(manifest.n, manifest.dim))
    ids, items = (np.fromfile(file, "<i8") for file in files[1:3])
    graph = _new_graph(manifest.dim)
    graph.view(os.fspath(files[3]))
    return Approximate(manifest, ids, items, vectors, graph)


def build_approximate(
    folder: Path, seq: int, metric: str, rows: tuple[Ids, Ids, Halves], progress: Progress = silent
) -> None:
    """Make the cache from ids (rising), items and vectors float16 (n, dim).

    The graph depends on the set of vectors alone: they are added by one thread, in the order of their hashes.
    """
    ids, items, vectors = rows
    order = np.argsort([hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in vectors], kind="stable")
    graph = _new_graph(vectors.shape[1])
    _add(graph, order, vectors, 1, progress)
    _write(folder, seq, metric, (ids, items, vectors), graph)


def extend_approximate(
    folder: Path, old: Approximate, seq: int, rows: tuple[Ids, Ids, Halves], threads: int, progress: Progress = silent
) -> None:
    """Make the cache anew from what it has and rows with higher ids."""
    ids, items, vectors = rows
    graph = _new_graph(old.manifest.dim)
    graph.load(os.fspath(_file(folder / CACHE, old.manifest, "graph")))
    together = np.concatenate([old.vectors, vectors])
    _add(graph, np.arange(old.manifest.n, len(together)), together, threads, progress)
    whole = (np.concatenate([old.ids, ids]), np.concatenate([old.items, items]), together)
    _write(folder, seq, old.manifest.metric, whole, graph)


def list_cache(folder: Path) -> list[Path]:
    """Every file of the cache, unfinished ones too."""
    return [file for file in (folder / CACHE).glob("*") if file.is_file()]


def _new_graph(dim: int) -> Any:
    from usearch.index import Index  # here: it takes a quarter of a second to load

    return Index(
        ndim=dim,
        metric="ip",
        dtype="f16",
        connectivity=CONNECTIVITY,
        expansion_add=EXPANSION_ADD,
        expansion_search=EXPANSION_SEARCH,
        enable_key_lookups=False,
    )


def _add(graph: Any, order: npt.NDArray[np.integer], vectors: Halves, threads: int, progress: Progress) -> None:
    for start in range(0, len(order), ADD_BLOCK):
        positions = order[start : start + ADD_BLOCK].astype(np.uint64)
        graph.add(positions, vectors[positions], threads=threads, copy=True)
        progress("indexing", start + len(positions), len(order))


def _file(cache: Path, manifest: Manifest, name: str) -> Path:
    return cache / f"{name}-{manifest.seq}-{manifest.n}"


def _write(folder: Path, seq: int, metric: str, rows: tuple[Ids, Ids, Halves], graph: Any) -> None:
    cache = folder / CACHE
    cache.mkdir(exist_ok=True)
    ids, items, vectors = rows
    manifest = Manifest(seq, metric, len(ids), vectors.shape[1], ())
    before = list_cache(folder)
    writers: list[Callable[[Path], Any]] = [
        lambda path: vectors.tofile(path),
        lambda path: ids.astype("<i8").tofile(path),
        lambda path: items.astype("<i8").tofile(path),
        lambda path: graph.save(os.fspath(path)),
    ]
    files = [_file(cache, manifest, name) for name in _FILES]
    for file, write in zip(files, writers, strict=True):
        aside = file.with_name(f"{ASIDE}{file.name}.{os.getpid()}")
        write(aside)
        with aside.open("rb+") as stream:
            os.fsync(stream.fileno())
        aside.replace(file)
    sync_folder(cache)
    whole = asdict(manifest) | {"sizes": [file.stat().st_size for file in files]}
    write_aside(cache / MANIFEST, [json.dumps(whole).encode()])
    for file in before:
        if file not in (*files, cache / MANIFEST):
            file.unlink(missing_ok=True)
