"""Columns of items as arrays, and filters over them."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from foveal.core.errors import InputError
from foveal.core.where import Both, Compare, Either, Like, Missing, Not, OneOf, Value, Where

Mask = npt.NDArray[np.bool_]
NUMBER, TEXT = "number", "text"
COMPARE: dict[str, Callable[..., Mask]] = {
    "=": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


@final
class Column:
    """Values of one column by item number: numbers as float64, texts as places in a vocabulary, absent ones as none."""

    def __init__(self) -> None:
        self._numbers = np.full(1024, np.nan)
        self._places = np.full(1024, -1, np.int32)  # of texts
        self._place_of: dict[str, int] = {}
        self._vocabulary: list[str] = []
        self.has_numbers = False

    @property
    def kind(self) -> str:
        """NUMBER where any item has a number, otherwise TEXT."""
        return NUMBER if self.has_numbers else TEXT

    def put(self, values: Iterable[tuple[int, Value | None]]) -> None:
        """Set values by item number."""
        for item, value in values:
            if item >= len(self._numbers):
                room = 2 * item
                self._numbers = np.concatenate([self._numbers, np.full(room - len(self._numbers), np.nan)])
                self._places = np.concatenate([self._places, np.full(room - len(self._places), -1, np.int32)])
            self._numbers[item], self._places[item] = np.nan, -1
            if isinstance(value, str):
                place = self._place_of.setdefault(value, len(self._vocabulary))
                if place == len(self._vocabulary):
                    self._vocabulary.append(value)
                self._places[item] = place
            elif value is not None:
                self._numbers[item] = float(value)
                self.has_numbers = True

    def missing(self, n: int) -> Mask:
        """Which of the items 0..n-1 have no value."""
        return self._of(np.isnan(self._numbers), n, absent=True) & self._of(self._places < 0, n, absent=True)

    def compare(self, operator: str, value: Value, n: int) -> Mask:
        """Which items' value stands in that relation to `value`; those of the other kind do not."""
        if isinstance(value, str):
            return self._among(lambda text: bool(COMPARE[operator](text, value)), n)
        with np.errstate(invalid="ignore"):
            return self._of(COMPARE[operator](self._numbers, float(value)) & ~np.isnan(self._numbers), n)

    def one_of(self, values: tuple[Value, ...], n: int) -> Mask:
        """Which items have one of several values."""
        texts = {value for value in values if isinstance(value, str)}
        found = self._among(texts.__contains__, n)
        for value in values:
            found |= self.compare("=", value, n)
        return found

    def like(self, pattern: Like, n: int) -> Mask:
        """Which items' text matches a pattern."""
        return self._among(match_like(pattern), n)

    def _among(self, accepts: Callable[[str], bool], n: int) -> Mask:
        accepted = np.array([*map(accepts, self._vocabulary), False], np.bool_)  # the last stands for no text
        return self._of(accepted[self._places], n)

    @staticmethod
    def _of(values: Mask, n: int, *, absent: bool = False) -> Mask:
        whole = values if len(values) >= n else np.concatenate([values, np.full(n - len(values), absent)])
        return np.asarray(whole[:n], np.bool_)


@dataclass(frozen=True, eq=False)
class ColumnTable:
    """Columns by name, for items 0..n-1."""

    columns: dict[str, Column]
    n: int

    def select(self, where: Where) -> Mask:
        """Which items a filter keeps (n,); raises InputError for a column that is not there."""
        if isinstance(where, Both):
            return np.asarray(np.logical_and.reduce([self.select(part) for part in where.parts]))
        if isinstance(where, Either):
            return np.asarray(np.logical_or.reduce([self.select(part) for part in where.parts]))
        if isinstance(where, Not):
            return ~self.select(where.part)
        column = self.columns[where.column]
        if isinstance(where, Missing):
            return column.missing(self.n)
        if isinstance(where, OneOf):
            return column.one_of(where.values, self.n)
        if isinstance(where, Like):
            return column.like(where, self.n)
        return column.compare(where.operator, where.value, self.n)


def match_like(like: Like) -> Callable[[str], bool]:
    """Whether a text matches a pattern."""
    regex = re.compile(like.to_regex(), re.DOTALL)
    return lambda text: regex.fullmatch(text) is not None


def check_columns(asked: Iterable[str], known: Iterable[str]) -> None:
    """Raise InputError naming the columns that no item has."""
    known = sorted(known)
    unknown = sorted(set(asked) - set(known))
    if unknown:
        has = f"It has {', '.join(known)}" if known else "It has no columns; give a table with some when indexing"
        raise InputError(f"The gallery has no column {', '.join(unknown)}. {has}.")


def check_kinds(where: Where, kinds: Mapping[str, str]) -> None:
    """Raise InputError where a filter compares a column of texts with a number, or the other way round."""
    for column, value in _comparisons(where):
        if (kinds[column] == NUMBER) == isinstance(value, str):
            holds = "numbers" if kinds[column] == NUMBER else "texts"
            raise InputError(
                f"The column {column} holds {holds}; the filter compares it with {value!r}. Change the filter."
            )


def _comparisons(where: Where) -> Iterator[tuple[str, Value]]:
    if isinstance(where, Both | Either):
        for part in where.parts:
            yield from _comparisons(part)
    elif isinstance(where, Not):
        yield from _comparisons(where.part)
    elif isinstance(where, Compare):
        yield where.column, where.value
    elif isinstance(where, OneOf):
        yield from ((where.column, value) for value in where.values)
    elif isinstance(where, Like):
        yield where.column, where.pattern
