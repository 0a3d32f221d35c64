"""Heat-maps show sign and place; evidence sheets hold whatever an answer may contain."""

import numpy as np
import pytest
from PIL import Image as Pillow

from foveal.core.errors import InputError
from foveal.core.image import Image
from foveal.core.prediction import Evidence, Heatmap, Influence, Prediction
from foveal.imaging.decode import decode, read
from foveal.imaging.draw import draw_heatmap, draw_prediction, encode_png, write_png
from foveal.imaging.thumbnail import make_thumbnail
from foveal.imaging.typography import elide, width_of, wrap
from tests.imaging.pictures import difference, scene

PHOTO = Image(scene(240, 320), "photo.jpg")
GREY = Image(np.full((210, 350, 3), 128, np.uint8), "grey")


def heatmap(contributions):
    return Heatmap("apple", np.array(contributions, float), 0.5)


def warmth(image):
    """Red minus blue, float (height, width)."""
    return image.pixels[..., 0].astype(float) - image.pixels[..., 2]


def test_warm_is_for_and_cool_is_against_at_the_right_place():
    contributions = np.zeros((6, 10))
    contributions[1, 8], contributions[4, 1] = 0.2, -0.2
    seen = draw_heatmap(GREY, heatmap(contributions))
    assert seen.pixels.shape == GREY.pixels.shape
    heat = warmth(seen)
    assert np.hypot(*np.subtract(np.unravel_index(heat.argmax(), heat.shape), (52, 297))) < 12
    assert np.hypot(*np.subtract(np.unravel_index(heat.argmin(), heat.shape), (157, 52))) < 12
    opposite = warmth(draw_heatmap(GREY, heatmap(-contributions)))
    assert opposite[52, 297] < -50 < 50 < heat[52, 297]


def test_stronger_is_less_transparent_and_nothing_stays_grey():
    heat = warmth(draw_heatmap(GREY, heatmap([[0.0, 0.25, 1.0]] * 3)))
    assert heat[100, 20] < heat[100, 175] < heat[100, 330]
    assert not warmth(draw_heatmap(GREY, heatmap(np.zeros((7, 7))))).any()


@pytest.mark.parametrize("shape", [(1, 1), (7, 7), (3, 50), (14, 10)])
def test_maps_of_any_shape_on_pictures_of_any_shape(shape):
    for size in ((1, 1), (5, 400), (300, 2)):
        image = Image(np.zeros((*size, 3), np.uint8), "x")
        assert draw_heatmap(image, heatmap(np.ones(shape))).pixels.shape == image.pixels.shape


def test_the_image_is_left_alone():
    before = PHOTO.pixels.copy()
    draw_heatmap(PHOTO, heatmap(np.ones((7, 7))))
    np.testing.assert_array_equal(PHOTO.pixels, before)


CLASSES = ("apple", "Birne", "Ökologische Bananen aus Übersee, unverpackt", "苹果", "e", "f")


def prediction(**changes):
    values = {
        "origin": "photo.jpg",
        "labels": ("apple",),
        "classes": CLASSES,
        "probabilities": np.array([0.6, 0.3, 0.06, 0.03, 0.01, 0.0]),
        "could_be": ("apple", "Birne"),
        "coverage": 0.9,
        "evidence": Evidence(heatmap(np.random.default_rng(0).normal(size=(7, 7))), (), ()),
    }
    return Prediction(**{**values, **changes})


def examples(n, sign=1.0):
    thumbnail = make_thumbnail(PHOTO)
    return [
        (Influence(i, f"a/very long name {i} of a file.jpg", ("apple",), sign / (i + 1)), thumbnail) for i in range(n)
    ]


def sheet(**changes):
    return draw_prediction(PHOTO, prediction(**changes), examples(3) + examples(2, -1.0))


def test_a_sheet_shows_the_picture_and_grows_with_what_it_says():
    page = sheet()
    assert page.width == 1200 and 600 < page.height < 1400
    shown = Pillow.fromarray(PHOTO.pixels).resize((352, 264))
    tops = [y for y in range(page.height - 264) if difference(page.pixels[y : y + 264, 40:392], np.asarray(shown)) < 1]
    assert len(tops) == 1
    assert sheet(labels=(), reason="Too many classes are plausible.", flags=("blurred",)).height > page.height
    assert draw_prediction(PHOTO, prediction(evidence=None), []).height < page.height


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": (), "could_be": (), "reason": "word " * 200, "flags": ("blurred", "tiny", "dark", "unlike")},
        {"labels": CLASSES[:3], "could_be": CLASSES},
        {"classes": ("only",), "labels": ("only",), "probabilities": np.array([1.0]), "could_be": ("only",)},
        {"classes": tuple(c * 80 for c in CLASSES), "labels": ("apple" * 80,), "could_be": ()},
        {"origin": "/long" * 300},
    ],
)
def test_nothing_is_written_into_the_margins(changes):
    page = sheet(**changes).pixels
    for edge in (page[:, :38], page[:, -38:], page[:20], page[-20:]):
        assert (edge == 255).all()
    assert (page[:, 40:1160] < 255).any(axis=(1, 2)).mean() > 0.5


def test_the_bars_follow_the_probabilities():
    page = draw_prediction(PHOTO, prediction(), []).pixels
    column = page[:, 808:1160].astype(int)
    dark = (column == (0, 92, 138)).all(axis=2).sum(axis=1)
    lengths = sorted(set(dark[dark > 30]), reverse=True)
    assert lengths == [round(0.6 * 352), round(0.3 * 352)]
    pale = (column == (176, 183, 192)).all(axis=2).sum(axis=1)
    assert round(0.06 * 352) in set(pale)  # outside the plausible set


def test_examples_without_a_thumbnail_or_with_a_broken_one():
    odd = [(Influence(1, "a.jpg", ("apple",), 0.2), None), (Influence(2, "b.jpg", (), -0.1), b"broken")]
    assert draw_prediction(PHOTO, prediction(), odd).width == 1200


def test_png_files_hold_the_very_pixels(tmp_path):
    path = tmp_path / "sheet.png"
    write_png(PHOTO, str(path))
    np.testing.assert_array_equal(read(str(path))[0].pixels, PHOTO.pixels)
    np.testing.assert_array_equal(decode(encode_png(PHOTO), "x")[0].pixels, PHOTO.pixels)
    with pytest.raises(InputError, match="expected a writable path"):
        write_png(PHOTO, str(tmp_path / "no such folder" / "sheet.png"))


@pytest.mark.parametrize("text", ["short", "a much longer label than fits", "Ünïcödé " * 9, "苹果" * 40, "x" * 500, ""])
@pytest.mark.parametrize("keep_end", [False, True])
def test_text_is_cut_to_the_width(text, keep_end):
    cut = elide(text, 17, 120, keep_end=keep_end)
    assert width_of(cut, 17) <= 120
    assert cut == " ".join(text.split()) or "…" in cut
    if keep_end and "…" in cut:
        assert cut.endswith(text.strip()[-3:])


def test_text_is_wrapped_without_losing_words_until_the_last_line():
    text = "one two three four five six seven eight nine ten"
    lines = wrap(text, 17, 130, 9)
    assert " ".join(lines) == text and all(width_of(line, 17) <= 130 for line in lines)
    short = wrap(text, 17, 130, 2)
    assert len(short) == 2 and short[-1].endswith("…")
    assert wrap("", 17, 130, 2) == []
