"""The p-value of distances: a yardstick in the bulk, an extrapolated tail beyond, unmoved by outliers."""

from itertools import pairwise

import numpy as np
import pytest

from foveal.recognizers.oddness import tail_p_value


@pytest.mark.parametrize("n", [30, 100, 1000])
def test_the_like_are_flagged_as_often_as_promised(n):
    """Chi-squared distances, as of Gaussian features; over many draws of what was taught."""
    rng = np.random.default_rng(n)
    flagged = []
    for _ in range(200):
        taught = np.sort(rng.chisquare(30, n))
        flagged += [tail_p_value(taught, x) <= 0.01 for x in rng.chisquare(30, 50)]
    assert 0.001 < np.mean(flagged) < 0.03


@pytest.mark.parametrize("n", [20, 60, 500])
def test_the_far_are_flagged_in_spite_of_a_wrong_picture_among_the_taught(n):
    taught = np.sort(np.append(np.random.default_rng(n).chisquare(30, n), 5000.0))
    assert tail_p_value(taught, 300.0) < 0.01
    assert (1 + (taught >= 300.0).sum()) / (n + 2) > 1 / (n + 2), "the share alone would not say so"


def test_it_never_rises_with_the_distance_and_stays_within_bounds():
    taught = np.sort(np.random.default_rng(0).chisquare(10, 80))
    values = [tail_p_value(taught, x) for x in np.linspace(0, 200, 2000)]
    assert all(a >= b - 0.03 for a, b in pairwise(values))
    assert 0 < min(values) < max(values) <= 1
    assert values[0] == 1


def test_nothing_or_one_value_to_compare_with():
    assert tail_p_value(np.zeros(0), 3.0) == 1
    assert tail_p_value(np.ones(1), 3.0) == pytest.approx(0.5)
    assert tail_p_value(np.ones(5), 3.0) == pytest.approx(1 / 6)
