"""Filters as conditions of PostgreSQL over a JSON column; values are always parameters, names too."""

from itertools import count
from typing import Any

from foveal.core.where import Both, Either, Like, Missing, Not, OneOf, Value, Where


def to_sql(where: Where) -> tuple[str, dict[str, Any]]:
    """A condition over `columns jsonb`, and its parameters by name. Comparisons with a missing value are false.

    >>> to_sql(Missing("price"))
    ("coalesce(jsonb_typeof(columns->%(p0)s) IN ('null'), true)", {'p0': 'price'})
    """
    writer = _Writer()
    return writer.write(where), writer.values


class _Writer:
    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self._names = (f"p{number}" for number in count())

    def _give(self, value: Any) -> str:
        name = next(self._names)
        self.values[name] = value
        return f"%({name})s"

    def write(self, where: Where) -> str:
        if isinstance(where, Both | Either):
            word = " AND " if isinstance(where, Both) else " OR "
            return f"({word.join(self.write(part) for part in where.parts)})"
        if isinstance(where, Not):
            return f"NOT ({self.write(where.part)})"
        column = self._give(where.column)
        if isinstance(where, Missing):
            return f"coalesce(jsonb_typeof(columns->{column}) IN ('null'), true)"
        if isinstance(where, OneOf):
            return f"({' OR '.join(self._compare(column, '=', value) for value in where.values)})"
        if isinstance(where, Like):
            pattern = where.pattern.replace("\\", "\\\\")
            return f"coalesce({_text(column)} LIKE {self._give(pattern)}, false)"
        return self._compare(column, where.operator, where.value)

    def _compare(self, column: str, operator: str, value: Value) -> str:
        sign = "<>" if operator == "!=" else operator
        if isinstance(value, str):
            return f'coalesce({_text(column)} COLLATE "C" {sign} {self._give(value)}, false)'
        if isinstance(value, bool):
            return f"coalesce({_number(column)} {sign} {self._give(float(value))}, false)"
        return f"coalesce({_number(column)} {sign} {self._give(value)}, false)"


def _text(column: str) -> str:
    return f"(CASE WHEN jsonb_typeof(columns->{column}) = 'string' THEN columns->>{column} END)"


def _number(column: str) -> str:
    return (
        f"(CASE jsonb_typeof(columns->{column}) WHEN 'number' THEN (columns->>{column})::float8 "
        f"WHEN 'boolean' THEN (columns->>{column})::boolean::int::float8 END)"
    )
