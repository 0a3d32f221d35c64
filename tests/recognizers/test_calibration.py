"""Calibration finds the least log loss, sets wide classes right, and stays finite where all is told apart."""

import numpy as np
import pytest

from foveal.recognizers.calibration import COLDEST, fit_calibration, log_softmax, smooth_truth
from foveal.recognizers.levels import LEVELS, START, search_levels


def draw(n=400, seed=0, sharpness=0.5, offsets=(0.0, 1.0, -0.5)):
    """Scores whose true calibration is known, and truths drawn from it."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(n, 3)) * 4
    probabilities = np.exp(log_softmax(sharpness * scores + np.array(offsets)))
    return scores, np.array([rng.choice(3, p=p) for p in probabilities])


def loss_by_hand(scores, truth, log_priors, sharpness, offsets):
    logits = log_softmax(sharpness * scores + offsets + log_priors)
    return (-(smooth_truth(scores, truth, len(truth)) * logits).sum() + 0.5 * offsets @ offsets) / len(truth)


def test_finds_what_the_scores_were_drawn_with():
    scores, truth = draw(20_000)
    found = fit_calibration(scores, truth, np.zeros(3))
    assert found.sharpness == pytest.approx(0.5, abs=0.02)
    np.testing.assert_allclose(found.offsets - found.offsets[0], [0, 1, -0.5], atol=0.08)


def test_no_point_nearby_has_less_loss():
    scores, truth = draw()
    priors = np.log([0.5, 0.3, 0.2])
    found = fit_calibration(scores, truth, priors)
    least = loss_by_hand(scores, truth, priors, found.sharpness, found.offsets)
    assert found.log_loss == pytest.approx(least, abs=1e-12)
    rng = np.random.default_rng(1)
    for size in (1e-3, 1e-2, 0.1):
        for _ in range(20):
            move = size * rng.normal(size=4)
            assert loss_by_hand(scores, truth, priors, found.sharpness + move[0], found.offsets + move[1:]) > least


def test_without_offsets_only_the_temperature_is_fitted():
    scores, truth = draw()
    found = fit_calibration(scores, truth, np.zeros(3), per_class=False)
    assert not found.offsets.any()
    grid = [loss_by_hand(scores, truth, np.zeros(3), t, np.zeros(3)) for t in np.linspace(0.01, 3, 3000)]
    assert found.log_loss == pytest.approx(min(grid), abs=1e-6)
    assert fit_calibration(scores, truth, np.zeros(3)).log_loss < found.log_loss - 0.01


def test_scores_that_tell_all_apart_stay_finite():
    truth = np.arange(40) % 2
    scores = np.where(np.eye(2)[truth] > 0, 5.0, -5.0)
    found = fit_calibration(scores, truth, np.zeros(2))
    sure = np.exp(log_softmax(found.sharpness * scores + found.offsets)).max(axis=1)
    np.testing.assert_allclose(sure, 1 - 1 / 42, atol=1e-4)


def test_scores_that_say_the_opposite_are_not_turned_around():
    truth = np.arange(40) % 2
    scores = np.where(np.eye(2)[truth] > 0, -5.0, 5.0)
    assert fit_calibration(scores, truth, np.zeros(2)).sharpness == pytest.approx(COLDEST)


def test_a_row_of_weight_two_is_two_rows():
    scores, truth = draw()
    weights = np.where(np.arange(len(truth)) < 100, 2.0, 1.0)
    weighted = fit_calibration(scores, truth, np.zeros(3), weights)
    doubled = fit_calibration(np.vstack([scores, scores[:100]]), np.r_[truth, truth[:100]], np.zeros(3))
    np.testing.assert_allclose(weighted.offsets, doubled.offsets, atol=1e-6)
    assert weighted.sharpness == pytest.approx(doubled.sharpness, abs=1e-6)
    assert np.abs(weighted.offsets - fit_calibration(scores, truth, np.zeros(3)).offsets).max() > 0.01


def test_a_class_without_rows_keeps_its_place():
    scores, truth = draw()
    kept = truth < 2
    found = fit_calibration(scores[kept], truth[kept], np.log([0.4, 0.4, 0.2]))
    assert found.offsets[2] == 0
    assert found.offsets[:2].all()


def test_a_class_that_left_with_its_group_has_no_chance_and_no_say():
    scores, truth = draw()
    scores[:50, 2] = -np.inf
    kept = np.isfinite(scores[np.arange(len(truth)), truth])
    found = fit_calibration(scores[kept], truth[kept], np.zeros(3))
    assert np.isfinite([found.sharpness, found.log_loss, *found.offsets]).all()
    assert (smooth_truth(scores[kept], truth[kept], kept.sum())[np.isneginf(scores[kept])] == 0).all()


def test_nothing_to_calibrate_on():
    found = fit_calibration(np.empty((0, 3)), np.empty(0, np.int64), np.zeros(3))
    assert found.sharpness == 1
    assert np.isnan(found.log_loss)
    assert not found.offsets.any()


@pytest.mark.parametrize("best", LEVELS)
def test_the_walk_ends_at_the_least(best):
    asked = []

    def loss(level):
        asked.append(level)
        return abs(np.log(level / best))

    assert search_levels(loss) == best
    assert len(asked) == len(set(asked)) <= abs(LEVELS.index(best) - LEVELS.index(START)) + 3


def test_the_walk_without_numbers_stays():
    assert search_levels(lambda level: float("nan")) == START
