"""Metadata goes, pixels stay bit by bit, and what foveal uses stays too."""

import contextlib
import io

import numpy as np
import pytest
from PIL import ExifTags
from PIL import Image as Pillow

from foveal.core.errors import DecodeError
from foveal.imaging.decode import decode
from foveal.imaging.scrub import drop_metadata

SECRET = b"Jane Doe"
PHOTO = Pillow.fromarray(np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8))


def full_exif():
    exif = Pillow.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.Make] = 6, "Acme"
    exif[ExifTags.Base.Artist] = SECRET.decode()
    exif[ExifTags.IFD.Exif] = {
        ExifTags.Base.DateTimeOriginal: "2024:05:31 12:30:01",
        ExifTags.Base.BodySerialNumber: "SN12345",
    }
    exif[ExifTags.IFD.GPSInfo] = {1: "N", 2: (47.0, 8.0, 1.0)}
    return exif


def save(kind, **options):
    buffer = io.BytesIO()
    PHOTO.save(buffer, kind, **options)
    return buffer.getvalue()


FILES = {
    "jpeg": lambda: save("JPEG", exif=full_exif(), comment=SECRET),
    "progressive": lambda: save("JPEG", exif=full_exif(), progressive=True),
    "appended": lambda: save("JPEG", exif=full_exif()) + SECRET,
    "png": lambda: save("PNG", exif=full_exif()),
    "webp": lambda: save("WEBP", exif=full_exif(), lossless=True, xmp=SECRET),
}


@pytest.mark.parametrize("kind", FILES)
def test_pixels_orientation_time_and_camera_stay(kind):
    before, facts = decode(FILES[kind](), kind)
    after, kept = decode(drop_metadata(FILES[kind](), kind), kind)
    assert np.array_equal(before.pixels, after.pixels)
    assert (kept.taken_at, kept.device) == (facts.taken_at, facts.device) == ("2024-05-31T12:30:01", "Acme")


@pytest.mark.parametrize("kind", FILES)
def test_position_people_and_numbers_go(kind):
    bare = drop_metadata(FILES[kind](), kind)
    assert SECRET in FILES[kind]() and SECRET not in bare and b"SN12345" not in bare
    with Pillow.open(io.BytesIO(bare)) as picture:
        assert not picture.getexif().get_ifd(ExifTags.IFD.GPSInfo)


def test_gif_keeps_its_frames_without_comments():
    animated = save("GIF", save_all=True, append_images=[PHOTO.rotate(90)], comment=SECRET, loop=0)
    bare = drop_metadata(animated, "gif")
    assert SECRET in animated and SECRET not in bare
    with Pillow.open(io.BytesIO(bare)) as after, Pillow.open(io.BytesIO(animated)) as before:
        assert getattr(after, "n_frames") == getattr(before, "n_frames") == 2  # noqa: B009  (known to GIF only)
        for frame in range(2):
            before.seek(frame)
            after.seek(frame)
            assert before.convert("RGB").tobytes() == after.convert("RGB").tobytes()


@pytest.mark.parametrize("depth", [8, 16])
def test_tiff_keeps_its_depth_and_pages_without_tags(depth):
    pixels = np.random.default_rng(1).integers(0, 1 << depth, (40, 50)).astype(f"u{depth // 8}")
    pages = [Pillow.fromarray(pixels), Pillow.fromarray(pixels[::-1].copy())]
    buffer = io.BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:], description=SECRET.decode())
    bare = drop_metadata(buffer.getvalue(), "tiff")
    assert SECRET in buffer.getvalue() and SECRET not in bare
    for frame in range(2):
        assert np.array_equal(
            decode(bare, "a", frame=frame)[0].pixels, decode(buffer.getvalue(), "b", frame=frame)[0].pixels
        )


def test_a_file_whose_structure_is_damaged_is_refused_or_left_readable():
    data = FILES["png"]()
    for cut in range(10, len(data), 97):
        with contextlib.suppress(DecodeError):
            drop_metadata(data[:cut], "cut")
    with pytest.raises(DecodeError):
        drop_metadata(b"II*\0" + b"\xff" * 40, "tiff")


def test_other_formats_come_back_as_they_are():
    data = save("BMP")
    assert drop_metadata(data, "bmp") is data
