"""Thumbnails are small, keep the shape and carry nothing along."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image as Pillow

from foveal.core.image import Image
from foveal.imaging.decode import decode
from foveal.imaging.thumbnail import make_thumbnail
from tests.imaging.pictures import difference, encode, exif, scene


def test_a_thumbnail_looks_like_the_picture_and_has_no_metadata():
    original, _ = decode(encode(scene(600, 900), "JPEG", exif=exif(maker="Acme")), "x")
    data = make_thumbnail(original, side=96)
    with Pillow.open(BytesIO(data)) as picture:
        assert (picture.format, picture.size, dict(picture.getexif())) == ("JPEG", (96, 64), {})
        small = np.asarray(picture)
    expected = np.asarray(Pillow.fromarray(original.pixels).resize((96, 64), Pillow.Resampling.BOX))
    assert difference(small, expected) < 6
    assert b"Acme" not in data and len(data) < 6000


@pytest.mark.parametrize(("shape", "size"), [((10, 20), (20, 10)), ((1, 5000), (96, 1)), ((3000, 1), (1, 96))])
def test_small_and_thin_pictures(shape, size):
    data = make_thumbnail(Image(np.zeros((*shape, 3), np.uint8), "x"))
    with Pillow.open(BytesIO(data)) as picture:
        assert picture.size == size
