"""The classifier decides in closed form, calibrated, and its evidence is exact."""

import numpy as np
import pytest
from tests.recognizers.made import make_taught, moments_of, taught_of, without

from foveal.core.errors import InputError
from foveal.memory.codes import make_code, to_unit
from foveal.recognizers.classifier import fit_classifier
from foveal.recognizers.decision import NOT
from foveal.recognizers.evidence import measure_heatmap, measure_influences
from foveal.recognizers.settings import Settings

DIM = 24


def fit(taught, **settings):
    return fit_classifier(moments_of(taught), taught, Settings(**settings))


def test_decides_what_was_taught():
    taught = make_taught()
    classifier, left_out = fit(taught)
    right = [classifier.classes[classifier.decide(c).probabilities.argmax()] for c in taught.codes.codes]
    assert np.mean([r == names[0] for r, names in zip(right, taught.labels, strict=True)]) > 0.95
    assert left_out.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert left_out.valid.all()


def test_heatmap_adds_up_to_the_score():
    taught = make_taught()
    classifier, _ = fit(taught)
    rng = np.random.default_rng(0)
    maps = (rng.random((10, 4, 4), np.float32), rng.random((14, 2, 2), np.float32))
    pooled = np.concatenate([np.sqrt(m).mean(axis=(1, 2)) for m in maps])
    code = make_code(pooled)
    column = int(classifier.columns[1])
    heatmap = measure_heatmap("pear", classifier.weights[column], classifier.biases[column], code, maps)
    score = classifier.weights[column] @ to_unit(code) + classifier.biases[column]
    assert heatmap.contributions.shape == (4, 4)
    assert heatmap.score == pytest.approx(score, abs=1e-9)
    assert heatmap.score != pytest.approx(score + 1e-3, abs=1e-4)


@pytest.mark.parametrize("kind", ["raised", "lowered"])
def test_effect_equals_really_forgetting(kind):
    """Forget the named picture from the memory, refit with what is held, compare the scores."""
    taught = make_taught()
    classifier, _ = fit(taught)
    code = make_taught(seed=9).codes.codes[5]
    raised, lowered = measure_influences(classifier, taught, code, column=1)
    influence = (raised if kind == "raised" else lowered)[0]
    held, sharpness = classifier.shrinkage, classifier.sharpness
    vector = to_unit(code)

    def score(memory):
        rest = to_unit(memory.codes.codes)
        classes = np.array([classifier.labels.index(names[0]) for names in memory.labels])
        means = np.array([rest[classes == c].mean(axis=0) for c in range(3)])
        apart = rest - means[classes]
        inverse = np.linalg.inv(held.slope * apart.T @ apart + held.ridge * np.eye(DIM))
        scores = sharpness * (means @ inverse @ vector - 0.5 * np.einsum("cd,cd->c", means @ inverse, means))
        return scores[1] - scores.mean()

    index = int(np.flatnonzero(taught.ids == influence.example_id)[0])
    assert score(taught) - score(without(taught, index)) == pytest.approx(influence.effect, abs=1e-6)
    assert abs(influence.effect) > 1e-4


def test_forgetting_gives_the_bits_of_never_having_taught():
    taught = make_taught()
    forgotten, _ = fit_classifier(moments_of(taught) - moments_of(_only(taught, 7)), without(taught, 7))
    never, _ = fit_classifier(moments_of(without(taught, 7)), without(taught, 7))
    assert forgotten.weights.tobytes() == never.weights.tobytes()
    assert forgotten.conformal.own.tobytes() == never.conformal.own.tobytes()
    assert forgotten.weights.tobytes() != fit(taught)[0].weights.tobytes()


def _only(taught, index):
    return taught_of(taught.codes.codes[[index]], [taught.labels[index]])


def test_one_class_is_refused():
    taught = make_taught(n_classes=1)
    with pytest.raises(InputError, match="at least two classes"):
        fit(taught)


def test_one_picture_a_class_answers_without_a_promise():
    taught = make_taught(n=3)
    classifier, left_out = fit(taught)
    assert not left_out.valid.any()
    assert not classifier.conformal.promised(0.9).any()
    best = [classifier.decide(code).probabilities.argmax() for code in taught.codes.codes]
    assert [classifier.classes[i] for i in best] == [names[0] for names in taught.labels]


def test_not_this_moves_the_answer_away():
    taught = make_taught(spread=1.5)
    classifier, _ = fit(taught)
    code = make_taught(seed=4, spread=1.5).codes.codes[0]
    first = classifier.classes[classifier.decide(code).probabilities.argmax()]
    labels = [*taught.labels, (NOT + first,)]
    more = taught_of(np.vstack([taught.codes.codes, code]), labels)
    after, left_out = fit(more)
    probabilities = after.decide(code).probabilities
    assert after.classes == classifier.classes
    assert after.classes[probabilities.argmax()] != first
    assert probabilities.sum() == pytest.approx(1)
    assert not left_out.valid[-1]


def test_priors_move_the_answer():
    taught = make_taught(spread=3.0)
    equal, _ = fit(taught, priors="equal")
    skewed, _ = fit(taught, priors="given", weights=(("apple", 1e6), ("pear", 1.0), ("plum", 1.0)))
    code = taught.codes.codes[1]
    assert skewed.decide(code).probabilities[0] > equal.decide(code).probabilities[0]


def test_noise_is_unlike_anything_taught():
    taught = make_taught(n=300)
    classifier, _ = fit(taught)
    rng = np.random.default_rng(5)
    odd = [classifier.decide(make_code(rng.random(DIM) ** 8)) for _ in range(20)]
    assert all(decision.answer == () and "unlike" in decision.reason for decision in odd)
    alike = [classifier.decide(code) for code in make_taught(n=300).codes.codes]
    assert np.mean(["unlike" in decision.reason for decision in alike]) < 0.03


def test_no_answer_where_several_could_be_and_none_is_likely():
    taught = make_taught(spread=3.0)
    classifier, _ = fit(taught)
    decisions = [classifier.decide(code) for code in taught.codes.codes]
    unsure = [d for d in decisions if d.could_be.sum() > 1 and d.probabilities.max() < 0.5]
    assert unsure
    assert all(d.answer == () and "could be any of" in d.reason for d in unsure if "unlike" not in d.reason)
    likely = [d for d in decisions if d.could_be.any() and d.probabilities.max() >= 0.5 and "unlike" not in d.reason]
    assert likely
    assert all(d.answer for d in likely)
    strict, _ = fit(taught, answer_from=0.99)
    assert sum(bool(strict.decide(c).answer) for c in taught.codes.codes) < sum(bool(d.answer) for d in decisions)
    with pytest.raises(InputError, match="answer_from"):
        Settings(answer_from=1.5)
