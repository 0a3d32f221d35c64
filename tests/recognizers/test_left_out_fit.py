"""What is chosen on left-out groups does not depend on how often a group was photographed."""

import numpy as np
import pytest

from foveal.recognizers.discriminant import decompose
from foveal.recognizers.leave_out import Projected
from foveal.recognizers.left_out_fit import choose_level
from foveal.recognizers.statistics import measure_arrays


def choose(vectors, classes, groups, repeats, level=None):
    """Choose on statistics of one picture a group, and rows repeated within theirs."""
    statistics = measure_arrays(vectors, classes, 3)
    spectrum = decompose(statistics)
    again = np.repeat(np.arange(len(vectors)), repeats)
    parts = [(np.arange(len(again)), Projected(vectors[again] @ spectrum.vectors, classes[again], groups[again]))]
    return choose_level(statistics, spectrum, parts, np.ones(len(again), bool), level)


def draw(n=120):
    rng = np.random.default_rng(2)
    classes = np.arange(n) % 3
    return rng.normal(size=(3, 12))[classes] + rng.normal(size=(n, 12)) * 1.5, classes


def test_a_group_counts_once():
    """Pairs of unlike pictures are one group; which of the groups has more rows must not matter."""
    vectors, classes = draw()
    groups = np.arange(len(vectors))
    once = choose(vectors, classes, groups, np.ones(len(vectors), int), level=1.0)
    assert once.calibration.log_loss < np.log(3)
    assert once.calibration.offsets.any()
    counted = np.where(np.arange(len(vectors)) < 30, 3, 1)
    twice = choose(vectors, classes, groups, counted, level=1.0)
    assert twice.calibration.log_loss == pytest.approx(once.calibration.log_loss, rel=0.15)


def test_the_level_is_no_worse_than_its_neighbors():
    vectors, classes = draw()
    groups, ones = np.arange(len(vectors)), np.ones(len(vectors), int)
    chosen = choose(vectors, classes, groups, ones)
    for level in (0.003, 0.9):
        assert choose(vectors, classes, groups, ones, level).calibration.log_loss >= chosen.calibration.log_loss - 0.01
