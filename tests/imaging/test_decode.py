"""Any file people have becomes upright sRGB pixels; anything else a DecodeError that names it."""

import hashlib
import struct
import threading
import time
import warnings
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageCms

from foveal.core.errors import DecodeError, InputError
from foveal.imaging.decode import count_frames, decode, read
from foveal.imaging.file_checks import Limits
from tests.imaging.pictures import UPRIGHT_TO_STORED, difference, encode, exif, scene

SCENE = scene()
LOSSLESS = {"PNG": {}, "BMP": {}, "TIFF": {}, "WEBP": {"lossless": True}}


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_formats_give_the_very_pixels(kind):
    data = encode(SCENE, kind, **LOSSLESS[kind])
    image, capture = decode(data, "picture")
    np.testing.assert_array_equal(image.pixels, SCENE)
    assert capture.sha256 == hashlib.sha256(data).hexdigest()
    assert (capture.format, capture.width, capture.height, capture.n_bytes) == (kind, 128, 96, len(data))
    assert (capture.taken_at, capture.device, capture.group) == (None, None, None)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"optimize": True}])
def test_jpegs_look_like_the_original(options):
    image, _ = decode(encode(SCENE, "JPEG", quality=95, **options), "picture")
    assert difference(image.pixels, SCENE) < 3
    assert difference(image.pixels, SCENE[..., ::-1]) > 20  # the check sees swapped channels


def test_grey_jpeg_becomes_three_equal_channels():
    grey = Pillow.fromarray(SCENE).convert("L")
    image, _ = decode(encode(grey, "JPEG", quality=95), "picture")
    assert difference(image.pixels, np.repeat(np.asarray(grey)[..., None], 3, 2)) < 2


@pytest.mark.parametrize("orientation", UPRIGHT_TO_STORED)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_every_orientation_stands_upright(kind, orientation):
    stored = UPRIGHT_TO_STORED[orientation](SCENE)
    options = {"quality": 95} if kind == "JPEG" else LOSSLESS[kind]
    image, capture = decode(encode(stored, kind, exif=exif(orientation), **options), "picture")
    assert (capture.width, capture.height) == (128, 96)
    assert difference(image.pixels, SCENE) < 3
    if orientation > 1:
        assert stored.shape != SCENE.shape or difference(stored, SCENE) > 10  # ignoring it would be seen


def test_orientation_holds_with_reduction_and_capture_keeps_the_full_size():
    large = scene(600, 800)
    data = encode(UPRIGHT_TO_STORED[6](large), "JPEG", quality=95, exif=exif(6))
    image, capture = decode(data, "picture", at_least=100)
    assert (image.height, image.width) == (150, 200)
    assert (capture.height, capture.width) == (600, 800)


def test_capture_keeps_time_and_device_and_nothing_else():
    block = exif(taken="2024:05:31 12:30:01", subsecond="25", offset="+02:00", maker="Acme\0\0", model="X 1 ")
    block.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)  # latitude
    block[0x013B] = "A. Person"
    _, capture = decode(encode(SCENE, "JPEG", exif=block), "picture")
    assert capture.taken_at == "2024-05-31T12:30:01.25+02:00"
    assert capture.device == "Acme X 1"
    assert "52" not in repr(capture).replace(capture.sha256, "") and "Person" not in repr(capture)


@pytest.mark.parametrize("taken", ["0000:00:00 00:00:00", "yesterday", ""])
def test_a_time_that_is_none_is_left_out(taken):
    _, capture = decode(encode(SCENE, "JPEG", exif=exif(taken=taken)), "picture")
    assert capture.taken_at is None


def test_broken_exif_does_not_cost_the_picture():
    data = bytearray(encode(SCENE, "JPEG", quality=95, exif=exif(6, maker="Acme", taken="2024:05:31 12:30:01")))
    start = data.index(b"Exif") + 14
    data[start : start + 60] = bytes(range(190, 250))
    image, _ = decode(bytes(data), "picture")
    assert image.pixels.shape == SCENE.shape


@pytest.mark.parametrize("at_least", [1, 100, 224, 256, 336, 448, 600])
def test_reduced_jpegs_keep_the_side_asked_for_and_look_the_same(at_least):
    large = scene(600, 900)
    data = encode(large, "JPEG", quality=92)
    full, _ = decode(data, "picture")
    image, capture = decode(data, "picture", at_least=at_least)
    smallest = next(600 / step for step in (8, 4, 2, 1) if 600 / step >= at_least)
    assert min(image.height, image.width) == smallest
    assert (capture.width, capture.height) == (900, 600)
    small = Pillow.fromarray(full.pixels).resize((image.width, image.height), Pillow.Resampling.BOX)
    assert difference(image.pixels, np.asarray(small)) < 1.5


def test_asking_for_no_pixels_is_an_input_error():
    with pytest.raises(InputError, match="at_least must be 1"):
        decode(encode(SCENE, "JPEG"), "picture", at_least=0)


# Colors and depths


def test_cmyk_jpeg_is_not_inverted():
    cmyk = Pillow.fromarray(SCENE).convert("CMYK")
    image, _ = decode(encode(cmyk, "JPEG", quality=95), "picture")
    assert difference(image.pixels, SCENE) < 4


def test_ycck_jpeg_is_understood():
    cyan, magenta, yellow, black = Pillow.fromarray(SCENE).convert("CMYK").split()
    opponent = Pillow.merge("RGB", (cyan, magenta, yellow)).convert("YCbCr").split()
    stored = Pillow.merge("CMYK", (*(band.point(lambda v: 255 - v) for band in opponent), black))
    data = bytearray(encode(stored, "JPEG", quality=97, subsampling=0))
    adobe = data.index(b"Adobe")
    data[adobe + 11] = 2  # the transform flag: YCCK
    image, _ = decode(bytes(data), "picture")
    assert difference(image.pixels, SCENE) < 4


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_deep_grey_is_scaled_by_the_depth_that_is_used(kind, bits):
    ramp = np.linspace(0, 2**bits - 1, 256 * 4).round().astype(np.uint16).reshape(32, 32)
    image, _ = decode(encode(ramp, kind), "picture")
    expected = ramp >> (bits - 8)
    np.testing.assert_array_equal(image.pixels, np.repeat(expected[..., None], 3, 2))


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.0, 255.0), (-3.5, 800.0)])
def test_float_tiff(low, high):
    share = np.linspace(0, 1, 1024, dtype=np.float32).reshape(32, 32)
    values = low + share * (high - low)
    values[0, 5] = np.nan
    image, _ = decode(encode(values.astype(np.float32), "TIFF"), "picture")
    expected = np.rint(share * 255)
    expected[0, 5] = 0
    assert np.abs(image.pixels[..., 0] - expected).max() <= 1


def test_a_float_tiff_without_a_number_is_refused():
    with pytest.raises(DecodeError, match="no number.*finite"):
        decode(encode(np.full((4, 4), np.nan, np.float32), "TIFF"), "no number.tif")


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits", "tiff_adobe_deflate"])
def test_compressed_tiff(compression):
    image, _ = decode(encode(SCENE, "TIFF", compression=compression), "picture")
    np.testing.assert_array_equal(image.pixels, SCENE)


def sixteen_bit_png(values):
    """A 16-bit RGB PNG, which Pillow cannot write; uint16 (height, width, 3)."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def test_sixteen_bit_rgb_png_keeps_the_high_byte():
    image, _ = decode(sixteen_bit_png(SCENE.astype(np.uint16) * 256 + 77), "picture")
    np.testing.assert_array_equal(image.pixels, SCENE)


def test_what_is_transparent_becomes_white():
    alpha = np.zeros(SCENE.shape[:2], np.uint8)
    alpha[:, 64:] = 255
    rgba = np.dstack([SCENE, alpha])
    expected = SCENE.copy()
    expected[:, :64] = 255
    for kind in ("PNG", "TIFF"):
        image, _ = decode(encode(rgba, kind), "picture")
        np.testing.assert_array_equal(image.pixels, expected)


def test_half_transparent_grey_mixes_with_white():
    pair = Pillow.merge("LA", (Pillow.new("L", (4, 4), 100), Pillow.new("L", (4, 4), 128)))
    image, _ = decode(encode(pair, "PNG"), "picture")
    assert abs(int(image.pixels[0, 0, 0]) - 177) <= 1


def test_palette_with_transparency():
    palette = Pillow.new("P", (8, 6), 1)
    palette.putpalette([255, 0, 0, 0, 200, 0, 0, 0, 250])
    palette.paste(0, (0, 0, 4, 6))
    plain, _ = decode(encode(palette, "PNG"), "picture")
    assert plain.pixels[0, 0].tolist() == [255, 0, 0] and plain.pixels[0, 7].tolist() == [0, 200, 0]
    for clear in (0, bytes([0, 255, 255])):  # one index, or an alpha per index
        image, _ = decode(encode(palette, "PNG", transparency=clear), "picture")
        assert image.pixels[0, 0].tolist() == [255, 255, 255]
        assert image.pixels[0, 7].tolist() == [0, 200, 0]


@pytest.mark.parametrize(("mode", "clear"), [("RGB", (10, 20, 30)), ("L", 10), ("I;16", 300)])
def test_a_color_declared_transparent_becomes_white(mode, clear):
    picture = Pillow.new(mode, (6, 6), clear)
    picture.putpixel((3, 3), (1, 2, 3) if mode == "RGB" else 4000)
    image, _ = decode(encode(picture, "PNG", transparency=clear), "picture")
    assert image.pixels[0, 0].tolist() == [255, 255, 255]
    assert image.pixels[3, 3].tolist() != [255, 255, 255] or mode == "L"


def test_bilevel_pictures():
    bits = np.indices((9, 11)).sum(0) % 2 == 0
    for kind in ("PNG", "TIFF", "BMP"):
        image, _ = decode(encode(Pillow.fromarray(bits), kind), "picture")
        np.testing.assert_array_equal(image.pixels[..., 1], bits * 255)


def swapped_profile():
    """An sRGB profile whose red and blue primaries are exchanged."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = data.index(b"rXYZ", 128), data.index(b"bXYZ", 128)
    data[red : red + 4], data[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(data)


def test_profiles_are_followed_and_srgb_changes_nothing():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same, _ = decode(encode(SCENE, "PNG", icc_profile=srgb), "picture")
    np.testing.assert_array_equal(same.pixels, SCENE)
    swapped, _ = decode(encode(SCENE, "PNG", icc_profile=swapped_profile()), "picture")
    assert difference(swapped.pixels, SCENE[..., ::-1]) < 2
    alpha = np.dstack([SCENE, np.full(SCENE.shape[:2], 255, np.uint8)])
    with_alpha, _ = decode(encode(alpha, "PNG", icc_profile=swapped_profile()), "picture")
    assert difference(with_alpha.pixels, SCENE[..., ::-1]) < 2


@pytest.mark.parametrize("profile", [b"not a profile", swapped_profile()[:300], b"\0" * 2000])
def test_a_broken_profile_is_ignored(profile):
    image, _ = decode(encode(SCENE, "PNG", icc_profile=profile), "picture")
    np.testing.assert_array_equal(image.pixels, SCENE)


def test_a_profile_for_other_channels_is_ignored():
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    image, _ = decode(encode(SCENE, "PNG", icc_profile=lab), "picture")
    np.testing.assert_array_equal(image.pixels, SCENE)


def test_lab_tiff():
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = ImageCms.applyTransform(Pillow.fromarray(SCENE), to_lab)
    image, _ = decode(encode(lab, "TIFF"), "picture")
    assert difference(image.pixels, SCENE) < 3


# Several frames


def frames():
    return [Pillow.fromarray(scene(seed=seed) // (seed + 1)) for seed in range(3)]


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PNG"])
def test_files_of_several_frames(kind, tmp_path):
    first, *others = frames()
    options = {"lossless": True} if kind == "WEBP" else {}
    path = tmp_path / f"several.{kind.lower()}"
    path.write_bytes(encode(first, kind, save_all=True, append_images=others, **options))
    assert count_frames(str(path)) == 3
    hashes = set()
    for number, frame in enumerate(frames()):
        image, capture = read(f"{path}#{number}")
        hashes.add(capture.sha256)
        assert difference(image.pixels, np.asarray(frame)) < (8 if kind == "GIF" else 0.01)
    assert len(hashes) == 3
    assert read(str(path))[1].sha256 == hashlib.sha256(path.read_bytes()).hexdigest() in hashes
    with pytest.raises(DecodeError, match=r"#3: expected a frame from 0 to 2, got 3"):
        read(f"{path}#3")


def test_a_name_that_ends_like_a_frame_is_a_name(tmp_path):
    path = tmp_path / "burger #7"
    path.write_bytes(encode(SCENE, "PNG"))
    assert read(str(path))[0].pixels.shape == SCENE.shape


def test_a_jpeg_with_a_second_picture_behind_it_gives_the_first():
    data = encode(frames()[0], "MPO", save_all=True, append_images=frames()[1:], quality=95)
    image, capture = decode(data, "picture")
    assert capture.format == "JPEG"
    assert difference(image.pixels, np.asarray(frames()[0])) < 3


# What is refused


@pytest.mark.parametrize("kept", [0.15, 0.5, 0.9, 0.98])
@pytest.mark.parametrize("options", [{}, {"progressive": True}])
@pytest.mark.parametrize("at_least", [None, 50])
def test_a_jpeg_cut_short_is_no_half_grey_picture(kept, options, at_least):
    data = encode(scene(300, 400), "JPEG", quality=90, **options)
    with pytest.raises(DecodeError, match=r"^cut\.jpg: expected a complete JPEG.*Copy"):
        decode(data[: int(kept * len(data))], "cut.jpg", at_least=at_least)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "BMP", "GIF"])
def test_other_formats_cut_short(kind):
    data = encode(SCENE, kind)
    with pytest.raises(DecodeError, match=rf"^cut: expected a complete {kind}"):
        decode(data[: len(data) // 2], "cut")


def test_not_pictures(tmp_path):
    (tmp_path / "text.jpg").write_text("Hello world, I am no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "zeros.png").write_bytes(b"\0")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "phone.jpg").write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 40)
    for name, got in (
        ("text.jpg", "got text starting with b'Hello world,'"),
        ("empty.png", "got an empty file"),
        ("zeros.png", "got unknown bytes"),
        ("folder.jpg", "got a folder"),
        ("missing.jpg", "No such file"),
        ("phone.jpg", "got HEIC"),
    ):
        with pytest.raises(DecodeError, match=rf"{name}: expected a JPEG, PNG, .*{got}.*\. [A-Z]"):
            read(str(tmp_path / name))
    with pytest.raises(DecodeError, match="expected"):
        read("nul\0byte.jpg")


def bomb():
    """A PNG whose header promises 10 gigapixels."""
    data = bytearray(encode(Pillow.new("L", (8, 8)), "PNG"))
    data[16:24] = struct.pack(">II", 100_000, 100_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


def jpeg_with_header(width, height):
    data = bytearray(encode(Pillow.new("L", (64, 64)), "JPEG"))
    start = data.index(b"\xff\xc0")
    data[start + 5 : start + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def test_a_header_that_promises_too_much_is_refused_before_decoding():
    started = time.perf_counter()
    for data in (bomb(), jpeg_with_header(60_000, 60_000)):
        with pytest.raises(DecodeError, match=r"bomb: expected at most 200,000,000 pixels, got \d+ x \d+.*Limits"):
            decode(data, "bomb", at_least=224)
    assert time.perf_counter() - started < 1


def test_limits_are_the_callers(tmp_path):
    data = encode(SCENE, "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    assert read(str(path), limits=Limits(max_pixels=96 * 128, max_bytes=len(data)))
    with pytest.raises(DecodeError, match="expected at most 12,287 pixels, got 128 x 96"):
        read(str(path), limits=Limits(max_pixels=96 * 128 - 1))
    with pytest.raises(DecodeError, match=r"a\.png: expected at most .* bytes"):
        read(str(path), limits=Limits(max_bytes=len(data) - 1))


def test_the_pages_of_a_tiff_are_each_held_to_the_limit():
    small, large = Pillow.new("L", (4, 4)), Pillow.new("L", (40, 40))
    data = encode(small, "TIFF", save_all=True, append_images=[large])
    limits = Limits(max_pixels=100)
    assert decode(data, "pages", limits=limits)[0].height == 4
    with pytest.raises(DecodeError, match="got 40 x 40"):
        decode(data, "pages", frame=1, limits=limits)


def test_a_panorama_of_100_megapixels():
    data = encode(Pillow.new("RGB", (20_000, 5_000), (10, 120, 200)), "JPEG")
    image, capture = decode(data, "panorama", at_least=448)
    assert (image.width, image.height) == (2500, 625)
    assert (capture.width, capture.height) == (20_000, 5_000)


# Warnings and threads


def png_with_bad_exif():
    return encode(SCENE, "PNG", exif=b"Exif\0\0II*\0\x08\0\0\0\x40\0" + b"\x12\x01\x03\0\xff\xff\xff\x7f\0\0\0\0" * 3)


def test_no_warning_of_a_library_leaks_and_the_filters_are_left_alone():
    data = png_with_bad_exif()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        before = list(warnings.filters)
        decode(data, "picture")
        assert warnings.filters == before
        with Pillow.open(BytesIO(data)) as picture:
            picture.load()
            dict(picture.getexif())
    assert len(seen) >= 1  # Pillow alone does warn about this file


def test_threads_get_the_pixels_that_one_thread_gets():
    files = [encode(scene(200, 260, seed), kind) for seed in range(4) for kind in ("JPEG", "PNG", "WEBP", "GIF")]
    expected = [decode(data, "x", at_least=60)[0].pixels for data in files]
    filters = list(warnings.filters)
    wrong = []

    def work(shift):
        for step in range(len(files)):
            at = (step + shift) % len(files)
            if not np.array_equal(decode(files[at], "x", at_least=60)[0].pixels, expected[at]):
                wrong.append(at)

    threads = [threading.Thread(target=work, args=(shift,)) for shift in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert warnings.filters == filters
