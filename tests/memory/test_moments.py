"""Memory is exact: any order, partition, merge or removal gives the same bytes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal.core.errors import InputError
from foveal.memory.codes import hash_code, make_code, to_unit
from foveal.memory.moments import BLOCK_ROWS, Moments, empty_moments, sum_moments

DIM = 7
NAMES = ("a", "b", "ö", "z z")


def draw_codes(rows, seed=0, dim=DIM):
    rng = np.random.default_rng(seed)
    return np.array([make_code(rng.random(dim) + 1e-3) for _ in range(rows)])


POOL = draw_codes(40)
LABELS = [tuple(sorted({NAMES[i % 3]} if i % 5 else {NAMES[i % 4], NAMES[3]})) for i in range(40)]


def moments_of(rows):
    rows = list(rows)
    return sum_moments("bb", DIM, [(POOL[rows].reshape(-1, DIM), [LABELS[i] for i in rows])])


@st.composite
def histories(draw):
    """A random sequence of adding, removing, splitting and merging, and the rows it must end with."""
    steps = draw(
        st.lists(
            st.tuples(st.sampled_from(["add", "remove", "merge"]), st.lists(st.integers(0, 39), max_size=12)),
            max_size=8,
        )
    )
    return steps


@settings(max_examples=1000, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_any_history_ends_in_the_bytes_of_a_clean_teaching(history, random):
    memory = empty_moments("bb", DIM)
    kept: list[int] = []
    for verb, rows in history:
        if verb == "remove":
            gone = [row for row in dict.fromkeys(rows) if row in kept]
            for row in gone:
                kept.remove(row)
            memory = memory - moments_of(gone)
        else:
            cut = random.randint(0, len(rows))
            parts = [moments_of(rows[:cut]), moments_of(rows[cut:])]
            random.shuffle(parts)
            memory = (parts[0] + memory) + parts[1] if verb == "merge" else memory + (parts[0] + parts[1])
            kept += rows
    random.shuffle(kept)
    assert memory.sha256() == moments_of(kept).sha256()


def test_a_float_memory_would_be_caught():
    """The seeded fault: the same sums in float32 depend on order, and the hash shows it."""
    codes = draw_codes(3000, dim=16)

    def rounded(order):
        second = np.zeros((16, 16), np.float32)
        for code in codes[order].astype(np.float32):
            second += np.outer(code, code)
        zeros = np.zeros(16, np.int64)
        return Moments("bb", (), 0, zeros, zeros[:0], zeros[None][:0], second.astype(np.int64)).sha256()

    assert rounded(np.arange(3000)) != rounded(np.arange(3000)[::-1])


def test_block_sums_equal_integer_sums():
    codes = draw_codes(BLOCK_ROWS + 300, dim=33)
    labels = [(NAMES[i % 4],) for i in range(len(codes))]
    memory = sum_moments("bb", 33, [(codes, labels)])
    wide = codes.astype(np.int64)
    assert (memory.second == wide.T @ wide).all()
    assert (memory.total == wide.sum(axis=0)).all()
    for label, count, total in zip(memory.labels, memory.counts, memory.sums, strict=True):
        rows = [i for i, names in enumerate(labels) if names == (label,)]
        assert count == len(rows)
        assert (total == wide[rows].sum(axis=0)).all()


def test_forgetting_a_whole_label_removes_it():
    both = moments_of(range(20))
    only = [i for i in range(20) if "a" in LABELS[i]]
    rest = [i for i in range(20) if "a" not in LABELS[i]]
    assert (both - moments_of(only)).labels == moments_of(rest).labels


def test_forgetting_what_was_not_taught_is_refused():
    with pytest.raises(InputError, match="not taught"):
        moments_of([1, 2]) - moments_of([3, 4, 5])


def test_memories_of_different_backbones_are_refused():
    with pytest.raises(InputError, match="different backbones"):
        moments_of([1]) + empty_moments("other", DIM)


def test_a_block_of_the_wrong_shape_is_refused():
    with pytest.raises(InputError, match="int16"):
        sum_moments("bb", DIM, [(POOL.astype(np.int32), LABELS)])


def test_code_is_unit_length_and_stable():
    code = make_code(np.array([1.0, 2.0, 2.0], np.float32))
    assert code.tolist() == [10922, 21845, 21845]
    assert np.linalg.norm(to_unit(code)) == pytest.approx(1, abs=1e-4)
    assert hash_code(code) == hash_code(code.copy()) != hash_code(code[::-1].copy())


@pytest.mark.parametrize("bad", [np.zeros(4), np.array([np.nan, 1]), np.ones((2, 2))])
def test_an_image_that_shows_nothing_has_no_code(bad):
    with pytest.raises(InputError, match="finite vector"):
        make_code(bad)
