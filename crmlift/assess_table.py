"""The table `crmlift assess` was handed: one reader with the files source, its columns as arrays.

A column that can be read in two ways is asked about, with the option that answers it; a cell that cannot be read is
refused with its row. Nothing is guessed.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from connectors.errors import SettingsFailure, SourceFailure
from connectors.files.cells import FALSE, TRUE, BadCell, CellFormat, plain
from connectors.files.evidence import Answers, ColumnEvidence, format_words
from connectors.files.mapping import MISSING
from connectors.files.places import FORMATS, FoundFile, find
from connectors.files.questions import AmbiguousColumn
from connectors.files.special import is_filled
from connectors.files.tables import Layout, MissingColumns, Table, refuse_mixed_archives, tables
from crmlift.errors import UsageFailure
from metrics.question import Floats, Times

NEVER = frozenset({"0", "never", "none", "inf", "infinity", "-"})
STDIN = "-"
OPTIONS = {"date_format": "--date-format", "first_year": "--first-year", "exchanged_days": "--exchanged-days"}
SHOWN = 3
YES_OR_NO = (TRUE | FALSE) - {"x", "+", "-", "y", "n"}


@dataclass(frozen=True)
class FileOptions:
    """How a file is written, where it does not tell. missing: further words that stand for an empty cell."""

    sheet: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    header_row: int | None = None
    missing: tuple[str, ...] = ()
    timezone: str | None = None
    answers: Answers = field(default_factory=Answers)


class AssessTable:
    """One table, read once; columns become arrays on demand.

    numbers: of the rows in the file, the header counted. left_out: rows below the table that are no records. cells: of
    the named columns. hashes: one a row, of all its cells.
    """

    def __init__(self, path: Path, named: Mapping[str, str | None], options: FileOptions) -> None:
        self.name = "the input" if str(path) == STDIN else path.name
        self._options = options
        with as_usage():
            self._table = self._opened(path, {option: name for option, name in named.items() if name})
        self.header = tuple(self._table.header)
        self._missing = frozenset({*MISSING, *(word.lower() for word in options.missing)})
        self.read: dict[str, str] = {}
        self.numbers: list[int] = []
        self.rows: list[Sequence[Any]] = []
        with as_usage():
            for number, cells in self._table.rows():
                self.numbers.append(number)
                self.rows.append(cells)
        self.left_out = list(self._table.left_out)

    def _opened(self, path: Path, named: Mapping[str, str]) -> Table:
        found = [_stdin()] if str(path) == STDIN else _on_disk(path)
        refuse_mixed_archives(found)
        said = self._options
        layout = Layout(
            None, said.encoding, {"tab": "\t"}.get(said.delimiter or "", said.delimiter),
            (said.sheet,) if said.sheet else (), said.header_row, tuple(dict.fromkeys(named.values())),
        )  # fmt: skip
        try:
            opened = [table for one in found for table in tables(one, layout)]
        except MissingColumns as failure:
            raise _no_column(self.name, named, failure) from None
        if len(opened) > 1:
            names = [table.sheet or table.file for table in opened]
            raise UsageFailure(
                f"{self.name} has {len(opened)} tables with these columns.",
                next_step=f"say which with --sheet: {', '.join(map(repr, names))}",
            )
        return opened[0]

    def text(self, column: str) -> np.ndarray[Any, Any]:
        """The column as text, empty cells as ''."""
        shape = self._format(column, CellFormat("text"))
        return np.array(self._parsed(column, lambda cell: shape.parse(cell) or "", "a name", ""), dtype=np.str_)

    def number(self, column: str, *, is_share: bool = False, scale: float | None = None) -> Floats:
        """The column as numbers, empty cells as NaN; yes and no are 1 and 0."""
        if self._is_boolean(column):
            words = CellFormat("boolean")
            return np.array(self._parsed(column, lambda c: float(words.parse(c) == "true"), "yes or no", np.nan))
        shape = self._format(column, CellFormat("share" if is_share else "number"), scale)
        self.read[column] = format_words(shape)
        found = self._parsed(column, lambda cell: float(shape.parse(cell) or "nan"), "a number", np.nan)
        return np.array(found, dtype=np.float64)

    def moment(self, column: str, *, may_be_never: bool = False) -> Times:
        """The column as local instants (datetime64[s]), empty cells as NaT. may_be_never: 0 and `never` are no date."""
        epoch = self._table.epoch
        never = NEVER if may_be_never else frozenset()
        shape = self._format(column, CellFormat("instant", epoch=epoch), never=never)
        self.read[column] = format_words(shape)
        found = self._parsed(column, shape.moment, "a date", None, never)
        return np.array(_local(found, column, self.name, self._options.timezone), dtype="datetime64[s]")

    def place(self, column: str) -> int:
        """Where a column stands in a row."""
        with as_usage():
            return self._table.column(column)

    def cells(self, column: str) -> list[Any]:
        """The cells of a column as the file has them."""
        place = self.place(column)
        return [row[place] if place < len(row) else None for row in self.rows]

    def _is_boolean(self, column: str) -> bool:
        """Whether all cells are words for yes and no, and not all of them digits."""
        told: set[str] = set()
        for cell in set(self.cells(column)):
            word = plain(cell).lower() if is_filled(cell) else ""
            if word and word not in self._missing and word not in YES_OR_NO:
                return False
            told.add(word)
        return not told <= {"", "0", "1", *self._missing}

    def _format(
        self, column: str, given: CellFormat, scale: float | None = None, never: frozenset[str] = frozenset()
    ) -> CellFormat:
        """How the whole column is written; UsageFailure asks when it can be read in two ways."""
        said = self._options.answers
        answers = Answers(said.decimal, said.thousands, said.date_format, said.first_year, said.exchanged_days, scale)
        evidence = ColumnEvidence(given, column, answers, self._missing | never)
        for number, cell in zip(self.numbers, self.cells(column), strict=True):
            evidence.add(cell, number)
        try:
            return evidence.format()
        except AmbiguousColumn as problem:
            raise _question(problem, column, self.name) from None
        except ValueError as problem:
            raise UsageFailure(f"--date-format: {problem}.", next_step="such as DD.MM.YYYY or %d %b %Y") from None

    def _parsed(
        self, column: str, parse: Callable[[Any], Any], wanted: str, empty: Any, never: frozenset[str] = frozenset()
    ) -> list[Any]:
        """Every cell read; UsageFailure names the rows of those that cannot be."""
        out: list[Any] = []
        bad: list[tuple[int, str]] = []
        memory: dict[str, Any] = {}
        is_text = wanted == "a name"
        for number, cell in zip(self.numbers, self.cells(column), strict=True):
            if isinstance(cell, str) and cell in memory:
                out.append(memory[cell])
                continue
            if not is_filled(cell) or self._is_missing(cell, never, is_text):
                value = empty
            else:
                try:
                    value = parse(cell)
                except BadCell as problem:
                    bad.append((number, str(problem)))
                    continue
            out.append(value)
            if isinstance(cell, str) and len(memory) < 100_000:
                memory[cell] = value
        if bad:
            rows = "; ".join(f"row {number} {reason}" for number, reason in bad[:SHOWN])
            raise UsageFailure(
                f"Column {column} of {self.name} holds {len(bad)} cells that are not {wanted}.", why=f"{rows}.",
                next_step="mend the cells or leave them empty; words for an empty cell can be named with --missing",
            )  # fmt: skip
        return out

    def _is_missing(self, cell: Any, never: frozenset[str], is_text: bool) -> bool:
        if is_text or not isinstance(cell, (str, int, float)):
            return False
        word = plain(cell).lower()
        return word in never or (isinstance(cell, str) and word in self._missing)


@contextmanager
def as_usage() -> Iterator[None]:
    """Failures of the shared reader as those of a command: they name options instead of keys of a mapping."""
    try:
        yield
    except (SettingsFailure, SourceFailure) as failure:
        cure = failure.next_step.replace(" in the mapping", "").replace("the mapping, or ", "")
        cure = cure.replace("set sheet to", "set --sheet to").replace("set encoding", "set --encoding")
        cure = cure.replace("set header_row", "set --header-row")
        raise UsageFailure(failure.what, where=failure.where, why=failure.why, next_step=cure) from None


def _on_disk(path: Path) -> list[FoundFile]:
    if not path.is_file():
        raise UsageFailure(
            f"There is no file {path}.", next_step="check the path; - reads what is piped into the command"
        )
    return find([path.name], str(path.parent))


def _stdin() -> FoundFile:
    """What is piped into the command; its kind told by its first bytes."""
    content = sys.stdin.buffer.read()
    starts = ((b"PK\x03\x04", ".xlsx"), (b"PAR1", ".parquet"), (b"{", ".jsonl"), (b"[", ".json"))
    suffix = next((suffix for start, suffix in starts if content.lstrip()[: len(start)] == start), ".csv")
    assert suffix in FORMATS
    return FoundFile("the input", suffix, lambda: io.BytesIO(content))


def _no_column(name: str, named: Mapping[str, str], failure: MissingColumns) -> UsageFailure:
    missing = [f"{option} {column}" for option, column in named.items() if f"{column!r}" in failure.what]
    return UsageFailure(
        f"{name} has no column for {', '.join(missing)}." if missing else failure.what, why=failure.why,
        next_step="use one of these names" if missing else failure.next_step,
    )  # fmt: skip


def _question(problem: AmbiguousColumn, column: str, name: str) -> UsageFailure:
    options = [f"{OPTIONS.get(option, '--' + option)} {value}" for option, value in problem.options]
    by_hand = [reading.example for reading in problem.readings if not reading.option]
    return UsageFailure(
        f"Column {column} of {name} can be read in two ways: {problem.what}.", why=problem.why,
        next_step="; or ".join(filter(None, [f"add  {'  or  '.join(options)}" if options else "", *by_hand])),
    )  # fmt: skip


def _local(found: Iterable[Any], column: str, name: str, timezone: str | None) -> list[Any]:
    """Local wall-clock times. Times with different offsets, or with and without, need a zone to be compared in."""
    values = list(found)
    instants = [v for v in values if isinstance(v, datetime)]
    offsets = {v.utcoffset() for v in instants if v.tzinfo is not None}
    is_mixed = len(offsets) > 1 or (offsets and any(v.tzinfo is None and v.time() != time() for v in instants))
    if is_mixed and timezone is None:
        raise UsageFailure(
            f"Column {column} of {name} holds times of different zones, or with and without one.",
            next_step="add --timezone, such as --timezone Europe/Kyiv: times are told in it, those without are of it",
        )
    zone = ZoneInfo(timezone) if timezone else None
    local = {value: _as_local(value, zone) for value in set(values)}
    return [local[value] for value in values]


def _as_local(value: Any, zone: ZoneInfo | None) -> Any:
    if value is None:
        return np.datetime64("NaT", "s")
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            value = value.astimezone(zone) if zone else value
        return np.datetime64(value.replace(tzinfo=None), "s")
    assert isinstance(value, date)
    return np.datetime64(value, "s")
