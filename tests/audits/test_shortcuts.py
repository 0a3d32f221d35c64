"""Facts that tell the class are found; chance is not."""

import numpy as np
import pytest

from foveal.audits.shortcuts import find_shortcuts
from tests.audits.tables import make_pictures


def about(findings, word):
    return [finding for finding in findings if word in finding.message]


def plain(n=80, seed=0, **columns):
    rng = np.random.default_rng(seed)
    drawn = {
        "width": rng.choice([640, 800], n),
        "n_bytes": rng.integers(10**4, 10**5, n),
        "border": rng.uniform(0, 255, n),
    }
    return make_pictures([("ab"[i % 2],) for i in range(n)], **{**drawn, **columns})


@pytest.mark.parametrize(
    ("column", "values", "word"),
    [
        ("width", (640, 800), "size in pixels"),
        ("format", ("JPEG", "PNG"), "file format"),
        ("device", ("Canon", None), "camera"),
        ("border", (20.0, 200.0), "brightness of the border"),
        ("n_bytes", (10_000, 90_000), "file size"),
    ],
)
def test_a_fact_that_tells_the_class_is_found(column, values, word):
    found = about(find_shortcuts(plain(**{column: [values[i % 2] for i in range(80)]}), range(80)), word)
    assert len(found) == 1
    assert found[0].measure > 0.9
    assert "50% by always guessing one" in found[0].message
    assert any(": a (" in name for name in found[0].names)


def test_facts_without_meaning_are_left_alone():
    assert find_shortcuts(plain(), range(80)) == []


def test_a_fact_of_one_burst_a_class_is_no_shortcut_that_can_be_shown():
    widths = [(640, 800)[i % 2] for i in range(80)]
    assert find_shortcuts(plain(width=widths), [i % 2 for i in range(80)]) == []


def crying_wolf(n_sets=60, **options):
    """Share of small sets without any shortcut that get a warning."""
    return np.mean([bool(find_shortcuts(plain(n=12, seed=k), range(12), **options)) for k in range(n_sets)])


def test_few_pictures_seldom_cry_wolf_because_of_the_check_against_chance():
    assert crying_wolf() <= 0.05
    assert crying_wolf(chance=1.0) > 0.15


def test_the_most_common_class_is_the_line_to_beat():
    labels = [("common",) if i % 10 else ("rare",) for i in range(100)]
    rng = np.random.default_rng(1)
    table = make_pictures(labels, width=rng.choice([640, 800], 100))
    assert find_shortcuts(table, range(100)) == []


def test_tags_and_single_classes_are_passed_over():
    assert find_shortcuts(make_pictures([("a", "b"), ("a",), ()] * 9), range(27)) == []
    assert find_shortcuts(make_pictures([("a",)] * 9), range(9)) == []
