"""Tags in closed form equal ridge regression, and left-out values equal refitting."""

import numpy as np
import pytest
from tests.recognizers.made import moments_of, taught_of, without

from foveal.core.errors import InputError
from foveal.memory.codes import make_code, to_unit
from foveal.recognizers.evidence import measure_influences
from foveal.recognizers.settings import Settings
from foveal.recognizers.statistics import measure_about_mean
from foveal.recognizers.tagger import fit_tagger

TAGS = ("red", "round", "shiny")


def make_tagged(n=90, dim=16, seed=2):
    rng = np.random.default_rng(seed)
    marks = rng.random((3, dim)) * 2
    has = rng.random((n, 3)) < 0.4
    codes = np.array([make_code(rng.random(dim) + row @ marks) for row in has])
    return taught_of(codes, [tuple(t for t, yes in zip(TAGS, row, strict=True) if yes) for row in has]), has


def ridge_by_hand(vectors, truth, ridge):
    """Weights and intercepts by solving the normal equations with an unpenalized intercept."""
    wide = np.hstack([np.ones((len(vectors), 1)), vectors])
    penalty = ridge * np.eye(wide.shape[1])
    penalty[0, 0] = 0
    return np.linalg.solve(wide.T @ wide + penalty, wide.T @ truth)


def test_left_out_values_equal_refitting():
    taught, has = make_tagged()
    tagger, left_out = fit_tagger(moments_of(taught), taught)
    ridge = tagger.shrinkage.ridge
    vectors = to_unit(taught.codes.codes)
    logits = np.log(left_out.probabilities / (1 - left_out.probabilities))
    by_hand = np.empty(has.shape)
    for group in np.unique(taught.groups):
        rows = taught.groups == group
        solution = ridge_by_hand(vectors[~rows], has[~rows], ridge)
        by_hand[rows] = solution[0] + vectors[rows] @ solution[1:]
    offsets = (logits - tagger.sharpness * by_hand).mean(axis=0)
    np.testing.assert_allclose(logits, tagger.sharpness * by_hand + offsets, atol=2e-3)
    full = ridge_by_hand(vectors, has, ridge)
    fitted = full[0] + vectors @ full[1:]
    assert np.abs(logits - tagger.sharpness * fitted - offsets).max() > 0.05, "full-fit values must be told apart"


def test_tells_tags():
    taught, has = make_tagged(n=300)
    tagger, left_out = fit_tagger(moments_of(taught), taught)
    assert ((left_out.probabilities > 0.5) == has).mean() > 0.9
    decision = tagger.decide(taught.codes.codes[0])
    assert {TAGS[i] for i in decision.answer} == set(taught.labels[0])


def test_the_promise_of_a_tag_is_kept():
    taught, _ = make_tagged(n=400)
    tagger, _ = fit_tagger(moments_of(taught), taught, Settings(coverage=0.9))
    fresh, has = make_tagged(n=400, seed=2)
    covered = [tagger.decide(code).could_be for code in fresh.codes.codes]
    assert np.array(covered)[has].mean() > 0.85


def test_the_same_tags_everywhere_are_refused():
    taught, _ = make_tagged(n=10)
    same = taught_of(taught.codes.codes, [("red",)] * 10)
    with pytest.raises(InputError, match="with and without"):
        fit_tagger(moments_of(same), same)


def test_scatter_is_about_the_mean():
    taught, _ = make_tagged()
    vectors = to_unit(taught.codes.codes)
    apart = vectors - vectors.mean(axis=0)
    np.testing.assert_allclose(measure_about_mean(moments_of(taught)).scatter, apart.T @ apart, atol=1e-9)


def test_effect_equals_really_forgetting():
    taught, has = make_tagged()
    tagger, _ = fit_tagger(moments_of(taught), taught)
    code = taught.codes.codes[3]
    influence = measure_influences(tagger, taught, code, column=1)[0][0]
    index = int(np.flatnonzero(taught.ids == influence.example_id)[0])

    def logit(memory, truth):
        solution = ridge_by_hand(to_unit(memory.codes.codes), truth, tagger.shrinkage.ridge)
        return tagger.sharpness * (solution[0] + to_unit(code) @ solution[1:])

    rest = np.delete(has[:, 1].astype(float), index)
    effect = logit(taught, has[:, 1].astype(float)) - logit(without(taught, index), rest)
    assert effect == pytest.approx(influence.effect, abs=1e-6)
    assert abs(effect) > 1e-4
