"""Rows of files as records of an entity: columns found, formats told by whole columns, cells made canonical."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.files.cells import BadCell, plain
from connectors.files.columns import Column, open_columns
from connectors.files.entities import PROBLEM, day_field
from connectors.files.mapping import FileSet
from connectors.files.places import FoundFile
from connectors.files.scales import off_scale
from connectors.files.special import is_filled
from connectors.files.tables import Layout, Table, refuse_mixed_archives, same_name, tables

PAGE_ROWS = 20_000
UNREADABLE = "✗"
"""Stands for a cell that could not be read: no type takes it, so the load rejects the row and names the column."""


@dataclass(frozen=True)
class CellProblem:
    """A cell, or a whole row (column is None), that cannot be loaded.

    is_spare: the row is loaded without the cell; else the row is rejected.
    """

    file: str
    sheet: str | None
    row: int
    column: str | None
    target: str | None
    reason: str
    is_spare: bool = False


@dataclass
class Record:
    """One row as an entity's fields, canonical; problems: why it is rejected; unread: cells it is loaded without."""

    row: int
    values: dict[str, str] = field(default_factory=dict)
    problems: list[CellProblem] = field(default_factory=list)
    unread: list[CellProblem] = field(default_factory=list)


@dataclass
class OpenTable:
    """A table with its columns resolved."""

    table: Table
    one: FileSet
    columns: list[Column]

    def records(self) -> Iterator[Record]:
        """The rows that are records of the entity."""
        readers = [(column, _cell_reader(column, self.one.missing)) for column in self.columns]
        width = len(self.table.header)
        for number, cells in self.table.rows():
            record = Record(number)
            if self.table.is_ragged and (len(cells) < width or any(map(is_filled, cells[width:]))):
                self._note(record, None, None, f"has {len(cells)} cells, the header has {width}")
            whole = cells if len(cells) >= width else [*cells, *([None] * (width - len(cells)))]
            for column, read in readers:
                self._take(record, column, read, whole)
            if self.one.entity.name == "survey_response":
                self._weigh(record)
            if self.one.only_if and not record.problems and not any(record.values.get(t) for t in self.one.only_if):
                continue
            self._need(record)
            yield record

    def _take(self, record: Record, column: Column, read: Callable[[Any], str | None], cells: Sequence[Any]) -> None:
        name = column.target.name
        try:
            value = read(cells[column.place] if column.place is not None else None)
        except BadCell as problem:
            if self.one.entity.is_spare(name):
                record.unread.append(self._problem(record, column.mapped.source, name, str(problem), is_spare=True))
                return
            self._note(record, column.mapped.source, name, str(problem))
            record.values[name] = UNREADABLE if column.target.kind not in ("text", "choice") else ""
            return
        if value is not None:
            is_day = column.target.kind == "moment" and "T" not in value
            record.values[day_field(name) if is_day else name] = value

    def _weigh(self, record: Record) -> None:
        """An answer beyond its scale rejects its row."""
        for name, reason in off_scale(record.values):
            record.values[name] = UNREADABLE
            self._note(record, self.one.columns[name].source, name, reason)

    def _need(self, record: Record) -> None:
        for name in self.one.entity.needs:
            if not record.values.get(name) and not record.values.get(day_field(name)):
                if any(problem.target == name for problem in record.problems):
                    continue
                self._note(record, self.one.columns[name].source, name, "is empty")

    def _note(self, record: Record, column: str | None, target: str | None, reason: str) -> None:
        record.problems.append(self._problem(record, column, target, reason))
        typed = target is not None and self.one.entity.targets[target].kind not in ("text", "choice")
        if not typed or reason == "is empty":
            told = f"{target or 'row'} {reason}"
            record.values[PROBLEM] = "; ".join(filter(None, [record.values.get(PROBLEM), told]))

    def _problem(
        self, record: Record, column: str | None, target: str | None, reason: str, *, is_spare: bool = False
    ) -> CellProblem:
        return CellProblem(self.table.file, self.table.sheet, record.row, column, target, reason, is_spare)


def open_tables(one: FileSet, files: Sequence[FoundFile], timezone: str) -> Iterator[OpenTable]:
    """Every table of the files of a set, columns resolved and formats told by all their cells.

    SettingsFailure for a column that can be read in two ways, and for an archive whose members differ.
    """
    refuse_mixed_archives(files)
    layout = Layout(one.format, one.encoding, one.delimiter, one.sheets, one.header_row, tuple(one.wanted))
    for file in files:
        for table in tables(file, layout):
            yield OpenTable(table, one, open_columns(one, table, timezone))


def _cell_reader(column: Column, missing: frozenset[str]) -> Callable[[Any], str | None]:
    """Cell → canonical text, None for an empty one; each text is understood once."""
    mapped, words = column.mapped, column.target.words
    folded = {same_name(k): v for k, v in mapped.values.items()} if mapped.values else {}
    is_text = column.target.kind == "text"
    memory: dict[str, str | None] = {}

    def understood(cell: Any) -> str | None:
        if column.place is None:
            cell = mapped.constant
        if not is_filled(cell):
            return mapped.default
        text = plain(cell)
        if folded and same_name(text) in folded:
            text = folded[same_name(text)]
            cell = text
            if not text:
                return mapped.default
        elif not is_text and text.lower() in missing:
            return mapped.default
        if words is not None:
            choice = words.get(same_name(text))
            if choice is None:
                if mapped.default is not None:
                    return mapped.default
                raise BadCell(f"is none of {', '.join(dict.fromkeys(words.values()))}")
            return choice
        return column.format.parse(cell)

    def remembered(cell: Any) -> str | None:
        if not isinstance(cell, str):
            return understood(cell)
        if cell in memory:
            return memory[cell]
        value = understood(cell)
        if len(memory) < 50_000:
            memory[cell] = value
        return value

    return remembered


def pages(
    opened: Iterable[OpenTable], names: Sequence[str], note: Callable[[OpenTable, Record], None]
) -> Iterator[tuple[bytes, int]]:
    """CSV pages of a stream with these columns, and how many rows each has; `id` is made where no column is it.

    note: told of every record.
    """
    seen: Counter[str] = Counter()
    rows: list[list[str]] = []
    for table in opened:
        for record in table.records():
            note(table, record)
            values = record.values
            values["id"] = record_id(table.one, values, seen)
            if record.problems and values["id"]:  # it will be rejected: say where it stands
                values["id"] += f" ({table.table.place}, row {record.row})"
            values["source_file"] = table.table.place
            rows.append([values.get(name, "") for name in names])
            if len(rows) >= PAGE_ROWS:
                yield _page(names, rows), len(rows)
                rows = []
    if rows:
        yield _page(names, rows), len(rows)


def record_id(one: FileSet, values: Mapping[str, str], seen: Counter[str]) -> str:
    """The mapped id, else the key's values, else a hash of the content with its number among equal rows."""
    suffix = f":{values['question']}" if one.only_if and values.get("question") else ""
    if "id" in one.columns:
        return f"{values['id']}{suffix}" if values.get("id") else ""
    if one.key and all(name in one.columns for name in one.key):
        parts = [values.get(name) or values.get(day_field(name)) or "" for name in one.key]
        return "|".join(parts) + suffix if any(parts) else ""
    content = "\x1f".join(f"{name}={values[name]}" for name in sorted(values))
    digest = hashlib.sha256(content.encode()).hexdigest()[:24]
    seen[digest] += 1
    return f"{digest}-{seen[digest]}" if seen[digest] > 1 else digest


def _page(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue().encode()
