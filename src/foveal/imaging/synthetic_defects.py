"""Made-up defects on good pictures: to choose how to inspect, never to report how good it is.

Sources: cut-and-paste as in Li et al. 2021 (CutPaste, arXiv 2104.04015); scratches and stains drawn.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFilter

from foveal.core.image import Image

LENGTHS = (0.03, 0.2)  # of the picture's short side: from the smallest to the largest, every magnitude as often
DARKEST, BRIGHTEST = -60.0, 60.0  # grey levels by which a scratch or stain differs
FAINTEST = 12.0
Length = Callable[[], int]  # draws the length of a defect, pixels


def make_defect(image: Image, number: int, lengths: tuple[float, float] = LENGTHS) -> Image:
    """The image with one defect; `number` decides kind, place, size and strength, always alike.

    `lengths` are its least and its largest length, as shares of the short side.

    >>> plain = Image(np.full((64, 64, 3), 90, np.uint8), "array")
    >>> [bool((make_defect(plain, n).pixels != 90).any()) for n in (1, 2)]
    [True, True]
    """
    rng = np.random.default_rng(number)
    make = KINDS[number % len(KINDS)]
    side = min(image.height, image.width)

    def length() -> int:
        return max(2, round(side * float(np.exp(rng.uniform(*np.log(lengths))))))

    return Image(make(image.pixels, rng, length), image.origin)


def _paste(pixels: npt.NDArray[np.uint8], rng: np.random.Generator, length: Length) -> npt.NDArray[np.uint8]:
    """A piece of the picture, turned, at another place."""
    height, width = pixels.shape[:2]
    wide, high = (length() for _ in range(2))
    left, top = int(rng.integers(0, max(1, width - wide))), int(rng.integers(0, max(1, height - high)))
    piece = Pillow.fromarray(pixels[top : top + high, left : left + wide]).convert("RGBA")
    piece = piece.rotate(float(rng.uniform(0, 360)), expand=True, resample=Pillow.Resampling.BICUBIC)
    into = Pillow.fromarray(pixels)
    into.paste(piece, _place(width - piece.width, height - piece.height, rng), piece)
    return np.asarray(into)


def _scratch(pixels: npt.NDArray[np.uint8], rng: np.random.Generator, length: Length) -> npt.NDArray[np.uint8]:
    """A bent line, thin against its length."""
    height, width = pixels.shape[:2]
    whole, turn = length() * 1.5, rng.uniform(0, 2 * np.pi)
    point = np.array([rng.uniform(0, width), rng.uniform(0, height)])
    points = [point]
    for bend in rng.normal(0, 0.4, 4):
        turn += bend
        point = point + whole / 4 * np.array([np.cos(turn), np.sin(turn)])
        points.append(point)
    mask = Pillow.new("L", (width, height))
    line = max(1, round(min(width, height) * rng.uniform(0.004, 0.012)))
    ImageDraw.Draw(mask).line([(float(x), float(y)) for x, y in points], fill=255, width=line)
    return _tint(pixels, mask.filter(ImageFilter.GaussianBlur(line / 3)), rng)


def _stain(pixels: npt.NDArray[np.uint8], rng: np.random.Generator, length: Length) -> npt.NDArray[np.uint8]:
    """An uneven blot with a soft rim."""
    height, width = pixels.shape[:2]
    center, radius = np.array([rng.uniform(0, width), rng.uniform(0, height)]), length() / 2
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    rim = center + (radius * rng.uniform(0.6, 1.2, 12))[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
    mask = Pillow.new("L", (width, height))
    ImageDraw.Draw(mask).polygon([(float(x), float(y)) for x, y in rim], fill=255)
    return _tint(pixels, mask.filter(ImageFilter.GaussianBlur(radius / 5)), rng)


def _tint(pixels: npt.NDArray[np.uint8], mask: Pillow.Image, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Brighten or darken where the mask says, all channels alike or each on its own."""
    strength = rng.uniform(DARKEST, BRIGHTEST, 3 if rng.random() < 0.5 else 1)
    strength += np.sign(strength) * FAINTEST
    if strength.mean() * (128 - float(pixels.mean())) < 0 and abs(128 - float(pixels.mean())) > 80:
        strength = -strength  # black cannot be darkened, nor white brightened
    share = np.asarray(mask, np.float32)[..., None] / 255
    return np.rint(pixels + share * strength.astype(np.float32)).clip(0, 255).astype(np.uint8)


def _place(right: int, down: int, rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.integers(0, max(1, right))), int(rng.integers(0, max(1, down)))


KINDS: tuple[Callable[[npt.NDArray[np.uint8], np.random.Generator, Length], npt.NDArray[np.uint8]], ...] = (
    _paste,
    _scratch,
    _stain,
)
