"""Promised and measured false alarms over several splits of the good pictures: python -m benchmarks.inspection_rates.

Every split teaches half of the good pictures of a set, at most 200, and measures on as many others.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks.sets import inspection_sets
from foveal.backbones.patch_backbone import open_patch_backbone
from foveal.imaging.decode import read
from foveal.memory.patch_codes import make_patch_code
from foveal.metrics.intervals import binomial_range
from foveal.metrics.ranking import measure_auroc
from foveal.recognizers.good_pictures import GoodPictures
from foveal.recognizers.inspector import WAYS, fit_inspector

SPLITS = 10
RATES = (0.01, 0.05)


def main(ways: list[str]) -> None:
    """Print a Markdown table."""
    backbone = open_patch_backbone("efficientnet-lite0")

    def see(path: str) -> np.ndarray:
        return make_patch_code(backbone.patches(read(path, at_least=384)[0]))

    print("| set | way | image AUROC, mean of splits | at 1 % | splits in range | at 5 % | splits in range |")
    print("|---|---|---|---|---|---|---|")
    for name, (taught, good, bad) in inspection_sets().items():
        with ThreadPoolExecutor(2) as pool:
            codes = np.stack(list(pool.map(see, [*taught, *good])))
            defects = np.stack(list(pool.map(see, bad[:200])))
        for way in ways:
            aurocs, measured = [], []
            for split in range(SPLITS):
                order = np.random.default_rng(split).permutation(len(codes))
                half = len(codes) // 2
                inspector = fit_inspector(GoodPictures(codes[order[:half]], np.arange(half), backbone.shape), way, 0.01)
                told = [inspector.inspect(code) for code in codes[order[half:]]]
                p_values = np.array([one.p_value for one in told])
                measured.append([(p_values <= rate).mean() for rate in RATES])
                scores = [one.score for one in told] + [inspector.inspect(code).score for code in defects]
                aurocs.append(measure_auroc(np.array(scores), np.arange(len(scores)) >= len(told)))
            row = f"| {name} | {way} | {np.mean(aurocs):.4f} |"
            for place, rate in enumerate(RATES):
                each = np.array(measured)[:, place]
                low, high = binomial_range(rate, half)
                row += f" {100 * each.mean():.1f} % | {((each >= low) & (each <= high)).sum()} of {SPLITS} |"
            print(row, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or list(WAYS))
