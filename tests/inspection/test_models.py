"""What good looks like: leaving out equals refitting, whatever the groups; promises hold on exchangeable pictures."""

import numpy as np
import pytest

from foveal.core.errors import InputError
from foveal.memory.patch_codes import make_patch_code, to_patches
from foveal.recognizers import aligned, anywhere
from foveal.recognizers.aligned import fit_aligned
from foveal.recognizers.anywhere import fit_anywhere
from foveal.recognizers.good_pictures import GoodPictures
from foveal.recognizers.inspector import (
    ALIGNED,
    WAYS,
    count_beyond,
    count_needed,
    fit_inspector,
    measure_placements,
    p_value_of,
)
from foveal.recognizers.overall import fit_overall

SHAPE = (4, 4, 12)


def make_codes(n, seed=0, shift=0.0):
    rng = np.random.default_rng(seed)
    places = np.random.default_rng(99).normal(size=(16, 12)) * 3
    mix = np.random.default_rng(98).normal(size=(12, 12))
    patches = places + rng.normal(size=(n, 16, 12)) @ mix / 3 + shift
    return np.array([make_patch_code(p.reshape(SHAPE).astype(np.float32)) for p in patches])


GROUPS = np.array([0, 0, 1, 2, 2, 2, *range(3, 37)])


def test_leaving_a_group_out_of_the_aligned_equals_refitting():
    codes = make_codes(40)
    model, left_out, probed = fit_aligned(
        GoodPictures(codes, GROUPS, SHAPE), GoodPictures(make_codes(3, 5), GROUPS[:3], SHAPE)
    )
    for group in (0, 1, 2, 9):
        keep = group != GROUPS
        vectors = (to_patches(codes, 12) @ model.project).astype(np.float64)
        for place in range(16):
            rest = vectors[keep, place]
            centered = rest - rest.mean(axis=0)
            k = rest.shape[1]
            covariance = (1 - aligned.SHRINKAGE) * centered.T @ centered / len(rest) + aligned.SHRINKAGE * np.eye(k)
            apart = vectors[~keep, place] - rest.mean(axis=0)
            expected = np.sqrt(np.einsum("ij,jk,ik->i", apart, np.linalg.inv(covariance), apart))
            np.testing.assert_allclose(left_out[~keep, place], expected, rtol=1e-4)
    assert probed.shape == (3, 16)
    assert (left_out.mean(axis=1) > [model.distances(to_patches(c, 12)).mean() for c in codes]).all()


def test_leaving_out_of_the_whole_equals_refitting():
    codes = make_codes(40)
    _, left_out, _ = fit_overall(GoodPictures(codes, GROUPS, SHAPE))
    rest = GoodPictures(codes[GROUPS != 2], np.arange(37), SHAPE)
    summaries, _, _ = fit_overall(rest)
    assert summaries.distance(to_patches(codes[3], 12)) == pytest.approx(left_out[3], rel=0.2)  # directions are shared


def test_the_nearest_patch_is_never_of_the_own_group():
    codes = np.concatenate([make_codes(20), make_codes(20)])  # every picture twice
    copies = np.tile(np.arange(20), 2)
    _, apart, _ = fit_anywhere(GoodPictures(codes, np.arange(40), SHAPE))
    _, together, _ = fit_anywhere(GoodPictures(codes, copies, SHAPE))
    assert apart.max() < 1e-2 < together.min()


def test_the_cover_reaches_everything_that_all_patches_reach(monkeypatch):
    good = GoodPictures(make_codes(300), np.arange(300), SHAPE)
    fresh = to_patches(make_codes(100, 7), 12)
    everything, _, _ = fit_anywhere(good)
    monkeypatch.setattr(anywhere, "MEMORY", 1200)
    monkeypatch.setattr(anywhere, "ROUND", 100)
    cover, _, _ = fit_anywhere(good)
    assert len(cover.memory) == 1200 < len(everything.memory)
    whole = np.array([everything.distances(p) for p in fresh])
    part = np.array([cover.distances(p) for p in fresh])
    assert (part >= whole - 1e-3).all()
    assert part.mean() < 1.5 * whole.mean()


@pytest.mark.parametrize("way", WAYS)
def test_the_order_of_teaching_and_the_number_of_bands_change_nothing(way):
    codes = make_codes(30)
    first = fit_inspector(GoodPictures(codes, np.arange(30), SHAPE), way, 0.05)
    second = fit_inspector(GoodPictures(codes.copy(), np.arange(30), SHAPE), way, 0.05)
    assert first.left_out.tobytes() == second.left_out.tobytes()
    fresh = make_codes(1, 3)[0]
    assert first.inspect(fresh).distances.tobytes() == second.inspect(fresh).distances.tobytes()


@pytest.mark.parametrize("way", WAYS)
def test_promised_false_alarms_are_kept_and_shifted_pictures_found(way):
    measured = []
    for seed in range(5):
        inspector = fit_inspector(GoodPictures(make_codes(100, seed), np.arange(100), SHAPE), way, 0.05)
        measured += [not inspector.inspect(code).is_good for code in make_codes(200, 100 + seed)]
        assert not any(inspector.inspect(code).is_good for code in make_codes(20, 50, shift=2.0))
    # 1,000 pictures and five thresholds of 100 each: the rate itself varies by about a fifth of 0.05
    assert 0.02 < np.mean(measured) < 0.085


def test_p_values_count_the_picture_itself():
    left_out = np.arange(99.0)
    assert [p_value_of(score, left_out) for score in (1000.0, 98.0, 49.0, -1.0)] == [0.01, 0.02, 0.51, 1.0]
    assert [count_beyond(99, rate) for rate in (0.001, 0.01, 0.05)] == [1, 1, 5]


def test_too_few_pictures_promise_what_they_can():
    inspector = fit_inspector(GoodPictures(make_codes(30), np.arange(30), SHAPE), ALIGNED, 0.01)
    assert inspector.promised == pytest.approx(1 / 31)
    assert count_needed(0.01) == 99
    assert inspector.threshold == pytest.approx(inspector.left_out.max())


@pytest.mark.parametrize(
    ("n", "groups", "way", "rate", "said"),
    [
        (4, None, ALIGNED, 0.01, "at least 5 good pictures"),
        (9, np.zeros(9, int), ALIGNED, 0.01, "one group"),
        (9, None, "sideways", 0.01, "Unknown way"),
        (9, None, ALIGNED, 0.9, "false alarms"),
    ],
)
def test_what_cannot_be_fitted_is_said(n, groups, way, rate, said):
    good = GoodPictures(make_codes(n), np.arange(n) if groups is None else groups, SHAPE)
    with pytest.raises(InputError, match=said):
        fit_inspector(good, way, rate)


def test_identical_pictures_are_fitted_without_a_fault():
    codes = np.repeat(make_codes(1), 12, axis=0)
    for way in WAYS:
        inspector = fit_inspector(GoodPictures(codes, np.arange(12), SHAPE), way, 0.1)
        assert np.isfinite(inspector.left_out).all()
        assert not inspector.inspect(make_codes(1, 8)[0]).is_good


def test_placements_tell_a_visible_defect_from_none():
    good = GoodPictures(make_codes(40), np.arange(40), SHAPE)
    same = GoodPictures(good.codes[:10], np.arange(10), SHAPE)
    changed = GoodPictures(make_codes(10, 0, shift=2.0), np.arange(10), SHAPE)
    for way in WAYS:
        assert measure_placements(good, changed, way).min() > 0.9
        assert 0.2 < measure_placements(good, same, way).mean() < 0.8
