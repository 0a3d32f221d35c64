"""Finding groceries: shop photos by a picture of the product, and the product by a photo, beside plain cosine in faiss.

    python -m benchmarks.finding

The peer has the same backbone, image size and view: mean-pooled features of the last stage, cosine, faiss. It needs
faiss-cpu, and is left out where that is not installed.
"""

import csv
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.sets import DATA
from foveal.backbones.catalog import Options, open_backbone
from foveal.imaging.decode import read
from foveal.metrics.retrieval import Retrieval, measure_retrieval
from foveal.workflows.ahead import map_ahead
from foveal.workflows.finding.gallery import open_gallery
from foveal.workflows.finding.grouping import group
from foveal.workflows.finding.indexing import Plan, index_catalogue
from foveal.workflows.finding.searching import Wish, search, see_query

ROOT = DATA / "grocery"
Rows = list[tuple[str, str]]  # path and product


def products() -> Rows:
    """The iconic picture of each product."""
    with (ROOT / "classes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [(str(ROOT) + row["Iconic Image Path (str)"], row["Class Name (str)"]) for row in rows]


def photos(*splits: str) -> Rows:
    """Shop photos of some splits, each with its product."""
    names = [name for _, name in products()]
    lines = [line.split(",") for split in splits for line in (ROOT / f"{split}.txt").read_text().splitlines()]
    return [(str(ROOT / path.strip()), names[int(number)]) for path, number, _ in lines]


def write(rows: Rows, path: Path, *, item: bool) -> Path:
    """A catalogue: each picture an item of its own with its product as a column, or pictures of products."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "item" if item else "shows"])
        writer.writerows(rows)
    return path


def rank(folder: Path, queries: Rows, *, by_item: bool, **wish) -> np.ndarray:
    """Which of the ranked items are right, bool (q, n), by searching the gallery for every query."""
    with open_gallery(folder) as gallery:
        n = gallery.store.count()[0]
        wanted = Wish(k=n, cut_off=None, **wish)
        seen = list(map_ahead(lambda path: see_query(gallery, path, wanted), [path for path, _ in queries], 2))
        relevant = np.zeros((len(queries), n), bool)
        for row, (query, (_, product)) in enumerate(zip(seen, queries, strict=True)):
            hits = search(gallery, query, wanted).hits
            relevant[row, : len(hits)] = [(hit.item if by_item else hit.columns["shows"]) == product for hit in hits]
        return relevant


def tell(name: str, found: Retrieval) -> None:
    """One row of the table."""
    print(
        f"| {name} | {found.recall_at_1:.1%} | {found.recall_at_5:.1%} | {found.mean_average_precision:.3f} |",
        flush=True,
    )


def peer(catalogue: Rows, queries: Rows) -> None:
    """Mean-pooled features and cosine in faiss."""
    try:
        import faiss
    except ImportError:
        print("| faiss is not installed | | | |")
        return
    backbone = open_backbone(options=Options(maps=("stage7",)))

    def see(path: str) -> np.ndarray:
        image = read(path, at_least=336)[0]
        return backbone.feature_maps(image)[0].mean(axis=(1, 2))

    kept, asked = (
        np.array(list(map_ahead(see, [path for path, _ in rows], 2)), np.float32) for rows in (catalogue, queries)
    )
    for vectors in (kept, asked):
        faiss.normalize_L2(vectors)
    index = faiss.IndexFlatIP(kept.shape[1])
    index.add(kept)
    _, ranked = index.search(asked, len(kept))
    names, wanted = np.array([name for _, name in catalogue]), np.array([name for _, name in queries])
    tell("same backbone, mean pooling, cosine in faiss", measure_retrieval(names[ranked] == wanted[:, None]))


def compare(top: Path, title: str, catalogue: Rows, queries: Rows, *, item: bool) -> None:
    """All ways of one task."""
    print(
        f"\n{title}: {len(catalogue)} pictures, {len(queries)} queries\n\n| way | recall@1 | recall@5 | mAP |\n|---|---|---|---|"
    )
    peer(catalogue, queries)
    table = write(catalogue, top / f"{item}.csv", item=item)
    lesson = write(photos("train", "val"), top / "lesson.csv", item=True)
    for name, plan in (
        ("raw codes", Plan(learn=False)),
        ("what the catalogue itself teaches", Plan(learn=True)),
        ("metric taught on train", Plan(teach_with=str(lesson))),
    ):
        folder = top / f"{item}-{name}"
        indexed = index_catalogue(table, folder, plan=plan)
        tell(f"{name} ({indexed.model.metric.kind})", measure_retrieval(rank(folder, queries, by_item=item)))
    tell("the same, mirrored too", measure_retrieval(rank(folder, queries, by_item=item, mirror=True)))
    tell("the same, cropped to what stands out", measure_retrieval(rank(folder, queries, by_item=item, crop="auto")))


def promise(top: Path) -> None:
    """Probabilities and "nothing similar here" on photos of other shops, of products that are there and are not."""
    there = [name for _, name in products()][::2]
    table = write([row for row in photos("train", "val") if row[1] in there], top / "half.csv", item=True)
    indexed = index_catalogue(table, top / "half")
    model = indexed.model.same_item
    print(
        f"\n{len(there)} of 81 products indexed from train; test photos of all. Left out in train: {model.found:.1%} found, {model.false:.1%} false."
    )
    said, right, absent = [], [], []
    with open_gallery(top / "half") as gallery:
        wish = Wish(k=1, cut_off=None)
        rows = photos("test")
        for (_, product), query in zip(
            rows, map_ahead(lambda row: see_query(gallery, row[0], wish), rows, 2), strict=True
        ):
            (hit,) = search(gallery, query, wish).hits
            (said if product in there else absent).append(hit.probability)
            if product in there:
                right.append(hit.item == product)
    said, right, absent = np.array(said), np.array(right), np.array(absent)
    print(f"Of {len(said)} photos of products that are there, the best hit is right for {right.mean():.1%}; right and beyond one half "
          f"{(right & (said >= 0.5)).mean():.1%}. Of {len(absent)} photos of others, {(absent >= 0.5).mean():.1%} find something.")  # fmt: skip
    print("\n| said | share right, present and absent counted alike | photos |\n|---|---|---|")
    weights = np.concatenate([np.full(len(said), 0.5 / len(said)), np.full(len(absent), 0.5 / len(absent))])
    every, truth = np.concatenate([said, absent]), np.concatenate([right, np.zeros(len(absent), bool)])
    for low, high in ((0, 0.1), (0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01)):
        inside = (every >= low) & (every < high)
        if inside.any():
            print(f"| {low:.1f} to {min(high, 1):.1f} (mean {np.average(every[inside], weights=weights[inside]):.2f}) | "
                  f"{np.average(truth[inside], weights=weights[inside]):.2f} | {inside.sum()} |")  # fmt: skip


def count_shelf(top: Path) -> None:
    """How many distinct products a batch of photos shows, by a gallery of the train photos."""
    index_catalogue(write(photos("train", "val"), top / "train.csv", item=True), top / "train")
    chosen = np.random.default_rng(0)
    test = photos("test")
    print("\n| products on the shelf | photos | groups found |\n|---|---|---|")
    for n in (5, 15, 40):
        names = set(chosen.choice(sorted({name for _, name in test}), n, replace=False))
        rows = [row for row in test if row[1] in names][:: max(1, n // 10)]
        grouped = group(write(rows, top / f"shelf{n}.csv", item=False), top / "train")
        print(f"| {len({name for _, name in rows})} | {len(rows)} | {len(grouped.clusters)} |", flush=True)


def main() -> None:
    """Print all tables."""
    if not ROOT.exists():
        sys.exit("needs the grocery photos")
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        compare(top, "Product picture to shop photos", photos("test"), products(), item=False)
        compare(top, "Shop photo to product picture", products(), photos("test"), item=True)
        promise(top)
        count_shelf(top)
    print(f"\n{time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
