"""Probabilities, coverage and selective answers, against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn import metrics as peer
from sklearn.calibration import calibration_curve

from foveal.core.errors import InputError
from foveal.metrics.calibration import brier_score, expected_calibration_error, log_loss, reliability_bins
from foveal.metrics.coverage import mean_set_size, measure_coverage
from foveal.metrics.selective import selective_curve


def test_bins_by_hand():
    bins = reliability_bins(np.array([0.05, 0.95, 1.0, 0.92]), np.array([False, True, True, False]))
    assert [(b.low, b.n) for b in bins] == [(0.0, 1), (0.9, 3)]
    assert bins[1].right == pytest.approx(2 / 3)
    assert expected_calibration_error(bins) == pytest.approx((0.05 + 3 * abs(2.87 / 3 - 2 / 3)) / 4)
    assert expected_calibration_error(()) == 0.0


def test_bins_equal_the_peer():
    rng = np.random.default_rng(1)
    probability = rng.random(500)
    right = rng.random(500) < probability**2
    share, mean = calibration_curve(right, probability, n_bins=10)
    bins = reliability_bins(probability, right)
    assert [b.right for b in bins] == pytest.approx(share.tolist())
    assert [b.probability for b in bins] == pytest.approx(mean.tolist())


def test_overconfidence_is_seen():
    rng = np.random.default_rng(2)
    probability = rng.uniform(0.5, 1.0, 4000)
    honest = rng.random(4000) < probability
    boastful = rng.random(4000) < probability - 0.2
    assert expected_calibration_error(reliability_bins(probability, honest)) < 0.03
    assert expected_calibration_error(reliability_bins(probability, boastful)) == pytest.approx(0.2, abs=0.03)


def test_losses_equal_the_peer():
    rng = np.random.default_rng(3)
    probabilities = rng.dirichlet(np.ones(4), 200)
    truth = rng.integers(0, 4, 200)
    assert log_loss(probabilities[np.arange(200), truth]) == pytest.approx(peer.log_loss(truth, probabilities))
    by_hand = np.mean(
        [(p[t] - 1) ** 2 + sum(q * q for q in np.delete(p, t)) for p, t in zip(probabilities, truth, strict=True)]
    )
    assert brier_score(probabilities, np.eye(4, dtype=bool)[truth]) == pytest.approx(by_hand)


def test_certainty_that_is_wrong_stays_finite():
    assert 30 < log_loss(np.array([0.0])) < 40
    assert brier_score(np.array([[1.0, 0.0]]), np.array([[False, True]])) == 2.0


def test_bad_probabilities_are_refused():
    with pytest.raises(InputError, match=r"\[0, 1\]"):
        reliability_bins(np.array([1.2]), np.array([True]))
    with pytest.raises(InputError, match="One probability"):
        reliability_bins(np.array([0.2, 0.3]), np.array([True]))
    with pytest.raises(InputError, match="one shape"):
        brier_score(np.ones((2, 3)), np.ones((2, 2), bool))


def test_coverage_kept_and_broken():
    kept = measure_coverage(np.array([True] * 91 + [False] * 9), 0.9)
    broken = measure_coverage(np.array([True] * 80 + [False] * 20), 0.9)
    assert (kept.measured, kept.is_kept, kept.is_below) == (0.91, True, False)
    assert (broken.is_kept, broken.is_below) == (False, True)
    too_wide = measure_coverage(np.ones(500, bool), 0.9)
    assert (too_wide.is_kept, too_wide.is_below) == (False, False)


def test_nothing_measured_breaks_no_promise():
    nothing = measure_coverage(np.zeros(0, bool), 0.9)
    assert (nothing.n, nothing.is_below) == (0, False)
    with pytest.raises(InputError, match=r"\(0, 1\)"):
        measure_coverage(np.ones(3, bool), 1.0)


def test_promise_is_judged_right_nineteen_times_in_twenty():
    rng = np.random.default_rng(0)
    kept = [measure_coverage(rng.random(200) < 0.9, 0.9).is_kept for _ in range(500)]
    fooled = [measure_coverage(rng.random(200) < 0.8, 0.9).is_kept for _ in range(500)]
    assert np.mean(kept) >= 0.93
    assert np.mean(fooled) < 0.1


def test_bursts_do_not_break_a_promise_by_being_alike():
    def judged_kept(by_group):
        rng = np.random.default_rng(1)
        groups = np.repeat(np.arange(40), 6)
        kept = [
            measure_coverage(np.repeat(rng.random(40) < 0.9, 6), 0.9, groups if by_group else None) for _ in range(200)
        ]
        return np.mean([not coverage.is_below for coverage in kept])

    assert judged_kept(True) >= 0.95
    assert judged_kept(False) < 0.85


def test_set_sizes():
    assert mean_set_size(np.array([[True, True, False], [False, False, False]])) == 1.0
    assert mean_set_size(np.zeros((0, 3), bool)) == 0.0


def test_selective_curve_by_hand():
    curve = selective_curve(np.array([0.9, 0.8, 0.8, 0.1]), np.array([True, True, False, False]), n_points=4)
    assert curve == ((0.25, 1.0), (0.75, 2 / 3), (1.0, 0.5))


def test_selective_curve_ends_at_the_accuracy_and_rises_with_good_confidence():
    rng = np.random.default_rng(4)
    confidence = rng.random(1000)
    right = rng.random(1000) < confidence
    curve = selective_curve(confidence, right)
    assert curve[-1] == pytest.approx((1.0, right.mean()))
    assert len(curve) <= 50
    assert curve[5][1] > curve[-1][1] + 0.3
    upside_down = selective_curve(-confidence, right)
    assert upside_down[5][1] < upside_down[-1][1]


def test_selective_curve_needs_answers():
    with pytest.raises(InputError, match="at least one"):
        selective_curve(np.zeros(0), np.zeros(0, bool))
