"""One-megapixel JPEG files to codes, against full decoding and PyTorch eager: python -m benchmarks.end_to_end.

Needs PyTorch (make test-torch makes such an environment). Both sides use the same weights, view,
size and maps; rounds alternate in one process and medians are compared.
"""

import argparse
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from benchmarks.sets import DATA
from foveal.backbones.catalog import Options, open_backbone
from foveal.backbones.preprocess import fit_view
from foveal.core.contracts import Backbone
from foveal.core.errors import FovealError
from foveal.core.image import Image
from foveal.imaging.decode import read
from foveal.memory.codes import make_code
from foveal.workflows.demo import read_cells
from foveal.workflows.seeing import KEEP

SIDE = round(224 * KEEP)


def make_files(folder: Path, n: int) -> list[str]:
    """Mosaics of real photographs, 1152 x 864, JPEG quality 90."""
    found = sorted((DATA / "grocery" / "train").rglob("*.jpg")) or [Path(p) for p, _ in read_cells()]
    chance = np.random.default_rng(0)
    paths = []
    for number in range(n):
        sheet = Pillow.new("RGB", (1152, 864))
        for k, pick in enumerate(chance.integers(0, len(found), 12)):
            with Pillow.open(found[int(pick)]) as picture:
                sheet.paste(picture.convert("RGB").resize((288, 288)), (288 * (k % 4), 288 * (k // 4)))
        paths.append(str(folder / f"{number}.jpg"))
        sheet.save(paths[-1], quality=90)
    return paths


def run_foveal(paths: list[str], backbone: Backbone) -> float:
    """Pictures a second on two threads."""

    def one(path: str) -> None:
        make_code(backbone.pool(read(path, at_least=SIDE)[0]))

    begun = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, paths))
    return len(paths) / (time.perf_counter() - begun)


def run_torch(paths: list[str], network: object) -> float:
    """Pictures a second: full Pillow decoding on two threads, then batches of 32 in eager fp32 on two."""
    import torch

    def decode(path: str) -> np.ndarray:
        with Pillow.open(path) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        return fit_view(Image(pixels, path), 224, "center")[0]

    begun = time.perf_counter()
    with ThreadPoolExecutor(2) as pool, torch.inference_mode():
        for start in range(0, len(paths), 32):
            batch = np.stack(list(pool.map(decode, paths[start : start + 32]))).transpose(0, 3, 1, 2).astype(np.float32)
            pooled = network.pool((torch.from_numpy(batch) - 127) / 128).numpy()  # type: ignore[attr-defined]
            [make_code(row) for row in pooled]
    return len(paths) / (time.perf_counter() - begun)


def cpu_seconds(paths: list[str], backbone: Backbone) -> tuple[float, float]:
    """Processor seconds a picture of decoding alone and of inference alone, one thread."""
    begun = time.process_time()
    images = [read(path, at_least=SIDE)[0] for path in paths]
    decoded = time.process_time()
    for image in images:
        make_code(backbone.pool(image))
    done = time.process_time()
    return (decoded - begun) / len(paths), (done - decoded) / len(paths)


def main() -> None:
    """Print one table."""
    import torch

    from benchmarks.torch_efficientnet_lite import load_network

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer pictures and rounds")
    quick = parser.parse_args().quick
    torch.set_num_threads(2)
    network = load_network()
    backbones = {"foveal, ONNX Runtime fp32": open_backbone(options=Options())}
    try:
        options = Options(runtime="openvino", precision="bf16")
        backbones["foveal, OpenVINO bf16"] = open_backbone(options=options)
    except FovealError as problem:
        print(f"(without OpenVINO bf16: {problem})")
    with tempfile.TemporaryDirectory() as folder:
        paths = make_files(Path(folder), 64 if quick else 192)
        rates: dict[str, list[float]] = {name: [] for name in [*backbones, "PyTorch eager fp32, batch 32"]}
        for _ in range(3 if quick else 5):
            for name, backbone in backbones.items():
                rates[name].append(run_foveal(paths, backbone))
            rates["PyTorch eager fp32, batch 32"].append(run_torch(paths, network))
        costs = {name: cpu_seconds(paths[:64], backbone) for name, backbone in backbones.items()}
    peer = statistics.median(rates["PyTorch eager fp32, batch 32"])
    print(
        "| | pictures/s (median) | against PyTorch | CPU ms decode | CPU ms inference | share of what two cores allow |"
    )
    print("|---|---|---|---|---|---|")
    for name, values in rates.items():
        rate = statistics.median(values)
        if name in costs:
            decode, infer = costs[name]
            share = f"{1000 * decode:.2f} | {1000 * infer:.2f} | {rate / (2 / (decode + infer)):.0%}"
        else:
            share = " | | "
        print(f"| {name} | {rate:.0f} | {rate / peer:.2f}x | {share} |")


if __name__ == "__main__":
    main()
