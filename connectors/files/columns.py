"""The columns of a table that a mapping names: where each stands, and how its cells are written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from connectors.errors import SettingsFailure
from connectors.files.cells import BadCell, CellFormat
from connectors.files.entities import Target
from connectors.files.evidence import ColumnEvidence
from connectors.files.mapping import ColumnMap, FileSet
from connectors.files.questions import AmbiguousColumn, Reading
from connectors.files.special import is_filled
from connectors.files.tables import Table

STARTS = ("period_start", "valid_from")


@dataclass(frozen=True)
class Column:
    """A target with the place and the format of its cells in one table. place: None for constants."""

    target: Target
    mapped: ColumnMap
    place: int | None
    format: CellFormat


def open_columns(one: FileSet, table: Table, timezone: str) -> list[Column]:
    """Every column of the mapping in a table, its format told by all of its cells.

    Reads the rows of the table once. SettingsFailure names a column that can be read in two ways, and the key of the
    mapping that answers.
    """
    given = {
        name: CellFormat(one.entity.targets[name].kind, timezone=timezone, epoch=table.epoch) for name in one.columns
    }
    places = {name: table.column(mapped.source) for name, mapped in one.columns.items() if mapped.source is not None}
    evidence = {
        name: ColumnEvidence(given[name], table.header[place], one.columns[name].answers, one.missing)
        for name, place in places.items()
    }
    watched = [(places[name], found) for name, found in evidence.items()]
    for number, cells in table.rows():
        width = len(cells)
        for place, found in watched:
            if place < width:
                found.add(cells[place], number)
    columns = []
    for name, mapped in one.columns.items():
        with asked(table, mapped.source or name):
            shape = evidence[name].format() if name in evidence else given[name]
        columns.append(Column(one.entity.targets[name], mapped, places.get(name), shape))
    return [_ending(column, columns, table, one.missing) for column in columns]


class asked:
    """Turn the question of a column into a SettingsFailure that names the key of the mapping that answers it."""

    def __init__(self, table: Table, column: str) -> None:
        self._table, self._column = table, column

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, problem: BaseException | None, trace: Any) -> None:
        if isinstance(problem, AmbiguousColumn):
            raise question(problem, self._table, self._column) from None
        if isinstance(problem, ValueError):
            raise SettingsFailure(
                str(problem), where=f"{self._table.place}, {self._column}", next_step="such as DD.MM.YYYY or %d %b %Y"
            ) from None


def question(problem: AmbiguousColumn, table: Table, column: str) -> SettingsFailure:
    """The failure that asks: what the column leaves open, its readings, and what to write for each."""
    options = [f"{option}: {_yaml(value)}" for option, value in problem.options]
    answer = f"add  {'  or  '.join(options)}  to the column in the mapping" if options else ""
    by_hand = [reading.example for reading in problem.readings if not reading.option]
    return SettingsFailure(
        f"Column {column!r} can be read in two ways: {problem.what}.", where=table.place, why=problem.why,
        saved="Nothing of it was read.", next_step="; or ".join(filter(None, [answer, *by_hand])),
    )  # fmt: skip


def _yaml(value: str) -> str:
    return f'"{value}"' if value in (",", ".") else value


def _ending(column: Column, columns: Sequence[Column], table: Table, missing: frozenset[str]) -> Column:
    """The column, if it is the end of a period with whether it is written as the last day."""
    if not column.target.is_end or column.place is None:
        return column
    if column.mapped.last_day is not None:
        is_last = column.mapped.last_day == "included"
    else:
        start = next((c for c in columns if c.target.name in STARTS and c.place is not None), column)
        with asked(table, column.mapped.source or column.target.name):
            is_last = ends_are_last_days(_days(column, table, missing), _days(start, table, missing))
    return replace(column, format=replace(column.format, is_last_day=is_last))


def _days(column: Column, table: Table, missing: frozenset[str]) -> set[date]:
    """The days in a column, as they are written."""
    shape = replace(column.format, kind="date", is_last_day=False)
    cells = {row[column.place] for _, row in table.rows() if column.place is not None and column.place < len(row)}
    days = set()
    for cell in cells:
        if is_filled(cell) and not (isinstance(cell, str) and cell.strip().lower() in missing):
            with suppress(BadCell):
                days.add(date.fromisoformat(str(shape.parse(cell))))
    return days


def ends_are_last_days(ends: Iterable[date], starts: Iterable[date]) -> bool:
    """Whether ends of periods are written as last days: the next period begins a day later, or months end there.

    AmbiguousColumn when they may be either.
    """
    found, begun = set(ends), set(starts)
    following = sum(day + timedelta(days=1) in begun for day in found)
    touching = sum(day in begun for day in found)
    month_ends = sum((day + timedelta(days=1)).day == 1 for day in found)
    firsts = sum(day.day == 1 for day in found)
    if following == touching and month_ends == firsts and found:
        day = max(found)
        raise AmbiguousColumn(
            f"nothing tells whether {day} is the last day of its period",
            [
                Reading(f"{day} belongs to it", "last_day", "included"),
                Reading("it ended before", "last_day", "excluded"),
            ],
        )
    return following > touching if following != touching else month_ends > firsts
