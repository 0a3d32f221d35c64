"""Evidence as pictures, and pictures as PNG files."""

from io import BytesIO

from PIL import Image as Pillow

from foveal.core.errors import InputError
from foveal.core.image import Image
from foveal.imaging.overlay import draw_heatmap
from foveal.imaging.sheet import draw_prediction

__all__ = ["draw_heatmap", "draw_prediction", "encode_png", "write_png"]


def encode_png(image: Image) -> bytes:
    """Return the image as the bytes of a PNG file, without metadata."""
    buffer = BytesIO()
    Pillow.fromarray(image.pixels).save(buffer, "PNG")
    return buffer.getvalue()


def write_png(image: Image, path: str) -> None:
    """Write the image to a PNG file; raises InputError when the path cannot be written."""
    data = encode_png(image)
    try:
        with open(path, "wb") as file:
            file.write(data)
    except OSError as problem:
        raise InputError(f"{path}: expected a writable path, got {problem.strerror}. Choose another folder.") from None
