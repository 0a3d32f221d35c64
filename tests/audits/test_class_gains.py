"""What more pictures of a class would buy, on errors whose law is known."""

import numpy as np
import pytest

from foveal.audits.learning_curve import ClassErrors, measure_class_gains


def measured(exponent, n_classes=30, seed=0, counts=(15, 30, 60)):
    """Errors drawn with rate level x n^-exponent, levels differing by class."""
    rng = np.random.default_rng(seed)
    judged = np.repeat(np.array(counts)[:, None], n_classes, axis=1)
    level = rng.uniform(0.3, 2.0, n_classes)
    return judged, rng.binomial(judged, np.minimum(1.0, level * judged.astype(float) ** -exponent)), level


def gains_of(judged, wrong, more, **options):
    return measure_class_gains(ClassErrors(judged.astype(float), judged, wrong), judged[-1], more, **options)


def test_the_law_is_recovered():
    judged, wrong, level = measured(0.5)
    gains = gains_of(judged, wrong, 20)
    assert gains.interval[0] <= 0.5 <= gains.interval[1]
    assert gains.interval[1] - gains.interval[0] < 0.35
    truth = level * (60**-0.5 - 80**-0.5)
    inside = [g is not None and g[1] <= t <= g[2] for g, t in zip(gains.gains, truth, strict=True)]
    assert np.mean(inside) > 0.85
    hard, easy = int(level.argmax()), int(level.argmin())
    assert gains.gains[hard][0] > (gains.gains[easy] or (0.0,))[0]


def test_errors_that_do_not_fall_promise_nothing():
    judged, _, _ = measured(0.0)
    wrong = np.random.default_rng(1).binomial(judged, 0.3)
    assert all(g is None for g in gains_of(judged, wrong, 20).gains)


def test_alike_pictures_make_it_less_sure():
    judged, wrong, _ = measured(0.5, n_classes=6)
    alone, alike = (gains_of(judged, wrong, 20, alike=a) for a in (1.0, 6.0))
    assert alike.interval[1] - alike.interval[0] > 1.5 * (alone.interval[1] - alone.interval[0])


def test_no_promise_beyond_the_measured_range_or_without_errors():
    judged, wrong, _ = measured(0.5)
    wrong[:, 0] = 0
    gains = gains_of(judged, wrong, 20).gains
    assert gains[0] is None
    assert any(g is not None for g in gains)
    assert all(g is None for g in gains_of(judged, wrong, 60 * 4).gains)


@pytest.mark.parametrize("wrong", [np.zeros((3, 2), int), np.zeros((1, 2), int)])
def test_without_errors_or_steps_it_says_nothing(wrong):
    assert gains_of(np.full(wrong.shape, 10), wrong, 20) is None


def test_what_left_out_figures_cannot_use_counts_as_there():
    judged, wrong, level = measured(0.5)
    fewer = measure_class_gains(ClassErrors(judged.astype(float), judged, wrong), judged[-1] + 40, 20)
    plain = gains_of(judged, wrong, 20)
    worst = int(level.argmax())
    assert 0 < fewer.gains[worst][0] < plain.gains[worst][0]
