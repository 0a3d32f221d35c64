"""Filters: read into a tree or refused with the place; never executed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.core.errors import InputError
from foveal.core.where import Both, Compare, Either, Like, Missing, Not, OneOf, list_columns, parse_where
from foveal.store.gallery.columns import Column, ColumnTable, match_like


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("price<50", Compare("price", "<", 50.0)),
        ("Price <> -1.5e2", Compare("price", "!=", -150.0)),
        ("brand = 'it''s'", Compare("brand", "=", "it's")),
        ("new = TRUE", Compare("new", "=", True)),
        ('"two words" = .5', Compare("two words", "=", 0.5)),
        ("größe >= 3", Compare("größe", ">=", 3.0)),
        ("a is null", Missing("a")),
        ("a is not null", Not(Missing("a"))),
        ("a in (1, 'b')", OneOf("a", (1.0, "b"))),
        ("a not in (1)", Not(OneOf("a", (1.0,)))),
        ("a like 'x%'", Like("a", "x%")),
        ("not a = 1 and b = 2 or c = 3", Either((Both((Not(Compare("a", "=", 1.0)), Compare("b", "=", 2.0))), Compare("c", "=", 3.0)))),
        ("not (a = 1 or b = 2)", Not(Either((Compare("a", "=", 1.0), Compare("b", "=", 2.0))))),
    ],
)  # fmt: skip
def test_what_is_read(text, tree):
    assert parse_where(text) == tree


@pytest.mark.parametrize(
    "text",
    [
        "", "price", "price <", "< 50", "price < cheap", "1 = 1", "price = 1; drop table items", "price = 1 --", "a = 1 or",
        "a like 5", "a in ()", "a in 1", "(a = 1", "a = 1)", "a = 'open", "a == 1", "a = 1 b = 2", "select * from items",
        "a = (select 1)", "a = b", "not", "a not = 1", "load_extension('x')", "(" * 60 + "a = 1" + ")" * 60, "a = 1" + " or a = 1" * 900,
    ],
)  # fmt: skip
def test_what_is_refused(text):
    with pytest.raises(InputError, match="filter"):
        parse_where(text)


@given(st.text(alphabet="ab=<>!'\"(),%_ 019.nortdikelusx;-*", max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        tree = parse_where(text)
    except InputError:
        return
    assert all(isinstance(name, str) and name for name in list_columns(tree))


def slow_like(text: str, pattern: str) -> bool:
    """LIKE by its definition, letter by letter."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(slow_like(text[i:], pattern[1:]) for i in range(len(text) + 1))
    return bool(text) and pattern[0] in ("_", text[0]) and slow_like(text[1:], pattern[1:])


@given(st.text(alphabet="ab.\n", max_size=8), st.text(alphabet="ab%_.", max_size=6))
def test_like_is_what_it_says(text, pattern):
    assert match_like(Like("x", pattern))(text) == slow_like(text, pattern)


def test_like_takes_no_longer_on_hostile_patterns():
    assert not match_like(Like("x", "%a" * 40 + "b"))("a" * 4000)


VALUES = st.one_of(st.none(), st.integers(-3, 3), st.sampled_from(["", "a", "b", "ba"]), st.booleans())
LEAVES = st.one_of(
    st.builds(Compare, st.just("n"), st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), st.integers(-3, 3).map(float)),
    st.builds(Compare, st.just("t"), st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), st.sampled_from(["a", "b"])),
    st.builds(OneOf, st.just("n"), st.tuples(st.integers(-3, 3).map(float), st.just(1.0))),
    st.builds(Like, st.just("t"), st.sampled_from(["%a", "b_", "%"])),
    st.builds(Missing, st.sampled_from(["n", "t"])),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner), st.builds(Both, st.tuples(inner, inner)), st.builds(Either, st.tuples(inner, inner))
    ),
    max_leaves=6,
)
COMPARE = {"=": "__eq__", "!=": "__ne__", "<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}


def holds(tree, row) -> bool:
    """A filter on one row, written from the definition."""
    if isinstance(tree, Both):
        return all(holds(part, row) for part in tree.parts)
    if isinstance(tree, Either):
        return any(holds(part, row) for part in tree.parts)
    if isinstance(tree, Not):
        return not holds(tree.part, row)
    value = row[tree.column]
    if isinstance(tree, Missing):
        return value is None
    if value is None:
        return False
    if isinstance(tree, OneOf):
        return value in tree.values
    if isinstance(tree, Like):
        return slow_like(value, tree.pattern)
    return bool(getattr(value, COMPARE[tree.operator])(tree.value))


@given(
    st.lists(st.tuples(st.one_of(st.none(), st.integers(-3, 3).map(float)), st.sampled_from([None, "", "a", "b", "ba"])), max_size=12),
    TREES,
)  # fmt: skip
def test_columns_select_what_the_definition_says(rows, tree):
    numbers, texts = Column(), Column()
    numbers.put((i, n) for i, (n, _) in enumerate(rows))
    texts.put((i, t) for i, (_, t) in enumerate(rows))
    found = ColumnTable({"n": numbers, "t": texts}, len(rows)).select(tree)
    assert np.asarray(found).tolist() == [holds(tree, {"n": n, "t": t}) for n, t in rows]


def test_a_column_takes_new_values_and_far_items():
    column = Column()
    column.put([(1, "a"), (5000, 2.5)])
    column.put([(1, 7), (5000, None)])
    table = ColumnTable({"c": column}, 6000)
    assert np.flatnonzero(table.select(Compare("c", "=", 7.0))).tolist() == [1]
    assert int(table.select(Missing("c")).sum()) == 5999
