"""Excel workbooks through openpyxl: visible sheets, values as kept, merged cells by their first one."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree.ElementTree import ParseError

from connectors.errors import SourceFailure

OLD_EXCEL = b"\xd0\xcf\x11\xe0"


def sheets(content: io.BytesIO, name: str) -> list[tuple[str, Iterator[Sequence[Any]]]]:
    """Visible sheets with their rows, read as they are asked for; SourceFailure for what is no workbook."""
    import openpyxl

    content.seek(0)
    if content.read(4) == OLD_EXCEL:
        raise SourceFailure(
            "The workbook is protected by a password, or of the old kind (.xls).", where=name,
            next_step="save it as .xlsx without a password",
        )  # fmt: skip
    content.seek(0)
    try:
        book = openpyxl.load_workbook(content, read_only=True, data_only=True)
        return [(s.title, _rows(s)) for s in book.worksheets if s.sheet_state == "visible"]
    except (zipfile.BadZipFile, KeyError, ValueError, ParseError) as problem:
        raise SourceFailure(
            "This is no Excel workbook, or a broken one.", where=name, why=type(problem).__name__,
            next_step="open it in Excel or LibreOffice and save it again as .xlsx",
        ) from None  # fmt: skip


def _rows(sheet: Any) -> Iterator[Sequence[Any]]:
    sheet.reset_dimensions()  # what programs write there is often wrong
    yield from sheet.iter_rows(values_only=True)
