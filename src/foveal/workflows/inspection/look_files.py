"""Inspecting files and folders, with evidence sheets drawn beside."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from foveal.core.contracts import Progress, silent
from foveal.core.errors import InputError, StoreError
from foveal.core.inspection import Inspection, is_inspector
from foveal.imaging.inspection_sheet import draw_inspection
from foveal.recognizers.inspector import check_rate
from foveal.recognizers.regions import resize_map
from foveal.store.database import DATABASE
from foveal.store.recognizer_file import read_recognizer_file
from foveal.store.workspace import Workspace
from foveal.workflows.inspection.keeping import open_part, read_part
from foveal.workflows.inspection.learned import LearnedInspector
from foveal.workflows.inspection.looking import inspect_image, inspect_many, read_part_picture
from foveal.workflows.look_files import expand_pictures, write_sheet

LIMIT_GREY = 10_000  # of 65,535: the limit of good pictures in a written map


@dataclass(frozen=True, eq=False)
class Inspected:
    """Verdicts with their evidence sheets, and files that could not be read, with the reason."""

    answers: tuple[tuple[Inspection, Path | None], ...]
    unreadable: tuple[tuple[str, str], ...]


def holds_inspector(path: str | Path) -> bool:
    """Whether a workspace or file is there and holds an inspector rather than classes."""
    place = Path(path)
    if (place / DATABASE).exists():
        with Workspace.open(place) as workspace:
            return is_inspector(workspace.settings)
    return place.is_file() and is_inspector(read_recognizer_file(place).manifest)


def open_inspector(
    path: str | Path, *, false_alarms: float | None = None, progress: Progress = silent
) -> LearnedInspector:
    """Open a workspace or a .foveal file; `false_alarms` overrides the rate it was made for.

    Raises StoreError, ModelError or IntegrityError as the case may be, InputError for a rate outside (0, 0.5].
    """
    place = Path(path)
    learned = open_part(place, progress) if (place / DATABASE).exists() else read_part(place)
    if false_alarms is None:
        return learned
    check_rate(false_alarms)
    return replace(learned, inspector=replace(learned.inspector, false_alarms=false_alarms))


def inspect_files(
    learned: LearnedInspector,
    pictures: Sequence[str],
    *,
    draw_into: str | Path | None = None,
    maps_into: str | Path | None = None,
    progress: Progress = silent,
) -> Inspected:
    """Judge every picture among files and folders; one that cannot be read is reported.

    `maps_into` is a folder for anomaly maps and masks in the pictures' own pixels.
    """
    paths = [path for given in pictures for path in expand_pictures(Path(given))]
    if draw_into is None:
        found = []
        for path, answer in zip(paths, inspect_many(learned, paths, progress=progress, total=len(paths)), strict=True):
            found.append(answer)
            if maps_into is not None and isinstance(answer, Inspection):
                write_maps(answer, path, Path(maps_into))
        return Inspected(
            tuple((answer, None) for answer in found if isinstance(answer, Inspection)),
            tuple((str(p), str(a)) for p, a in zip(paths, found, strict=True) if isinstance(a, InputError)),
        )
    answers: list[tuple[Inspection, Path | None]] = []
    unreadable = []
    for done, path in enumerate(paths, start=1):
        try:
            answers.append(inspect_and_draw(learned, path, Path(draw_into)))
            if maps_into is not None:
                write_maps(answers[-1][0], path, Path(maps_into))
        except InputError as problem:
            unreadable.append((str(path), str(problem)))
        progress("drawing", done, len(paths))
    return Inspected(tuple(answers), tuple(unreadable))


def inspect_and_draw(learned: LearnedInspector, path: Path, into: Path) -> tuple[Inspection, Path]:
    """Judge one file and draw its evidence sheet into a folder, never over an existing sheet."""
    image, capture = read_part_picture(learned, path)
    inspection = inspect_image(learned, image, capture, nearest=True)
    return inspection, write_sheet(draw_inspection(image, inspection, read_good(learned, inspection)), path, into)


def write_maps(inspection: Inspection, path: Path, into: Path) -> None:
    """Write NAME.map.png, 16 bits with LIMIT_GREY at the limit, and NAME.mask.png, 255 in regions, as large as the picture.

    Raises StoreError when they cannot be written.
    """
    size = inspection.height, inspection.width
    grey = np.rint(LIMIT_GREY * resize_map(inspection.anomaly_map, *size)).clip(0, 65535).astype(np.uint16)
    mask = np.zeros(inspection.regions[0].mask.shape if inspection.regions else (1, 1), bool)
    for region in inspection.regions:
        mask |= region.mask
    inside = Pillow.fromarray((255 * mask).astype(np.uint8)).resize(size[::-1], Pillow.Resampling.NEAREST)
    try:
        into.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(grey).save(into / f"{path.stem}.map.png")
        inside.save(into / f"{path.stem}.mask.png")
    except OSError as problem:
        raise StoreError(f"Cannot write to {into}: {problem.strerror}. Choose another folder with --maps.") from None


def read_good(learned: LearnedInspector, inspection: Inspection) -> bytes | None:
    """Thumbnail of the good picture that an inspection names, None where there is none."""
    if inspection.nearest is None or learned.folder is None:
        return None
    with Workspace.open(learned.folder) as workspace:
        return workspace.thumbnail(inspection.nearest.example_id) or None
