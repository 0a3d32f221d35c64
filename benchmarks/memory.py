"""Moments against one matrix product, and forgetting in a workspace of 5,000: python -m benchmarks.memory."""

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.sets import elpv_rows, write_table
from foveal.memory.codes import make_code
from foveal.memory.moments import sum_moments
from foveal.workflows.forgetting import forget
from foveal.workflows.teaching import Choices, teach_workspace


def time_moments(dim: int, n: int = 10_000) -> tuple[float, float]:
    """Seconds of the moments of n codes in 81 classes, and of one float64 X^T X of the same size; medians of five."""
    chance = np.random.default_rng(0)
    codes = np.array([make_code(row) for row in chance.random((n, dim))])
    labels = [(f"{k:02d}",) for k in chance.integers(0, 81, n)]
    values = codes.astype(np.float64)
    ours, peers = [], []
    for _ in range(5):
        begun = time.perf_counter()
        sum_moments("b", dim, [(codes, labels)])
        middle = time.perf_counter()
        values.T @ values  # numpy calls syrk for this
        ours.append(middle - begun)
        peers.append(time.perf_counter() - middle)
    return statistics.median(ours), statistics.median(peers)


def time_forgetting(n: int = 5_000) -> tuple[float, float]:
    """Seconds until the certificate and until the new fit, one picture of a workspace of n."""
    rows = [(path, label, "train") for path, label, _ in elpv_rows(0)]
    rows = (rows * (n // len(rows) + 1))[:n]
    with tempfile.TemporaryDirectory() as folder:
        table = write_table(rows, Path(folder) / "table.csv")
        teach_workspace(table, Path(folder) / "w", Choices(view="whole", bursts=False))
        done = forget(Path(folder) / "w", [rows[7][0]])
    return done.seconds["certified"], done.seconds["total"]


def main() -> None:
    """Print both."""
    print("| moments of 10,000 codes | seconds | one float64 X^T X | ratio |\n|---|---|---|---|")
    for dim in (1280, 2064):
        ours, peer = time_moments(dim)
        print(f"| d = {dim} | {ours:.2f} | {peer:.2f} | {ours / peer:.2f}x |", flush=True)
    certified, total = time_forgetting()
    print(
        f"\nForget one picture in a workspace of 5,000: certificate after {certified:.2f} s, fitted again after {total:.2f} s."
    )


if __name__ == "__main__":
    main()
