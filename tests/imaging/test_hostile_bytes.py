"""Whatever the bytes, decoding gives an image or a DecodeError, never anything else."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from foveal.core.errors import DecodeError
from foveal.imaging.decode import decode
from foveal.imaging.file_checks import Limits
from tests.imaging.pictures import encode, exif, scene

SMALL = scene(40, 56)
LIMITS = Limits(max_pixels=2_000_000)
MAGICS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x10\0\0\0WEBP", b"GIF89a", b"BM", b"II*\0", b"MM\0*", b"II+\0")
BLOCK = exif(6, maker="Acme", taken="2024:05:31 12:30:01")
VALID = {
    "jpeg": encode(SMALL, "JPEG", exif=BLOCK),
    "progressive": encode(SMALL, "JPEG", progressive=True),
    "cmyk": encode(Pillow.fromarray(SMALL).convert("CMYK"), "JPEG"),
    "png": encode(SMALL, "PNG", exif=BLOCK),
    "palette": encode(Pillow.fromarray(SMALL).quantize(16), "PNG", transparency=3),
    "webp": encode(SMALL, "WEBP", exif=BLOCK),
    "gif": encode(SMALL, "GIF"),
    "bmp": encode(SMALL, "BMP"),
    "tiff": encode(SMALL, "TIFF", compression="tiff_lzw", exif=BLOCK),
    "float": encode(SMALL[..., 0].astype(np.float32), "TIFF"),
}


def outcome(data, at_least):
    try:
        image, capture = decode(data, "odd.bin", at_least=at_least, limits=LIMITS)
    except DecodeError as problem:
        assert str(problem).startswith("odd.bin: expected ")
        return "refused"
    assert image.pixels.dtype == np.uint8 and image.height * image.width <= LIMITS.max_pixels
    assert capture.n_bytes == len(data)
    return "decoded"


@settings(max_examples=300, deadline=None)
@given(st.sampled_from((b"", *MAGICS)), st.binary(max_size=400), st.sampled_from([None, 16]))
@example(b"", b"", None)
def test_random_bytes(magic, rest, at_least):
    outcome(magic + rest, at_least)


@pytest.mark.parametrize("kind", VALID)
@settings(max_examples=120, deadline=None)
@given(st.data(), st.sampled_from([None, 16]))
def test_mutated_files(kind, choose, at_least):
    data = bytearray(VALID[kind])
    spots = st.integers(0, len(data) - 1) | st.integers(0, min(200, len(data) - 1))  # headers break best
    for spot, value in choose.draw(st.lists(st.tuples(spots, st.integers(0, 255)), max_size=8)):
        data[spot] = value
    cut = choose.draw(st.just(len(data)) | st.integers(1, len(data)))
    outcome(bytes(data[:cut]), at_least)


@pytest.mark.parametrize("kind", VALID)
def test_the_files_are_valid_before_they_are_mutated(kind):
    assert outcome(VALID[kind], None) == "decoded"
