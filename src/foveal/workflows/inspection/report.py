"""How well an inspector inspects, as one self-contained page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from foveal.core.errors import StoreError
from foveal.core.image import Image
from foveal.core.inspection import GOOD
from foveal.imaging.inspection_sheet import draw_anomaly_map
from foveal.imaging.thumbnail import make_thumbnail
from foveal.workflows.inspection.evaluating import EvaluatedPart, Judged
from foveal.workflows.report.page import fill_template
from foveal.workflows.report.plots import plot_scores

MOST = 24  # pictures of a gallery
SIDE = 200  # pixels of a picture in it


@dataclass(frozen=True, eq=False)
class Pictured:
    """A picture beside its anomaly map, both JPEG."""

    name: str
    kind: str
    p_value: float
    score: float
    jpeg: bytes
    map: bytes


def write_part_report(evaluated: EvaluatedPart, path: str | Path) -> Path:
    """Write the page; it opens without a network. Raises StoreError when it cannot be written."""
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(render_part_report(evaluated), "utf-8")
    except OSError as problem:
        raise StoreError(f"Cannot write {target}: {problem.strerror}. Choose another place.") from None
    return target


def render_part_report(evaluated: EvaluatedPart) -> str:
    """The page as text."""
    inspector = evaluated.learned.inspector
    good = [one.inspection.score for one in evaluated.judged if one.kind == GOOD]
    bad = [one.inspection.score for one in evaluated.judged if one.kind != GOOD]
    return fill_template(
        "part.html.j2",
        name=evaluated.learned.name or "Inspector",
        made=f"Made {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.",
        n_taught=inspector.n_good,
        headline=_say_headline(evaluated, len(good), len(bad)),
        how=f"Measured on {len(good)} good and {len(bad)} defective pictures that were not taught; "
        f"false alarms promised: {inspector.promised:.2%}.",
        numbers=_numbers(evaluated),
        scores=plot_scores(good, bad, inspector.threshold),
        rates=evaluated.rates,
        kinds=evaluated.kinds,
        misses=_show(evaluated.misses[:MOST]),
        n_misses=len(evaluated.misses),
        alarms=_show(evaluated.false_alarms[:MOST]),
        n_alarms=len(evaluated.false_alarms),
    )


def _say_headline(evaluated: EvaluatedPart, n_good: int, n_bad: int) -> str:
    parts = []
    if n_bad:
        parts.append(f"of 100 defective pictures it finds {100 * (n_bad - len(evaluated.misses)) / n_bad:.0f}")
    if n_good:
        parts.append(f"of 100 good ones {100 * len(evaluated.false_alarms) / n_good:.1f} raise a false alarm")
    told = "; ".join(parts)
    return f"{told[0].upper()}{told[1:]}."


def _numbers(evaluated: EvaluatedPart) -> list[tuple[str, str, str]]:
    """Figure, what it is, and more about it."""
    where = f"where, on {evaluated.n_masks} masks"
    every = [
        (evaluated.auroc, "image AUROC", "chance that a defective picture scores above a good one"),
        (evaluated.auprc, "image AUPRC", "average precision"),
        (evaluated.pixel_auroc, "pixel AUROC", where),
        (evaluated.aupro, "AUPRO", f"{where}, every defect counts the same"),
    ]
    return [(f"{value:.3f}", what, more) for value, what, more in every if value is not None]


def _show(judged: Sequence[Judged]) -> list[Pictured]:
    shown = []
    for one in judged:
        with Pillow.open(BytesIO(one.thumbnail)) as opened:
            image = Image(np.asarray(opened.convert("RGB")), one.name)
        drawn = make_thumbnail(draw_anomaly_map(image, one.inspection, SIDE), SIDE)
        found = one.inspection
        shown.append(Pictured(one.name, one.kind, found.p_value, found.score, make_thumbnail(image, SIDE), drawn))
    return shown
