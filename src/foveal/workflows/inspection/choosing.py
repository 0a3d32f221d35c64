"""How to inspect, chosen by made-up defects on good pictures: never by labelled tests."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from foveal.backbones.patch_backbone import DEFAULT_SIZE, PatchOptions, open_patch_backbone
from foveal.core.contracts import Code, PatchBackbone, Progress
from foveal.core.errors import InputError
from foveal.core.example import Example
from foveal.imaging.decode import read
from foveal.imaging.synthetic_defects import LENGTHS, make_defect
from foveal.recognizers.good_pictures import GoodPictures
from foveal.recognizers.inspector import ALIGNED, ANYWHERE, LEAST, WAYS, measure_placements
from foveal.recognizers.statistics import Floats
from foveal.workflows.ahead import map_ahead
from foveal.workflows.seeing import Eye, count_threads, patch_eye

SAMPLE, DEFECTS = 160, 320  # good pictures tried for the way, spread evenly, and defects made on them in turn
FINE_SAMPLE, FINE_DEFECTS = 32, 128  # the same for the size
FINE_LENGTHS = (0.01, 0.05)  # of the short side: where more pixels help, it is with small defects
LARGER = (384, 512)  # pixels a side, tried where the pictures have as many
SURE = 2.0  # standard errors by which another way must be better to be taken


def choose_way(
    name: str, options: PatchOptions, good: Sequence[Example], progress: Progress, *, way: str | None, size: int | None
) -> tuple[PatchOptions, str]:
    """The way, and with it the size, that rank made-up defects highest above left-out good pictures.

    The default, parts that lie alike at 256 pixels, is kept unless another is surely better. What is
    given is not chosen. Raises InputError where too few pictures can be read.
    """
    first = replace(options, size=size or DEFAULT_SIZE)
    if way is None:
        backbone = open_patch_backbone(name, first)
        seen = _see(_spread(good, SAMPLE), [patch_eye(backbone)], DEFECTS, LENGTHS, progress)
        placed = {one: measure_placements(*_gather(seen, 0, backbone), one) for one in WAYS}
        way = ANYWHERE if _is_surely_better(placed[ANYWHERE], placed[ALIGNED]) else ALIGNED
    if size is not None:
        return first, way
    return replace(first, size=_choose_size(name, first, _spread(good, FINE_SAMPLE), way, progress)), way


def _choose_size(name: str, options: PatchOptions, sample: Sequence[Example], way: str, progress: Progress) -> int:
    sides = [side for side in LARGER if side <= _measure_side(sample)]
    if not sides:
        return options.size
    backbones = [open_patch_backbone(name, replace(options, size=side)) for side in (options.size, *sides)]
    seen = _see(sample, [patch_eye(backbone) for backbone in backbones], FINE_DEFECTS, FINE_LENGTHS, progress)
    best = options.size
    placed = {best: measure_placements(*_gather(seen, 0, backbones[0]), way)}
    for place, side in enumerate(sides, start=1):
        placed[side] = measure_placements(*_gather(seen, place, backbones[place]), way)
        if _is_surely_better(placed[side], placed[best]):
            best = side
    return best


def _measure_side(sample: Sequence[Example]) -> float:
    """Pixels on the short side of the middle picture, 0 where none can be read."""
    sides = []
    for example in sample:
        try:
            capture = read(example.path, at_least=1)[1]
            sides.append(min(capture.width, capture.height))
        except InputError:
            continue
    return float(np.median(sides)) if sides else 0.0


class _Seen(NamedTuple):
    """Codes of a good picture, and of it with each of its defects, as every eye sees them."""

    good: list[Code]
    defects: list[list[Code]]


def _spread(good: Sequence[Example], most: int) -> list[Example]:
    return [good[i] for i in np.unique(np.linspace(0, len(good) - 1, min(most, len(good))).astype(int))]


def _see(
    sample: Sequence[Example], eyes: Sequence[Eye], n_defects: int, lengths: tuple[float, float], progress: Progress
) -> list[_Seen]:
    """See the sample, and defects made on it, with every eye; what cannot be read is left out."""
    each = -(-n_defects // len(sample))
    largest = max(eye.side for eye in eyes)

    def see(number: int) -> _Seen | None:
        try:
            image, _ = read(sample[number].path, at_least=largest)
        except InputError:
            return None
        made = [make_defect(image, number * each + k, lengths) for k in range(each)]
        return _Seen([eye.embed(image) for eye in eyes], [[eye.embed(one) for eye in eyes] for one in made])

    kept = []
    for done, one in enumerate(map_ahead(see, range(len(sample)), count_threads()), start=1):
        kept += [] if one is None else [one]
        progress("choosing how to inspect", done, len(sample))
    if len(kept) < LEAST:
        raise InputError(f"Inspecting needs at least {LEAST} good pictures, got {len(kept)} that can be read.")
    return kept


def _gather(seen: Sequence[_Seen], eye: int, backbone: PatchBackbone) -> tuple[GoodPictures, GoodPictures]:
    """Good pictures and probes as one eye saw them."""
    groups = np.arange(len(seen))
    good = GoodPictures(np.array([one.good[eye] for one in seen]), groups, backbone.shape)
    made = np.array([defect[eye] for one in seen for defect in one.defects])
    return good, GoodPictures(made, np.repeat(groups, len(seen[0].defects)), backbone.shape)


def _is_surely_better(one: Floats, other: Floats) -> bool:
    apart = one - other
    return len(apart) > 1 and bool(apart.mean() > SURE * apart.std(ddof=1) / np.sqrt(len(apart)))
