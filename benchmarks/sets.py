"""Real sets as tables, from FOVEAL_DATA (or ../shared/data) and from packages."""

import csv
import importlib.util
import os
import random
from pathlib import Path

from foveal.workflows.demo import list_cells, read_cells, split_cells

DATA = Path(os.environ.get("FOVEAL_DATA") or Path(__file__).parents[2] / "shared" / "data")


def grocery_rows(*, coarse: bool = False) -> list[tuple[str, str, str]]:
    """Path, product (or kind of product) and official split of every picture of the Grocery Store set."""
    root = DATA / "grocery"
    rows = []
    for split in ("train", "val", "test"):
        for line in (root / f"{split}.txt").read_text("utf-8").splitlines():
            path, fine, kind = (part.strip() for part in line.split(","))
            rows.append((str(root / path), f"{int(kind if coarse else fine):03d}", split))
    return rows


def elpv_rows(seed: int) -> list[tuple[str, str, str]]:
    """Solar cells, defective or fine, a quarter of each class held out."""
    return split_cells(read_cells(), seed)


def tile_rows(seed: int) -> list[tuple[str, str, str]]:
    """Magnetic tiles by kind of defect, a quarter of each held out."""
    found = sorted((DATA / "magnetic_tile" / "images").glob("*/*.jpg"))
    return split_cells([(str(path), path.parent.name) for path in found], seed)


def textile_rows(seed: int) -> list[tuple[str, str, str]]:
    """Simulated textiles of the package conformal-clip-data, a quarter of each class held out."""
    spec = importlib.util.find_spec("conformal_clip_data")
    if spec is None or not spec.submodule_search_locations:
        return []
    root = Path(spec.submodule_search_locations[0])
    found = sorted(path for path in root.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    return split_cells([(str(path), path.parent.name) for path in found], seed)


def write_table(rows: list[tuple[str, str, str]], path: Path) -> Path:
    """Write path, label and split as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "label", "split"), *rows])
    return path


def shuffled(rows: list[tuple[str, str, str]], seed: int) -> list[tuple[str, str, str]]:
    """Rows in another order."""
    return random.Random(seed).sample(rows, len(rows))


def inspection_sets() -> dict[str, tuple[list[str], list[str], list[str]]]:
    """Good pictures to teach, good ones to test and defective ones, by set; those that are there.

    Good ones are halved by a fixed seed, at most MOST of each half.
    """
    tiles = sorted((DATA / "magnetic_tile" / "images").glob("*/*.jpg"))
    cells = list_cells()
    found = {
        "tiles": (
            [str(p) for p in tiles if p.parent.name == "Free"],
            [str(p) for p in tiles if p.parent.name != "Free"],
        )
    }
    for kind in ("mono", "poly"):
        found[f"cells, {kind}"] = tuple(
            [path for path, p, k in cells if (p, k) == (wanted, kind)] for wanted in (0.0, 1.0)
        )
    textiles = [(path, label) for path, label, _ in textile_rows(0)]
    good = sorted(path for path, label in textiles if label == "nominal")
    for kind in ("local", "global"):
        found[f"textiles, {kind}"] = (good, sorted(path for path, label in textiles if label == kind))
    return {name: _halve(*both) for name, both in found.items() if all(both)}


MOST = 200


def _halve(good: list[str], bad: list[str]) -> tuple[list[str], list[str], list[str]]:
    mixed = random.Random(0).sample(good, len(good))
    half = len(mixed) // 2
    return mixed[: min(half, MOST)], mixed[half : half + MOST], random.Random(0).sample(bad, min(len(bad), 2 * MOST))
