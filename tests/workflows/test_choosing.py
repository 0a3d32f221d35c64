"""The view is chosen by left-out loss, on more pictures where a few do not settle it."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from foveal.backbones.catalog import DEFAULT_VIEW, Options
from foveal.core.example import Example
from foveal.workflows import choosing
from foveal.workflows.choosing import choose_view


def draw_marked(path, corner, seed):
    """Noise with a square in a corner, where only the whole picture shows it, or a disc of the same color."""
    rng = np.random.default_rng(seed)
    picture = Image.fromarray(rng.integers(60, 190, (160, 160, 3), np.uint8))
    pen = ImageDraw.Draw(picture)
    (pen.rectangle if corner else pen.ellipse)([1, 1, 15, 15], fill=(255, 0, 0))
    if corner:
        pen.rectangle([1, 1, 150, 4], fill=(255, 0, 0))
    picture.save(path)
    return Example(str(path), path.name, ("lined" if corner else "plain",))


@pytest.fixture
def marked(tmp_path):
    return [draw_marked(tmp_path / f"{n:03d}.png", n % 2, n) for n in range(80)]


def test_what_only_the_whole_picture_shows_makes_it_the_whole(marked):
    seen = []
    options = choose_view("efficientnet-lite0", Options(size=96), marked, lambda *step: seen.append(step))
    assert options.view == "whole"
    assert seen[-1][1] == seen[-1][2]


def test_few_pictures_or_one_class_take_the_default(marked):
    silent = lambda *step: None  # noqa: E731
    assert choose_view("efficientnet-lite0", Options(), marked[:20], silent).view == DEFAULT_VIEW
    assert choose_view("efficientnet-lite0", Options(), marked[::2], silent).view == DEFAULT_VIEW


def test_views_clearly_worse_are_dropped_and_close_ones_kept():
    rng = np.random.default_rng(0)
    base = rng.random(100)
    losses = {"whole": base, "center": base + 0.5 + 0.1 * rng.random(100), "close": base + rng.normal(0.01, 0.2, 100)}
    assert choosing._contenders(losses) == ["whole", "close"]
    assert choosing._contenders(dict.fromkeys(losses, np.zeros(0))) == list(losses)


def test_where_nothing_can_be_read_the_default_is_taken(tmp_path):
    unreadable = []
    for n in range(60):
        path = tmp_path / f"{n:03d}.png"
        path.write_text("not a picture")
        unreadable.append(Example(str(path), path.name, ("ab"[n % 2],)))
    assert choose_view("efficientnet-lite0", Options(size=96), unreadable, lambda *step: None).view == DEFAULT_VIEW
