"""From all the cells of a column to how they are written: read once before anything of them is taken in.

A column is looked at whole, however long it is: what a cell means never depends on how many others stand beside it in
a sample. Where the column leaves two readings, it is asked (`AmbiguousColumn`), and the mapping answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from connectors.files.cells import MOMENTS, MOST_DIGITS, NUMBERS, CellFormat
from connectors.files.date_evidence import DateEvidence
from connectors.files.dates import order_named
from connectors.files.numbers import NumberEvidence
from connectors.files.questions import AmbiguousColumn, Reading
from connectors.files.special import Formatted, Merged, Percent, Unreadable, is_error, is_filled

REMEMBERED = 100_000
MIN_CUT = 3
"""So many long numbers, all with zeros from the sixteenth digit on, are no chance."""


@dataclass(frozen=True)
class Answers:
    """What the mapping or the command line says of a column; None: the column tells it."""

    decimal: str | None = None
    thousands: str | None = None
    date_format: str | None = None
    first_year: int | None = None
    exchanged_days: bool | None = None
    scale: float | None = None


NOTHING_SAID = Answers()


class ColumnEvidence:
    """Takes in every cell of a column, then says its format. missing: words, lower case, that stand for nothing."""

    def __init__(self, given: CellFormat, header: str, answers: Answers, missing: frozenset[str]) -> None:
        self._given, self._header, self._answers, self._missing = given, header, answers, missing
        self.numbers, self.dates = NumberEvidence(given.kind == "share"), DateEvidence()
        self._is_number, self._is_moment = given.kind in NUMBERS, given.kind in MOMENTS
        self._cut, self._uncut, self._float, self._named = 0, False, False, False
        self._seen: set[Any] = set()

    def add(self, cell: Any, row: int) -> None:
        """Take in a cell. Equal cells tell nothing new; a bounded number of them is remembered."""
        key = cell if isinstance(cell, str) else (type(cell), cell)  # 0.12 and 12 % are equal, and are not
        try:
            if key in self._seen:
                return
        except TypeError:
            return  # a list or a mapping: no cell of a table
        if len(self._seen) >= REMEMBERED:
            self._seen.clear()
        self._seen.add(key)
        if isinstance(cell, Merged):
            cell = cell.value
        if not is_filled(cell) or isinstance(cell, (Unreadable, bool)):
            return
        if isinstance(cell, str):
            self._add_text(cell, row)
        elif self._is_number and isinstance(cell, (int, float, Decimal, Formatted)):
            value = cell.value if isinstance(cell, Formatted) else float(cell)
            self.numbers.add_typed(value, row, is_percent=isinstance(cell, Percent))
        elif self._is_moment and isinstance(cell, date):
            self.dates.add_day(cell, row)
        elif self._is_moment and isinstance(cell, (int, float)) and not self._given.epoch:
            self.dates.add_number(float(cell), row)

    def _add_text(self, cell: str, row: int) -> None:
        text = cell.strip()
        if is_error(text) or (self._given.kind != "text" and text.lower() in self._missing):
            return
        if self._is_number:
            self.numbers.add(text, row)
        elif self._is_moment:
            self.dates.add(text, row)
        else:
            self._add_name(text)

    def _add_name(self, text: str) -> None:
        digits = text[:-2] if text.endswith(".0") else text
        is_digits = digits.isascii() and digits.isdigit()
        self._float = self._float or (is_digits and digits != text)
        self._named = self._named or not is_digits
        if is_digits and len(digits) > MOST_DIGITS:
            is_cut = not digits[MOST_DIGITS:].strip("0")
            self._cut, self._uncut = self._cut + is_cut, self._uncut or not is_cut

    def format(self) -> CellFormat:
        """How the column is written; AmbiguousColumn when it must be asked."""
        if self._is_number:
            return self._number_format()
        if self._is_moment:
            return self._moment_format()
        if self._cut >= MIN_CUT and not self._uncut:
            raise AmbiguousColumn(
                f"all its numbers of more than {MOST_DIGITS} digits end in zeros",
                [Reading("a spreadsheet program has cut them: export it again and do not open it there")],
            )
        return replace(self._given, is_whole=self._float and not self._named)

    def _number_format(self) -> CellFormat:
        said = self._answers
        self.numbers.refuse_currencies()
        decimal = said.decimal or self.numbers.decimal()
        thousands = said.thousands if said.thousands is not None else ("," if decimal == "." else ".")
        scale = said.scale
        if scale is None:
            scale = self.numbers.scale(decimal, self._header)
        return replace(self._given, decimal=decimal, thousands=thousands, scale=scale)

    def _moment_format(self) -> CellFormat:
        said = self._answers
        order = order_named(said.date_format) if said.date_format else self.dates.order()
        if said.exchanged_days is None:
            self.dates.refuse_exchanged()
        if said.first_year is None:
            self.dates.refuse_short_years()
        return replace(
            self._given, date_order=order, needs_half=self.dates.half, is_exchanged=bool(said.exchanged_days),
            first_year=self._given.first_year if said.first_year is None else said.first_year,
        )  # fmt: skip


def detect_format(
    given: CellFormat, cells: Iterable[Any], *, header: str = "", answers: Answers | None = None,
    missing: Iterable[str] = (),
) -> CellFormat:  # fmt: skip
    """The format of a column at hand, all of its cells given; AmbiguousColumn when it must be asked."""
    evidence = ColumnEvidence(given, header, answers or Answers(), frozenset(missing))
    for row, cell in enumerate(cells, 1):
        evidence.add(cell, row)
    return evidence.format()


def format_words(found: CellFormat, words: Mapping[str, str] | None = None) -> str:
    """How a column is read, for people: `decimal point`, `day first`; empty where there is nothing to tell."""
    if found.kind in NUMBERS:
        told = f"decimal {'point' if found.decimal == '.' else 'comma'}"
        return told + (f", times {found.scale:g}" if found.scale != 1.0 else "")
    if found.kind not in MOMENTS:
        return ""
    known = {"dmy": "day first", "mdy": "month first", "ymd": "year first"} | dict(words or {})
    told = known.get(found.date_order, found.date_order)
    told += ", day and month exchanged back" if found.is_exchanged else ""
    return told + (", last day" if found.is_last_day else "")
