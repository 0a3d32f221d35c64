"""Metrics, the probability of the same item, relevance feedback and variety, against slow and obvious versions."""

import numpy as np
import pytest

from foveal.memory.codes import make_code, to_unit
from foveal.recognizers.metric import (
    PLAIN,
    RESIDUAL,
    TAUGHT,
    WHITENED,
    discriminate,
    find_principal,
    make_plain,
    make_taught,
    make_whitened,
)
from foveal.recognizers.metric_choice import Pictures, choose_group_limit, choose_metric
from foveal.recognizers.relevance import choose_varied, link_on_average, revise_query
from foveal.recognizers.salience import find_salient
from foveal.recognizers.same_item import LEAST, Known, Rehearsal, fit_same_item, rehearse

D = 24


def made(n_items=30, each=6, seed=0, noise=0.25, shared=0.6):
    """Codes of items that differ along a few axes, and share a strong direction that says nothing."""
    chosen = np.random.default_rng(seed)
    centers = np.abs(chosen.normal(size=(n_items, D)))
    items = np.repeat(np.arange(n_items), each)
    rows = centers[items] + noise * chosen.normal(size=(len(items), D)) * np.linspace(0.1, 4, D)
    rows[:, 0] += shared * chosen.normal(size=len(items)) * 8
    codes = np.stack([make_code(np.abs(row)) for row in rows])
    return codes, tuple(f"item {i:02d}" for i in items)


def pictures(codes, items, **changes):
    return Pictures(codes, items, np.arange(len(items)), **changes)


def test_vectors_have_unit_length_whatever_the_block():
    codes, items = made()
    numbers = np.unique(items, return_inverse=True)[1]
    principal = find_principal(to_unit(codes))
    for metric in (make_plain(D), make_whitened(principal), make_taught(principal, to_unit(codes), numbers, 0.2)):
        vectors = metric.project(codes)
        assert vectors.dtype == np.float32 and vectors.shape == (len(codes), metric.dim)
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(
            np.ones(len(codes)), abs=1e-3 if metric.kind == PLAIN else 1e-6
        )
        alone = np.concatenate([metric.project(code[None]) for code in codes])
        assert np.array_equal(alone.astype(np.float16), vectors.astype(np.float16))


def test_whitening_halves_the_power_of_every_axis():
    codes, _ = made()
    principal = find_principal(to_unit(codes))
    mapped = make_whitened(principal).map(to_unit(codes))
    assert mapped.mean(axis=0) == pytest.approx(np.zeros(mapped.shape[1]), abs=1e-6)
    covariance = np.cov(mapped.T)
    assert np.diag(covariance) == pytest.approx(np.sqrt(principal.variances), rel=1e-4)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 1e-7


def test_the_discriminant_solves_its_eigenproblem():
    """S_b a = e S_w a for every axis a before scaling, with S_w shrunk towards a sphere."""
    codes, items = made()
    rows = to_unit(codes)
    numbers = np.unique(items, return_inverse=True)[1]
    shrinkage = 0.3
    found = discriminate(rows, numbers, shrinkage)
    means = np.stack([rows[numbers == i].mean(axis=0) for i in range(30)])
    within = sum(np.outer(x - means[i], x - means[i]) for x, i in zip(rows, numbers, strict=True)) / (len(rows) - 30)
    within = (1 - shrinkage) * within + shrinkage * np.trace(within) / D * np.eye(D)
    between = np.cov(means.T, bias=True)
    inverse = np.linalg.inv(within)
    floor = RESIDUAL * np.trace(inverse @ between) / D
    for axis, ratio in zip(found.axes.T, found.variances, strict=True):
        assert between @ axis == pytest.approx((ratio - floor) * within @ axis, abs=1e-8)
        assert axis @ within @ axis == pytest.approx(ratio / (1 + ratio), rel=1e-6)
    assert found.mean == pytest.approx(means.mean(axis=0))


def test_a_taught_metric_finds_unseen_items_better():
    many_codes, many_items = made(n_items=60, seed=2)
    choice = choose_metric(pictures(many_codes, many_items))
    scores = {one.name: one.mean_average_precision for one in choice.tried}
    assert choice.metric.kind == TAUGHT
    assert max(s for name, s in scores.items() if name.startswith(TAUGHT)) > scores[WHITENED] + 0.02


def test_the_choice_does_not_depend_on_order():
    codes, items = made(n_items=60, seed=2)
    order = np.random.default_rng(3).permutation(len(codes))
    one = choose_metric(pictures(codes, items))
    other = choose_metric(pictures(codes[order], tuple(items[i] for i in order)))
    assert one.metric.id == other.metric.id and one.tried == other.tried
    assert np.array_equal(np.sort(one.rehearsal.same), np.sort(other.rehearsal.same))


def test_few_pictures_are_compared_as_they_are():
    codes, items = made(n_items=4)
    assert choose_metric(pictures(codes, items)).metric.kind == PLAIN
    codes, _ = made(n_items=60)
    assert choose_metric(pictures(codes, tuple(map(str, range(len(codes)))))).metric.kind == WHITENED


def test_labels_may_say_what_is_alike():
    codes, items = made(n_items=60, seed=4)
    alone = tuple(map(str, range(len(codes))))
    choice = choose_metric(pictures(codes, alone, labels=(*items[:-3], None, None, None)))
    assert choice.metric.kind == TAUGHT


def test_weights_add_up_to_the_similarity():
    codes, items = made(n_items=60)
    for metric in (make_plain(D), choose_metric(pictures(codes, items)).metric):
        vectors = metric.project(codes[:2])
        weights, bias = metric.weigh(codes[0], vectors[1])
        assert weights @ to_unit(codes[0]) + bias == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-4)


def test_the_group_limit_brings_known_items_together():
    chosen = np.random.default_rng(0)
    items = np.repeat(np.arange(25), 5)
    vectors = (chosen.normal(size=(25, 12))[items] + 0.15 * chosen.normal(size=(125, 12))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    limit = choose_group_limit(vectors, items)
    assert len(np.unique(link_on_average((vectors @ vectors.T).astype(float), limit))) == 25
    assert choose_group_limit(vectors, np.arange(125)) is None


def test_rehearsal_is_what_it_says():
    chosen = np.random.default_rng(0)
    vectors = chosen.normal(size=(40, 5)).astype(np.float32)
    items, groups = chosen.integers(0, 12, 40), chosen.integers(0, 25, 40)
    who = np.flatnonzero(np.bincount(items)[items] > 1)
    findable = chosen.random(40) > 0.2
    found = rehearse(vectors, who, Known(items, groups, findable))
    same, other = [], []
    for i in who:
        own = [
            float(vectors[i] @ vectors[j])
            for j in range(40)
            if findable[j] and items[j] == items[i] and groups[j] != groups[i]
        ]
        rest = [
            float(vectors[i] @ vectors[j])
            for j in range(40)
            if findable[j] and items[j] != items[i] and groups[j] != groups[i]
        ]
        if own and rest:
            same.append(max(own))
            other.append(max(rest))
    assert found.same == pytest.approx(same, abs=1e-5) and found.other == pytest.approx(other, abs=1e-5)


def test_the_probability_is_calibrated():
    chosen = np.random.default_rng(1)
    same, other = chosen.normal(0.8, 0.1, 4000), chosen.normal(0.5, 0.1, 4000)
    curve = fit_same_item(Rehearsal(same, other, other))
    assert curve is not None
    for low in (0.2, 0.4, 0.6, 0.8):
        present, absent = np.maximum(same, other), other
        right = np.concatenate([same > other, np.zeros(4000, bool)])
        said = np.array([curve.probability(s) for s in np.concatenate([present, absent])])
        inside = (said >= low) & (said < low + 0.2)
        assert right[inside].mean() == pytest.approx(said[inside].mean(), abs=0.06)
    assert curve.probability(curve.similarity_at(0.7)) == pytest.approx(0.7)
    assert curve.found == pytest.approx(np.mean((same > other) & (same >= curve.similarity_at(0.5))))
    assert curve.false == pytest.approx(np.mean(other >= curve.similarity_at(0.5)))


def test_present_and_absent_count_alike_however_many_there_are():
    chosen = np.random.default_rng(4)
    same, other = chosen.normal(0.8, 0.1, 3000), chosen.normal(0.5, 0.1, 3000)
    curves = [fit_same_item(Rehearsal(same, other, chosen.normal(0.5, 0.1, n))) for n in (3000, 300)]
    assert curves[0].similarity_at(0.5) == pytest.approx(curves[1].similarity_at(0.5), abs=0.01)


def test_no_promise_without_reason():
    assert fit_same_item(Rehearsal(np.ones(LEAST - 1), *[np.zeros(LEAST - 1)] * 2)) is None
    chosen = np.random.default_rng(2)
    assert fit_same_item(Rehearsal(np.full(50, -1.0), *[chosen.normal(size=50)] * 2)) is None


def test_perfect_separation_stays_finite():
    curve = fit_same_item(Rehearsal(np.full(50, 0.9), *[np.full(50, 0.1)] * 2))
    assert curve is not None and 0.9 < curve.probability(0.9) < 1 and 0 < curve.probability(0.1) < 0.1


def test_a_revised_query_minimizes_what_it_says():
    chosen = np.random.default_rng(0)
    query, liked, disliked = (chosen.normal(size=shape).astype(np.float32) for shape in ((6,), (3, 6), (2, 6)))
    query /= np.linalg.norm(query)
    told, targets = np.concatenate([liked, disliked]).astype(float), np.array([1, 1, 1, 0, 0.0])
    best = np.linalg.solve(np.eye(6) + told.T @ told, query + told.T @ targets)
    assert revise_query(query, liked, disliked) == pytest.approx(best / np.linalg.norm(best), abs=1e-5)
    assert revise_query(query, liked[:0], disliked[:0]) == pytest.approx(query, abs=1e-6)


def test_what_is_disliked_falls_and_what_is_liked_rises():
    query = np.array([1, 1, 0, 0], np.float32) / np.sqrt(2).astype(np.float32)
    one, other = np.eye(4, dtype=np.float32)[:2]
    away = revise_query(query, np.zeros((0, 4), np.float32), one[None])
    near = revise_query(query, one[None], np.zeros((0, 4), np.float32))
    assert away @ one < query @ one < near @ one and away @ other > query @ other


def test_variety_passes_over_copies():
    vectors = np.array([[1, 0], [1, 0.01], [0.999, 0.02], [0.6, 0.8], [0, 1]], np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    relevance = vectors @ np.array([1, 0.1])
    chosen = choose_varied(vectors, relevance, 3, alike=0.97)
    assert len(set(chosen) & {0, 1, 2}) == 1 and set(chosen) >= {3, 4}
    assert choose_varied(vectors, relevance, 9, alike=2.0) == choose_varied(vectors, relevance, 5, alike=2.0)
    assert choose_varied(vectors[:0], relevance[:0], 3, alike=1.0) == []


def slow_average_linkage(similar, least):
    groups = [[i] for i in range(len(similar))]
    while len(groups) > 1:
        pairs = [
            (np.mean([similar[i, j] for i in a for j in b]), x, y)
            for x, a in enumerate(groups)
            for y, b in enumerate(groups)
            if x < y
        ]
        best, x, y = max(pairs, key=lambda pair: pair[0])
        if best < least:
            break
        groups[x] += groups.pop(y)
    return {frozenset(group) for group in groups}


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("least", [-0.2, 0.1, 0.4])
def test_linkage_equals_the_slow_one(seed, least):
    vectors = np.random.default_rng(seed).normal(size=(17, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    similar = vectors @ vectors.T
    found = link_on_average(similar, least)
    assert {frozenset(np.flatnonzero(found == g).tolist()) for g in set(found.tolist())} == slow_average_linkage(
        similar, least
    )
    sizes = np.bincount(found)
    assert (np.diff(sizes) <= 0).all()
    assert link_on_average(similar[:0, :0], 0.5).shape == (0,)


def test_the_salient_box_is_around_the_largest_excited_region():
    quiet = np.full((3, 8, 8), 0.1, np.float32)
    quiet[:, 2:5, 4:7] = 2.0
    quiet[:, 7, 0] = 9.0
    fine = np.ones((2, 16, 16), np.float32)
    assert find_salient((fine, quiet)) == (4 / 8, 2 / 8, 7 / 8, 5 / 8)
    assert find_salient((np.ones((3, 4, 4), np.float32),)) == (0.0, 0.0, 1.0, 1.0)
