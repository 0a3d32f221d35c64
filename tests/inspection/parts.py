"""Made-up parts: a plate with two holes and a logo on a conveyor, with the small differences good ones have."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter


def draw_part(seed, defect=False, angle=0.0, size=(240, 180)):
    """A plate; a defect is a dark scratch, whose box is returned, None without."""
    rng = np.random.default_rng(seed)
    plate = Image.new("RGB", (240, 180), (70, 74, 80))
    pen = ImageDraw.Draw(plate)
    tone = int(rng.integers(165, 180))
    pen.rectangle((40, 40, 200, 140), fill=(tone, tone, tone + 5))
    for x in (70, 170):
        pen.ellipse((x - 12, 78, x + 12, 102), fill=(60, 62, 66))
    pen.rectangle((105, 60, 135, 75), fill=(40, 70, 140))
    box = None
    if defect:
        x, y = int(rng.integers(85, 140)), int(rng.integers(105, 125))
        pen.line((x, y, x + 26, y + 8), fill=(30, 25, 20), width=4)
        box = (x, y, x + 27, y + 9)
    if angle:
        plate = plate.rotate(angle, fillcolor=(70, 74, 80), resample=Image.Resampling.BICUBIC)
    plate = plate.filter(ImageFilter.GaussianBlur(0.6)).resize(size)
    noisy = np.asarray(plate).astype(float) + rng.normal(0, 3, (*size[::-1], 3))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8)), box


def write_parts(folder, seeds, **options):
    """Write one picture a seed and return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for seed in seeds:
        paths.append(folder / f"part{seed:04d}.png")
        draw_part(seed, **options)[0].save(paths[-1])
    return paths
