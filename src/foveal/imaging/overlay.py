"""Where a score comes from, laid over the image."""

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from foveal.core.image import Image
from foveal.core.prediction import Heatmap

# Vermilion and blue: told apart with every common color vision. Source: Okabe and Ito 2008.
WARM = (213, 94, 0)
COOL = (0, 114, 178)
_OUTLINE_SHARE = 0.5  # of the strongest contribution: an outline, so that a grey print shows it too
_STRONGEST_ALPHA = 0.8


def draw_heatmap(image: Image, heatmap: Heatmap, *, strength: float = _STRONGEST_ALPHA) -> Image:
    """Lay signed contributions over a grey copy of the image, in its size; `strength` is how opaque the strongest is.

    Warm speaks for the label, cool against it; the stronger, the less transparent. What speaks for it
    with at least half of the strongest contribution is outlined.
    """
    size = (image.width, image.height)
    relative = _enlarge(heatmap.contributions, size)
    grey = np.asarray(Pillow.fromarray(image.pixels).convert("L"), np.float32)[..., None]
    paper = 64 + 0.7 * grey  # lightened, so that the colors carry
    alpha = (strength * np.abs(relative) ** 0.75)[..., None]
    color = np.where(relative[..., None] > 0, np.array(WARM, np.float32), np.array(COOL, np.float32))
    mixed = paper + alpha * (color - paper)
    line = max(1, round(min(size) / 200))
    mixed[_outline(relative >= _OUTLINE_SHARE, line)] = (110, 40, 0)
    return Image(np.rint(mixed).clip(0, 255).astype(np.uint8), image.origin)


def _enlarge(contributions: npt.NDArray[np.float64], size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Smooth contributions over `size` pixels, the strongest scaled to 1 or -1."""
    strongest = float(np.abs(contributions).max(initial=0.0))
    if not np.isfinite(strongest) or strongest == 0.0:
        return np.zeros(size[::-1], np.float32)
    coarse = Pillow.fromarray((contributions / strongest).astype(np.float32))
    return np.asarray(coarse.resize(size, Pillow.Resampling.BICUBIC)).clip(-1, 1)


def _outline(inside: npt.NDArray[np.bool_], width: int) -> npt.NDArray[np.bool_]:
    """The rim of a region, `width` pixels wide; the image's own edge is no rim."""
    padded = np.pad(inside, width, mode="edge")
    rows, columns = inside.shape
    core = inside.copy()
    for down, right in ((0, width), (2 * width, width), (width, 0), (width, 2 * width)):
        core &= padded[down : down + rows, right : right + columns]
    return inside & ~core
