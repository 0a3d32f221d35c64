"""The approximate index: as good as looking at everything, always a cache, never half of one."""

import shutil
import subprocess
import sys

import numpy as np
import pytest

from foveal.core.where import parse_where
from foveal.metrics.retrieval import measure_overlap
from foveal.store.erasure import CACHE
from foveal.store.gallery.local import LocalGallery
from foveal.store.workspace import Workspace
from tests.gallery.made import SETTINGS, many, new_picture

LEAST = 1000  # vectors from which on these galleries are indexed


def clustered(n: int, first: int = 0):
    """Pictures in a hundred clusters, as catalogues are."""
    centers = np.random.default_rng(0).normal(size=(100, SETTINGS["vector_dim"]))
    pictures = []
    for i in range(first, first + n):
        vector = centers[i % 100] + 0.6 * np.random.default_rng(i).normal(size=SETTINGS["vector_dim"])
        pictures.append(new_picture(f"item-{i}", i, (vector / np.linalg.norm(vector)).astype(np.float32)))
    return pictures


def columns_of(pictures):
    return {p.item: {"price": n % 50, "rare": n % 200 == 3} for n, p in enumerate(pictures)}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two galleries of the same 3,000 items, one of them indexed."""
    root = tmp_path_factory.mktemp("index")
    pictures = clustered(3000)
    for name in ("plain", "indexed"):
        store = LocalGallery.create(root / name, SETTINGS)
        store.add(pictures, columns_of(pictures))
        if name == "indexed":
            assert store.consolidate(least=LEAST)
        store.close()
    return root


@pytest.fixture
def pair(made, tmp_path):
    """Copies of the two to change."""
    shutil.copytree(made, tmp_path / "pair")
    stores = [LocalGallery.open(tmp_path / "pair" / name) for name in ("plain", "indexed")]
    yield stores
    for store in stores:
        store.close()


def queries(n=60, first=90_000):
    return np.stack([p.vector for p in clustered(n, first)])


WHERES = (None, "price < 10", "rare = true", "price = 7 and not rare = true", "price > 5 or rare = true")


@pytest.mark.parametrize("where", WHERES)
def test_indexed_and_exact_answers_agree(pair, where):
    plain, indexed = pair
    wanted = None if where is None else parse_where(where)
    exact, found = (store.search(queries(), 10, where=wanted) for store in (plain, indexed))
    assert measure_overlap(found.pictures, exact.pictures) >= 0.99
    same = found.pictures == exact.pictures
    assert np.allclose(found.similarities[same], exact.similarities[same], atol=2e-3)


def test_what_passes_is_found_however_far_it_is(pair):
    """Where none of the nearest pass the filter, the search goes on until enough do."""
    direction = np.eye(SETTINGS["vector_dim"], dtype=np.float32)[:1]
    pictures = clustered(3000)
    far = sorted(pictures, key=lambda p: p.vector[0])[:700]
    for store in pair:
        store.set_columns({p.item: {"far": True} for p in far})
    exact, found = (store.search(direction, 10, where=parse_where("far = true")) for store in pair)
    assert measure_overlap(found.pictures, exact.pictures) >= 0.9 and (found.pictures >= 0).all()


def test_an_index_is_only_made_of_enough(tmp_path):
    store = LocalGallery.create(tmp_path / "g", SETTINGS)
    store.add(many(40), {})
    assert not store.consolidate(least=LEAST)
    store.close()
    assert not (tmp_path / "g" / CACHE).exists()


@pytest.mark.parametrize("where", [None, "price < 10"])
def test_what_comes_and_goes_later_counts(pair, where):
    wanted = None if where is None else parse_where(where)
    late = clustered(300, first=5000)
    for store in pair:
        store.search(queries(1), 3)
        store.add(late, columns_of(late))
        store.remove([f"item-{n}" for n in range(0, 600, 2)])
        store.set_columns({f"item-{n}": {"price": 1, "rare": False} for n in range(1, 400, 2)})
    exact, found = (store.search(queries(), 10, where=wanted) for store in pair)
    assert measure_overlap(found.pictures, exact.pictures) >= 0.985
    assert (found.pictures > 3000).any()
    gone = [f"item-{n}" for n in range(0, 600, 2)]
    assert not {one.item for one in pair[1].show(found.pictures.ravel().tolist())} & set(gone)


def test_extending_an_index_answers_like_making_it_anew(pair):
    late = clustered(900, first=5000)
    for store in pair:
        store.add(late, {})
    assert pair[1].consolidate(least=LEAST)
    exact, found = (store.search(queries(), 10) for store in pair)
    assert measure_overlap(found.pictures, exact.pictures) >= 0.985
    assert len(list((pair[1].folder / CACHE).iterdir())) == 5


def test_an_index_depends_on_the_set_alone(pair, tmp_path):
    pictures = clustered(3000)
    other = LocalGallery.create(tmp_path / "other", SETTINGS)
    for start in (1500, 0):
        other.add(pictures[start : start + 1500], {})
    other.consolidate(least=LEAST)
    for store in (pair[1], other):
        store.search(queries(1), 1)
        store._loaded.main.graph.expansion_search = 4  # so hasty that another graph would answer otherwise
    answers = [store.search(queries(), 3) for store in (pair[1], other)]
    items = [
        [one.item for one in store.show(a.pictures.ravel().tolist())]
        for store, a in zip((pair[1], other), answers, strict=True)
    ]
    assert items[0] == items[1]
    other.close()


@pytest.mark.parametrize("name", ["graph", "vectors", "ids", "items", "index.json"])
@pytest.mark.parametrize("harm", ["cut", "gone", "emptied"])
def test_a_damaged_cache_is_not_used(pair, name, harm):
    plain, indexed = pair
    folder = indexed.folder
    indexed.close()
    file = next(path for path in (folder / CACHE).iterdir() if path.name.startswith(name))
    if harm == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[: 7 if harm == "cut" else 0])
    indexed = LocalGallery.open(folder)
    exact, found = (store.search(queries(), 10) for store in (plain, indexed))
    assert np.array_equal(found.pictures, exact.pictures)
    assert indexed.consolidate(least=LEAST)
    assert measure_overlap(indexed.search(queries(), 10).pictures, exact.pictures) >= 0.99
    indexed.close()


def test_a_cache_of_another_metric_is_not_used(pair):
    plain, indexed = pair
    ids = [one.picture for one in plain.all_pictures()]
    turned = np.stack([p.vector[::-1] for p in clustered(3000)])
    for store in pair:
        store.set_vectors(iter([(ids, turned)]), SETTINGS["vector_dim"], "turned")
    exact, found = (store.search(queries()[:, ::-1], 10) for store in (plain, indexed))
    assert np.array_equal(found.pictures, exact.pictures)


def test_another_process_sees_what_this_one_does(pair):
    store = pair[1]
    reader = LocalGallery.open(store.folder)
    before = reader.search(queries(5), 5).pictures
    (late,) = clustered(1, first=7777)
    store.add([late], {"item-7777": {"price": 3}})
    assert reader.show(reader.search(late.vector[None], 1).pictures[0])[0].item == "item-7777"
    store.remove(["item-7777"])
    assert np.array_equal(reader.search(queries(5), 5).pictures, before)
    store.set_columns({"item-5": {"fresh": "yes"}})
    assert reader.show(reader.search(queries(1), 1, where=parse_where("fresh = 'yes'")).pictures[0])[0].item == "item-5"
    reader.close()


def test_forgetting_leaves_what_never_having_been_there_leaves(pair, tmp_path):
    store = pair[1]
    gone = store.pictures_of(["item-42", "item-1042"])
    numbers = [n for found in gone.values() for n in found]
    certificate = store.certify(store.forget(numbers, asked="group", words=["item-42"]))
    assert certificate["scan"]["n_found"] == 0 and certificate["n_erased"] == 2
    assert not list((store.folder / CACHE).glob("*"))
    store.consolidate(least=LEAST, afresh=True)
    never = LocalGallery.create(tmp_path / "never", SETTINGS)
    never.add([p for p in clustered(3000) if p.item not in gone], {})
    never.consolidate(least=LEAST)
    answers = []
    for one in (store, never):
        found = one.search(queries(), 10)
        answers.append(
            ([shown.item for shown in one.show(found.pictures.ravel().tolist())], found.similarities.tobytes())
        )
    assert answers[0] == answers[1]
    never.close()
    store.close()
    with Workspace.open(store.folder) as workspace:
        assert workspace.problems() == []


def test_a_trace_left_in_the_cache_is_found(pair):
    """The scan reads the cache too: a copy that survives there is no clean erasure."""
    store = pair[1]
    copy = {file.name: file.read_bytes() for file in (store.folder / CACHE).iterdir()}
    (number,) = store.pictures_of(["item-42"])["item-42"]
    erased = store.forget([number], asked="group", words=[])
    for name, data in copy.items():
        (store.folder / CACHE / name).write_bytes(data)
    scan = store.certify(erased)["scan"]
    assert scan["n_found"] > 0 and any(name.startswith(f"{CACHE}/vectors") for name in scan["found_in"])


def test_columns_and_names_of_the_forgotten_are_gone(pair):
    store = pair[0]
    store.add([new_picture("Sonderposten Xaver", 9001)], {"Sonderposten Xaver": {"supplier": "Quittenhof & Sohn"}})
    numbers = store.pictures_of(["Sonderposten Xaver"])["Sonderposten Xaver"]
    scan = store.certify(store.forget(numbers, asked="group", words=[]))["scan"]
    assert scan["n_found"] == 0
    bytes_left = b"".join(file.read_bytes() for file in store.folder.rglob("*") if file.is_file())
    assert b"Quittenhof" not in bytes_left and b"Xaver" not in bytes_left


def test_usearch_and_the_inference_library_live_together():
    """Some versions crash when the index is loaded before the network."""
    code = "import usearch.index, onnxruntime; print('both')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "both", done.stderr


KILLED = """
import itertools, sys
from pathlib import Path
from foveal.store.gallery.local import LocalGallery
from tests.gallery.test_index import clustered, columns_of
store = LocalGallery.open(Path(sys.argv[1]))
last = max((int(one.item[5:]) for one in store.all_pictures()), default=9_999)
print("ready", flush=True)
for start in itertools.count(last + 1, 40):
    pictures = clustered(40, first=start)
    store.add(pictures, columns_of(pictures))
    print("kept", *(p.item for p in pictures), flush=True)
    store.consolidate(least=500)
    print("removing", pictures[0].item, flush=True)
    store.remove([pictures[0].item])
"""


def test_fifty_kills_lose_nothing_acknowledged(tmp_path):
    """kill -9 at random moments of adding, indexing and removing."""
    chosen = np.random.default_rng(5)
    folder = tmp_path / "g"
    LocalGallery.create(folder, SETTINGS).close()
    kept: set[str] = set()
    removed: set[str] = set()
    for moment in range(50):
        child = subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        said = child.stdout.readline().split()
        try:
            child.wait(timeout=float(chosen.uniform(0.0, 0.35)))
        except subprocess.TimeoutExpired:
            child.kill()
        for line in [
            said,
            *(line.split() for line in child.stdout.read().splitlines() if line.endswith(tuple("0123456789"))),
        ]:
            (kept if line[0] == "kept" else removed).update(line[1:])
        child.stdout.close()
        child.wait()
        store = LocalGallery.open(folder)
        here = {one.item for one in store.all_pictures()}
        assert not (kept - removed) - here, f"lost after kill {moment}"
        assert len(removed & here) <= moment + 1  # asked for, but killed before it was done
        some = sorted(here)[:: max(1, len(here) // 5)]
        for item in some:
            vector = clustered(1, first=int(item.removeprefix("item-")))[0].vector
            found = store.search(vector[None], 1, where=parse_where("price >= 0"))
            assert store.show(found.pictures[0])[0].item == item
        store.close()
    assert len(kept) > 1000 and removed
    assert (folder / CACHE).exists()
    with Workspace.open(folder, writing=True) as workspace:
        assert workspace.problems() == []
