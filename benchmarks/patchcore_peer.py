"""anomalib's PatchCore with the same weights, input size and pictures: the peer of inspecting.

Needs anomalib 2.7 and PyTorch. Runs alone too: python -m benchmarks.patchcore_peer SET...
"""

import json
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

# PyTorch for processors beside a torchvision built for graphics cards lacks these; only detection needs them.
if not hasattr(torch.ops.torchvision, "nms"):
    _LIBRARY = torch.library.Library("torchvision", "FRAGMENT")
    for _name in ("nms", "qnms"):
        _LIBRARY.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

from anomalib.models.image.patchcore.torch_model import PatchcoreModel
from PIL import Image as Pillow

from benchmarks.sets import inspection_sets
from foveal.backbones.efficientnet_lite import VARIANTS, load_weights
from foveal.metrics.ranking import measure_auroc

SIZE = 256
RATIO = 0.01  # of all patches in the memory; anomalib's default 0.1 takes ten times as long to choose
DEFAULT_RATIO = 0.1


def make_peer() -> PatchcoreModel:
    """PatchCore on blocks 4 and 10, with the weights that foveal reads."""
    warnings.filterwarnings("ignore")
    model = PatchcoreModel(layers=["blocks.2", "blocks.4"], backbone="tf_efficientnet_lite0", pre_trained=False)
    state = model.feature_extractor.state_dict()
    ours = [value for key, value in load_weights(VARIANTS["efficientnet-lite0"]).items() if "num_batches" not in key]
    names = [key for key in state if "num_batches" not in key]
    for name, value in zip(names, ours, strict=False):  # ours goes on to the head, which PatchCore leaves out
        if tuple(state[name].shape) != value.shape:
            raise ValueError(f"{name}: {tuple(state[name].shape)} is not {value.shape}")
        state[name] = torch.from_numpy(np.array(value))
    model.feature_extractor.load_state_dict(state)
    return model


def read_input(path: str) -> torch.Tensor:
    """One normalized picture, float32 (1, 3, SIZE, SIZE)."""
    with Pillow.open(path) as picture:
        small = np.array(picture.convert("RGB").resize((SIZE, SIZE), Pillow.Resampling.BICUBIC))
    return ((torch.from_numpy(small).permute(2, 0, 1).float() - 127) / 128)[None]


def run_peer(taught: list[str], good: list[str], bad: list[str]) -> tuple[float, float, float]:
    """Image AUROC, seconds to teach, seconds a look."""
    model, begun = make_peer(), time.perf_counter()
    model.train()
    model.feature_extractor.eval()
    with ThreadPoolExecutor(2) as pool, torch.no_grad():
        for start in range(0, len(taught), 16):
            model(torch.cat(list(pool.map(read_input, taught[start : start + 16]))))
    model.subsample_embedding(RATIO)
    fitted = time.perf_counter()
    model.eval()
    with torch.inference_mode():
        scores = [float(model(read_input(path)).pred_score) for path in [*good, *bad]]
    looked = (time.perf_counter() - fitted) / len(scores)
    auroc = measure_auroc(np.array(scores), np.array([False] * len(good) + [True] * len(bad)))
    return auroc, fitted - begun, looked


if __name__ == "__main__":
    torch.set_num_threads(2)
    for name, pictures in inspection_sets().items():
        if not sys.argv[1:] or name in sys.argv[1:]:
            auroc, taught_s, look_s = run_peer(*pictures)
            print(json.dumps({"set": name, "auroc": auroc, "teach_s": taught_s, "look_s": look_s}), flush=True)
