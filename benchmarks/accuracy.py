"""Accuracy, left-out estimates and coverage on real sets: python -m benchmarks.accuracy."""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.sets import DATA, elpv_rows, grocery_rows, textile_rows, tile_rows, write_table
from foveal.recognizers.settings import Settings
from foveal.workflows.evaluating import evaluate
from foveal.workflows.teaching import Choices, teach_workspace


def measure(
    name: str, rows: list[tuple[str, str, str]], choices: Choices, kinds: dict[str, str] | None = None
) -> dict[str, float]:
    """Teach on train and validation, evaluate on test, print a row and return the figures."""
    with tempfile.TemporaryDirectory() as folder:
        table = write_table(rows, Path(folder) / "table.csv")
        taught = teach_workspace(table, Path(folder) / "w", choices)
        evaluated = evaluate(Path(folder) / "w")
    test, left_out = evaluated.headline, evaluated.left_out
    low, high = test.accuracy_interval
    cover, range_ = test.coverage, test.coverage.expected_range
    print(
        f"| {name} | {test.n} | {test.accuracy:.1%} ({low:.1%} to {high:.1%}) | {left_out.accuracy:.1%} | {test.macro_f1:.3f} | "
        f"{cover.measured:.1%} ({range_[0]:.1%} to {range_[1]:.1%}) | {left_out.coverage.measured:.1%} | "
        f"{taught.learned.backbone.id.split(':')[2]} | {taught.seconds['total']:.0f} s |",
        flush=True,
    )
    if kinds:
        shown = [(kinds[case.best], kinds[case.truth[0]]) for case in evaluated.cases]
        right = np.mean([best == truth for best, truth in shown])
        print(f"| {name}, answers read as 42 kinds | {test.n} | {right:.1%} | | | | | | |", flush=True)
    return {"accuracy": test.accuracy, "coverage": cover.measured, "kept": float(cover.is_kept)}


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one split instead of five")
    options = parser.parse_args()
    print("| set | test pictures | accuracy (95 %) | left-out estimate | macro F1 | coverage at 90 % (expected range) | "
          "left-out coverage | view | teach |\n|---|---|---|---|---|---|---|---|---|")  # fmt: skip
    seeds = range(1 if options.quick else 5)
    if (DATA / "grocery").exists():
        equal = Choices(settings=Settings(priors="equal"))
        kinds = {
            fine: kind for (_, fine, _), (_, kind, _) in zip(grocery_rows(), grocery_rows(coarse=True), strict=True)
        }
        measure("Grocery, 81 products", grocery_rows(), Choices(), kinds)
        measure("Grocery, 81 products, equal priors", grocery_rows(), equal, kinds)
        measure("Grocery, 42 kinds", grocery_rows(coarse=True), Choices())
        measure("Grocery, 42 kinds, equal priors", grocery_rows(coarse=True), equal)
    whole = Choices(view="whole", bursts=False)  # defects sit anywhere, and file neighbors are different things
    found = [measure(f"ELPV, split {s}", elpv_rows(s), whole) for s in seeds]
    print(
        f"| ELPV, mean | | {np.mean([f['accuracy'] for f in found]):.1%} | | | {np.mean([f['coverage'] for f in found]):.1%} | | | |"
    )
    if (DATA / "magnetic_tile").exists():
        measure("Magnetic tiles, 6 kinds", tile_rows(0), whole)
    if textile_rows(0):
        measure("Textiles", textile_rows(0), whole)


if __name__ == "__main__":
    main()
