"""Closed-form left-out scores equal brute-force refitting."""

import numpy as np
import pytest
from tests.oracles.left_out_refitting import left_out_scores

from foveal.recognizers.discriminant import decompose, shrink
from foveal.recognizers.leave_out import Projected, leave_groups_out
from foveal.recognizers.statistics import measure_arrays


def draw(n=60, dim=9, n_classes=4, seed=3):
    rng = np.random.default_rng(seed)
    classes = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)])
    vectors = rng.normal(size=(n_classes, dim))[classes] + rng.normal(size=(n, dim)) * rng.random(dim)
    return vectors, classes


GROUPINGS = {
    "alone": lambda n, classes: np.arange(n),
    "pairs": lambda n, classes: np.arange(n) // 2,
    "uneven": lambda n, classes: (np.arange(n) ** 2) % 7,
    "a class inside one group": lambda n, classes: np.where(classes == 2, 999, np.arange(n) // 3),
}


@pytest.mark.parametrize("level", [0.01, 0.3, 1.0])
@pytest.mark.parametrize("grouping", GROUPINGS)
@pytest.mark.parametrize(("n", "dim"), [(60, 9), (24, 90)])
def test_equals_refitting(grouping, level, n, dim):
    vectors, classes = draw(n, dim)
    groups = GROUPINGS[grouping](len(vectors), classes)
    statistics = measure_arrays(vectors, classes, 4)
    shrinkage, spectrum = shrink(statistics, level), decompose(statistics, vectors)
    assert spectrum.vectors.shape == (dim, min(n, dim))
    rows = Projected(vectors @ spectrum.vectors, classes, groups)
    out = leave_groups_out(spectrum, statistics.counts, shrinkage, rows)
    scores, distances = left_out_scores(vectors, classes, groups, 4, shrinkage.slope, shrinkage.ridge)
    np.testing.assert_allclose(out.scores, scores, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(out.distances, distances, rtol=1e-8, atol=1e-9)
    if grouping == "a class inside one group":
        assert np.isneginf(out.scores[classes == 2, 2]).all()


@pytest.mark.parametrize(("n", "dim"), [(60, 9), (24, 90), (46, 90)])
def test_the_inverse_is_that_of_the_whole_space(n, dim):
    vectors, classes = draw(n, dim)
    vectors[1] = vectors[0]  # a copy adds nothing to the span
    statistics = measure_arrays(vectors, classes, 4)
    shrinkage = shrink(statistics, 0.05)
    found = decompose(statistics, vectors).inverse(shrinkage)
    scatter = shrinkage.slope * statistics.scatter + shrinkage.ridge * np.eye(dim)
    np.testing.assert_allclose(found @ scatter, np.eye(dim), atol=1e-9)
    assert (found == found.T).all()


def test_scores_that_are_not_left_out_differ():
    """The seeded fault: scores of the full fit are told apart from left-out ones."""
    vectors, classes = draw()
    statistics = measure_arrays(vectors, classes, 4)
    shrinkage = shrink(statistics, 0.1)
    inverse = decompose(statistics).inverse(shrinkage)
    full = vectors @ inverse @ statistics.means.T
    scores, _ = left_out_scores(vectors, classes, np.arange(len(vectors)), 4, shrinkage.slope, shrinkage.ridge)
    assert np.abs(full - scores).max() > 0.1
