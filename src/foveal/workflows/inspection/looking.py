"""Verdicts on pictures: good or not, where, and what it should look like."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from foveal.core.contracts import Code, Float32s, Progress, silent
from foveal.core.errors import InputError
from foveal.core.image import Capture, Image
from foveal.core.inspection import DEFECT, GOOD, OTHER, Inspection, NearestGood
from foveal.imaging.appearance import measure_appearance, quality_flags
from foveal.imaging.to_image import to_image
from foveal.memory.patch_codes import make_patch_code, to_patches
from foveal.recognizers.aligned import Aligned
from foveal.recognizers.defect_kinds import make_kind_code
from foveal.recognizers.regions import find_regions
from foveal.store.workspace import Workspace
from foveal.workflows.ahead import map_ahead
from foveal.workflows.inspection.learned import LearnedInspector
from foveal.workflows.seeing import count_threads, patch_eye

NEAR_SHARE = 0.7  # of the strongest distance: shown where a picture is not good, but no patch is beyond the limit
AROUND = 2  # positions to each side in which an aligned part's good patch is looked for


def read_part_picture(learned: LearnedInspector, thing: Any) -> tuple[Image, Capture]:
    """Decode a path, bytes, a Pillow image or an array, no larger than the backbone needs."""
    return to_image(thing, at_least=patch_eye(learned.backbone).side)


def inspect_thing(learned: LearnedInspector, thing: Any, *, nearest: bool = False) -> Inspection:
    """Judge a path, bytes, a Pillow image or an array.

    Raises DecodeError when it is not a readable image.
    """
    image, capture = read_part_picture(learned, thing)
    return inspect_image(learned, image, capture, nearest=nearest)


def inspect_many(
    learned: LearnedInspector, things: Iterable[Any], *, progress: Progress = silent, total: int = 0
) -> Iterator[Inspection | InputError]:
    """Judge many, in order; what cannot be read yields its error instead.

    Every core decodes and runs the network; the distances, which use all cores at once, are measured
    picture after picture.
    """

    def see(thing: Any) -> _Seen | InputError:
        try:
            return _see(learned, *read_part_picture(learned, thing))
        except InputError as problem:
            return problem

    for done, seen in enumerate(map_ahead(see, things, count_threads()), start=1):
        yield seen if isinstance(seen, InputError) else _judge(learned, seen)
        progress("inspecting", done, total)


class _Seen(NamedTuple):
    code: Code
    size: tuple[int, int]
    origin: str
    flags: tuple[str, ...]


def _see(learned: LearnedInspector, image: Image, capture: Capture) -> _Seen:
    flags = quality_flags(measure_appearance(image), capture.width, capture.height)
    code = make_patch_code(learned.backbone.patches(image))
    return _Seen(code, (capture.width, capture.height), image.origin, flags)


def _judge(learned: LearnedInspector, seen: _Seen, *, nearest: bool = False) -> Inspection:
    return inspect_code(learned, seen.code, seen.size, origin=seen.origin, flags=seen.flags, nearest=nearest)


def inspect_image(learned: LearnedInspector, image: Image, capture: Capture, *, nearest: bool = False) -> Inspection:
    """Judge a decoded image; `nearest` also looks up what its worst patch should look like."""
    return _judge(learned, _see(learned, image, capture), nearest=nearest)


def inspect_code(
    learned: LearnedInspector,
    code: Code,
    size: tuple[int, int],
    *,
    origin: str,
    flags: tuple[str, ...] = (),
    nearest: bool = False,
) -> Inspection:
    """Judge a stored code of a picture of this width and height."""
    inspector = learned.inspector
    verdict = inspector.inspect(code)
    anomaly_map = verdict.distances / np.float32(inspector.limit)
    limit = 1.0
    if not verdict.is_good and anomaly_map.max() < 1.0:
        limit = NEAR_SHARE * float(anomaly_map.max())
    kind, probability = (
        ("", 0.0) if verdict.is_good or verdict.is_other else name_kind(learned, code, verdict.distances)
    )
    regions = () if verdict.is_good else find_regions(anomaly_map, *size, limit=limit)
    return Inspection(
        origin=origin,
        verdict=GOOD if verdict.is_good else OTHER if verdict.is_other else DEFECT,
        score=verdict.score,
        threshold=inspector.threshold,
        p_value=verdict.p_value,
        false_alarms=inspector.promised,
        width=size[0],
        height=size[1],
        anomaly_map=anomaly_map,
        regions=regions,
        flags=flags,
        nearest=find_nearest_good(learned, code, regions[0].peak) if nearest and regions else None,
        kind=kind,
        kind_probability=probability,
    )


def name_kind(learned: LearnedInspector, code: Code, distances: Float32s) -> tuple[str, float]:
    """Kind of a defect and its probability; "" where kinds were not taught or none is likely enough."""
    if learned.kinds is None:
        return "", 0.0
    made = make_kind_code(to_patches(code, learned.inspector.shape[2]), distances)
    decision = learned.kinds.decide(made)
    if not decision.answer:
        return "", 0.0
    return learned.kinds.classes[decision.answer[0]], float(decision.probabilities[decision.answer[0]])


def find_nearest_good(learned: LearnedInspector, code: Code, peak: tuple[int, int]) -> NearestGood | None:
    """Where taught pictures show most nearly what the patch at `peak` should be; None without a workspace.

    For aligned parts, that is near the same position; otherwise anywhere.
    """
    if learned.folder is None or not learned.ids:
        return None
    rows, columns, dim = learned.inspector.shape
    allowed = np.zeros((rows, columns), bool)
    if isinstance(learned.inspector.patches, Aligned):
        allowed[max(0, peak[0] - AROUND) : peak[0] + AROUND + 1, max(0, peak[1] - AROUND) : peak[1] + AROUND + 1] = True
    else:
        allowed[:] = True
    places = np.flatnonzero(allowed)
    project = learned.inspector.patches.project
    wanted = to_patches(code, dim)[peak[0] * columns + peak[1]] @ project
    best = (np.inf, 0, 0)
    with Workspace.open(learned.folder) as workspace:
        for ids, codes in workspace.code_blocks(learned.ids, rows=16):
            vectors = to_patches(codes, dim)[:, places] @ project
            squares = np.square(vectors - wanted).sum(axis=2)
            picture, place = np.unravel_index(int(squares.argmin()), squares.shape)
            best = min(best, (float(squares[picture, place]), int(ids[picture]), int(places[place])))
    names = dict(zip(learned.ids, learned.names, strict=True))
    return NearestGood(best[1], names[best[1]], *divmod(best[2], columns))
