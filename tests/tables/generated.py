"""Tables as people keep them, drawn with their truth: what each row means is known before it is written down.

A `Notation` is how a person, a country or a program writes numbers, dates and files; `written` puts a truth into it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import openpyxl
from babel.dates import format_date
from hypothesis import strategies as st

HEADER = ("Deal", "Team", "Closed", "Amount")
TEAMS = {
    "latin": ("North", "South", "West"),
    "cyrillic": ("Київ", "Львів і Стрий", "Одеса"),
    "german": ("Köln", "München", "Süd"),
}
EXCEL_START = date(1899, 12, 30)


@dataclass(frozen=True)
class Truth:
    """One row: what it means."""

    deal: str
    team: str
    day: date
    amount: Decimal


@dataclass(frozen=True)
class Notation:
    """How the rows are written.

    numbers: decimal mark, thousands mark, digits after the decimal mark, what stands before and behind. dates: a name of
    `DATES`. container: file name ending; delimiter and encoding for text. above: title rows; below: a total, a note or
    nothing. damage: what a program did to the file that a reader cannot undo, or must be told of.
    """

    decimal: str = "."
    thousands: str = ""
    digits: int = 2
    before: str = ""
    behind: str = ""
    negative: str = "-"
    dates: str = "iso"
    container: str = "csv"
    delimiter: str = ","
    encoding: str = "utf-8"
    above: int = 0
    below: str = ""
    damage: str = ""

    @property
    def answers(self) -> dict[str, Any]:
        """What a person who knows the file would answer, as keys of a mapping."""
        found: dict[str, Any] = {"decimal": self.decimal}
        if self.dates in FORMATS:
            found["date_format"] = FORMATS[self.dates]
        if self.dates.endswith("yy"):
            found["first_year"] = 1970
        if self.damage == "exchanged":
            found["exchanged_days"] = "yes"
        elif self.dates != "iso":
            found["exchanged_days"] = "no"
        return found


FORMATS = {
    "dmy.": "DD.MM.YYYY", "dmy/": "DD/MM/YYYY", "dmy-": "DD-MM-YYYY", "mdy/": "MM/DD/YYYY", "mdy-": "MM-DD-YYYY",
    "dmy.yy": "DD.MM.YY", "dmy/yy": "DD/MM/YY", "mdy/yy": "MM/DD/YY", "serial": "excel", "serial1904": "excel-1904",
    "mdy/ampm": "MM/DD/YYYY", "dmy/ampm": "DD/MM/YYYY",
}  # fmt: skip
_PATTERNS = {
    "dmy.": "%d.%m.%Y", "dmy/": "%d/%m/%Y", "dmy-": "%d-%m-%Y", "mdy/": "%m/%d/%Y", "mdy-": "%m-%d-%Y",
    "dmy.yy": "%d.%m.%y", "dmy/yy": "%d/%m/%y", "mdy/yy": "%m/%d/%y", "compact": "%Y%m%d", "iso": "%Y-%m-%d",
    "isotime": "%Y-%m-%d 14:05:00", "mdy/ampm": "%m/%d/%Y 02:05 PM", "dmy/ampm": "%d/%m/%Y 02:05 PM", "ymd/": "%Y/%m/%d",
}  # fmt: skip
LANGUAGES = ("en", "uk", "de", "pl", "fr")
DATES = (*_PATTERNS, "serial", "serial1904", *(f"named {language}" for language in LANGUAGES))


def date_text(day: date, dates: str) -> str:
    """A day as the notation writes it."""
    if dates.startswith("named"):
        return format_date(day, "d MMMM y", locale=dates.partition(" ")[2])
    if dates.startswith("serial"):
        return str((day - (EXCEL_START if dates == "serial" else date(1904, 1, 1))).days)
    return day.strftime(_PATTERNS[dates])


def number_text(value: Decimal, how: Notation) -> str:
    """An amount as the notation writes it."""
    text = f"{abs(value):,.{how.digits}f}"
    text = text.replace(",", "\0").replace(".", how.decimal).replace("\0", how.thousands)
    text = f"{how.before}{text}{how.behind}"
    if value >= 0:
        return text
    return {"-": f"-{text}", "−": f"−{text}", "()": f"({text})", "behind": f"{text}-"}[how.negative]


@st.composite
def truths(draw: st.DrawFn, digits: int, script: str) -> list[Truth]:
    """Rows of one table; days of a few years, amounts of one size."""
    count = draw(st.integers(1, 14))
    size = draw(st.sampled_from((9, 900, 9_000, 900_000, 9_000_000)))
    first = date(draw(st.integers(2012, 2027)), draw(st.integers(1, 12)), draw(st.integers(1, 28)))
    spread = draw(st.sampled_from((1, 7, 400)))
    low = -size if draw(st.booleans()) and draw(st.booleans()) else 0
    rows = []
    for number in range(count):
        amount = Decimal(draw(st.integers(low * 10**digits, size * 10**digits))).scaleb(-digits)
        day = first + timedelta(days=draw(st.integers(0, spread)) * (1 if spread > 1 else number))
        rows.append(Truth(f"A-{number + 1}", draw(st.sampled_from(TEAMS[script])), day, amount))
    return rows


_MARKS = ((".", ""), (".", ","), (",", ""), (",", "."), (",", "\u00a0"), (",", " "), (".", "'"), (".", " "))
_SIGNS = (("", ""), ("", ""), ("", ""), ("€", ""), ("", " €"), ("$", ""), ("", " грн"), ("UAH ", ""))
_ENCODINGS = {
    "latin": ("utf-8", "utf-8-sig", "utf-16"), "cyrillic": ("utf-8", "utf-16", "cp1251", "koi8-u"),
    "german": ("utf-8", "cp1252", "utf-16-le"),
}  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Truth], Notation]:
    """A truth and how it is written."""
    decimal, thousands = draw(st.sampled_from(_MARKS))
    digits = draw(st.sampled_from((0, 0, 1, 2, 2, 3)))
    script = draw(st.sampled_from(sorted(TEAMS)))
    before, behind = draw(st.sampled_from(_SIGNS))
    how = Notation(
        decimal, thousands, digits, before, behind, draw(st.sampled_from(("-", "−", "()", "behind"))),
        draw(st.sampled_from(DATES)), draw(st.sampled_from(("csv", "csv", "xlsx", "xlsx text", "jsonl", "parquet"))),
        draw(st.sampled_from((",", ";", "\t", "|"))), draw(st.sampled_from(_ENCODINGS[script])),
        draw(st.sampled_from((0, 0, 1, 3))), draw(st.sampled_from(("", "", "total", "note"))),
        draw(st.sampled_from(("", "", "", "merged", "formula", "exchanged", "error", "shortened", "1904"))),
    )  # fmt: skip
    rows = draw(truths(digits, script))
    return rows, _possible(how, rows)


def _possible(how: Notation, rows: Sequence[Truth]) -> Notation:
    """The notation without what it cannot be: damage belongs to spreadsheets, some letters to some encodings."""
    text = "".join(number_text(r.amount, how) + date_text(r.day, how.dates) + r.team for r in rows)
    if how.container == "csv" and how.encoding not in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le"):
        try:
            text.encode(how.encoding)
        except UnicodeEncodeError:
            how = replace(how, encoding="utf-8")
    if how.container in ("jsonl", "parquet"):
        how = replace(how, above=0, below="", damage="", encoding="utf-8")
    if how.damage in ("merged", "formula", "1904") and how.container != "xlsx":
        how = replace(how, damage="")
    if how.damage == "exchanged" and len({row.day.day <= 12 for row in rows}) == 1:
        how = replace(how, damage="")  # without both kinds no trace is left
    if how.damage == "exchanged":  # days up to the 12th became dates, turned round; the others stayed text
        how = replace(how, dates="dmy/", container="xlsx text" if how.container == "xlsx" else how.container)
    if how.damage == "shortened" and how.container == "xlsx":
        how = replace(how, damage="")
    return how


def written(rows: Sequence[Truth], how: Notation) -> tuple[bytes, str]:
    """The file's bytes and the ending of its name."""
    if how.container == "csv":
        return _csv(rows, how), ".csv"
    if how.container == "jsonl":
        lines = [json.dumps(dict(zip(HEADER, _texts(row, how), strict=True)), ensure_ascii=False) for row in rows]
        return "\n".join(lines).encode(), ".jsonl"
    if how.container == "parquet":
        return _parquet(rows), ".parquet"
    return _workbook(rows, how), ".xlsx"


def _deal(row: Truth, how: Notation) -> str:
    return "1.23457E+11" if how.damage == "shortened" and row.deal.endswith("1") else row.deal


def _texts(row: Truth, how: Notation) -> list[str]:
    day = date_text(row.day, how.dates)
    if how.damage == "exchanged" and row.day.day <= 12:
        day = row.day.replace(month=row.day.day, day=row.day.month).isoformat()
    amount = "#DIV/0!" if how.damage == "error" and row.deal.endswith("1") else number_text(row.amount, how)
    return [_deal(row, how), row.team, day, amount]


def _around(rows: list[list[Any]], how: Notation, total: Any) -> list[list[Any]]:
    """The rows with titles above, the header, and what stands below."""
    above: list[list[Any]] = [["Closed deals"], [], ["As of the export"]][: how.above]
    below = {"total": [["Total", None, None, total]], "note": [[], ["Exported by the old system"]], "": []}[how.below]
    return [*above, list(HEADER), *rows, *below]


def _csv(rows: Sequence[Truth], how: Notation) -> bytes:
    text = io.StringIO(newline="")
    total = number_text(sum((row.amount for row in rows), Decimal(0)), how)
    csv.writer(text, delimiter=how.delimiter).writerows(_around([_texts(row, how) for row in rows], how, total))
    return text.getvalue().encode(how.encoding)


def _workbook(rows: Sequence[Truth], how: Notation) -> bytes:
    book = openpyxl.Workbook()
    if how.damage == "1904":
        from openpyxl.utils.datetime import CALENDAR_MAC_1904

        book.epoch = CALENDAR_MAC_1904
    sheet = book.active
    assert sheet is not None
    made = [_typed(row, how) if how.container == "xlsx" else _texts(row, how) for row in rows]
    if how.damage == "exchanged":
        for cells, row in zip(made, rows, strict=True):
            if row.day.day <= 12:
                cells[2] = row.day.replace(month=row.day.day, day=row.day.month)
    total = float(sum(row.amount for row in rows)) if how.container == "xlsx" else "x"
    for cells in _around(made, how, total):
        sheet.append(cells)
    if how.damage == "merged":
        top = how.above + 2
        sheet.merge_cells(f"B{top}:B{top + len(rows) - 1}")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _typed(row: Truth, how: Notation) -> list[Any]:
    amount: Any = float(row.amount)
    if how.damage == "formula":
        amount = f"={row.amount}*1"
    elif how.damage == "error" and row.deal.endswith("1"):
        amount = "#DIV/0!"
    day: Any = datetime.combine(row.day, datetime.min.time()) if "ampm" in how.dates else row.day
    return [row.deal, row.team, day, amount]


def _parquet(rows: Sequence[Truth]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = [[getattr(row, name) for row in rows] for name in ("deal", "team", "day", "amount")]
    out = io.BytesIO()
    pq.write_table(pa.table(dict(zip(HEADER, columns, strict=True))), out)
    return out.getvalue()
