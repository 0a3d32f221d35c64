"""How to inspect, chosen by made-up defects on good pictures: never by labelled tests."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from foveal.backbones.patch_backbone import DEFAULT_SIZE, PatchOptions, open_patch_backbone
from foveal.core.contracts import Code, PatchBackbone, Progress
from foveal.core.errors import InputError
from foveal.core.example import Example
from foveal.imaging.decode import read
from foveal.imaging.synthetic_defects import make_defect
from foveal.recognizers.good_pictures import GoodPictures
from foveal.recognizers.inspector import ALIGNED, ANYWHERE, LEAST, WAYS, measure_placements
from foveal.recognizers.statistics import Floats
from foveal.workflows.seeing import Eye, count_threads, patch_eye

SAMPLE = 160  # good pictures tried, spread evenly over all
DEFECTS = 180  # made-up defects, in turn on the sample
LARGER = 384  # pixels a side, tried where the pictures have as many
SURE = 2.0  # standard errors by which another way must be better to be taken


def choose_way(
    name: str, options: PatchOptions, good: Sequence[Example], progress: Progress, *, way: str | None, size: int | None
) -> tuple[PatchOptions, str]:
    """The size and the way that rank made-up defects highest above left-out good pictures.

    The default, parts that lie alike at 256 pixels, is kept unless another is surely better. What is
    given is not chosen. Raises InputError where too few pictures can be read.
    """
    sizes = (size,) if size else (DEFAULT_SIZE, LARGER)
    ways = (way,) if way else WAYS
    if len(sizes) * len(ways) == 1:
        return replace(options, size=sizes[0]), ways[0]
    sample = [good[i] for i in np.unique(np.linspace(0, len(good) - 1, min(SAMPLE, len(good))).astype(int))]
    found: dict[tuple[int, str], Floats] = {}
    for side in sizes:
        backbone = open_patch_backbone(name, replace(options, size=side))
        seen = _see(sample, backbone, side if side > sizes[0] else 0, progress)
        if seen is not None:
            found |= {(side, one): measure_placements(*seen, one) for one in ways}
    best = (sizes[0], ALIGNED if ALIGNED in ways else ANYWHERE)
    for candidate in sorted(found, key=lambda key: -found[key].mean()):
        if _is_surely_better(found[candidate], found[best]):
            best = candidate
            break
    return replace(options, size=best[0]), best[1]


def _is_surely_better(one: Floats, other: Floats) -> bool:
    apart = one - other
    return len(apart) > 1 and bool(apart.mean() > SURE * apart.std(ddof=1) / np.sqrt(len(apart)))


def _see(
    sample: Sequence[Example], backbone: PatchBackbone, at_least: int, progress: Progress
) -> tuple[GoodPictures, GoodPictures] | None:
    """Codes of the sample, and with defects made on it; None where most pictures have too few pixels."""
    eye = patch_eye(backbone)
    with ThreadPoolExecutor(count_threads()) as pool:
        each = -(-DEFECTS // len(sample))
        results = []
        for done, one in enumerate(pool.map(lambda i: _see_one(sample[i], i, each, eye), range(len(sample))), start=1):
            results.append(one)
            progress("choosing how to inspect", done, len(sample))
    kept = [one for one in results if one is not None]
    if len(kept) < LEAST:
        raise InputError(f"Inspecting needs at least {LEAST} good pictures, got {len(kept)} that can be read.")
    if np.median([side for _, _, side in kept]) < at_least:
        return None
    codes = np.array([code for code, _, _ in kept])
    groups = np.arange(len(kept))
    made = np.array([code for _, defects, _ in kept for code in defects])
    probes = GoodPictures(made, np.repeat(groups, each), backbone.shape)
    return GoodPictures(codes, groups, backbone.shape), probes


def _see_one(example: Example, number: int, each: int, eye: Eye) -> tuple[Code, list[Code], int] | None:
    try:
        image, capture = read(example.path, at_least=eye.side)
        made = [eye.embed(make_defect(image, number * each + k)) for k in range(each)]
        return eye.embed(image), made, min(capture.width, capture.height)
    except InputError:
        return None
