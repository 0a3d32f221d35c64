"""foveal against scikit-learn's logistic regression on PyTorch features, same pictures, weights and view: python -m benchmarks.peers.

Needs PyTorch and scikit-learn. Grocery Store, official split; from files to test answers, once; --quick takes every fourth picture.
"""

import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image as Pillow
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.sets import grocery_rows, write_table
from benchmarks.torch_efficientnet_lite import load_network
from foveal.backbones.preprocess import fit_view
from foveal.core.image import Image
from foveal.workflows.evaluating import evaluate
from foveal.workflows.teaching import Choices, teach_workspace

VIEW = "center"


def run_peer(rows: list[tuple[str, str, str]]) -> tuple[float, float, float]:
    """Test accuracy, seconds of features, seconds of the regression."""
    network = load_network()

    def decode(path: str) -> np.ndarray:
        with Pillow.open(path) as picture:
            return fit_view(Image(np.asarray(picture.convert("RGB")), path), 224, VIEW)[0]

    begun, features = time.perf_counter(), []
    with ThreadPoolExecutor(2) as pool, torch.inference_mode():
        for start in range(0, len(rows), 32):
            batch = np.stack(list(pool.map(decode, [row[0] for row in rows[start : start + 32]])))
            planes = torch.from_numpy(batch.transpose(0, 3, 1, 2).astype(np.float32))
            features.append(network((planes - 127) / 128)["head"].mean(dim=(2, 3)).numpy())
    seen = time.perf_counter()
    X, y = np.concatenate(features), np.array([row[1] for row in rows])
    test = np.array([row[2] == "test" for row in rows])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000)).fit(X[~test], y[~test])
    accuracy = float(model.score(X[test], y[test]))
    return accuracy, seen - begun, time.perf_counter() - seen


def main() -> None:
    """Print one table."""
    torch.set_num_threads(2)
    rows = grocery_rows()[:: 4 if "--quick" in sys.argv else 1]
    with tempfile.TemporaryDirectory() as folder:
        table = write_table(rows, Path(folder) / "table.csv")
        begun = time.perf_counter()
        teach_workspace(table, Path(folder) / "w", Choices(view=VIEW))
        total = time.perf_counter() - begun
        ours = evaluate(Path(folder) / "w").headline.accuracy
    accuracy, seeing, fitting = run_peer(rows)
    print("| | test accuracy | seconds, files to answers | of these fitting |\n|---|---|---|---|")
    print(f"| foveal, view {VIEW} | {ours:.1%} | {total:.0f} | |")
    print(f"| PyTorch features + logistic regression | {accuracy:.1%} | {seeing + fitting:.0f} | {fitting:.0f} |")
    print(f"\nRatio of times: {(seeing + fitting) / total:.1f}x")


if __name__ == "__main__":
    main()
