"""Single-label and multi-label figures against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn import metrics as peer

from foveal.core.errors import InputError
from foveal.metrics.classification import class_figures, confusion_matrix, macro_f1
from foveal.metrics.tags import exact_match, micro_f1, tag_figures


@pytest.fixture
def answers():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 5, 300)
    return truth, np.where(rng.random(300) < 0.7, truth, rng.integers(0, 5, 300))


def test_confusion_by_hand():
    confusion = confusion_matrix(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), 3)
    assert confusion.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]


def test_confusion_has_the_truth_in_rows():
    truth, answer = np.array([0, 0, 0]), np.array([1, 1, 0])
    turned = confusion_matrix(answer, truth, 2)
    assert confusion_matrix(truth, answer, 2).tolist() == [[1, 2], [0, 0]] != turned.tolist()


def test_figures_equal_the_peer(answers):
    truth, answer = answers
    confusion = confusion_matrix(truth, answer, 5)
    assert np.array_equal(confusion, peer.confusion_matrix(truth, answer))
    expected = peer.precision_recall_fscore_support(truth, answer)
    for mine, theirs in zip(class_figures(confusion), expected[:3], strict=True):
        np.testing.assert_allclose(mine, theirs)
    assert macro_f1(confusion) == pytest.approx(peer.f1_score(truth, answer, average="macro"))


def test_classes_that_never_occur_do_not_lower_the_macro_f1():
    confusion = confusion_matrix(np.array([0, 1]), np.array([0, 1]), 7)
    assert macro_f1(confusion) == 1.0
    assert class_figures(confusion)[2].tolist() == [1, 1, 0, 0, 0, 0, 0]
    assert macro_f1(np.zeros((3, 3), int)) == 0.0


@pytest.mark.parametrize(("truth", "answer"), [([0, 1], [0]), ([0, 2], [0, 1]), ([0, -1], [0, 1])])
def test_bad_indices_are_refused(truth, answer):
    with pytest.raises(InputError, match=r"equally long|indices"):
        confusion_matrix(np.array(truth), np.array(answer), 2)


def test_tags_equal_the_peer():
    rng = np.random.default_rng(5)
    truth = rng.random((200, 4)) < 0.3
    said = truth ^ (rng.random((200, 4)) < 0.15)
    expected = peer.precision_recall_fscore_support(truth, said)
    for mine, theirs in zip(tag_figures(truth, said), expected[:3], strict=True):
        np.testing.assert_allclose(mine, theirs)
    assert micro_f1(truth, said) == pytest.approx(peer.f1_score(truth, said, average="micro"))
    assert exact_match(truth, said) == pytest.approx(peer.accuracy_score(truth, said))


def test_tags_by_hand():
    truth = np.array([[True, False], [True, True]])
    said = np.array([[True, True], [False, True]])
    precision, recall, f1 = tag_figures(truth, said)
    assert (precision.tolist(), recall.tolist()) == ([1.0, 0.5], [0.5, 1.0])
    assert f1 == pytest.approx([2 / 3, 2 / 3])
    assert (exact_match(truth, said), exact_match(truth, truth), micro_f1(truth, ~truth)) == (0.0, 1.0, 0.0)


def test_tags_of_different_shapes_are_refused():
    with pytest.raises(InputError, match="pictures, tags"):
        micro_f1(np.zeros((3, 2), bool), np.zeros((3, 3), bool))
