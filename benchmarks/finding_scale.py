"""A large gallery: recall, queries a second beside usearch itself, latency, opening, memory, adding, forgetting.

    python -m benchmarks.finding_scale --n 100000 --folder /somewhere/with/room

Real codes of grocery photos, each drawn towards another one and jittered, with columns.
"""

import argparse
import gc
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from usearch.index import Index

from benchmarks.sets import DATA, grocery_rows
from foveal.backbones.catalog import open_backbone
from foveal.core.example import Example
from foveal.core.gallery import NewPicture
from foveal.core.image import Appearance, Capture
from foveal.core.where import parse_where
from foveal.memory.codes import CODE_SCALE, to_unit
from foveal.metrics.retrieval import measure_overlap
from foveal.recognizers.metric import find_principal, make_whitened
from foveal.store.gallery import approximate
from foveal.store.gallery.local import LocalGallery
from foveal.store.gallery.searching import SPARE
from foveal.workflows.finding.forgetting import forget_from_gallery
from foveal.workflows.finding.gallery import GalleryChoices, create_gallery
from foveal.workflows.finding.model import GalleryModel
from foveal.workflows.seeing import Seen, class_eye, see_all

THREADS = 2
BLOCK = 5000
K = 10
FILTERS = {
    "half": "price < 50",
    "one in ten": "brand = 'b3'",
    "one in a hundred": "price < 1",
    "one in 5,000": "rare = 1",
}


def real_codes() -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors float32 (n, d) of the grocery photos, and the number of each one's product."""
    rows = [(path, product) for path, product, split in grocery_rows() if split == "train"]
    examples = [Example(path, path) for path, _ in rows]
    seen = [
        one for one in see_all(examples, class_eye(open_backbone()), n_examples=len(examples)) if isinstance(one, Seen)
    ]
    product = dict(rows)
    return to_unit(np.stack([one.code for one in seen])).astype(np.float32), np.array(
        [int(product[one.example.path]) for one in seen]
    )


def jitter(real: tuple[np.ndarray, np.ndarray], n: int, chosen: np.random.Generator) -> np.ndarray:
    """N codes between pairs of real ones, each moved by half of the difference of two pictures of one product.

    So they vary as pictures of one thing do, not in all directions alike.
    """
    units, products = real
    one, other = units[chosen.integers(len(units), size=n)], units[chosen.integers(len(units), size=n)]
    mixed = one + chosen.uniform(0.0, 0.5, (n, 1)).astype(np.float32) * (other - one)
    first, second = _pairs(products, n, chosen)
    mixed = np.maximum(mixed + 0.5 * (units[first] - units[second]), 0.0)
    return np.rint(CODE_SCALE * mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.int16)


def _pairs(products: np.ndarray, n: int, chosen: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two pictures of one product, n times."""
    order = np.argsort(products, kind="stable")
    starts, counts = np.unique(products[order], return_index=True)[1], np.bincount(products)
    counts = counts[counts > 0]
    which = chosen.integers(len(starts), size=n)
    picks = [starts[which] + (chosen.random(n) * counts[which]).astype(int) for _ in range(2)]
    return order[picks[0]], order[picks[1]]


def fill(gallery: LocalGallery, real: tuple[np.ndarray, np.ndarray], metric, n: int) -> None:
    """Add n items of one picture each, batch after batch."""
    chosen = np.random.default_rng(1)
    for start in range(0, n, BLOCK):
        codes = jitter(real, min(BLOCK, n - start), chosen)
        vectors = metric.project(codes)
        pictures, columns = [], {}
        for i, (code, vector) in enumerate(zip(codes, vectors, strict=True), start=start):
            name = f"item-{i}"
            capture = Capture(chosen.bytes(32).hex(), 1000, "JPEG", 640, 480)
            look = Appearance(int(chosen.integers(1 << 62)), 30.0, 120.0, 40.0, 110.0)
            pictures.append(NewPicture(name, name, f"/shop/{name}.jpg", code, vector, capture, look))
            columns[name] = {"price": round(float(chosen.uniform(0, 100)), 2), "brand": f"b{chosen.integers(10)}", "rare": int(i % 5000 == 0)}  # fmt: skip
        gallery.add(pictures, columns)
        if start % 100_000 == 0:
            print(f"  {start + len(codes):,} kept", file=sys.stderr, flush=True)


def best_of(ask, times: int = 3) -> float:
    """The shortest of several runs, in seconds."""
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        ask()
        found.append(time.perf_counter() - begun)
    return min(found)


def latencies(ask, queries: np.ndarray) -> tuple[float, float, float]:
    """p50, p95 and p99 of one query at a time, in milliseconds."""
    found = []
    for query in queries:
        begun = time.perf_counter()
        ask(query[None])
        found.append(time.perf_counter() - begun)
    return tuple(1000 * np.percentile(found, [50, 95, 99]))


def exact(vectors: np.ndarray, queries: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Positions of the best K by brute force."""
    places = np.arange(len(vectors)) if mask is None else np.flatnonzero(mask)
    best = np.full((len(queries), K), -np.inf, np.float32)
    rows = np.full((len(queries), K), -1, np.int64)
    for start in range(0, len(places), 50_000):
        part = places[start : start + 50_000]
        similar = np.concatenate([best, queries @ np.asarray(vectors[part], np.float32).T], axis=1)
        numbers = np.concatenate([rows, np.broadcast_to(part, (len(queries), len(part)))], axis=1)
        order = np.argpartition(-similar, K - 1, axis=1)[:, :K]
        best, rows = np.take_along_axis(similar, order, 1), np.take_along_axis(numbers, order, 1)
    return rows


def compare(folder: Path, queries: np.ndarray) -> None:
    """Recall, speed and latency of the gallery and of usearch itself on the same graph."""
    gallery = LocalGallery.open(folder, threads=THREADS)
    gallery.search(queries[:64], K)
    main = gallery._loaded.main
    peer = Index(ndim=main.manifest.dim, metric="ip", dtype="f16", connectivity=approximate.CONNECTIVITY,
                 expansion_add=approximate.EXPANSION_ADD, expansion_search=approximate.EXPANSION_SEARCH)  # fmt: skip
    peer.view(os.fspath(next((folder / "cache").glob("graph-*"))))
    halves = queries.astype(np.float16)
    print(
        "| search | recall@10 | queries/s | usearch itself | ratio | p50, p95, p99 ms | usearch p50, p95, p99 ms |\n|---|---|---|---|---|---|---|"
    )
    for name, text in {"all": None, **FILTERS}.items():
        where = None if text is None else parse_where(text)
        mask = None
        if where is not None:
            loaded = gallery._refresh()
            mask = gallery._select(loaded, loaded.snapshot(), where).main
        truth = main.ids[exact(main.vectors, halves.astype(np.float32), mask)]
        found = gallery.search(queries, K, where=where)

        def ask_peer(rows, threads=THREADS, mask=mask):
            if mask is None:
                return peer.search(rows, K, threads=threads).keys
            fetch = approximate.EXPANSION_SEARCH + int(np.ceil(SPARE * K / mask.mean()))
            keys = np.asarray(peer.search(rows, min(fetch, len(mask)), threads=threads).keys, np.int64).reshape(
                len(rows), -1
            )
            return [row[mask[row]][:K] for row in keys]

        few = queries if mask is None or mask.mean() > 0.005 else queries[:100]
        mine = best_of(lambda few=few, where=where: gallery.search(few, K, where=where))
        theirs = best_of(lambda few=few: ask_peer(few.astype(np.float16)))
        p = latencies(lambda q, where=where: gallery.search(q, K, where=where), queries[:300])
        other = latencies(lambda q: ask_peer(q.astype(np.float16), 1), queries[: 300 if few is queries else 50])
        print(
            f"| {name} | {measure_overlap(found.pictures, truth):.4f} | {len(few) / mine:,.0f} | {len(few) / theirs:,.0f} | "
            f"{theirs / mine:.2f} | {p[0]:.2f}, {p[1]:.2f}, {p[2]:.2f} | {other[0]:.2f}, {other[1]:.2f}, {other[2]:.2f} |",
            flush=True,
        )
    gallery.close()


OPENING = """
import sys, time
import numpy as np
from pathlib import Path
begun = time.perf_counter()
from foveal.store.gallery.local import LocalGallery
from foveal.store.gallery.searching import SPARE
from foveal.core.where import parse_where
loaded = time.perf_counter()
gallery = LocalGallery.open(Path(sys.argv[1]), threads=2)
query = np.load(sys.argv[2])
gallery.search(query[:1], 10)
opened = time.perf_counter()
gallery.search(query[:1], 10, where=parse_where("price < 50 and brand = 'b3'"))
filtered = time.perf_counter()
gallery.search(query, 10)
print(f"open and answer {opened - loaded:.2f} s, first filter {filtered - opened:.2f} s, "
      f"memory {int(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0]) / 1e6:.2f} GB at most, {len(query)} searches")
"""


def main() -> None:
    """Make the gallery, measure, and say how large things are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--folder", help="where to keep the gallery; used again where it is there")
    options = parser.parse_args()
    if not (DATA / "grocery").exists():
        sys.exit("needs the grocery photos")
    top = Path(options.folder or tempfile.mkdtemp())
    folder, kept = top / "gallery", top / "real.npz"
    top.mkdir(parents=True, exist_ok=True)
    if not kept.exists():
        units, products = real_codes()
        np.savez(kept, units=units, products=products)
    with np.load(kept) as saved:
        real = saved["units"], saved["products"]
    metric = make_whitened(find_principal(real[0].astype(np.float64)))
    queries = metric.project(jitter(real, 1000, np.random.default_rng(2)))
    if not folder.exists():
        made = create_gallery(folder, GalleryChoices(), "scale")
        made.keep_model(GalleryModel(metric, n=1))
        gallery = made.store
        begun = time.perf_counter()
        fill(gallery, real, metric, options.n)
        filled = time.perf_counter()
        gallery.consolidate()
        print(f"kept in {filled - begun:.0f} s, indexed in {time.perf_counter() - filled:.0f} s", flush=True)
        gallery.close()
        del gallery
        gc.collect()
    sizes = {
        file.name.partition("-")[0]: f"{file.stat().st_size / 1e6:,.0f} MB" for file in (folder / "cache").iterdir()
    }
    print(f"{options.n:,} codes: database {(folder / 'workspace.db').stat().st_size / 1e9:.2f} GB, cache {sizes}\n")
    compare(folder, queries)
    np.save(top / "queries.npy", queries)
    done = subprocess.run(
        [sys.executable, "-c", OPENING, folder, top / "queries.npy"], capture_output=True, text=True, check=True
    )
    print("\n" + done.stdout.strip())
    gallery = LocalGallery.open(folder, threads=THREADS)
    gallery.search(queries[:1], K)
    codes = jitter(real, 50, np.random.default_rng(3))
    times = []
    for i, (code, vector) in enumerate(zip(codes, metric.project(codes), strict=True)):
        name = f"late-{os.getpid()}-{i}"
        new = NewPicture(
            name,
            name,
            f"/shop/{name}.jpg",
            code,
            vector,
            Capture(os.urandom(32).hex(), 1, "JPEG", 1, 1),
            Appearance(1, 1, 1, 1, 1),
        )
        begun = time.perf_counter()
        gallery.add([new], {name: {"price": 1.0, "brand": "b1", "rare": 0}})
        times.append(time.perf_counter() - begun)
        found = gallery.search(vector[None], 1)
        assert gallery.show(found.pictures[0])[0].item == name
    print(f"add one: median {1000 * np.median(times):.2f} ms, worst of 50 {1000 * max(times):.2f} ms")
    gallery.close()
    begun = time.perf_counter()
    forgotten = forget_from_gallery(folder, [f"item-{options.n // 2}"], by="group")
    print(f"forget one: certified in {forgotten.seconds['certified']:.1f} s, {forgotten.certificate['scan']['n_found']} traces; "
          f"with the index made anew {time.perf_counter() - begun:.1f} s")  # fmt: skip
    print(f"peak memory of all this {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")
    if not options.folder:
        shutil.rmtree(top)


if __name__ == "__main__":
    main()
