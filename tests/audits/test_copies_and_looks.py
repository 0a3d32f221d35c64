"""Copies, poor pictures and small classes, planted and absent."""

import io

import numpy as np
import pytest
from PIL import Image

from foveal.audits.class_sizes import find_small_classes
from foveal.audits.copies import find_copies
from foveal.audits.finding import SEVERITIES, Finding
from foveal.audits.looks import find_odd_pictures, find_poor_looks
from foveal.audits.pictures import Pictures
from foveal.core.errors import InputError
from tests.audits.tables import make_pictures


def by_kind(findings):
    kinds = {finding.kind: finding for finding in findings}
    assert all(finding.severity in SEVERITIES for finding in findings)
    return kinds


def thumbnail_of(seed, quality=90):
    levels = np.random.default_rng(seed).integers(0, 255, (8, 8), np.uint8)
    out = io.BytesIO()
    Image.fromarray(levels).resize((128, 128), Image.Resampling.BICUBIC).save(out, "JPEG", quality=quality)
    return out.getvalue()


def test_exact_copies_and_torn_labels():
    table = make_pictures([("a",), ("a",), ("b",), ("b",)], sha256=["x", "x", "y", None])
    found = by_kind(find_copies(table, thumbnail_of))
    assert found["exact copies"].names == ("a/1.jpg",)
    torn = by_kind(find_copies(make_pictures([("a",), ("b",)], sha256=["x", "x"]), thumbnail_of))
    assert torn["copies with different labels"].severity == "error"
    assert "copies with different labels" not in found


def test_copies_between_splits_are_errors_and_inside_one_are_not():
    across = make_pictures([("a",)] * 2, splits=["train", "test"], sha256=["x", "x"])
    inside = make_pictures([("a",)] * 2, splits=["test", "test"], sha256=["x", "x"])
    assert by_kind(find_copies(across, thumbnail_of))["copies between splits"].severity == "error"
    assert "copies between splits" not in by_kind(find_copies(inside, thumbnail_of))


def test_near_copies_need_fingerprint_and_pixels():
    prints = [0b1111, 0b1110, 0b1101, 2**63 - 1]
    table = make_pictures([("a",)] * 4, fingerprint=prints)
    seeds = {
        1: (5, 95),
        2: (5, 60),
        3: (6, 95),
        4: (5, 95),
    }  # 1 and 2 are one picture, 3 is another, 4 has another print
    found = by_kind(find_copies(table, lambda number: thumbnail_of(*seeds[number])))
    assert found["near copies"].names == ("a/0.jpg ~ a/1.jpg",)


def test_different_pictures_are_no_copies():
    assert find_copies(make_pictures([("a",)] * 30), thumbnail_of) == []


def test_poor_looks_are_told_apart():
    table = make_pictures(
        [("a",)] * 4, sharpness=[1.0, 300, 300, 300], width=[640, 40, 640, 640],
        brightness=[120.0, 120, 5, 120], contrast=[50.0, 50, 5, 50],
    )  # fmt: skip
    found = {kind: finding.names for kind, finding in by_kind(find_poor_looks(table)).items()}
    assert found == {"blurred": ("a/0.jpg",), "tiny": ("a/1.jpg",), "dark": ("a/2.jpg",)}


def test_odd_pictures_come_farthest_first():
    distances = np.concatenate([np.random.default_rng(0).chisquare(50, 40), [900.0, 400.0]])
    found = find_odd_pictures([str(i) for i in range(42)], distances)
    assert found[0].names == ("40", "41")
    assert find_odd_pictures([str(i) for i in range(40)], distances[:40]) == []
    assert find_odd_pictures(["a", "b"], np.array([1.0, 99.0])) == []


def test_sizes_of_classes():
    labels = [("small",)] * 4 + [("burst",)] * 12 + [("large",)] * 100
    groups = [*range(4), *[4] * 12, *range(5, 105)]
    found = by_kind(find_small_classes(labels, groups, 0.9))
    assert found["class inside one group"].names == ("burst",)
    assert found["too few to promise"].names == ("burst: 1 independent groups", "small: 4 independent groups")
    assert "large: 100" in found["imbalance"].names
    assert "one class only" not in found


@pytest.mark.parametrize("n", [9, 8])
def test_nine_groups_are_needed_for_ninety_percent(n):
    labels, groups = [("a",)] * n + [("b",)] * 9, range(n + 9)
    assert ("too few to promise" in by_kind(find_small_classes(labels, groups, 0.9))) == (n < 9)


@pytest.mark.parametrize("labels", [[], [("a",)] * 20])
def test_one_class_is_an_error(labels):
    assert by_kind(find_small_classes(labels, range(len(labels)), 0.9))["one class only"].severity == "error"


def test_columns_must_be_equally_long():
    table = make_pictures([("a",)] * 2)
    with pytest.raises(InputError, match="equally long"):
        Pictures(table.ids, table.names[:1], table.paths, table.labels, table.splits, table.groups, table.captures,
                 table.appearances)  # fmt: skip


def test_a_finding_is_plain_json():
    finding = Finding("tiny", "note", ("a.jpg",), "1 picture", "look", 1.0)
    assert finding.to_dict()["names"] == ["a.jpg"]
