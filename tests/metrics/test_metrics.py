"""Metrics agree with scikit-learn and with numbers worked out by hand."""

import numpy as np
import pytest
from sklearn import metrics as reference

from foveal.core.errors import InputError
from foveal.metrics.calibration import expected_calibration_error, log_loss, reliability_bins
from foveal.metrics.classification import class_figures, confusion_matrix, macro_f1
from foveal.metrics.intervals import binomial_range, cluster_interval, wilson_interval
from foveal.metrics.ranking import average_precision, measure_auroc

RNG = np.random.default_rng(0)
TRUTH, ANSWER = RNG.integers(0, 5, 300), RNG.integers(0, 5, 300)
SCORES, POSITIVE = RNG.integers(0, 40, 200) / 40.0, RNG.random(200) < 0.3


def test_classification_agrees():
    confusion = confusion_matrix(TRUTH, ANSWER, 5)
    np.testing.assert_array_equal(confusion, reference.confusion_matrix(TRUTH, ANSWER))
    expected = reference.precision_recall_fscore_support(TRUTH, ANSWER)
    for mine, theirs in zip(class_figures(confusion), expected[:3], strict=True):
        np.testing.assert_allclose(mine, theirs)
    assert macro_f1(confusion) == pytest.approx(reference.f1_score(TRUTH, ANSWER, average="macro"))


def test_ranking_agrees_with_ties():
    assert measure_auroc(SCORES, POSITIVE) == pytest.approx(reference.roc_auc_score(POSITIVE, SCORES))
    assert average_precision(SCORES, POSITIVE) == pytest.approx(reference.average_precision_score(POSITIVE, SCORES))


def test_intervals_hold_what_they_promise():
    inside = 0
    for seed in range(300):
        hits = int((np.random.default_rng(seed).random(50) < 0.8).sum())
        low, high = wilson_interval(hits, 50)
        inside += low <= 0.8 <= high
    assert 0.92 <= inside / 300 <= 0.985
    low, high = binomial_range(0.9, 50)
    shares = (np.random.default_rng(1).random((4000, 50)) < 0.9).mean(axis=1)
    assert 0.94 <= ((shares >= low) & (shares <= high)).mean() <= 0.99


def test_grouped_pictures_are_less_sure():
    right = np.repeat(RNG.random(30) < 0.7, 10)
    alone, together = cluster_interval(right, np.arange(300)), cluster_interval(right, np.repeat(np.arange(30), 10))
    assert together[1] - together[0] > 2 * (alone[1] - alone[0])


def test_calibration_by_hand():
    bins = reliability_bins(np.array([0.95, 0.95, 0.55, 1.0]), np.array([True, False, True, True]))
    assert [b.n for b in bins] == [1, 3]
    assert expected_calibration_error(bins) == pytest.approx(0.25 * 0.45 + 0.75 * abs((0.95 * 2 + 1) / 3 - 2 / 3))
    assert log_loss(np.array([0.5, 0.25])) == pytest.approx((np.log(2) + np.log(4)) / 2)


def test_impossible_questions_are_refused():
    with pytest.raises(InputError, match="equally long"):
        confusion_matrix(TRUTH, ANSWER[:5], 5)
    with pytest.raises(InputError, match="Class indices"):
        confusion_matrix(TRUTH, ANSWER, 3)
    with pytest.raises(InputError, match="at least one"):
        measure_auroc(SCORES, np.ones(200, bool))
    with pytest.raises(InputError, match="between 0 and n"):
        wilson_interval(5, 3)
