"""Small made-up pictures that look different enough to be told apart."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SHAPES = ("disc", "square", "stripes")


def draw_shape(shape, seed, side=96):
    """A colored shape on a noisy ground, different for every seed."""
    rng = np.random.default_rng(seed * 31 + SHAPES.index(shape))
    ground = Image.fromarray(rng.integers(0, 70, (side, side, 3), np.uint8))
    pen = ImageDraw.Draw(ground)
    color = tuple(int(c) for c in rng.integers(120, 255, 3))
    x, y, r = (int(v) for v in rng.integers(side // 3, side // 2, 3))
    if shape == "disc":
        pen.ellipse([x - r // 2, y - r // 2, x + r, y + r], fill=color)
    elif shape == "square":
        pen.rectangle([x - r // 2, y - r // 2, x + r, y + r], fill=color)
    else:
        for k in range(0, side, 12):
            pen.line([k, 0, k, side], fill=color, width=4)
    return ground


def make_folder(root, each=8, shapes=SHAPES, start=0):
    """One folder per shape, `each` pictures in it; returns the root."""
    for shape in shapes:
        folder = Path(root) / shape
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(start, start + each):
            draw_shape(shape, number).save(folder / f"{shape} {number}.png")
    return Path(root)
