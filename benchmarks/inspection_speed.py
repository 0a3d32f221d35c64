"""One picture of a megapixel, from the file to the verdict, in turns with PatchCore: python -m benchmarks.inspection_speed.

Two threads each, the same weights and input size. PatchCore's memory holds 1 % of the patches, and for its
default of 10 % as many copies of them as that would be: what is in it makes no difference to the time.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image as Pillow

from benchmarks.patchcore_peer import DEFAULT_RATIO, RATIO, make_peer, read_input
from benchmarks.sets import inspection_sets
from foveal.workflows.inspection.looking import inspect_many, inspect_thing
from foveal.workflows.inspection.teaching import PartChoices, teach_good

ROUNDS = 40
SIZE = (1152, 868)  # pixels, a megapixel


def main() -> None:
    """Print medians in milliseconds and ratios."""
    torch.set_num_threads(2)
    taught = inspection_sets()["tiles"][0]
    with tempfile.TemporaryDirectory() as folder:
        good = Path(folder) / "good"
        good.mkdir()
        for number, path in enumerate(taught):
            (good / f"{number:04d}.jpg").symlink_to(path)
        shown = str(Path(folder) / "shown.jpg")
        Pillow.open(taught[0]).convert("RGB").resize(SIZE).save(shown, quality=90)
        runs: dict[str, Callable[[], object]] = {}
        learned = {}
        for way in ("aligned", "anywhere"):
            part = teach_good(good, Path(folder) / way, PartChoices(size=256, way=way)).learned
            learned[way] = part
            runs[f"foveal, {way}"] = lambda part=part: inspect_thing(part, shown)
        n_patches = len(taught) * 1024
        for ratio in (RATIO, DEFAULT_RATIO):
            model = make_peer()
            model.eval()
            model.memory_bank = torch.randn(round(n_patches * ratio), 152)
            runs[f"PatchCore, {ratio:.0%} memory"] = lambda model=model: model(read_input(shown))
        times = measure(runs)
        for name, seconds in times.items():
            print(f"{name}: {1000 * statistics.median(seconds):.1f} ms")
        for way in learned:
            for ratio in (RATIO, DEFAULT_RATIO):
                each = zip(times[f"foveal, {way}"], times[f"PatchCore, {ratio:.0%} memory"], strict=True)
                print(f"{way} against {ratio:.0%}: {statistics.median(a / b for a, b in each):.2f} of its time")
            begun = time.perf_counter()
            n = sum(1 for _ in inspect_many(learned[way], [shown] * 200))
            print(f"{way}, side by side: {n / (time.perf_counter() - begun):.0f} pictures/s")


def measure(runs: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Seconds of each, in turns."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    with torch.inference_mode():
        for turn in range(ROUNDS + 3):
            for name, run in runs.items():
                begun = time.perf_counter()
                run()
                if turn >= 3:
                    times[name].append(time.perf_counter() - begun)
    return times


if __name__ == "__main__":
    main()
