"""Retrieval figures against numbers worked by hand."""

import numpy as np
import pytest

from foveal.core.errors import InputError
from foveal.metrics.retrieval import measure_overlap, measure_retrieval


def test_by_hand():
    relevant = np.array([[1, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 1], [0, 1, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0]], bool)
    found = measure_retrieval(relevant)
    assert (found.n, found.recall_at_1, found.recall_at_5) == (3, 1 / 3, 2 / 3)
    assert found.mean_average_precision == pytest.approx(np.mean([(1 + 2 / 4) / 2, 1 / 6, (1 / 2 + 2 / 3) / 2]))


@pytest.mark.parametrize("relevant", [np.zeros((3, 4), bool), np.zeros((0, 4), bool), np.ones(4, bool)])
def test_nothing_to_measure(relevant):
    with pytest.raises(InputError):
        measure_retrieval(relevant)


def test_overlap():
    assert measure_overlap(np.array([[1, 2, 3], [4, 5, 6]]), np.array([[3, 2, 1], [4, 9, 8]])) == pytest.approx(2 / 3)
