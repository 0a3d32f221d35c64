"""Samples of any depth to 8 bits, and pictures of any mode to RGB."""

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from foveal.core.errors import InputError
from foveal.core.image import Pixels
from foveal.imaging.icc import to_srgb

_DEEP_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
# Depths that cameras and scanners put into 16-bit files without shifting them up.
_SMALLER_DEPTHS = (8, 10, 12, 14)


def scale_to_8_bits(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Scale samples of any type to uint8, keeping the shape.

    * uint8 as it is; bool becomes 0 and 255;
    * integers in 0..65535: value >> 8, unless all values fit into 8, 10, 12 or 14 bits, when that
      depth is the full scale; other integers: their minimum to maximum becomes 0..255;
    * floats in [0, 1] times 255; floats in [0, 255] rounded; other floats: the minimum to maximum
      of the finite values becomes 0..255. What is not finite becomes 0.

    Raises InputError for other types and for floats without one finite value.
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * 255
    if values.dtype.kind in "iu":
        return _scale_integers(values)
    if values.dtype.kind == "f":
        return _scale_floats(values)
    raise InputError(f"Samples must be integers, floats or booleans, got {values.dtype}. Convert them first.")


def _scale_integers(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        return _scale_floats(values.astype(np.float64))
    depth = next((bits for bits in _SMALLER_DEPTHS if high < 2**bits), 16)
    return (values >> (depth - 8)).astype(np.uint8)


def _scale_floats(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    finite = np.isfinite(values)
    known = values[finite].astype(np.float64)
    if not known.size:
        raise InputError("Expected at least one finite sample, got only NaN and infinity. Check the file.")
    low, high = float(known.min()), float(known.max())
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif low >= 0 and high <= 255:
        low, high = 0.0, 255.0
    scaled = np.zeros(values.shape, np.uint8)
    scaled[finite] = np.rint((known - low) * (255.0 / max(high - low, np.finfo(np.float64).tiny)))
    return scaled


def to_rgb(picture: Pillow.Image) -> Pillow.Image:
    """Convert a loaded picture of any mode to 8-bit sRGB; what is transparent becomes white paper."""
    if picture.mode == "RGB" and not picture.info:  # nothing to look up: the usual array
        return picture
    return to_srgb(_to_plain(picture))


def to_pixels(picture: Pillow.Image) -> Pixels:
    """Copy an "RGB" picture into a read-only uint8 array (height, width, 3)."""
    return np.frombuffer(picture.tobytes(), np.uint8).reshape(picture.height, picture.width, 3)


def _to_plain(picture: Pillow.Image) -> Pillow.Image:
    """Return an opaque 8-bit picture of mode L, RGB, CMYK or LAB that keeps its profile."""
    if picture.mode in _DEEP_MODES:
        plain = _from_deep(picture)
    elif picture.has_transparency_data:
        plain = _on_white(picture.convert("RGBA"))
    elif picture.mode in ("L", "RGB", "CMYK", "LAB"):
        return picture
    else:
        plain = picture.convert("L" if picture.mode == "1" else "RGB")
    if "icc_profile" in picture.info:
        plain.info["icc_profile"] = picture.info["icc_profile"]
    return plain


def _from_deep(picture: Pillow.Image) -> Pillow.Image:
    values = np.asarray(picture)
    grey = scale_to_8_bits(values)
    clear = picture.info.get("transparency")  # PNG may declare one grey level transparent
    if isinstance(clear, int):
        grey = np.where(values == clear, np.uint8(255), grey)
    return Pillow.fromarray(grey)


def _on_white(picture: Pillow.Image) -> Pillow.Image:
    paper = Pillow.new("RGB", picture.size, (255, 255, 255))
    paper.paste(picture, mask=picture.getchannel("A"))
    return paper
