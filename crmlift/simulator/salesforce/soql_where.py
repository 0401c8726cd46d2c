"""WHERE conditions compiled to one Python predicate over rows."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

from crmlift.simulator.company import SimField
from crmlift.simulator.salesforce import soql_ast as ast
from crmlift.simulator.salesforce.errors import SalesforceError
from crmlift.simulator.salesforce.soql_dates import interval
from crmlift.simulator.salesforce.soql_fields import Getter, Tables, resolve
from crmlift.simulator.salesforce.soql_tokens import located
from crmlift.simulator.served import Row, ServedTable

Predicate = Callable[[Row], bool]
Subquery = Callable[[ast.Query], frozenset[Any]]

_ORDERINGS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_TYPE_WORDS = {"datetime": "dateTime", "currency": "double", "percent": "double", "double": "double"}
_NUMBERS = frozenset({"currency", "double", "int", "percent", "long"})
_CASE_SENSITIVE = frozenset({"id", "reference"})


class WhereCompiler:
    """Compiles conditions of one query; `subquery` gives the values of a nested SELECT."""

    def __init__(self, tables: Tables, table: ServedTable, text: str, now: datetime, subquery: Subquery) -> None:
        self.tables, self.table, self.text, self.now, self.subquery = tables, table, text, now, subquery

    def compile(self, condition: ast.Condition) -> Predicate:
        """The predicate of a condition."""
        if isinstance(condition, ast.Not):
            inner = self.compile(condition.condition)
            return lambda row: not inner(row)
        if isinstance(condition, ast.Junction):
            return _junction(condition.word, [self.compile(c) for c in condition.conditions])
        return self.comparison(condition)

    def comparison(self, comparison: ast.Comparison) -> Predicate:
        """The predicate of `path operator value`."""
        found = resolve(self.tables, self.table, comparison.path, self.text)
        read, field, word = found.read, found.field, comparison.operator
        value = comparison.value
        if isinstance(value, ast.Query):
            members = self.subquery(value)
            return _negated(lambda row: read(row) in members, word == "NOT IN")
        if isinstance(value, tuple):
            return self.set_membership(comparison, read, field, value)
        if word == "LIKE":
            return _like(read, str(value))
        if isinstance(value, ast.RelativeDate):
            return self.relative(comparison, read, field, value)
        return _compare(read, word, self.literal(comparison.path, field, value), _folds(field))

    def set_membership(
        self, comparison: ast.Comparison, read: Getter, field: SimField, literals: tuple[ast.Literal, ...]
    ) -> Predicate:
        """IN, NOT IN, INCLUDES, EXCLUDES."""
        word = comparison.operator
        if word in {"INCLUDES", "EXCLUDES"}:
            groups = [frozenset(str(v).lower().split(";")) for v in literals]
            return _negated(_includes(read, groups), word == "EXCLUDES")
        values = frozenset(_folded(self.literal(comparison.path, field, v), _folds(field)) for v in literals)
        if _folds(field):
            return _negated(lambda row: _folded(read(row), True) in values, word == "NOT IN")
        return _negated(lambda row: read(row) in values, word == "NOT IN")

    def relative(
        self, comparison: ast.Comparison, read: Getter, field: SimField, literal: ast.RelativeDate
    ) -> Predicate:
        """Comparison with TODAY, LAST_N_DAYS:n and the like."""
        days = interval(literal, self.now.date())
        if days is None or field.type not in {"date", "datetime"}:
            raise self.wrong_value(comparison.path, field, literal.name)
        start, end = days if field.type == "date" else (datetime.combine(day, time(), UTC) for day in days)
        tests: dict[str, Callable[[Any], bool]] = {
            "=": lambda v: start <= v < end,
            "!=": lambda v: not start <= v < end,
            "<": lambda v: v < start,
            "<=": lambda v: v < end,
            ">": lambda v: v >= end,
            ">=": lambda v: v >= start,
        }
        test = tests[comparison.operator]
        return lambda row: (v := read(row)) is not None and test(v)

    def literal(self, path: ast.FieldPath, field: SimField, value: ast.Literal) -> Any:
        """The literal as a value of the field's type; INVALID_FIELD when it is of another."""
        if value is None or isinstance(value, ast.RelativeDate):
            return value
        if field.type == "datetime":
            is_right = isinstance(value, datetime)
        elif field.type == "date":
            is_right = isinstance(value, date) and not isinstance(value, datetime)
        elif field.type == "boolean":
            is_right = isinstance(value, bool)
        elif field.type in _NUMBERS:
            is_right = isinstance(value, int | float) and not isinstance(value, bool)
        else:
            is_right = isinstance(value, str)
        if not is_right:
            raise self.wrong_value(path, field, str(value))
        return value

    def wrong_value(self, path: ast.FieldPath, field: SimField, value: str) -> SalesforceError:
        """INVALID_FIELD for a literal of the wrong type."""
        is_quoted = field.type in {"date", "datetime", "boolean", *_NUMBERS}
        rule = "should not be enclosed in quotes" if is_quoted else "should be enclosed in quotes"
        kind = _TYPE_WORDS.get(field.type, field.type if is_quoted else "string")
        message = f"value of filter criterion for field '{path}' must be of type {kind} and {rule}"
        return SalesforceError(400, "INVALID_FIELD", located(self.text, path.position, message))


def _folds(field: SimField) -> bool:
    return field.type not in _NUMBERS | _CASE_SENSITIVE | {"boolean", "date", "datetime"}


def _folded(value: Any, is_folding: bool) -> Any:
    return value.lower() if is_folding and isinstance(value, str) else value


def _negated(predicate: Predicate, is_negated: bool) -> Predicate:
    return (lambda row: not predicate(row)) if is_negated else predicate


def _junction(word: str, parts: list[Predicate]) -> Predicate:
    first, second = parts[0], parts[1]
    if len(parts) == 2:
        if word == "AND":
            return lambda row: first(row) and second(row)
        return lambda row: first(row) or second(row)
    if word == "AND":
        return lambda row: all(part(row) for part in parts)
    return lambda row: any(part(row) for part in parts)


def _compare(read: Getter, word: str, value: Any, is_folding: bool) -> Predicate:
    if value is None or (value == "" and is_folding):
        return _negated(lambda row: read(row) is None or read(row) == "", word == "!=")
    wanted = _folded(value, is_folding)
    if word in {"=", "!="}:
        if is_folding:
            return _negated(lambda row: _folded(read(row), True) == wanted, word == "!=")
        return _negated(lambda row: read(row) == wanted, word == "!=")
    holds = _ORDERINGS[word]
    if is_folding:
        return lambda row: (v := read(row)) is not None and holds(_folded(v, True), wanted)
    return lambda row: (v := read(row)) is not None and holds(v, wanted)


def _like(read: Getter, pattern: str) -> Predicate:
    wildcards = {"%": ".*", "_": "."}
    body = "".join(wildcards.get(c, re.escape(c)) for c in pattern)
    match = re.compile(body, re.IGNORECASE | re.DOTALL).fullmatch
    return lambda row: (v := read(row)) is not None and match(str(v)) is not None


def _includes(read: Getter, groups: list[frozenset[str]]) -> Predicate:
    def holds(row: Row) -> bool:
        chosen = frozenset(str(read(row) or "").lower().split(";"))
        return any(group <= chosen for group in groups)

    return holds
