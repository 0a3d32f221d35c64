"""Pictures made for the tests."""

from io import BytesIO

import numpy as np
from PIL import Image as Pillow

UPRIGHT_TO_STORED = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: np.rot90(p, 1),
    7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
    8: lambda p: np.rot90(p, -1),
}


def scene(height=96, width=128, seed=0):
    """Smooth colored shapes with some texture, uint8 (height, width, 3), no symmetry."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    y, x = y / height, x / width
    planes = [90 + 120 * x, 60 + 130 * y, 200 - 120 * x * y]
    picture = np.stack(planes, -1)
    picture[(x - 0.3) ** 2 + (y - 0.35) ** 2 < 0.03] = (200, 40, 30)
    picture[(abs(x - 0.75) < 0.1) & (abs(y - 0.7) < 0.2)] = (30, 60, 160)
    picture += 12 * np.sin(40 * x + 17 * y)[..., None] + rng.normal(0, 2, picture.shape)
    return picture.clip(0, 255).astype(np.uint8)


def encode(pixels_or_picture, kind, **options):
    """Bytes of a file of that kind."""
    picture = pixels_or_picture
    if isinstance(picture, np.ndarray):
        picture = Pillow.fromarray(np.ascontiguousarray(picture))
    buffer = BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def exif(orientation=1, **texts):
    """An EXIF block with an orientation and, by name, taken, subsecond, offset, maker, model."""
    block = Pillow.Exif()
    block[0x0112] = orientation
    for name, tag in (("maker", 0x010F), ("model", 0x0110)):
        if name in texts:
            block[tag] = texts[name]
    for name, tag in (("taken", 0x9003), ("subsecond", 0x9291), ("offset", 0x9011)):
        if name in texts:
            block.get_ifd(0x8769)[tag] = texts[name]
    return block


def difference(a, b):
    """Mean absolute difference in grey levels."""
    assert a.shape == b.shape
    return float(np.abs(a.astype(np.int16) - b.astype(np.int16)).mean())
