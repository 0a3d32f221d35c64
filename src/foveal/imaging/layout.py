"""What evidence sheets are laid out with: sizes, colors, columns and lines."""

from collections.abc import Sequence
from io import BytesIO

from PIL import Image as Pillow
from PIL import ImageDraw

from foveal.core.image import Image
from foveal.imaging.file_checks import DAMAGED
from foveal.imaging.typography import elide, width_of, write

Color = tuple[int, int, int]

INK, SOFT, FAINT, PAPER = (28, 32, 38), (98, 104, 114), (226, 229, 233), (255, 255, 255)
ALERT = (160, 60, 0)
WIDTH, MARGIN, GAP = 1200, 40, 32
PANEL = (WIDTH - 2 * MARGIN - 2 * GAP) // 3  # width of a column
TITLE, HEAD, TEXT, SMALL = 38, 19, 17, 14  # pixels


def stack(parts: Sequence[Pillow.Image]) -> Pillow.Image:
    """One page of parts below one another, with margins."""
    heights = [part.height for part in parts]
    page = Pillow.new("RGB", (WIDTH, sum(heights) + 2 * MARGIN + GAP * (len(parts) - 1)), PAPER)
    y = MARGIN
    for part in parts:
        page.paste(part, (MARGIN, y))
        y += part.height + GAP
    return page


def canvas(width: int, height: int) -> tuple[Pillow.Image, ImageDraw.ImageDraw]:
    """White paper and a pen."""
    picture = Pillow.new("RGB", (width, height), PAPER)
    return picture, ImageDraw.Draw(picture)


def write_right(pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, color: Color = INK) -> None:
    """Write one line that ends at `at`."""
    write(pen, (at[0] - width_of(text, size), at[1]), text, size, color)


def captioned(caption: str, *parts: Pillow.Image) -> Pillow.Image:
    """A column: a heading, then the parts below one another."""
    top = round(1.8 * HEAD)
    picture, pen = canvas(PANEL, top + sum(part.height for part in parts) + 12 * (len(parts) - 1))
    write(pen, (0, 0), caption, HEAD, INK)
    y = top
    for part in parts:
        picture.paste(part, (0, y))
        y += part.height + 12
    return picture


def short_name(name: str) -> str:
    """The last part of a name: its folders are what the label says already."""
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2] or name


def draw_footer(origin: str) -> Pillow.Image:
    """One small line: what picture it was."""
    width = WIDTH - 2 * MARGIN
    picture, pen = canvas(width, round(1.5 * SMALL))
    write(pen, (0, 0), elide(origin, SMALL, width, keep_end=True), SMALL, SOFT)
    return picture


def shrink(image: Image, side: int) -> Pillow.Image:
    """The image fitted into a square of `side` pixels, enlarged where it is smaller."""
    shown = Pillow.fromarray(image.pixels)
    scale = min(side / shown.width, side / shown.height)
    return shown.resize((max(1, round(shown.width * scale)), max(1, round(shown.height * scale))))


def open_thumbnail(thumbnail: bytes | None) -> Pillow.Image | None:
    """A thumbnail's picture; None where there is none or it is broken."""
    if not thumbnail:
        return None
    try:
        with Pillow.open(BytesIO(thumbnail), formats=("JPEG", "PNG", "WEBP")) as opened:
            return opened.convert("RGB")
    except DAMAGED:
        return None
