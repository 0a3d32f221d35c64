"""Whether today's pictures still look like the good ones taught, the reason drawn, and accepting the new normal."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from foveal.audits.drift import Drift, find_drift
from foveal.core.contracts import Progress, silent
from foveal.core.errors import InputError
from foveal.core.image import Image
from foveal.imaging.drift_sheet import Measure, draw_drift
from foveal.imaging.shift import Shift, measure_shift
from foveal.store.workspace import Workspace
from foveal.workflows.inspection.keeping import open_part
from foveal.workflows.inspection.learned import LearnedInspector, good_looks, good_rows
from foveal.workflows.inspection.looking import inspect_code
from foveal.workflows.inspection.teaching import teach_good
from foveal.workflows.seeing import Seen, patch_eye, see_all
from foveal.workflows.sources.listing import list_examples

SIDE = 192  # pixels a side of the mean pictures
MOST = 200  # taught pictures in the mean


@dataclass(frozen=True, eq=False)
class Drifted:
    """What has changed, how the camera moved, and the sheet that shows it."""

    drift: Drift
    shift: Shift
    sheet: Image
    unreadable: tuple[tuple[str, str], ...]
    accepted: LearnedInspector | None


def measure_drift(
    folder: str | Path, source: str | Path, *, accept: bool = False, progress: Progress = silent
) -> Drifted:
    """Compare good pictures of today with those taught; with `accept` teach them as good, too.

    Raises InputError where none can be read.
    """
    learned = open_part(Path(folder), progress)
    examples = list_examples(source).examples
    seen, unreadable = [], []
    for one in see_all(examples, patch_eye(learned.backbone), n_examples=len(examples), progress=progress):
        if isinstance(one, Seen):
            seen.append(one)
        else:
            unreadable.append((one.example.name, one.reason))
    if not seen:
        raise InputError(f"None of the {len(examples)} pictures of {source} can be read.")
    found = [inspect_code(learned, s.code, (s.capture.width, s.capture.height), origin=s.example.name) for s in seen]
    with Workspace.open(folder) as workspace:
        good = {row.id for row in good_rows(workspace.rows())}
        looks = good_looks(workspace)
        taught = _mean([workspace.thumbnail(number) for number in sorted(good)[:MOST]])
    now = _mean([s.thumbnail for s in seen[:MOST]])
    drift = find_drift(looks, [s.appearance for s in seen], [one.p_value for one in found])
    shift = measure_shift(taught, now)
    accepted = teach_good(source, folder, progress=progress).learned if accept else None
    measures = [Measure(r.measure, r.before, r.now, r.said) for r in drift.reasons]
    title = "The pictures have changed" if drift.is_certain else "The pictures are as they were"
    told = f"{drift} {str(shift).capitalize()}".strip()
    return Drifted(drift, shift, draw_drift(taught, now, title, told, measures), tuple(unreadable), accepted)


def _mean(thumbnails: list[bytes]) -> Image:
    """The mean of pictures, each squashed to a square."""
    total = np.zeros((SIDE, SIDE, 3))
    for thumbnail in thumbnails:
        total += np.asarray(_open(thumbnail).resize((SIDE, SIDE), Pillow.Resampling.BICUBIC))
    return Image(np.rint(total / max(1, len(thumbnails))).astype(np.uint8), "mean")


def _open(thumbnail: bytes) -> Pillow.Image:
    with Pillow.open(BytesIO(thumbnail), formats=("JPEG",)) as opened:
        return opened.convert("RGB")
