"""One page of evidence for one prediction, made to be read and printed."""

from collections.abc import Sequence

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from foveal.core.image import Image
from foveal.core.prediction import FLAGS, Influence, Prediction
from foveal.imaging.depth import to_pixels
from foveal.imaging.layout import (
    ALERT,
    FAINT,
    GAP,
    HEAD,
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
    write_right,
)
from foveal.imaging.overlay import COOL, WARM, draw_heatmap
from foveal.imaging.typography import elide, width_of, wrap, write

Example = tuple[Influence, bytes | None]

ANSWER, OTHER = (0, 92, 138), (176, 183, 192)  # bars inside and outside the "could be" set
HALF = (WIDTH - 2 * MARGIN - GAP) // 2
TOP = 5  # classes shown
NAMED = 3  # plausible classes named in the first line
PER_SIDE = 4  # taught pictures shown for, and against
THUMB_GAP = 14
THUMB = (HALF - (PER_SIDE - 1) * THUMB_GAP) // PER_SIDE


def draw_prediction(
    image: Image, prediction: Prediction, examples: Sequence[Example], seen: Image | None = None
) -> Image:
    """Draw one sheet, 1200 pixels wide, that shows an answer and why.

    `seen` is the part of the image that the network saw, by default all of it.

    `examples` are taught pictures with their thumbnails as bytes of a picture file, None where there is
    none; those with an effect above zero are shown as raising the score, the others as lowering it,
    in the order given.
    """
    parts = [_draw_title(prediction), _draw_panels(image, seen or image, prediction)]
    if examples:
        parts.append(_draw_examples(prediction, examples))
    parts.append(draw_footer(prediction.origin))
    return Image(to_pixels(stack(parts)), prediction.origin)


def _draw_title(prediction: Prediction) -> Pillow.Image:
    """The answer or the abstention, what it rests on, and what is wrong with the picture."""
    width = WIDTH - 2 * MARGIN
    answer = ", ".join(prediction.labels) or "No answer"
    lines = [(line, TEXT, SOFT) for line in wrap(_summary(prediction), TEXT, width, 3)]
    if prediction.reason:
        lines += [(line, TEXT, ALERT) for line in wrap(prediction.reason, TEXT, width, 3)]
    if prediction.flags:
        notes = "; ".join(FLAGS.get(flag, flag) for flag in prediction.flags)
        lines += [(line, TEXT, ALERT) for line in wrap(f"Take care: {notes}.", TEXT, width, 2)]
    step = round(1.5 * TEXT)
    picture, pen = canvas(width, round(1.25 * TITLE) + 12 + step * len(lines))
    write(pen, (0, 0), elide(answer, TITLE, width), TITLE, INK if prediction.labels else ALERT)
    for row, (line, size, color) in enumerate(lines):
        write(pen, (0, round(1.25 * TITLE) + 12 + row * step), line, size, color)
    return picture


def _summary(prediction: Prediction) -> str:
    share = f"{100 * prediction.coverage:.0f} %"
    if len(prediction.could_be) == 1 and prediction.could_be == prediction.labels:
        could_be = f"nothing else is plausible at {share} coverage"
    elif prediction.could_be:
        names = [*prediction.could_be[:NAMED], *([f"{n} more"] if (n := len(prediction.could_be) - NAMED) > 0 else [])]
        could_be = f"at {share} coverage it could be {' or '.join(names)}"
    else:
        could_be = f"no class is plausible at {share} coverage"
    percent = _percent(prediction.probability)
    if prediction.best in prediction.labels:
        return f"{percent[0].upper()}{percent[1:]} probable; {could_be}."
    return f"Most probable is {prediction.best} with {percent}; {could_be}."


def _percent(share: float) -> str:
    """A share without a false 0 % or 100 %."""
    percent = 100 * share
    if 0 < percent < 0.1:
        return "under 0.1 %"
    if 99.9 < percent < 100:
        return "over 99.9 %"
    return f"{percent:.1f} %"


def _draw_panels(image: Image, seen: Image, prediction: Prediction) -> Pillow.Image:
    """The picture, the heat-map with its legend, and the bars, side by side."""
    columns = [captioned("The picture", shrink(image, PANEL))]
    if prediction.evidence is not None:
        heatmap = prediction.evidence.heatmap
        overlay = draw_heatmap(Image(to_pixels(shrink(seen, PANEL)), image.origin), heatmap)
        columns.append(captioned("Where it looked", Pillow.fromarray(overlay.pixels), _draw_legend(heatmap.label)))
    columns.append(captioned("What it could be", _draw_bars(prediction)))
    picture, _ = canvas(WIDTH - 2 * MARGIN, max(column.height for column in columns))
    for index, column in enumerate(columns):
        picture.paste(column, (index * (PANEL + GAP), 0))
    return picture


def _draw_legend(label: str) -> Pillow.Image:
    """The colors of the heat-map, from against to for."""
    bar = 12
    picture, pen = canvas(PANEL, bar + 6 + round(1.5 * SMALL))
    strength = np.linspace(-1, 1, PANEL, dtype=np.float32)[:, None]
    alpha = np.abs(strength) ** 0.75
    color = np.where(strength > 0, np.array(WARM, np.float32), np.array(COOL, np.float32))
    ramp = np.rint(235 + alpha * (color - 235)).astype(np.uint8)
    picture.paste(Pillow.fromarray(np.tile(ramp[None], (bar, 1, 1))), (0, 0))
    against = "speaks against"
    write(pen, (0, bar + 6), against, SMALL, SOFT)
    room = PANEL - width_of(against, SMALL) - 20
    write_right(pen, (PANEL, bar + 6), elide(f"speaks for {label}", SMALL, room), SMALL, SOFT)
    return picture


def _draw_bars(prediction: Prediction) -> Pillow.Image:
    """The most probable classes; those in the "could be" set are dark and marked."""
    order = np.argsort(-prediction.probabilities, kind="stable")[:TOP]
    step, bar = 56, 14
    picture, pen = canvas(PANEL, step * len(order) + 2 * round(1.6 * SMALL))
    for row, index in enumerate(order):
        label, share = prediction.classes[index], float(prediction.probabilities[index])
        inside = label in prediction.could_be
        y = row * step
        percent = _percent(share)
        room = PANEL - width_of(percent, TEXT) - 16
        write(pen, (0, y), elide(label, TEXT, room), TEXT, INK if inside else SOFT)
        write_right(pen, (PANEL, y), percent, TEXT, INK if inside else SOFT)
        top = y + round(1.55 * TEXT)
        pen.rectangle((0, top, PANEL - 1, top + bar - 1), FAINT)
        if share > 0:
            pen.rectangle((0, top, max(2, round(share * PANEL)) - 1, top + bar - 1), ANSWER if inside else OTHER)
    shown = {prediction.classes[index] for index in order}
    hidden = sum(label not in shown for label in prediction.could_be)
    y = step * len(order)
    pen.rectangle((0, y + 3, SMALL - 3, y + SMALL), ANSWER)
    more = f", and {hidden} more not shown" if hidden else ""
    write(pen, (SMALL + 6, y), f"could be, at {100 * prediction.coverage:.0f} % coverage{more}", SMALL, SOFT)
    return picture


def _draw_examples(prediction: Prediction, examples: Sequence[Example]) -> Pillow.Image:
    """Two rows of thumbnails side by side: what raised the score and what lowered it."""
    label = prediction.evidence.heatmap.label if prediction.evidence else prediction.best
    raised = [example for example in examples if example[0].effect > 0][:PER_SIDE]
    lowered = [example for example in examples if example[0].effect <= 0][:PER_SIDE]
    sides = (_draw_side(f"Taught pictures that raised {label}", raised), _draw_side("… that lowered it", lowered))
    picture, pen = canvas(WIDTH - 2 * MARGIN, max(side.height for side in sides) + GAP)
    pen.line((0, 0, picture.width, 0), FAINT, 2)
    picture.paste(sides[0], (0, GAP))
    picture.paste(sides[1], (HALF + GAP, GAP))
    return picture


def _draw_side(caption: str, examples: Sequence[Example]) -> Pillow.Image:
    top, line = round(1.8 * HEAD), round(1.35 * SMALL)
    picture, pen = canvas(HALF, top + THUMB + 8 + 3 * line + 4)
    write(pen, (0, 0), elide(caption, HEAD, HALF), HEAD, INK)
    if not examples:
        write(pen, (0, top), "none", TEXT, SOFT)
    for index, (influence, thumbnail) in enumerate(examples):
        x, y = index * (THUMB + THUMB_GAP), top
        picture.paste(_fit(thumbnail), (x, y))
        pen.rectangle((x, y, x + THUMB - 1, y + THUMB - 1), outline=FAINT)
        y += THUMB + 8
        write(pen, (x, y), f"{influence.effect:+.3g}", SMALL, _tone(influence.effect))
        write(pen, (x, y + line), elide(", ".join(influence.labels), SMALL, THUMB), SMALL, INK)
        write(pen, (x, y + 2 * line), elide(short_name(influence.name), SMALL, THUMB, keep_end=True), SMALL, SOFT)
    return picture


def _tone(effect: float) -> Color:
    return WARM if effect > 0 else COOL


def _fit(thumbnail: bytes | None) -> Pillow.Image:
    """A thumbnail centered in its square; grey where there is none or it is broken."""
    square = Pillow.new("RGB", (THUMB, THUMB), (244, 245, 247))
    if thumbnail is None:
        note = "no copy kept"
        write(ImageDraw.Draw(square), ((THUMB - width_of(note, SMALL)) / 2, (THUMB - SMALL) / 2), note, SMALL, SOFT)
        return square
    picture = open_thumbnail(thumbnail)
    if picture is None:
        return square
    scale = min(THUMB / picture.width, THUMB / picture.height)
    picture = picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
    square.paste(picture, ((THUMB - picture.width) // 2, (THUMB - picture.height) // 2))
    return square
