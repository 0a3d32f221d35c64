"""Intervals against scipy, by hand, and by what they promise on made-up data."""

import numpy as np
import pytest
from scipy import stats

from foveal.core.errors import InputError
from foveal.metrics.intervals import binomial_range, cluster_interval, student_quantile, wilson_interval


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (8, 10), (10, 10), (1, 1), (771, 1000)])
def test_wilson_equals_the_peer(successes, n):
    peer = stats.binomtest(successes, n).proportion_ci(method="wilson")
    assert wilson_interval(successes, n) == pytest.approx((peer.low, peer.high), abs=1e-12)


def test_wilson_of_nothing_says_nothing():
    assert wilson_interval(0, 0) == (0.0, 1.0)
    with pytest.raises(InputError, match="between 0 and n"):
        wilson_interval(3, 2)


@pytest.mark.parametrize(("share", "n"), [(0.9, 1), (0.9, 10), (0.9, 657), (0.5, 40), (0.99, 2485)])
def test_binomial_range_equals_the_peer(share, n):
    low, high = binomial_range(share, n)
    assert (low * n, high * n) == pytest.approx(stats.binom.ppf([0.025, 0.975], n, share))


def test_binomial_range_refuses_certainty():
    with pytest.raises(InputError, match=r"\(0, 1\)"):
        binomial_range(1.0, 10)


@pytest.mark.parametrize("freedom", [1, 2, 4, 5, 9, 40, 1000])
def test_student_equals_the_peer(freedom):
    assert student_quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=0.01)


def test_pictures_on_their_own_get_the_plain_interval():
    right = np.array([True] * 8 + [False] * 2)
    assert cluster_interval(right, np.arange(10)) == wilson_interval(8, 10)


def test_identical_frames_count_once():
    right = np.repeat([True] * 8 + [False] * 2, 50)
    low, high = cluster_interval(right, np.repeat(np.arange(10), 50))
    plain = wilson_interval(400, 500)
    assert low < 0.52 < plain[0]
    assert high > 0.92 > plain[1]


def test_all_right_is_not_certain():
    low, high = cluster_interval(np.ones(60, bool), np.repeat(np.arange(12), 5))
    assert high == 1.0
    assert low == pytest.approx(wilson_interval(12, 12)[0])


def test_one_group_says_next_to_nothing():
    low, high = cluster_interval(np.array([True, True, True, False]), np.zeros(4, int))
    assert high - low > 0.7


def holds_truth(interval_of, n_sets=400):
    """Share of made-up sets of bursts whose interval holds the true share, 0.8."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(n_sets):
        sizes = rng.integers(1, 12, 30)
        groups = np.repeat(np.arange(30), sizes)
        right = rng.random(len(groups)) < np.repeat(rng.beta(1.6, 0.4, 30), sizes)
        low, high = interval_of(right, groups)
        held += low <= 0.8 <= high
    return held / n_sets


def test_the_interval_holds_the_truth_in_bursts_and_the_plain_one_does_not():
    assert holds_truth(cluster_interval) >= 0.9
    assert holds_truth(lambda right, groups: wilson_interval(int(right.sum()), len(right))) < 0.75


def test_lengths_must_agree():
    with pytest.raises(InputError, match="one group per picture"):
        cluster_interval(np.ones(3, bool), np.arange(2))
    with pytest.raises(InputError, match="at least one"):
        cluster_interval(np.ones(0, bool), np.arange(0))
