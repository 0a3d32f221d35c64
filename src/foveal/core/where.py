"""Filters as people write them, read into a small tree that is never executed as text.

    price < 50 and brand = 'x'
    (color in ('red', 'blue') or size is null) and not name like 'old%'

Comparisons are =, !=, <>, <, <=, >, >=, in, like (% stands for any text, _ for one letter) and is null.
A comparison with a missing value is false, and `not` makes it true.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from foveal.core.errors import InputError

Value = str | float | bool
MOST_LETTERS, MOST_NESTED = 4000, 40
EXAMPLE = "price < 50 and brand = 'x'"


@dataclass(frozen=True)
class Compare:
    """A column against a value; `operator` is one of = != < <= > >=."""

    column: str
    operator: str
    value: Value


@dataclass(frozen=True)
class OneOf:
    """A column that has one of several values."""

    column: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Like:
    """A text column that matches a pattern with % and _."""

    column: str
    pattern: str

    def to_regex(self) -> str:
        """The pattern as a regular expression for the whole text, matched in time that grows as the text does.

        What stands between two % is taken where it first occurs and never tried again.
        """
        first, *rest = ("".join("." if x == "_" else re.escape(x) for x in part) for part in self.pattern.split("%"))
        return first + "".join(f"(?>.*?{part})" for part in rest[:-1]) + "".join(f".*{part}" for part in rest[-1:])


@dataclass(frozen=True)
class Missing:
    """A column without a value."""

    column: str


@dataclass(frozen=True)
class Both:
    """All parts hold."""

    parts: "tuple[Where, ...]"


@dataclass(frozen=True)
class Either:
    """At least one part holds."""

    parts: "tuple[Where, ...]"


@dataclass(frozen=True)
class Not:
    """The part does not hold."""

    part: "Where"


Where = Compare | OneOf | Like | Missing | Both | Either | Not

_TOKENS = re.compile(
    r"""\s*(?:(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])|(?P<text>'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")+")|(?P<word>[^\W\d]\w*)|(?P<sign><>|<=|>=|!=|[=<>(),]))""",
    re.VERBOSE,
)
_KEYWORDS = frozenset({"and", "or", "not", "in", "is", "null", "like", "true", "false"})
_OPERATORS = {"=": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def parse_where(text: str) -> Where:
    """Read a filter; raises InputError naming the place that is not understood.

    >>> parse_where("price < 50 and brand = 'x'")
    Both(parts=(Compare(column='price', operator='<', value=50.0), Compare(column='brand', operator='=', value='x')))
    """
    if len(text) > MOST_LETTERS:
        raise InputError(f"A filter may have {MOST_LETTERS} letters, got {len(text)}. Shorten it.")
    parser = _Parser(text)
    where = parser.either(0)
    parser.end()
    return where


def list_columns(where: Where) -> Iterator[str]:
    """Columns that a filter names, with repetitions."""
    if isinstance(where, Both | Either):
        for part in where.parts:
            yield from list_columns(part)
    elif isinstance(where, Not):
        yield from list_columns(where.part)
    else:
        yield where.column


@dataclass(frozen=True)
class _Token:
    kind: str  # number, text, quoted, word, sign, end
    text: str
    place: int

    @property
    def keyword(self) -> str:
        return self.text.lower() if self.kind == "word" and self.text.lower() in _KEYWORDS else ""


class _Parser:
    """Recursive descent: either, both, not, one comparison."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._split(text))
        self._next = 0

    def _split(self, text: str) -> Iterator[_Token]:
        place = 0
        while text[place:].strip():
            found = _TOKENS.match(text, place)
            if found is None:
                self._refuse(place, "is not understood")
            kind = found.lastgroup or ""
            yield _Token(kind, found.group(kind), found.start(kind))
            place = found.end()
        yield _Token("end", "", len(text))

    def either(self, depth: int) -> Where:
        parts = [self._both(depth)]
        while self._take("or"):
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _both(self, depth: int) -> Where:
        parts = [self._not(depth)]
        while self._take("and"):
            parts.append(self._not(depth))
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _not(self, depth: int) -> Where:
        if depth > MOST_NESTED:
            self._refuse(self._now.place, f"is nested deeper than {MOST_NESTED}")
        if self._take("not"):
            return Not(self._not(depth + 1))
        if self._take("("):
            inner = self.either(depth + 1)
            self._need(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Where:
        column = self._column()
        if self._take("is"):
            denied = self._take("not")
            self._need("null")
            return Not(Missing(column)) if denied else Missing(column)
        denied = self._take("not")
        if self._take("in"):
            return _deny(OneOf(column, self._values()), denied)
        if self._take("like"):
            value = self._value()
            if not isinstance(value, str):
                self._refuse(self._now.place, "must be a text in quotes after like")
            return _deny(Like(column, value), denied)
        sign = self._now
        if denied or sign.text not in _OPERATORS or sign.kind != "sign":
            self._refuse(sign.place, "should be one of = != < <= > >= in, like or is null")
        self._next += 1
        return Compare(column, _OPERATORS[sign.text], self._value())

    def _column(self) -> str:
        token = self._now
        if token.kind == "quoted":
            self._next += 1
            return token.text[1:-1].replace('""', '"').lower()
        if token.kind != "word" or token.keyword:
            self._refuse(token.place, "should be the name of a column")
        self._next += 1
        return token.text.lower()

    def _values(self) -> tuple[Value, ...]:
        self._need("(")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        self._need(")")
        return tuple(values)

    def _value(self) -> Value:
        token = self._now
        self._next += 1
        if token.kind == "number":
            return float(token.text)
        if token.kind == "text":
            return token.text[1:-1].replace("''", "'")
        if token.keyword in ("true", "false"):
            return token.keyword == "true"
        self._refuse(token.place, "should be a number, a text in single quotes, true or false")

    @property
    def _now(self) -> _Token:
        return self._tokens[self._next]

    def _take(self, word: str) -> bool:
        token = self._now
        taken = token.keyword == word or (token.kind == "sign" and token.text == word)
        self._next += taken
        return taken

    def _need(self, word: str) -> None:
        if not self._take(word):
            self._refuse(self._now.place, f"should be {word}")

    def end(self) -> None:
        if self._now.kind != "end":
            self._refuse(self._now.place, "should be and, or, or the end")

    def _refuse(self, place: int, why: str) -> NoReturn:
        rest = self._text[place : place + 30] or "the end"
        raise InputError(f"In the filter, at letter {place + 1}, {rest!r} {why}. Write it like: {EXAMPLE}.")


def _deny(where: Where, denied: bool) -> Where:
    return Not(where) if denied else where
