"""Bursts, wrong labels and learning curves, on data whose truth is known."""

import numpy as np
import pytest

from foveal.audits.bursts import NO_NEIGHBORS, find_bursts
from foveal.audits.labels import find_wrong_labels
from foveal.audits.learning_curve import fit_learning_curve, what_more_buys
from foveal.audits.pictures import Pictures
from foveal.core.errors import InputError
from foveal.core.image import Appearance, Capture
from foveal.memory.codes import make_code
from foveal.recognizers.taught import CodesInMemory

DIM = 60


def make_table(objects, each, seed=0, groups=None):
    """`each` shots of every object, in file order; classes a and b hold half of the objects each."""
    rng = np.random.default_rng(seed)
    codes, names, labels, captures, looks = [], [], [], [], []
    for thing in range(objects):
        center = rng.random(DIM) ** 4
        for shot in range(each):
            codes.append(make_code(np.abs(center + 0.02 * rng.random(DIM))))
            number = thing * each + shot
            labels.append(("a",) if thing < objects // 2 else ("b",))
            names.append(f"/photos/{labels[-1][0]}/IMG_{number}.jpg")
            captures.append(Capture(f"{number:064x}", 1000, "JPEG", 100, 100))
            looks.append(Appearance(int(rng.integers(0, 2**62)), 100.0, 120.0, 50.0, 100.0))
    n = len(codes)
    ids = np.arange(1, n + 1)
    table = Pictures(ids, tuple(names), tuple(names), tuple(labels), (None,) * n, groups or (None,) * n,
                     tuple(captures), tuple(looks))  # fmt: skip
    return table, CodesInMemory(ids, np.array(codes))


def test_bursts_are_found_and_no_more():
    table, reader = make_table(objects=12, each=3)
    bursts = find_bursts(table, reader)
    expected = np.arange(36) // 3
    pairs = [(i, j) for i in range(36) for j in range(36)]
    agree = [(bursts.groups[i] == bursts.groups[j]) == (expected[i] == expected[j]) for i, j in pairs]
    assert np.mean(agree) > 0.97
    assert find_bursts(table, reader, threshold=NO_NEIGHBORS).n_groups == 36


def test_bursts_do_not_depend_on_order_or_ids():
    table, reader = make_table(objects=10, each=2)
    order = np.random.default_rng(1).permutation(20)
    mixed = Pictures(
        table.ids[order],
        *(tuple(column[i] for i in order) for column in (
            table.names, table.paths, table.labels, table.splits, table.groups, table.captures, table.appearances)),
    )  # fmt: skip
    first, second = find_bursts(table, reader).groups, find_bursts(mixed, reader).groups
    same = first[order][:, None] == first[order][None]
    np.testing.assert_array_equal(second[:, None] == second[None], same)


def test_the_users_groups_win():
    given = tuple("left" if i % 2 else "right" for i in range(12))
    table, reader = make_table(objects=4, each=3, groups=given)
    bursts = find_bursts(table, reader)
    assert bursts.n_groups == 2
    assert len({int(g) for g, name in zip(bursts.groups, given, strict=True) if name == "left"}) == 1


def test_flipped_labels_are_found():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 4, 800)
    probabilities = rng.dirichlet(np.ones(4), 800) * 0.3
    probabilities[np.arange(800), truth] += 0.7
    flipped = rng.choice(800, 40, replace=False)
    said = truth.copy()
    said[flipped] = (truth[flipped] + 1) % 4
    names = [str(i) for i in range(800)]
    found = {int(text.split(":")[0]) for text in find_wrong_labels(names, "wxyz", said, probabilities)[0].names}
    hits = len(found & set(flipped.tolist()))
    assert hits / 40 > 0.6
    assert hits / len(found) > 0.9
    assert find_wrong_labels(names, "wxyz", truth, probabilities) == []


def test_a_learning_curve_is_recovered():
    points = [(n, 1.0 - (0.05 + 0.8 * n**-0.6)) for n in (5, 10, 20, 40)]
    curve = fit_learning_curve(points)
    gain, low, high = what_more_buys(curve, 40, 20)
    assert gain == pytest.approx(0.8 * (40**-0.6 - 60**-0.6), abs=0.005)
    assert low <= gain <= high


def test_a_curve_that_does_not_rise_promises_nothing():
    assert what_more_buys(fit_learning_curve([(5, 0.9), (10, 0.85), (20, 0.7)]), 20, 20) is None
    with pytest.raises(InputError, match="two points"):
        fit_learning_curve([(5, 0.9)])
