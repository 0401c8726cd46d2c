"""Given CSV files: reading them, and telling and parsing the types of their values."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from crmlift.errors import UsageFailure
from crmlift.simulator.company import SimField, Value

Raw = dict[str, str]

_ID = re.compile(r"[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?")
_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[-+]\d{2}:?\d{2})?")
_TEXTUAL = re.compile(r"phone|code|zip|postal|number$|name$", re.IGNORECASE)
_NUMERIC = ("currency", "double", "percent")


def read_rows(path: Path) -> list[Raw]:
    """The rows of a CSV file (UTF-8, header first); UsageFailure when it is not one."""
    csv.field_size_limit(sys.maxsize)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            rows = []
            for row in reader:
                if None in row or None in row.values():
                    raise csv.Error(f"line {reader.line_num} has not as many values as the header")
                rows.append(row)
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise UsageFailure(
            "A data file could not be read.",
            where=path.name,
            why=f"{problem}.",
            next_step="give CSV files in UTF-8 with one header row",
        ) from problem
    return rows


def infer(name: str, values: Iterable[str]) -> str:
    """The Salesforce type of a column from its values; blanks say nothing, a doubtful column is text."""
    filled = [v for v in values if v.strip()]
    if not filled:
        return "string"
    if name.endswith("Id") and all(_ID.fullmatch(v) for v in filled):
        return "id" if name == "Id" else "reference"
    if all(v.lower() in ("true", "false") for v in filled):
        return "boolean"
    for kind, pattern in (("date", _DATE), ("datetime", _DATETIME)):
        if all(pattern.fullmatch(v) for v in filled):
            return kind
    if not _TEXTUAL.search(name):
        for kind, pattern in (("int", _WHOLE), ("double", _NUMBER)):
            if all(pattern.fullmatch(v) for v in filled):
                return kind
    return "textarea" if max(map(len, filled)) > 255 else "string"


def parse(text: str | None, kind: str, time_of_day: str = "00:00:00") -> Value:
    """A value of a Salesforce type; blank is None, a date where an instant is due gets the time of day (UTC)."""
    if text is None or not text.strip():
        return None
    if kind == "boolean":
        return {"true": True, "false": False, "1": True, "0": False}[text.strip().lower()]
    if kind == "int":
        return int(text)
    if kind in _NUMERIC:
        return float(text)
    if kind == "date":
        return date.fromisoformat(text.strip()[:10])
    return _instant(text.strip(), time_of_day) if kind == "datetime" else text


def _instant(text: str, time_of_day: str) -> datetime:
    moment = datetime.fromisoformat(f"{text}T{time_of_day}" if _DATE.fullmatch(text) else text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def fits(field: SimField, values: Sequence[str]) -> bool:
    """Whether every value can be parsed as the field's type."""
    try:
        for value in values:
            parse(value, field.type)
    except (ValueError, KeyError):
        return False
    return True
