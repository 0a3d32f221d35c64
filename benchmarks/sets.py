"""Real sets as tables, from FOVEAL_DATA (or ../shared/data) and from packages."""

import csv
import importlib.util
import os
import random
from pathlib import Path

from foveal.workflows.demo import read_cells, split_cells

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
