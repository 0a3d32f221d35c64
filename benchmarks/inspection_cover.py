"""What is lost by keeping a cover of the good patches instead of all: python -m benchmarks.inspection_cover [SET...]."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks.sets import inspection_sets
from foveal.backbones.patch_backbone import open_patch_backbone
from foveal.imaging.decode import read
from foveal.memory.patch_codes import make_patch_code, to_patches
from foveal.metrics.ranking import measure_auroc
from foveal.recognizers import anywhere
from foveal.recognizers.anywhere import fit_anywhere
from foveal.recognizers.good_pictures import GoodPictures, score_map

LOOKS = 100  # good and defective pictures each


def main(wanted: list[str]) -> None:
    """Print a Markdown table."""
    backbone = open_patch_backbone("efficientnet-lite0")

    def see(path: str) -> np.ndarray:
        return make_patch_code(backbone.patches(read(path, at_least=384)[0]))

    print("| set | all patches | AUROC | patches kept | AUROC |")
    print("|---|---|---|---|---|")
    kept = anywhere.MEMORY
    for name, (taught, good, bad) in inspection_sets().items():
        if wanted and name not in wanted:
            continue
        shown = [*good[:LOOKS], *bad[:LOOKS]]
        with ThreadPoolExecutor(2) as pool:
            codes = np.stack(list(pool.map(see, taught)))
            looks = [to_patches(code, backbone.shape[2]) for code in pool.map(see, shown)]
        pictures = GoodPictures(codes, np.arange(len(codes)), backbone.shape)
        row = f"| {name} |"
        cover, _, _ = fit_anywhere(pictures)
        every = anywhere.Anywhere(cover.grid, cover.project, cover.mean, _all_patches(pictures, cover))
        for model in (every, cover):
            scores = score_map(np.stack([model.distances(patches) for patches in looks]))
            auroc = measure_auroc(scores, np.arange(len(scores)) >= len(good[:LOOKS]))
            row += f" {len(model.memory):,} | {auroc:.4f} |"
        print(row, flush=True)
    print(f"\nAt most {kept:,} patches are kept.")


def _all_patches(pictures: GoodPictures, cover: anywhere.Anywhere) -> np.ndarray:
    dim = pictures.shape[2]
    return np.concatenate([cover.whiten(to_patches(code, dim)) for code in pictures.codes])


if __name__ == "__main__":
    main(sys.argv[1:])
