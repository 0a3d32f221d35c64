"""Text on pictures: fonts that have the letters, and text cut to a width."""

import re
import unicodedata
from functools import lru_cache

from PIL import ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

# Tried in this order when the font inside Pillow lacks a letter; those not installed are skipped.
_FALLBACKS = (
    *("NotoSans-Regular.ttf", "DejaVuSans.ttf", "Arial Unicode.ttf", "NotoSansCJK-Regular.ttc"),
    *("msyh.ttc", "Hiragino Sans GB.ttc", "WenQuanYi Zen Hei.ttc", "NotoSansArabic-Regular.ttf"),
)
_ELLIPSIS = "…"


def write(pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, color: tuple[int, int, int]) -> None:
    """Write one line whose capitals start `size` / 4 below `at`, whatever the fonts of its words."""
    x, baseline = at[0], at[1] + 0.95 * size
    for word, font in _runs(text, size):
        pen.text((x, baseline), word, color, font, anchor="ls")
        x += font.getlength(word)


def width_of(text: str, size: int) -> float:
    """Width of one line in pixels."""
    return float(sum(font.getlength(word) for word, font in _runs(text, size)))


def elide(text: str, size: int, width: float, *, keep_end: bool = False) -> str:
    """Cut `text` with an ellipsis to `width` pixels; with `keep_end` the middle goes, as suits file names."""
    text = " ".join(text.split())
    if width_of(text, size) <= width:
        return text
    fits, too_long = 0, len(text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if width_of(_cut(text, middle, keep_end=keep_end), size) <= width:
            fits = middle
        else:
            too_long = middle
    return _cut(text, fits, keep_end=keep_end)


def wrap(text: str, size: int, width: float, max_lines: int) -> list[str]:
    """Break `text` at spaces into at most `max_lines` lines of `width` pixels; the last may be cut."""
    lines: list[str] = []
    words = text.split()
    while words and len(lines) < max_lines - 1:
        count = next((n for n in range(len(words), 0, -1) if width_of(" ".join(words[:n]), size) <= width), 1)
        lines.append(elide(" ".join(words[:count]), size, width))
        words = words[count:]
    return [*lines, elide(" ".join(words), size, width)] if words else lines


def _cut(text: str, kept: int, *, keep_end: bool) -> str:
    head = kept // 3 if keep_end else kept
    tail = kept - head
    return text[:head].rstrip() + _ELLIPSIS + (text[-tail:] if tail else "")


def _runs(text: str, size: int) -> list[tuple[str, Font]]:
    """Words with the font to write each in: a font per word, so that no word mixes two."""
    return [_with_font(word, size) for word in re.findall(r"\s+|\S+", text)]


@lru_cache(maxsize=4096)
def _with_font(word: str, size: int) -> tuple[str, Font]:
    own = _own(size)
    if _has_all(own, word):
        return word, own
    for name in _FALLBACKS:
        font = _named(name, size)
        if font is not None and _has_all(font, word):
            return word, font
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter))
    return (bare if _has_all(own, bare) else word), own  # letters without their accents beat empty boxes


@lru_cache(maxsize=32)
def _own(size: int) -> Font:
    return ImageFont.load_default(size)


@lru_cache(maxsize=128)
def _named(name: str, size: int) -> Font | None:
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return None


def _has_all(font: Font, text: str) -> bool:
    return all(_has(font, letter) for letter in set(text) if not letter.isspace())


@lru_cache(maxsize=4096)
def _has(font: Font, letter: str) -> bool:
    """Whether the letter looks different from the box drawn for a letter that does not exist."""
    return letter.isascii() or bytes(font.getmask(letter)) != bytes(font.getmask("\U0010ffff"))
