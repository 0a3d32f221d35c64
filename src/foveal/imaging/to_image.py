"""Whatever a user hands over, a path, bytes, a Pillow picture or an array, to an Image."""

import hashlib
import os
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from foveal.core.errors import InputError
from foveal.core.image import Capture, Image
from foveal.imaging.decode import decode, read
from foveal.imaging.depth import scale_to_8_bits, to_pixels, to_rgb
from foveal.imaging.exif import make_upright, read_facts
from foveal.imaging.file_checks import LIMITS, Limits
from foveal.imaging.quiet import without_library_warnings

Picture = str | os.PathLike[str] | bytes | Pillow.Image | npt.NDArray[Any]


def to_image(x: Picture, *, at_least: int | None = None, limits: Limits = LIMITS) -> tuple[Image, Capture]:
    """Convert a path, the bytes of a file, a Pillow picture or an array to an Image and its Capture.

    Arrays are (height, width) grey or (height, width, 1 | 3 | 4) grey, RGB or RGBA, of a type that
    `scale_to_8_bits` knows. `at_least` lets JPEG files come back smaller, see `decode`. For pictures and arrays
    `Capture.sha256` and `n_bytes` are of the upright RGB pixels and their size.

    Raises DecodeError for files, InputError for anything else that cannot be used.
    """
    if isinstance(x, bytes | bytearray | memoryview):
        return decode(bytes(x), "bytes", at_least=at_least, limits=limits)
    if isinstance(x, str | os.PathLike):
        return read(os.fspath(x), at_least=at_least, limits=limits)
    if isinstance(x, Pillow.Image):
        return _from_pillow(x)
    if isinstance(x, np.ndarray):
        return _from_array(x)
    raise InputError(
        f"Expected a path, the bytes of a file, a Pillow picture or a numpy array, got {type(x).__name__}. "
        "Convert it to one of these."
    )


def _from_pillow(picture: Pillow.Image) -> tuple[Image, Capture]:
    origin = str(getattr(picture, "filename", "") or "Pillow picture")
    if 0 in picture.size:
        raise InputError(f"{origin}: both sides must be at least 1 pixel, got {picture.width} x {picture.height}.")
    with without_library_warnings():
        try:
            picture.load()
        except (OSError, SyntaxError, ValueError) as problem:
            raise InputError(f"{origin}: expected a readable picture, got {problem}. Open the file again.") from None
        facts = read_facts(picture)
        image = Image(to_pixels(make_upright(to_rgb(picture), facts.orientation)), origin)
    kind = picture.format or "Pillow"
    return image, _capture_of(image, kind, taken_at=facts.taken_at, device=facts.device)


def _from_array(values: npt.NDArray[Any]) -> tuple[Image, Capture]:
    n_channels = values.shape[2] if values.ndim == 3 else 1
    if values.ndim not in (2, 3) or n_channels not in (1, 3, 4) or 0 in values.shape:
        hint = " Move the channels last." if values.ndim == 3 and values.shape[0] in (1, 3, 4) else ""
        raise InputError(
            "An array must be (height, width) or (height, width, 1 | 3 | 4) with both sides at least 1, "
            f"got {values.shape}.{hint or ' Pass one picture at a time.'}"
        )
    if n_channels == 4:
        picture = to_rgb(Pillow.fromarray(np.ascontiguousarray(_scale_rgba(values))))
        pixels = to_pixels(picture)
    else:
        grey_or_rgb = scale_to_8_bits(values.reshape(*values.shape[:2], n_channels))
        pixels = np.array(np.broadcast_to(grey_or_rgb, (*values.shape[:2], 3)), order="C")
        pixels.flags.writeable = False
    image = Image(pixels, "array")
    return image, _capture_of(image, "array")


def _scale_rgba(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    # Apart, so that an opaque alpha channel does not set the range of dark colours.
    return np.concatenate([scale_to_8_bits(values[..., :3]), scale_to_8_bits(values[..., 3:])], axis=2)


def _capture_of(image: Image, kind: str, *, taken_at: str | None = None, device: str | None = None) -> Capture:
    content = image.pixels.tobytes()
    digest = hashlib.sha256(f"{image.width}x{image.height}:".encode() + content).hexdigest()
    return Capture(digest, len(content), kind, image.width, image.height, taken_at=taken_at, device=device)
