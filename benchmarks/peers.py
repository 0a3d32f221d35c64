"""foveal against logistic regression on PyTorch features and against Vyntri, with the same pictures and weights: python -m benchmarks.peers.

Needs PyTorch and scikit-learn; Vyntri 1.5.0 where it is installed. Grocery Store, official split; from files to test answers, once; --quick takes every fourth picture.
"""

import importlib.util
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


class _Endpoint(torch.nn.Module):
    """The same network behind Vyntri's own normalization, which is taken back."""

    def __init__(self) -> None:
        super().__init__()
        self.network = load_network()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
        levels = 255 * (pixels * std + mean)
        return self.network((levels - 127) / 128)["head"].mean(dim=(2, 3))


def run_vyntri(rows: list[tuple[str, str, str]], folder: Path) -> tuple[float, float]:
    """Test accuracy and seconds of Vyntri as it comes, but with this backbone in its registry."""
    # torchvision wants these operators declared even where its binary part, built for CUDA, cannot load.
    declared = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        declared.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    from vyntri import Vyntri
    from vyntri.backbones import registry

    registry._register(registry.BackboneInfo("lite0", 1280, "package", 4_652_008, True, _Endpoint))
    for number, (path, label, split) in enumerate(rows):
        there = folder / ("test" if split == "test" else "train") / label
        there.mkdir(parents=True, exist_ok=True)
        (there / f"{number:05d}{Path(path).suffix}").symlink_to(Path(path).resolve())
    begun = time.perf_counter()
    model = Vyntri(backbone="lite0", cache_dir=str(folder / "cache"))
    model.fit(folder / "train", progress=False)
    accuracy = model.evaluate(folder / "test").accuracy
    return float(accuracy), time.perf_counter() - begun


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
    if importlib.util.find_spec("vyntri"):
        with tempfile.TemporaryDirectory() as folder:
            accuracy, seconds = run_vyntri(rows, Path(folder))
        print(f"| Vyntri, as it comes, same weights | {accuracy:.1%} | {seconds:.0f} | |")
        print(f"\nRatio of times: {seconds / total:.1f}x")


if __name__ == "__main__":
    main()
