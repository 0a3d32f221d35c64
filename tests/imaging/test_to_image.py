"""Paths, bytes, Pillow pictures and arrays all become the same Image."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from foveal.core.errors import DecodeError, InputError
from foveal.imaging.to_image import to_image
from tests.imaging.pictures import UPRIGHT_TO_STORED, encode, exif, scene

SCENE = scene()


def test_every_way_in_gives_the_same_pixels(tmp_path):
    data = encode(SCENE, "PNG")
    path = tmp_path / "Äpfel und Birnen.png"
    path.write_bytes(data)
    lazily_opened = Pillow.open(BytesIO(data))
    ways = [str(path), Path(path), data, bytearray(data), lazily_opened, Pillow.fromarray(SCENE), SCENE]
    for way in ways:
        image, capture = to_image(way)
        np.testing.assert_array_equal(image.pixels, SCENE)
        assert (capture.width, capture.height) == (128, 96)
        assert not image.pixels.flags.writeable


def test_a_pillow_picture_stands_upright():
    data = encode(UPRIGHT_TO_STORED[6](SCENE), "PNG", exif=exif(6, maker="Acme"))
    with Pillow.open(BytesIO(data)) as picture:
        image, capture = to_image(picture)
    np.testing.assert_array_equal(image.pixels, SCENE)
    assert (capture.device, capture.format) == ("Acme", "PNG")


def test_arrays_of_every_kind():
    grey = SCENE[..., 0]
    tripled = np.repeat(grey[..., None], 3, 2)
    for values in (grey, grey[..., None], grey / 255, grey.astype(np.int64), grey.astype(np.uint16) << 8):
        np.testing.assert_array_equal(to_image(values)[0].pixels, tripled)
    np.testing.assert_array_equal(to_image((SCENE / 255).astype(np.float32))[0].pixels, SCENE)
    np.testing.assert_array_equal(to_image(grey > 100)[0].pixels[..., 2], (grey > 100) * 255)
    np.testing.assert_array_equal(to_image(SCENE[:, ::-1])[0].pixels, SCENE[:, ::-1])
    clear = np.dstack([SCENE, np.zeros_like(grey)])
    assert (to_image(clear)[0].pixels == 255).all()
    dark = np.dstack([SCENE / 255 * 0.3, np.ones_like(grey)])
    assert abs(to_image(dark)[0].pixels.astype(float) - SCENE * 0.3).max() <= 1


def test_the_array_stays_the_callers():
    mine = SCENE.copy()
    image, capture = to_image(mine)
    mine[:] = 0
    np.testing.assert_array_equal(image.pixels, SCENE)
    assert mine.flags.writeable
    assert to_image(mine)[1].sha256 != capture.sha256 == to_image(SCENE)[1].sha256


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (np.zeros((3, 20, 30)), r"got \(3, 20, 30\)\. Move the channels last"),
        (np.zeros((5, 20, 30, 3)), "one picture at a time"),
        (np.zeros((0, 9, 3)), r"got \(0, 9, 3\)"),
        (np.full((2, 2), np.nan), "finite"),
        (np.full((2, 2), 1j), "complex128"),
        (Pillow.new("RGB", (0, 4)), "at least 1 pixel"),
        (17, "Expected a path, the bytes of a file, a Pillow picture or a numpy array, got int"),
    ],
)
def test_what_cannot_be_used(thing, message):
    with pytest.raises(InputError, match=message):
        to_image(thing)


def test_files_are_named():
    with pytest.raises(DecodeError, match="no such.jpg"):
        to_image(Path("no such.jpg"))
    with pytest.raises(DecodeError, match="bytes: expected"):
        to_image(b"nothing")
