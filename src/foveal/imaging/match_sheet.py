"""One page for one search: the query, the hits, and where they match."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from foveal.core.gallery import Found, Hit
from foveal.core.image import Image
from foveal.core.prediction import FLAGS, Heatmap
from foveal.imaging.depth import to_pixels
from foveal.imaging.layout import (
    ALERT,
    FAINT,
    GAP,
    HEAD,
    INK,
    MARGIN,
    SMALL,
    SOFT,
    TEXT,
    TITLE,
    WIDTH,
    Color,
    canvas,
    draw_footer,
    short_name,
    shrink,
    stack,
)
from foveal.imaging.overlay import draw_heatmap
from foveal.imaging.typography import elide, wrap, write

INSIDE = WIDTH - 2 * MARGIN
PICTURE = 250  # pixels a side
STRENGTH = 0.6  # of the colors: the pictures are to be compared through them
TOLD = 4  # columns of an item named


@dataclass(frozen=True, eq=False)
class Explained:
    """A hit and the part of its picture that was compared, None where it is gone."""

    hit: Hit
    seen: Image | None


def draw_found(image: Image | None, seen: Image | None, found: Found, explained: Sequence[Explained]) -> Image:
    """Draw a sheet, 1200 pixels wide. `image` is the query as it was cropped, `seen` the part that was compared."""
    parts = [_draw_title(image, found)]
    parts += [_draw_row(place, seen, one, found) for place, one in enumerate(explained, start=1)]
    if any(one.hit.evidence is not None for one in explained):
        parts.append(_note("Warm: what makes the two alike. Cool: what speaks against it."))
    parts.append(draw_footer(found.origin))
    return Image(to_pixels(stack(parts)), found.origin)


def say_found(found: Found) -> str:
    """The answer in a few words."""
    if not found.hits:
        return "Nothing similar here" if found.others else "Nothing found"
    best = found.hits[0]
    return best.item if best.probability is None else f"{best.item}, {say_share(best.probability)} probable"


def say_share(share: float) -> str:
    """A share in percent without a false 0 % or 100 %.

    >>> say_share(0.004), say_share(0.5), say_share(0.999)
    ('under 1 %', '50 %', 'over 99 %')
    """
    return "under 1 %" if share < 0.01 else "over 99 %" if share > 0.99 else f"{100 * share:.0f} %"


def _draw_title(image: Image | None, found: Found) -> Pillow.Image:
    shown = None if image is None else shrink(image, PICTURE)
    x = 0 if shown is None else PICTURE + GAP
    room = INSIDE - x
    lines: list[tuple[str, int, Color]] = []
    if found.hits:
        rest = len(found.hits) - 1
        lines.append((f"The best of {len(found.hits)} hits" if rest else "The only hit", TEXT, SOFT))
    if found.reason:
        reason = found.reason[0].upper() + found.reason[1:] + "."
        lines += [(line, TEXT, SOFT if found.hits else ALERT) for line in wrap(reason, TEXT, room, 4)]
    if found.flags:
        lines.append((f"Take care: {'; '.join(FLAGS.get(flag, flag) for flag in found.flags)}.", TEXT, ALERT))
    step, top = round(1.5 * TEXT), round(1.25 * TITLE) + 12
    height = max(top + step * len(lines), 0 if shown is None else shown.height)
    picture, pen = canvas(INSIDE, height)
    if shown is not None:
        picture.paste(shown, (0, 0))
    write(pen, (x, 0), elide(say_found(found), TITLE, room), TITLE, INK if found.hits else ALERT)
    for row, (line, size, color) in enumerate(lines):
        write(pen, (x, top + row * step), line, size, color)
    return picture


def _draw_row(place: int, seen: Image | None, explained: Explained, found: Found) -> Pillow.Image:
    """The hit's picture, what is known of it, and the two pictures with what matches."""
    hit, evidence = explained.hit, explained.hit.evidence
    pictures: list[Pillow.Image] = []
    if evidence is not None and seen is not None and explained.seen is not None:
        pictures += [_overlay(seen, evidence.on_query), _overlay(explained.seen, evidence.on_hit)]
    first = _blank() if explained.seen is None else shrink(explained.seen, PICTURE)
    height = max(picture.height for picture in (first, *pictures)) + GAP // 2
    height = max(height, round(1.6 * HEAD) + (TOLD + 3) * round(1.4 * SMALL) + GAP // 2)
    picture, pen = canvas(INSIDE, height)
    pen.line((0, 0, INSIDE, 0), FAINT, 2)
    top = GAP // 2
    picture.paste(first, (0, top))
    x = PICTURE + GAP // 2
    text = INSIDE - 3 * (PICTURE + GAP // 2) if pictures else INSIDE - x
    cut = hit not in found.hits
    write(pen, (x, top), elide(f"{place}. {hit.item}", HEAD, text - 12), HEAD, SOFT if cut else INK)
    y = top + round(1.6 * HEAD)
    for line, color in _describe(hit, cut=cut):
        write(pen, (x, y), elide(line, SMALL, text - 12), SMALL, color)
        y += round(1.4 * SMALL)
    for number, one in enumerate(pictures):
        picture.paste(one, (x + text + number * (PICTURE + GAP // 2), top))
    return picture


def _describe(hit: Hit, *, cut: bool) -> list[tuple[str, Color]]:
    sure = "" if hit.probability is None else f", the same item with {say_share(hit.probability)}"
    lines = [(f"similarity {hit.similarity:.2f}{sure}", ALERT if cut else INK)]
    lines += [(f"{name}: {_plain(value)}", SOFT) for name, value in list(hit.columns.items())[:TOLD]]
    return [*lines, (short_name(hit.name), SOFT)]


def _plain(value: object) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _overlay(seen: Image, contributions: npt.NDArray[np.float64]) -> Pillow.Image:
    shown = Image(to_pixels(shrink(seen, PICTURE)), seen.origin)
    return Pillow.fromarray(draw_heatmap(shown, Heatmap("", contributions, 0.0), strength=STRENGTH).pixels)


def _blank() -> Pillow.Image:
    picture, pen = canvas(PICTURE, PICTURE)
    pen.rectangle((0, 0, PICTURE - 1, PICTURE - 1), (244, 245, 247))
    write(pen, (20, PICTURE / 2), "no copy kept", SMALL, SOFT)
    return picture


def _note(text: str) -> Pillow.Image:
    picture, pen = canvas(INSIDE, round(1.5 * SMALL))
    write(pen, (0, 0), text, SMALL, SOFT)
    return picture
