"""From an upright image to the square that a backbone takes."""

import numpy as np
from PIL import Image as Pillow

from foveal.core.errors import InputError
from foveal.core.image import Image, Pixels

# The share of the shorter side that a view keeps, centered; None takes the whole image, squeezed to a square.
# 0.875 is what these networks were evaluated with by their authors.
VIEWS: dict[str, float | None] = {"whole": None, "center": 0.875, "close": 0.75}


def fit_view(image: Image, size: int, view: str) -> Pixels:
    """Return uint8 (1, size, size, 3) of the named view, resampled with an antialiased cubic filter.

    Raises InputError for an unknown view.
    """
    check_view(view)
    share = VIEWS[view]
    box = None if share is None else _center_box(image, share)
    pillow = Pillow.fromarray(image.pixels)
    return np.asarray(pillow.resize((size, size), Pillow.Resampling.BICUBIC, box=box))[None]


def check_view(view: str) -> None:
    """Raise InputError for a view that is not in VIEWS."""
    if view not in VIEWS:
        raise InputError(f"Unknown view {view!r}; choose one of {', '.join(VIEWS)}.")


def crop_view(image: Image, view: str) -> Image:
    """The part of an image that a view keeps, to the nearest pixel: where feature maps belong."""
    check_view(view)
    share = VIEWS[view]
    if share is None:
        return image
    left, top, right, bottom = (round(edge) for edge in _center_box(image, share))
    return Image(image.pixels[top : max(bottom, top + 1), left : max(right, left + 1)], image.origin)


def _center_box(image: Image, share: float) -> tuple[float, float, float, float]:
    side = max(1.0, min(image.width, image.height) * share)
    left, top = (image.width - side) / 2.0, (image.height - side) / 2.0
    return left, top, left + side, top + side
