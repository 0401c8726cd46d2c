"""Excel workbooks through openpyxl: visible sheets, values as people see them.

openpyxl streams the cells of a sheet but not its merged ranges, and a formula whose value no program has kept looks
empty to it. Both are read from the sheet's XML before the cells.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import ParseError, iterparse

from connectors.errors import SourceFailure
from connectors.files.special import Formatted, Merged, Percent, Unreadable

OLD_EXCEL = b"\xd0\xcf\x11\xe0"
NO_VALUE = Unreadable("is a formula without its value: open the workbook in Excel or LibreOffice and save it")
_NAMESPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_PADDED = re.compile(r'(?:"([^"]*)"|((?:\\[^-])*))?(0{2,}(?:\\?[- ]0+)*)')
"""A format of zeros, perhaps after a fixed text: 00000, "A-"0000, 000-000."""


@dataclass(frozen=True)
class Sheet:
    """A visible sheet. rows: its cells, read as they are asked for. epoch: how the workbook numbers its days."""

    name: str
    rows: Iterator[Sequence[Any]]
    epoch: str


@dataclass(frozen=True)
class _Extras:
    """What a sheet's XML tells besides its cells, by row and column, counted from 1.

    merged: cells of merged ranges → the row of the first, and the range. uncomputed: formulas without a value.
    """

    merged: dict[int, dict[int, tuple[int, str]]] = field(default_factory=dict)
    uncomputed: dict[int, set[int]] = field(default_factory=dict)


def sheets(content: io.BytesIO, name: str) -> list[Sheet]:
    """Visible sheets with their rows, read as they are asked for; SourceFailure for what is no workbook."""
    import openpyxl
    from openpyxl.utils.datetime import CALENDAR_MAC_1904

    content.seek(0)
    if content.read(4) == OLD_EXCEL:
        raise SourceFailure(
            "The workbook is protected by a password, or of the old kind (.xls).", where=name,
            next_step="save it as .xlsx without a password",
        )  # fmt: skip
    content.seek(0)
    try:
        book = openpyxl.load_workbook(content, read_only=True, data_only=True)
        epoch = "excel-1904" if book.epoch == CALENDAR_MAC_1904 else "excel"
        visible = [s for s in book.worksheets if s.sheet_state == "visible"]
        return [Sheet(s.title, _rows(s, _extras(content, s.title)), epoch) for s in visible]
    except (zipfile.BadZipFile, KeyError, ValueError, ParseError) as problem:
        raise SourceFailure(
            "This is no Excel workbook, or a broken one.", where=name, why=type(problem).__name__,
            next_step="open it in Excel or LibreOffice and save it again as .xlsx",
        ) from None  # fmt: skip


def _rows(sheet: Any, extras: _Extras) -> Iterator[Sequence[Any]]:
    sheet.reset_dimensions()  # what programs write there is often wrong
    first: dict[int, Any] = {}
    for number, cells in enumerate(sheet.iter_rows(), 1):
        row = [_value(cell) for cell in cells]
        merged, uncomputed = extras.merged.get(number, {}), extras.uncomputed.get(number, set())
        row += [None] * (max((*merged, *uncomputed), default=0) - len(row))
        for column in uncomputed:
            row[column - 1] = NO_VALUE
        for column, (top, place) in merged.items():
            if number == top:
                first[column] = row[column - 1]
            row[column - 1] = Merged(first.get(column), place)
        yield row


def _value(cell: Any) -> Any:
    """The value of a cell, with its number format where that shows more than the digits."""
    value = cell.value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        shape = cell.number_format
        if shape != "General":
            if "%" in shape:
                return Percent(value)
            if "0" in shape and value == int(value) and value >= 0:
                return _padded(value, shape)
    return value


def _padded(value: float, shape: str) -> Any:
    section = shape.partition(";")[0]
    match = _PADDED.fullmatch(section)
    if match is None:
        is_padded = "00" in section.partition(".")[0].replace("#,##0", "")
        return Formatted(value, "") if is_padded and not re.search("[dDmMyYhHsS]", section) else value
    digits = str(int(value)).zfill(match[3].count("0"))
    if len(digits) > match[3].count("0"):
        return value
    shown, place = "", 0
    for mark in match[3].replace("\\", ""):
        shown += digits[place] if mark == "0" else mark
        place += mark == "0"
    return Formatted(value, (match[1] or (match[2] or "").replace("\\", "")) + shown)


def _extras(content: io.BytesIO, title: str) -> _Extras:
    extras = _Extras()
    with zipfile.ZipFile(content) as archive:
        path = _part_of(archive, title)
        if path is None:
            return extras
        with archive.open(path) as part:
            for _, element in iterparse(part):
                if element.tag == f"{_NAMESPACE}c":
                    if element.find(f"{_NAMESPACE}f") is not None and _is_empty(element):
                        row, column = _place(element.get("r", ""))
                        extras.uncomputed.setdefault(row, set()).add(column)
                elif element.tag == f"{_NAMESPACE}row":
                    element.clear()
                elif element.tag == f"{_NAMESPACE}mergeCell":
                    _merge(extras, element.get("ref", ""))
    return extras


def _is_empty(element: Any) -> bool:
    value = element.find(f"{_NAMESPACE}v")
    return (value is None or not value.text) and element.get("t") != "str"


def _merge(extras: _Extras, ref: str) -> None:
    """Note a merged range of several rows: its first column is meant for each of them."""
    start, _, end = ref.partition(":")
    (top, column), (bottom, _) = _place(start), _place(end or start)
    for row in range(top, bottom + 1) if bottom > top else ():
        extras.merged.setdefault(row, {})[column] = top, ref


def _place(ref: str) -> tuple[int, int]:
    match = re.fullmatch(r"([A-Z]{1,3})(\d+)", ref)
    if match is None:
        return 0, 0
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - 64
    return int(match[2]), column


def _part_of(archive: zipfile.ZipFile, title: str) -> str | None:
    """The file of a sheet within the workbook."""
    from xml.etree.ElementTree import fromstring

    names = set(archive.namelist())
    if "xl/workbook.xml" not in names or "xl/_rels/workbook.xml.rels" not in names:
        return None
    sheets = fromstring(archive.read("xl/workbook.xml")).iter(f"{_NAMESPACE}sheet")
    relation = next((s.get(_RELATION) for s in sheets if s.get("name") == title), None)
    for one in fromstring(archive.read("xl/_rels/workbook.xml.rels")):
        if one.get("Id") == relation:
            target = one.get("Target", "")
            path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
            return path if path in names else None
    return None
