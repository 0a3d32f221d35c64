"""Embedded colour profiles to sRGB."""

from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image as Pillow
from PIL import ImageCms

# A profile that moves no colour by more than this many levels is sRGB under another name: not worth the time.
_SAME_LEVELS = 2


def to_srgb(picture: Pillow.Image) -> Pillow.Image:
    """Return the picture as sRGB "RGB", following its embedded profile; a broken profile is ignored.

    Modes understood: L, RGB, CMYK and LAB; anything else is converted plainly.
    """
    profile = picture.info.get("icc_profile")
    transform = None
    if isinstance(profile, bytes) and profile:
        transform = _transform(profile, picture.mode)
    if transform is None and picture.mode == "LAB":
        transform = ImageCms.buildTransform(ImageCms.createProfile("LAB"), _srgb(), "LAB", "RGB")
    if transform is not None:
        return transform.apply(picture)
    return picture if picture.mode == "RGB" else picture.convert("RGB")


@lru_cache(maxsize=1)
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


# Cameras of one kind embed one profile, so a handful of transforms serves a whole collection.
@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        transform = ImageCms.buildTransform(source, _srgb(), mode, "RGB")
        probe = _probe(mode)
        if probe is None:
            return transform
        moved = np.asarray(transform.apply(probe), np.int16) - np.asarray(probe.convert("RGB"), np.int16)
    except (OSError, ValueError, TypeError, ImageCms.PyCMSError):
        return None
    return transform if np.abs(moved).max() > _SAME_LEVELS else None


def _probe(mode: str) -> Pillow.Image | None:
    """A sample of all colours of a mode whose plain conversion means sRGB, else None."""
    if mode == "L":
        return Pillow.fromarray(np.arange(256, dtype=np.uint8)[None])
    if mode == "RGB":
        levels = np.linspace(0, 255, 9).astype(np.uint8)
        return Pillow.fromarray(np.stack(np.meshgrid(levels, levels, levels), -1).reshape(27, 27, 3))
    return None
