"""Ranking figures against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn import metrics as peer

from foveal.core.errors import InputError
from foveal.metrics.ranking import average_precision, measure_auroc


@pytest.fixture(params=[3, 1000], ids=["many ties", "few ties"])
def scores(request):
    rng = np.random.default_rng(7)
    positive = rng.random(400) < 0.3
    return (rng.normal(positive.astype(float)) * request.param).round() / request.param, positive


def test_equal_the_peer(scores):
    values, positive = scores
    assert measure_auroc(values, positive) == pytest.approx(peer.roc_auc_score(positive, values))
    assert average_precision(values, positive) == pytest.approx(peer.average_precision_score(positive, values))


def test_by_hand():
    values, positive = np.array([3.0, 2.0, 1.0]), np.array([True, False, True])
    assert measure_auroc(values, positive) == 0.5
    assert average_precision(values, positive) == pytest.approx((1 + 2 / 3) / 2)
    assert measure_auroc(np.ones(4), np.array([True, False, True, False])) == 0.5


def test_higher_must_mean_more():
    values = np.arange(10.0)
    assert measure_auroc(values, values > 5) == 1.0
    assert measure_auroc(-values, values > 5) == 0.0


def test_both_kinds_are_needed():
    with pytest.raises(InputError, match="at least one positive and one negative"):
        measure_auroc(np.arange(3.0), np.ones(3, bool))
    with pytest.raises(InputError, match="at least one positive"):
        average_precision(np.arange(3.0), np.zeros(3, bool))
