"""One page of evidence for one inspection: verdict, regions, anomaly map, and what it should look like."""

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from foveal.core.image import Image
from foveal.core.inspection import VERDICTS, Inspection, Region
from foveal.core.prediction import FLAGS
from foveal.imaging.depth import to_pixels
from foveal.imaging.layout import (
    ALERT,
    GAP,
    INK,
    MARGIN,
    PANEL,
    SMALL,
    SOFT,
    TEXT,
    TITLE,
    WIDTH,
    Color,
    canvas,
    captioned,
    draw_footer,
    open_thumbnail,
    short_name,
    shrink,
    stack,
)
from foveal.imaging.overlay import WARM
from foveal.imaging.typography import elide, wrap, write

PATCHES = 5  # positions a side that a patch is shown with around it
NAMED = 4  # regions told in words
FINE = (0, 110, 80)
FAINTEST, STRONGEST = 0.5, 1.5  # of the limit: where the map's color begins and is full


def draw_inspection(image: Image, inspection: Inspection, good: bytes | None = None) -> Image:
    """Draw one sheet, 1200 pixels wide; `good` is the thumbnail of the picture `inspection.nearest` names."""
    columns = [
        captioned("The picture", _draw_boxes(image, inspection)),
        captioned("Where it differs from good ones", Pillow.fromarray(draw_anomaly_map(image, inspection).pixels)),
    ]
    if inspection.nearest is not None and inspection.regions:
        columns.append(_draw_patches(image, inspection, good))
    picture, _ = canvas(WIDTH - 2 * MARGIN, max(column.height for column in columns))
    for index, column in enumerate(columns):
        picture.paste(column, (index * (PANEL + GAP), 0))
    parts = [_draw_title(inspection), picture, draw_footer(inspection.origin)]
    return Image(to_pixels(stack(parts)), inspection.origin)


def draw_anomaly_map(image: Image, inspection: Inspection, side: int = PANEL) -> Image:
    """Warm where the picture differs, over a grey copy at most `side` pixels wide and high; limit outlined."""
    shown = shrink(image, side)
    grey = 64 + 0.7 * np.asarray(shown.convert("L"), np.float32)[..., None]
    enlarged = np.asarray(Pillow.fromarray(inspection.anomaly_map).resize(shown.size, Pillow.Resampling.BICUBIC))
    alpha = 0.8 * ((enlarged - FAINTEST) / (STRONGEST - FAINTEST)).clip(0, 1)[..., None]
    mixed = Pillow.fromarray(np.rint(grey + alpha * (np.array(WARM, np.float32) - grey)).clip(0, 255).astype(np.uint8))
    return Image(np.asarray(mixed), image.origin)


def say_verdict(inspection: Inspection) -> str:
    """Good, or not and what kind of defect where that is known."""
    kind = f": {inspection.kind} ({inspection.kind_probability:.0%})" if inspection.kind else ""
    return VERDICTS[inspection.verdict] + kind


def describe_verdict(inspection: Inspection) -> str:
    """How sure, in one sentence.

    The p-value is the share of good pictures that would score as high.
    """
    share = f"{100 * inspection.p_value:.2g} %"
    limit = f"{100 * inspection.false_alarms:.2g} %"
    return f"At most {share} of good pictures score as high; at {limit} or less a picture is called not good."


def _draw_title(inspection: Inspection) -> Pillow.Image:
    width = WIDTH - 2 * MARGIN
    verdict = say_verdict(inspection)
    lines: list[tuple[str, Color]] = [(describe_verdict(inspection), SOFT)]
    lines += [(describe_region(region), SOFT) for region in inspection.regions[:NAMED]]
    if len(inspection.regions) > NAMED:
        lines.append((f"and {len(inspection.regions) - NAMED} more regions", SOFT))
    if inspection.flags:
        lines.append((f"Take care: {'; '.join(FLAGS.get(flag, flag) for flag in inspection.flags)}.", ALERT))
    rows = [(part, color) for line, color in lines for part in wrap(line, TEXT, width, 2)]
    step, top = round(1.5 * TEXT), round(1.25 * TITLE) + 12
    picture, pen = canvas(width, top + step * len(rows))
    title = verdict[0].upper() + verdict[1:]
    write(pen, (0, 0), elide(title, TITLE, width), TITLE, FINE if inspection.is_good else ALERT)
    for row, (line, color) in enumerate(rows):
        write(pen, (0, top + row * step), line, TEXT, color)
    return picture


def describe_region(region: Region) -> str:
    """Place, size and strength of a region in one line.

    >>> describe_region(Region((10, 20, 40, 60), 900, 1.5, (0, 0), np.ones((8, 8), bool)))
    '30 x 40 pixels at 10, 20, area 900: 1.5 times the limit of good pictures'
    """
    left, top, right, bottom = region.box
    return (
        f"{right - left} x {bottom - top} pixels at {left}, {top}, area {region.area}: "
        f"{region.strength:.2g} times the limit of good pictures"
    )


def _draw_boxes(image: Image, inspection: Inspection) -> Pillow.Image:
    shown = shrink(image, PANEL)
    pen = ImageDraw.Draw(shown)
    wide, high = shown.width / inspection.width, shown.height / inspection.height
    for region in inspection.regions:
        left, top, right, bottom = region.box
        pen.rectangle((left * wide, top * high, right * wide - 1, bottom * high - 1), outline=WARM, width=3)
    return shown


def _draw_patches(image: Image, inspection: Inspection, good: bytes | None) -> Pillow.Image:
    """The worst patch, and below it the good one nearest to it."""
    nearest, (row, column) = inspection.nearest, inspection.regions[0].peak
    side = (PANEL - GAP) // 2
    worst = _crop(Pillow.fromarray(image.pixels), inspection, row, column, side)
    pair, pen = canvas(PANEL, side + round(3.4 * SMALL))
    pair.paste(worst, (0, 0))
    write(pen, (0, side + 8), "here", SMALL, INK)
    x = side + GAP
    if nearest is not None and (opened := open_thumbnail(good)) is not None:
        pair.paste(_crop(opened, inspection, nearest.row, nearest.column, side), (x, 0))
    else:
        pen.rectangle((x, 0, x + side - 1, side - 1), (244, 245, 247))
        write(pen, (x + 12, side / 2 - SMALL), "no copy kept", SMALL, SOFT)
    write(pen, (x, side + 8), "a good one", SMALL, INK)
    if nearest is not None:
        name = elide(short_name(nearest.name), SMALL, side, keep_end=True)
        write(pen, (x, side + 8 + round(1.35 * SMALL)), name, SMALL, SOFT)
    return captioned("What it should look like", pair)


def _crop(picture: Pillow.Image, inspection: Inspection, row: int, column: int, side: int) -> Pillow.Image:
    """A square of the picture around a position of the map."""
    rows, columns = inspection.anomaly_map.shape
    wide, high = picture.width * PATCHES / columns, picture.height * PATCHES / rows
    reach = max(wide, high) / 2
    x, y = picture.width * (column + 0.5) / columns, picture.height * (row + 0.5) / rows
    x, y = (min(max(at, reach), max(size - reach, reach)) for at, size in ((x, picture.width), (y, picture.height)))
    box = (x - reach, y - reach, min(x + reach, picture.width), min(y + reach, picture.height))
    return picture.resize((side, side), Pillow.Resampling.BICUBIC, box=box)
