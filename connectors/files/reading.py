"""Rows of files as records of an entity: columns found, formats detected, cells made canonical, problems named."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.errors import SettingsFailure
from connectors.files.cells import AmbiguousDates, BadCell, CellFormat, detect_format, detect_last_days, plain
from connectors.files.dates import order_named
from connectors.files.entities import PROBLEM, Target, day_field
from connectors.files.mapping import ColumnMap, FileSet
from connectors.files.places import FoundFile
from connectors.files.scales import off_scale
from connectors.files.tables import Layout, Row, Table, same_name, tables

SAMPLE_ROWS = 1000
PAGE_ROWS = 20_000
STARTS = ("period_start", "valid_from")
UNREADABLE = "✗"
"""Stands for a cell that could not be read: no type takes it, so the load rejects the row and names the column."""


@dataclass(frozen=True)
class CellProblem:
    """A cell, or a whole row (column is None), that cannot be loaded."""

    file: str
    sheet: str | None
    row: int
    column: str | None
    target: str | None
    reason: str


@dataclass
class Record:
    """One row as an entity's fields, canonical; problems: what is wrong with it."""

    row: int
    values: dict[str, str] = field(default_factory=dict)
    problems: list[CellProblem] = field(default_factory=list)


@dataclass(frozen=True)
class Column:
    """A target with the place and the format of its cells in one table. place: None for constants."""

    target: Target
    mapped: ColumnMap
    place: int | None
    format: CellFormat


@dataclass
class OpenTable:
    """A table with its columns resolved; records can be read once."""

    table: Table
    one: FileSet
    columns: list[Column]
    rows: Iterator[Row]

    def records(self) -> Iterator[Record]:
        """The rows that are records of the entity."""
        readers = [(column, _cell_reader(column, self.one.missing)) for column in self.columns]
        width = len(self.table.header)
        for number, cells in self.rows:
            record = Record(number)
            if self.table.is_ragged and (len(cells) < width or any(map(_filled, cells[width:]))):
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
        problem = CellProblem(self.table.file, self.table.sheet, record.row, column, target, reason)
        record.problems.append(problem)
        typed = target is not None and self.one.entity.targets[target].kind not in ("text", "choice")
        if not typed or reason == "is empty":
            told = f"{target or 'row'} {reason}"
            record.values[PROBLEM] = "; ".join(filter(None, [record.values.get(PROBLEM), told]))


def open_tables(one: FileSet, files: Iterable[FoundFile], timezone: str) -> Iterator[OpenTable]:
    """Every table of the files of a set, columns resolved and formats detected from the first rows."""
    layout = Layout(one.format, one.encoding, one.delimiter, one.sheets, one.header_row, tuple(one.wanted))
    for file in files:
        for table in tables(file, layout):
            sample = list(itertools.islice(table.rows, SAMPLE_ROWS))
            columns = [_column(one, name, table, sample, timezone) for name in one.columns]
            columns = [_ending(column, columns, sample, one.missing) for column in columns]
            yield OpenTable(table, one, columns, itertools.chain(sample, table.rows))


def _column(one: FileSet, name: str, table: Table, sample: Sequence[Row], timezone: str) -> Column:
    target, mapped = one.entity.targets[name], one.columns[name]
    given = CellFormat(target.kind, timezone=timezone)
    if mapped.source is None:
        return Column(target, mapped, None, given)
    place = [same_name(h) for h in table.header].index(same_name(mapped.source))
    cells = _sampled(sample, place, one.missing)
    try:
        found = detect_format(given, cells, header=mapped.source, delimiter=table.detected.get("delimiter"))
    except AmbiguousDates:
        if mapped.date_format is None:
            raise SettingsFailure(
                f"Dates in column {mapped.source!r} may mean day/month or month/day.", where=table.place,
                next_step="add  date_format: DD/MM/YYYY  or  date_format: MM/DD/YYYY  to the column in the mapping",
            ) from None  # fmt: skip
        found = given
    return Column(target, mapped, place, _overridden(found, mapped, table.place))


def _sampled(sample: Sequence[Row], place: int | None, missing: frozenset[str]) -> list[Any]:
    if place is None:
        return []
    cells = [row[place] for _, row in sample if place < len(row) and _filled(row[place])]
    return [cell for cell in cells if not (isinstance(cell, str) and cell.strip().lower() in missing)]


def _ending(column: Column, columns: Sequence[Column], sample: Sequence[Row], missing: frozenset[str]) -> Column:
    """The column, if it is the end of a period with whether it is written as the last day."""
    if not column.target.is_end or column.place is None:
        return column
    if column.mapped.last_day is not None:
        is_last = column.mapped.last_day == "included"
    else:
        start = next((c for c in columns if c.target.name in STARTS and c.place is not None), column)
        is_last = detect_last_days(
            column.format, _sampled(sample, column.place, missing), start.format, _sampled(sample, start.place, missing)
        )
    return replace(column, format=replace(column.format, is_last_day=is_last))


def _overridden(found: CellFormat, mapped: ColumnMap, where: str) -> CellFormat:
    """The detected format with what the mapping says instead."""
    if mapped.decimal:
        found = replace(found, decimal=mapped.decimal, thousands="," if mapped.decimal == "." else ".")
    if mapped.thousands is not None:
        found = replace(found, thousands=mapped.thousands)
    if mapped.scale is not None:
        found = replace(found, scale=mapped.scale)
    if mapped.date_format:
        try:
            found = replace(found, date_order=order_named(mapped.date_format))
        except ValueError as problem:
            raise SettingsFailure(str(problem), where=where, next_step="such as DD.MM.YYYY or %d %b %Y") from None
    return found


def _cell_reader(column: Column, missing: frozenset[str]) -> Callable[[Any], str | None]:
    """Cell → canonical text, None for an empty one; each text is understood once."""
    mapped, words = column.mapped, column.target.words
    folded = {same_name(k): v for k, v in mapped.values.items()} if mapped.values else {}
    is_text = column.target.kind == "text"
    memory: dict[Any, str | None] = {}

    def understood(cell: Any) -> str | None:
        if column.place is None:
            cell = mapped.constant
        if not _filled(cell):
            return mapped.default
        text = plain(cell) if isinstance(cell, (str, float)) else str(cell)
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
        try:
            if cell in memory:
                return memory[cell]
        except TypeError:
            return understood(cell)
        value = understood(cell)
        if len(memory) < 50_000 and isinstance(cell, str):
            memory[cell] = value
        return value

    return remembered


def pages(opened: Iterable[OpenTable], names: Sequence[str]) -> Iterator[tuple[bytes, int]]:
    """CSV pages of a stream with these columns, and how many rows each has; `id` is made where no column is it."""
    seen: Counter[str] = Counter()
    rows: list[list[str]] = []
    for table in opened:
        for record in table.records():
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


def _filled(cell: Any) -> bool:
    return cell is not None and (not isinstance(cell, str) or bool(cell.strip()))
