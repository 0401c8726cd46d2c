"""filterGroups of a search compiled to one predicate: filters of a group all hold, one of the groups does."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from crmlift.simulator.hubspot.errors import HubSpotError, validation
from crmlift.simulator.hubspot.records import property_text
from crmlift.simulator.served import Row, ServedTable

Predicate = Callable[[Row], bool]
Reader = Callable[[Row], Any]

MOST_GROUPS, MOST_FILTERS, _MOST_IN_ALL = 6, 6, 18
_ORDERINGS = {"LT": operator.lt, "LTE": operator.le, "GT": operator.gt, "GTE": operator.ge}
_OPERATORS = frozenset(
    {*_ORDERINGS, "EQ", "NEQ", "BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY",
     "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"}
)  # fmt: skip
_EPOCH_MS = re.compile(r"-?\d+(\.\d+)?")
_WORDS = re.compile(r"[^\W_]+")


def compile_groups(table: ServedTable, groups: list[Any]) -> Predicate | None:
    """The predicate, None when there is no filter; the vendor's 400 for one it does not understand."""
    if len(groups) > MOST_GROUPS:
        raise validation(f"Too many filterGroups: at most {MOST_GROUPS} are allowed")
    all_filters = [group.get("filters") or [] for group in groups if isinstance(group, dict)]
    if any(len(f) > MOST_FILTERS for f in all_filters) or sum(map(len, all_filters)) > _MOST_IN_ALL:
        raise validation(f"Too many filters: at most {MOST_FILTERS} a group and {_MOST_IN_ALL} in all")
    compiled = [[_filter(table, item) for item in filters] for filters in all_filters]
    if not any(compiled):
        return None
    predicates = [_all(filters) for filters in compiled if filters]
    if len(predicates) == 1:
        return predicates[0]
    return lambda row: any(predicate(row) for predicate in predicates)


def _all(filters: list[Predicate]) -> Predicate:
    if len(filters) == 1:
        return filters[0]
    if len(filters) == 2:
        first, second = filters
        return lambda row: first(row) and second(row)
    return lambda row: all(holds(row) for holds in filters)


def reader(table: ServedTable, name: str) -> tuple[Reader, Callable[[Any], Any]]:
    """How to read a property for comparing, and how to read a filter's value the same way."""
    if name in {"hs_object_id", "id"}:
        return (lambda row: int(row["id"])), lambda text: int(_float(text))
    field = table.field(name)
    if field is None:
        message = f"There was a problem with the request. Property {name} does not exist"
        raise HubSpotError(400, message, "VALIDATION_ERROR")
    if field.type == "number":
        return (lambda row: _number_or_none(row.get(name))), _float
    if field.type in {"datetime", "date"}:
        return (lambda row: _moment_or_none(row.get(name))), _moment
    return (lambda row: _lower(property_text(row.get(name)))), lambda text: str(text).lower()


def _filter(table: ServedTable, item: dict[str, Any]) -> Predicate:
    name, word = str(item.get("propertyName", "")), str(item.get("operator", ""))
    if word not in _OPERATORS:
        raise validation(f"Invalid input JSON: operator {word or 'missing'} is not supported")
    read, parse = reader(table, name)
    if word.endswith("HAS_PROPERTY"):
        is_wanted = word == "HAS_PROPERTY"
        return lambda row: (row.get(name) not in (None, "")) == is_wanted
    if word in {"IN", "NOT_IN"}:
        return _membership(read, frozenset(parse(v) for v in _values(item)), word == "NOT_IN")
    if word in {"CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"}:
        return _token(name, str(_value(item)), word == "NOT_CONTAINS_TOKEN")
    high = parse(_value(item, "highValue")) if word == "BETWEEN" else None
    return _comparison(read, word, parse(_value(item)), high)


def _comparison(read: Reader, word: str, wanted: Any, high: Any) -> Predicate:
    if word == "BETWEEN":
        return lambda row: (v := read(row)) is not None and wanted <= v <= high
    if word == "EQ":
        return lambda row: bool(read(row) == wanted)
    if word == "NEQ":
        return lambda row: (v := read(row)) is not None and v != wanted
    holds = _ORDERINGS[word]
    return lambda row: (v := read(row)) is not None and holds(v, wanted)


def _membership(read: Reader, values: frozenset[Any], is_negated: bool) -> Predicate:
    if is_negated:
        return lambda row: (v := read(row)) is not None and v not in values
    return lambda row: read(row) in values


def _token(name: str, wanted: str, is_negated: bool) -> Predicate:
    pattern = re.compile(".*".join(re.escape(part) for part in wanted.lower().split("*")))

    def holds(row: Row) -> bool:
        text = _lower(property_text(row.get(name))) or ""
        found = pattern.fullmatch(text) is not None or any(pattern.fullmatch(word) for word in _WORDS.findall(text))
        return found != is_negated

    return holds


def _value(item: dict[str, Any], key: str = "value") -> Any:
    if item.get(key) is None:
        raise validation(f"Invalid input JSON: filter on {item.get('propertyName')} needs {key}")
    return item[key]


def _values(item: dict[str, Any]) -> list[Any]:
    values = item.get("values")
    if not isinstance(values, list) or not values:
        raise validation(f"Invalid input JSON: filter on {item.get('propertyName')} needs values")
    return values


def _float(text: Any) -> float:
    try:
        return float(text)
    except (TypeError, ValueError) as cause:
        raise validation(f"Invalid input JSON: {text!r} is not a number") from cause


def _number_or_none(value: Any) -> float | None:
    if value is None or value == "":
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None  # a text in a number property matches nothing


def _lower(value: str | None) -> str | None:
    return None if value is None else value.lower()


def _moment_or_none(value: Any) -> datetime | None:
    if type(value) is datetime:
        return value
    return None if value is None or value == "" else _moment(value)


def _moment(value: Any) -> datetime:
    """A moment from epoch milliseconds or ISO-8601."""
    text = str(value)
    try:
        if _EPOCH_MS.fullmatch(text):
            return datetime.fromtimestamp(float(text) / 1000, UTC)
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError) as cause:
        raise validation(f"Invalid input JSON: {value!r} is not a date") from cause
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
