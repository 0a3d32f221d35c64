"""Small JPEG copies for reports and evidence sheets."""

from io import BytesIO

from PIL import Image as Pillow

from foveal.core.image import Image


def make_thumbnail(image: Image, side: int = 96) -> bytes:
    """Return a JPEG (quality 80, no metadata) whose long side is at most `side` pixels."""
    picture = Pillow.fromarray(image.pixels)
    picture.thumbnail((side, side), Pillow.Resampling.BICUBIC, reducing_gap=2.0)
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
