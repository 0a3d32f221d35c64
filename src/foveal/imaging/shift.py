"""How far one picture lies beside another."""

from typing import NamedTuple

import numpy as np
from PIL import Image as Pillow

from foveal.core.image import Image

SIDE = 128
CLEAR = 0.05  # height of the peak from which a shift is believed
LEAST = 0.01  # of the side: less is no shift


class Shift(NamedTuple):
    """Shares of width and height by which the second picture lies to the right of and below the first."""

    right: float
    down: float
    is_clear: bool

    def __str__(self) -> str:
        """In words, empty where there is none."""
        if not self.is_clear or max(abs(self.right), abs(self.down)) < LEAST:
            return ""
        parts = [
            f"{abs(share):.0%} {positive if share > 0 else negative}"
            for share, positive, negative in ((self.right, "to the right", "to the left"), (self.down, "down", "up"))
            if abs(share) >= LEAST
        ]
        return f"the scene has moved {' and '.join(parts)}"


def measure_shift(first: Image, second: Image) -> Shift:
    """Phase correlation of two pictures. Source: Kuglin and Hines 1975."""
    spectra = [np.fft.rfft2(_prepare(image)) for image in (first, second)]
    cross = spectra[1] * np.conj(spectra[0])
    peaks = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-9), s=(SIDE, SIDE))
    down, right = (int(place) for place in np.unravel_index(int(peaks.argmax()), peaks.shape))
    right, down = (place - SIDE if place > SIDE // 2 else place for place in (right, down))
    return Shift(right / SIDE, down / SIDE, float(peaks.max()) > CLEAR)


def _prepare(image: Image) -> np.ndarray:
    """Grey, without its mean, faded to the rim."""
    grey = np.asarray(Pillow.fromarray(image.pixels).convert("L").resize((SIDE, SIDE)), np.float64)
    window = np.hanning(SIDE)
    return np.asarray((grey - grey.mean()) * window[:, None] * window)
