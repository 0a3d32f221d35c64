"""One page that shows how today's pictures differ from those taught."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image as Pillow

from foveal.core.image import Image
from foveal.imaging.depth import to_pixels
from foveal.imaging.layout import (
    ALERT,
    FAINT,
    GAP,
    INK,
    MARGIN,
    PANEL,
    SOFT,
    TEXT,
    TITLE,
    WIDTH,
    canvas,
    captioned,
    stack,
)
from foveal.imaging.overlay import COOL, WARM
from foveal.imaging.typography import wrap, write

FULL = 60.0  # grey levels of difference shown in the strongest color


class Measure(NamedTuple):
    """A measure of the pixels: its median before and now, and what that means."""

    name: str
    before: float
    now: float
    said: str


def draw_drift(before: Image, now: Image, title: str, told: str, measures: Sequence[Measure]) -> Image:
    """Draw the mean picture before and now, their difference, and the measures that changed; 1200 pixels wide."""
    columns = [
        captioned("Taught, on average", _fit(before)),
        captioned("Now, on average", _fit(now)),
        captioned("Brighter now, or darker", _difference(before, now)),
    ]
    row, _ = canvas(WIDTH - 2 * MARGIN, max(column.height for column in columns))
    for index, column in enumerate(columns):
        row.paste(column, (index * (PANEL + GAP), 0))
    lines = wrap(told, TEXT, WIDTH - 2 * MARGIN, 3)
    step, top = round(1.5 * TEXT), round(1.25 * TITLE) + 12
    head, pen = canvas(WIDTH - 2 * MARGIN, top + step * len(lines))
    write(pen, (0, 0), title, TITLE, ALERT if measures else INK)
    for place, line in enumerate(lines):
        write(pen, (0, top + place * step), line, TEXT, SOFT)
    return Image(to_pixels(stack([head, row, *map(_draw_measure, measures)])), now.origin)


def _fit(image: Image) -> Pillow.Image:
    return Pillow.fromarray(image.pixels).resize((PANEL, PANEL), Pillow.Resampling.BICUBIC)


def _difference(before: Image, now: Image) -> Pillow.Image:
    """Warm where it is brighter now, cool where darker."""
    grey = [np.asarray(_fit(image).convert("L"), np.float32) for image in (before, now)]
    apart = ((grey[1] - grey[0]) / FULL).clip(-1, 1)[..., None]
    color = np.where(apart > 0, np.array(WARM, np.float32), np.array(COOL, np.float32))
    mixed = 255 + np.abs(apart) * (color - 255)
    return Pillow.fromarray(np.rint(mixed).astype(np.uint8))


def _draw_measure(measure: Measure) -> Pillow.Image:
    """Two bars: before and now."""
    picture, pen = canvas(WIDTH - 2 * MARGIN, 3 * round(1.5 * TEXT))
    write(pen, (0, 0), f"{measure.name}: {measure.said}", TEXT, INK)
    most = max(abs(measure.before), abs(measure.now), 1e-9)
    for row, (name, value) in enumerate((("taught", measure.before), ("now", measure.now)), start=1):
        y = row * round(1.5 * TEXT)
        write(pen, (0, y), f"{name} {value:.3g}", TEXT, SOFT)
        pen.rectangle((160, y + 6, 160 + 700, y + 18), FAINT)
        pen.rectangle((160, y + 6, 160 + max(1, round(700 * abs(value) / most)), y + 18), COOL if row == 1 else WARM)
    return picture
