"""Measures of the pixels alone: a fingerprint, sharpness, brightness, contrast and border."""

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from foveal.core.image import Appearance, Image

GREY_SIDE = 256  # pixels of the grey copy's short side
BORDER_SHARE = 0.02  # of the short side

# Chosen on photographs of groceries and of metal surfaces: none of them falls below, while all of their
# copies blurred with a sigma of 4 pixels do. The share of the contrast spares flat but sharp surfaces.
BLURRED_SHARPNESS = 20.0  # grey levels squared
BLURRED_SHARE = 0.02  # of the squared contrast
TINY_SIDE = 64  # pixels
# A dark scan with one bright object is not too dark, hence the limit on contrast.
DARK_BRIGHTNESS, BRIGHT_BRIGHTNESS, FLAT_CONTRAST = 30.0, 225.0, 25.0


def measure_appearance(image: Image) -> Appearance:
    """Measure a grey copy whose short side is about 256 pixels; smaller images are not enlarged."""
    grey = _reduce(image)
    levels = np.asarray(grey)
    edge = max(1, round(min(levels.shape) * BORDER_SHARE))
    return Appearance(
        fingerprint=_difference_hash(grey),
        sharpness=_laplacian_variance(levels),
        brightness=float(levels.mean()),
        contrast=float(levels.std()),
        border=_border_mean(levels, edge),
    )


def quality_flags(appearance: Appearance, width: int, height: int) -> tuple[str, ...]:
    """Name what is wrong with a picture of that full size, among "blurred", "tiny", "dark" and "bright".

    blurred: sharpness at most 20 and at most 2 % of the squared contrast; tiny: short side below 64;
    dark: brightness below 30, bright: above 225, each with a contrast below 25.
    """
    flat = appearance.contrast < FLAT_CONTRAST
    found = {
        "blurred": appearance.sharpness <= min(BLURRED_SHARPNESS, BLURRED_SHARE * appearance.contrast**2),
        "tiny": min(width, height) < TINY_SIDE,
        "dark": flat and appearance.brightness < DARK_BRIGHTNESS,
        "bright": flat and appearance.brightness > BRIGHT_BRIGHTNESS,
    }
    return tuple(name for name, is_so in found.items() if is_so)


def hamming(a: int, b: int) -> int:
    """Count the bits, 0..64, in which two fingerprints differ; up to about 6 is a near-duplicate."""
    return (a ^ b).bit_count()


def _reduce(image: Image) -> Pillow.Image:
    grey = Pillow.fromarray(image.pixels).convert("L")
    scale = GREY_SIDE / min(grey.size)
    if scale >= 1:
        return grey
    size = max(GREY_SIDE, round(grey.width * scale)), max(GREY_SIDE, round(grey.height * scale))
    return grey.resize(size, Pillow.Resampling.BOX)


def _difference_hash(grey: Pillow.Image) -> int:
    """Whether each of 8 x 8 cells is darker than its right neighbour, row by row, as one integer."""
    cells = np.asarray(grey.resize((9, 8), Pillow.Resampling.BOX))
    return int.from_bytes(np.packbits(cells[:, 1:] > cells[:, :-1]).tobytes(), "big")


def _laplacian_variance(levels: npt.NDArray[np.uint8]) -> float:
    """Variance of the 4-neighbour Laplacian. Source: Pech-Pacheco et al. 2000, eq. 6."""
    if min(levels.shape) < 3:
        return 0.0
    signed = levels.astype(np.int16)
    middle = signed[1:-1, 1:-1]
    laplacian = signed[:-2, 1:-1] + signed[2:, 1:-1] + signed[1:-1, :-2] + signed[1:-1, 2:] - 4 * middle
    return float(laplacian.astype(np.float32).var())


def _border_mean(levels: npt.NDArray[Any], edge: int) -> float:
    """Mean of a frame `edge` pixels wide."""
    inner = levels[edge:-edge, edge:-edge]
    n_frame = levels.size - inner.size
    return float((levels.sum(dtype=np.int64) - inner.sum(dtype=np.int64)) / n_frame)
