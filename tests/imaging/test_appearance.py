"""Fingerprint, sharpness and light, on made and on real pictures."""

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageFilter

from foveal.core.image import Appearance, Image
from foveal.imaging.appearance import hamming, measure_appearance, quality_flags
from foveal.imaging.decode import decode, read
from tests.imaging.pictures import encode, scene


def image_of(pixels):
    return Image(np.ascontiguousarray(pixels), "made")


def blur(image, sigma=4):
    return image_of(np.asarray(Pillow.fromarray(image.pixels).filter(ImageFilter.GaussianBlur(sigma))))


def flags_of(image):
    return quality_flags(measure_appearance(image), image.width, image.height)


def test_hand_made_numbers():
    pixels = np.full((100, 100, 3), 50, np.uint8)
    pixels[2:-2, 2:-2] = 150
    seen = measure_appearance(image_of(pixels))
    assert seen.border == 50
    assert seen.brightness == pytest.approx((50 * 784 + 150 * 9216) / 10000)
    assert seen.contrast == pytest.approx(100 * np.sqrt(0.0784 * 0.9216))


def test_sharpness_is_the_variance_of_the_laplacian():
    grey = np.random.default_rng(0).integers(0, 256, (40, 30)).astype(np.uint8)
    slow = [
        int(grey[y - 1, x]) + int(grey[y + 1, x]) + int(grey[y, x - 1]) + int(grey[y, x + 1]) - 4 * int(grey[y, x])
        for y in range(1, 39)
        for x in range(1, 29)
    ]
    seen = measure_appearance(image_of(np.repeat(grey[..., None], 3, 2)))
    assert seen.sharpness == pytest.approx(np.var(slow), rel=1e-5)


def test_fingerprint_bits_run_left_to_right_and_top_to_bottom():
    rising = np.repeat(np.repeat(np.arange(9, dtype=np.uint8) * 20, 8)[None], 64, 0)
    pixels = np.repeat(rising[..., None], 3, 2)
    assert measure_appearance(image_of(pixels)).fingerprint == 2**64 - 1
    assert measure_appearance(image_of(pixels[:, ::-1])).fingerprint == 0
    pixels[:8] = 0
    assert measure_appearance(image_of(pixels)).fingerprint == 2**56 - 1


def test_copies_are_near_and_other_pictures_far():
    original = image_of(scene(400, 500))
    print_of = measure_appearance(original).fingerprint
    smaller = Pillow.fromarray(original.pixels).resize((250, 200), Pillow.Resampling.BICUBIC)
    squeezed, _ = decode(encode(smaller, "JPEG", quality=60), "copy")
    assert hamming(print_of, measure_appearance(squeezed).fingerprint) <= 6
    mirrored = measure_appearance(image_of(original.pixels[:, ::-1])).fingerprint
    assert hamming(print_of, mirrored) > 16


def test_hamming():
    assert hamming(0b1011, 0b0110) == 3
    assert hamming(0, 2**64 - 1) == 64


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (2, 2), (3, 2), (700, 3)])
def test_the_smallest_pictures(shape):
    seen = measure_appearance(image_of(np.full((*shape, 3), 7, np.uint8)))
    assert (seen.brightness, seen.border, seen.sharpness) == (7, 7, 0)


def test_a_reduced_decode_is_judged_like_the_full_one():
    data = encode(scene(1200, 1600), "JPEG", quality=90)
    full, reduced = (measure_appearance(decode(data, "x", at_least=n)[0]) for n in (None, 300))
    assert hamming(full.fingerprint, reduced.fingerprint) <= 2
    assert reduced.brightness == pytest.approx(full.brightness, abs=0.5)
    assert reduced.sharpness == pytest.approx(full.sharpness, rel=0.4)  # thresholds lie a factor of 30 away


def test_flags():
    good = Appearance(fingerprint=0, sharpness=500, brightness=120, contrast=50, border=100)
    assert quality_flags(good, 64, 64) == ()
    assert quality_flags(good, 63, 900) == ("tiny",)
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 4, (200, 200, 3))
    assert flags_of(image_of((15 + noise).clip(0, 255).astype(np.uint8))) == ("dark",)
    assert flags_of(image_of((240 + noise).clip(0, 255).astype(np.uint8))) == ("bright",)
    assert flags_of(image_of(np.full((50, 50, 3), 128, np.uint8))) == ("blurred", "tiny")


def test_a_bright_object_in_the_dark_is_not_dark():
    pixels = np.zeros((200, 200, 3), np.uint8)
    pixels[80:120, 80:120] = 200
    assert flags_of(image_of(pixels)) == ()


@pytest.fixture(scope="module", params=["grocery/train", "grocery/test", "magnetic_tile/images"])
def real_pictures(request, shared_data):
    paths = sorted((shared_data / request.param).rglob("*.jpg"))
    return [read(str(path))[0] for path in paths[:: max(1, len(paths) // 120)]]


def test_real_photographs_are_rarely_called_blurred_and_their_blurred_copies_are(real_pictures):
    flagged = [flags_of(image) for image in real_pictures]
    assert np.mean(["blurred" in flags for flags in flagged]) < 0.02
    assert np.mean([bool(flags) for flags in flagged]) < 0.05
    assert np.mean(["blurred" in flags_of(blur(image)) for image in real_pictures]) > 0.9
