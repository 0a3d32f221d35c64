"""Evaluations by hand and against scikit-learn."""

import json

import numpy as np
import pytest
from sklearn import metrics as peer

from foveal.audits.evaluation import Answers, measure_evaluation, measure_tags
from foveal.core.errors import InputError

CLASSES = ("apple", "pear", "plum")


def answers_of(probabilities, groups=None, answered=None, coverage=0.9):
    probabilities = np.asarray(probabilities, float)
    n = len(probabilities)
    return Answers(
        probabilities,
        probabilities > 0.25,
        np.ones(n, bool) if answered is None else np.asarray(answered),
        np.arange(n) if groups is None else np.asarray(groups),
        coverage,
    )


@pytest.fixture
def by_hand():
    rows = [[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.1, 0.8, 0.1], [0.5, 0.1, 0.4]]
    return measure_evaluation(
        CLASSES, np.array([0, 0, 1, 2]), answers_of(rows, answered=[True, False, True, True]), how="test pictures"
    )


def test_figures_by_hand(by_hand):
    assert (by_hand.n, by_hand.accuracy, by_hand.share_answered) == (4, 0.5, 0.75)
    assert by_hand.accuracy_answered == pytest.approx(2 / 3)
    assert by_hand.confusion.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
    assert by_hand.confused == (("apple", "pear", 1), ("plum", "apple", 1))
    assert [(row.n, row.recall, row.precision) for row in by_hand.classes] == [(2, 0.5, 0.5), (1, 1, 0.5), (1, 0, 0)]
    assert by_hand.coverage.measured == 1.0
    assert by_hand.coverage.mean_set_size == 1.5
    assert by_hand.selective[-1] == (1.0, 0.5)


def test_it_is_plain_json(by_hand):
    plain = json.loads(json.dumps(by_hand.to_dict(), allow_nan=False))
    assert plain["coverage"]["is_kept"] is True
    assert plain["classes"][0]["label"] == "apple"
    assert (plain["exact_match"], plain["n"]) == (None, 4)


def test_a_class_without_pictures_promises_nothing():
    figures = measure_evaluation(CLASSES, np.array([0, 1]), answers_of([[1, 0, 0], [0, 1, 0]]), how="test pictures")
    plum = figures.classes[2]
    assert (plum.n, plum.recall_interval, plum.coverage_range) == (0, (0.0, 1.0), (0.0, 1.0))
    assert figures.macro_f1 == 1.0


def test_bursts_widen_the_interval_and_change_nothing_else():
    rng = np.random.default_rng(0)
    truth = np.repeat(rng.integers(0, 3, 30), 6)
    good = np.repeat(rng.random(30) < 0.8, 6)
    best = np.where(good, truth, (truth + 1) % 3)
    rows = np.eye(3)[best] * 0.8 + 0.2 / 3
    alone = measure_evaluation(CLASSES, truth, answers_of(rows), how="x")
    bursts = measure_evaluation(CLASSES, truth, answers_of(rows, groups=np.repeat(np.arange(30), 6)), how="x")
    width = [f.accuracy_interval[1] - f.accuracy_interval[0] for f in (alone, bursts)]
    assert width[1] > 1.8 * width[0]
    for one, other in zip(alone.classes, bursts.classes, strict=True):
        assert np.diff(other.recall_interval)[0] > np.diff(one.recall_interval)[0]
        assert one.recall == other.recall
    assert (alone.accuracy, alone.n_groups, bursts.n_groups) == (bursts.accuracy, 180, 30)


def test_tags_equal_the_peer():
    rng = np.random.default_rng(2)
    truth = rng.random((150, 3)) < 0.4
    probabilities = np.clip(truth * 0.5 + rng.random((150, 3)) * 0.6, 0, 1)
    figures = measure_tags(CLASSES, truth, answers_of(probabilities), how="test pictures")
    said = probabilities > 0.5
    assert figures.macro_f1 == pytest.approx(peer.f1_score(truth, said, average="macro"))
    assert figures.micro_f1 == pytest.approx(peer.f1_score(truth, said, average="micro"))
    assert figures.exact_match == pytest.approx(peer.accuracy_score(truth, said))
    assert figures.average_precision == pytest.approx(peer.average_precision_score(truth, probabilities))
    assert figures.accuracy == pytest.approx((truth == said).mean())
    assert figures.confusion is None
    json.dumps(figures.to_dict(), allow_nan=False)


def test_tag_decisions_of_one_picture_are_not_independent():
    truth = np.zeros((40, 10), bool)
    probabilities = np.repeat((np.arange(40) % 5 == 0)[:, None] * 0.9, 10, axis=1)
    figures = measure_tags([str(k) for k in range(10)], truth, answers_of(probabilities), how="x")
    low, high = figures.accuracy_interval
    assert figures.accuracy == 0.8
    assert high - low > 0.2


def test_shapes_must_fit():
    with pytest.raises(InputError, match="at least one picture"):
        measure_evaluation(CLASSES, np.zeros(0, int), answers_of(np.zeros((0, 3))), how="x")
    with pytest.raises(InputError, match=r"\(2, 3\)"):
        measure_evaluation(CLASSES, np.array([0, 1]), answers_of([[1.0, 0.0]] * 2), how="x")
