"""Filters as conditions of Qdrant. Texts are compared by order or pattern by way of the values there are."""

from collections.abc import Callable
from typing import Any

from qdrant_client import models

from foveal.core.where import Both, Compare, Either, Like, Missing, Not, OneOf, Where
from foveal.store.gallery.columns import COMPARE, NUMBER, TEXT, match_like

NUMBERS, TEXTS = "n_", "t_"  # how the names of payload fields begin
_RANGES = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
ListValues = Callable[[str], set[str]]


def field(column: str, kind: str) -> str:
    """The payload field of a column: any name at all, spelled in hexadecimal."""
    return (NUMBERS if kind == NUMBER else TEXTS) + column.encode().hex()


def to_filter(where: Where, list_values: ListValues) -> models.Filter:
    """A filter; comparisons with a missing value are false. `list_values` gives all texts of a column."""
    if isinstance(where, Both):
        return models.Filter(must=[to_filter(part, list_values) for part in where.parts])
    if isinstance(where, Either):
        return models.Filter(should=[to_filter(part, list_values) for part in where.parts])
    if isinstance(where, Not):
        return models.Filter(must_not=[to_filter(where.part, list_values)])
    if isinstance(where, Missing):
        return models.Filter(must=[_empty(where.column, NUMBER), _empty(where.column, TEXT)])
    if isinstance(where, Like):
        accepts = match_like(where)
        return _any_text(where.column, {text for text in list_values(where.column) if accepts(text)})
    if isinstance(where, OneOf):
        return models.Filter(
            should=[_compare(Compare(where.column, "=", value), list_values) for value in where.values]
        )
    return _compare(where, list_values)


def _empty(column: str, kind: str) -> models.IsEmptyCondition:
    return models.IsEmptyCondition(is_empty=models.PayloadField(key=field(column, kind)))


def _any_text(column: str, texts: set[str]) -> models.Filter:
    if not texts:
        return models.Filter(must=[models.HasIdCondition(has_id=[])])  # nothing
    match = models.MatchAny(any=sorted(texts))
    return models.Filter(must=[models.FieldCondition(key=field(column, TEXT), match=match)])


def _compare(where: Compare, list_values: ListValues) -> models.Filter:
    if isinstance(where.value, str):
        if where.operator == "=":
            return _any_text(where.column, {where.value})
        kept = {text for text in list_values(where.column) if COMPARE[where.operator](text, where.value)}
        return _any_text(where.column, kept)
    key, value = field(where.column, NUMBER), float(where.value)
    equal: Any = models.FieldCondition(key=key, range=models.Range(gte=value, lte=value))
    if where.operator == "=":
        return models.Filter(must=[equal])
    if where.operator == "!=":
        return models.Filter(must_not=[equal, _empty(where.column, NUMBER)])
    reach = models.Range(**{_RANGES[where.operator]: value})
    return models.Filter(must=[models.FieldCondition(key=key, range=reach)])
