"""Regions, made-up defects and the figures of localization."""

import numpy as np
import pytest

from foveal.backbones.patch_backbone import PatchOptions, open_patch_backbone
from foveal.core.errors import InputError
from foveal.core.image import Image
from foveal.imaging.synthetic_defects import KINDS, make_defect
from foveal.metrics.localization import MOST_FALSE, measure_aupro, measure_pixel_auroc
from foveal.recognizers.regions import enlarge_map, find_regions, label_regions


def test_regions_are_numbered_as_a_flood_fill_numbers_them():
    rng = np.random.default_rng(0)
    for _ in range(50):
        inside = rng.random((12, 15)) < 0.5
        labels = label_regions(inside)
        assert ((labels > 0) == inside).all()
        seen = np.zeros_like(inside)
        count = 0
        for row, column in zip(*np.nonzero(inside), strict=True):
            if seen[row, column]:
                continue
            count += 1
            waiting = [(row, column)]
            while waiting:
                y, x = waiting.pop()
                if 0 <= y < 12 and 0 <= x < 15 and inside[y, x] and not seen[y, x]:
                    seen[y, x] = True
                    assert labels[y, x] == count
                    waiting += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
        assert labels.max(initial=0) == count


def test_regions_lie_where_the_map_is_high_in_the_pictures_own_pixels():
    one = np.zeros((8, 8), np.float32)
    one[2, 5], one[6, 1] = 3.0, 2.0
    first, second = find_regions(one, 1600, 800)
    assert (first.peak, second.peak) == ((2, 5), (6, 1))
    assert first.strength > second.strength
    left, top, right, bottom = first.box
    assert 800 <= left < 1100 < right <= 1400
    assert 150 <= top < 250 < bottom <= 350
    assert first.area <= (right - left) * (bottom - top)
    assert find_regions(np.zeros((8, 8), np.float32), 10, 10) == ()


def test_enlarging_keeps_a_plane_and_a_tiny_picture_has_a_box():
    plane = np.add.outer(np.arange(4), np.arange(5)).astype(np.float32)
    fine = enlarge_map(plane, 4)
    assert fine.shape == (16, 20)
    assert fine.min() == plane.min()
    assert fine.max() == plane.max()
    box = find_regions(plane, 1, 1, limit=6.5)[0].box
    assert box[2] > box[0]
    assert box[3] > box[1]


@pytest.mark.parametrize("kind", range(len(KINDS)))
def test_made_defects_change_a_small_part_and_repeat(kind):
    rng = np.random.default_rng(1)
    for size in ((40, 300), (64, 64), (9, 9), (1, 1)):
        image = Image(rng.integers(0, 256, (*size, 3), np.uint8), "array")
        for number in range(kind, 60, len(KINDS)):
            made = make_defect(image, number).pixels
            assert made.shape == image.pixels.shape
            assert made.tobytes() == make_defect(image, number).pixels.tobytes()
            if min(size) >= 40:
                assert (made != image.pixels).any(axis=2).mean() < 0.5
    changed = [(make_defect(image, n).pixels != image.pixels).any() for n in range(kind, 60, 3)]
    assert len(changed) == 20


def test_localization_equals_counting():
    rng = np.random.default_rng(2)
    maps = [rng.random((6, 6)).astype(np.float32) for _ in range(3)]
    regions = [label_regions(rng.random((6, 6)) < 0.2) for _ in range(3)]
    maps = [m + 0.5 * (r > 0) for m, r in zip(maps, regions, strict=True)]
    good = np.concatenate([m[r == 0] for m, r in zip(maps, regions, strict=True)])
    overlaps, shares = [], np.linspace(0, MOST_FALSE, 201)
    for share in shares:
        allowed = int(np.floor(share * len(good) + 1e-9))
        threshold = np.sort(good)[::-1][allowed]
        each = [
            (m[r == k] > threshold).mean() for m, r in zip(maps, regions, strict=True) for k in range(1, r.max() + 1)
        ]
        overlaps.append(np.mean(each))
    assert measure_aupro(maps, regions) == pytest.approx(np.trapezoid(overlaps, shares) / MOST_FALSE, abs=0.02)
    perfect = [(r > 0).astype(np.float32) for r in regions]
    assert measure_aupro(perfect, regions) == measure_pixel_auroc(perfect, regions) == 1.0
    with pytest.raises(InputError):
        measure_aupro(maps, [np.zeros((6, 6), np.int64)] * 3)


def test_patches_are_a_grid_that_moves_with_the_picture():
    backbone = open_patch_backbone("efficientnet-lite0", PatchOptions(size=128))
    assert backbone.shape == (16, 16, 152)
    rng = np.random.default_rng(3)
    pixels = np.full((128, 128, 3), 90, np.uint8)
    square = rng.integers(0, 256, (32, 32, 3), np.uint8)
    left, right = pixels.copy(), pixels.copy()
    left[32:64, 32:64] = right[32:64, 64:96] = square
    a, b = (backbone.patches(Image(p, "array")) for p in (left, right))
    assert np.abs(a - np.roll(b, -4, axis=1))[4:8, 4:8].mean() < 0.5 * np.abs(a - b)[4:8, 4:8].mean()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("resnet", PatchOptions()),
        ("efficientnet-lite0", PatchOptions(size=250)),
        ("efficientnet-lite0", PatchOptions(size=2048)),
        ("efficientnet-lite0", PatchOptions(runtime="abacus")),
    ],
)
def test_backbones_that_cannot_inspect_are_refused(name, options):
    with pytest.raises(InputError):
        open_patch_backbone(name, options)
