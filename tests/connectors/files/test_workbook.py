"""What a spreadsheet program shows of a cell is read as it is shown, or told; never as something else."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from connectors.files.checking import check_files
from connectors.files.special import Formatted, Merged, Percent, Unreadable
from connectors.files.workbook import sheets
from tests.connectors.files.spreadsheets import load, source

COLUMNS = {"id": "No", "team": "Branch", "status": {"constant": "won"}, "amount": "Sum", "closed_at": "Day"}


def book(
    rows: list[list[Any]], formats: dict[str, str] | None = None, merge: tuple[str, ...] = ()
) -> openpyxl.Workbook:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for place, shape in (formats or {}).items():
        sheet[place].number_format = shape
    for area in merge:
        sheet.merge_cells(area)
    return made


def cells(made: openpyxl.Workbook) -> list[list[Any]]:
    out = io.BytesIO()
    made.save(out)
    [sheet] = sheets(out, "a.xlsx")
    return [list(row) for row in sheet.rows]


@pytest.mark.parametrize(
    ("value", "shape", "seen"),
    [
        (123, "00000", Formatted(123, "00123")),
        (123456, "000-000", Formatted(123456, "123-456")),
        (1234, r"000\-000", Formatted(1234, "001-234")),
        (7, '"INV-"0000', Formatted(7, "INV-0007")),
        (123456, "00000", 123456),
        (12345, "[<=99999]00000;00000-0000", Formatted(12345, "")),
        (0.12, "0%", Percent(0.12)),
        (1234.5, "#,##0.00", 1234.5),
        (12, "0", 12),
    ],
)
def test_a_number_is_what_its_format_shows(value: float, shape: str, seen: Any) -> None:
    [[found]] = cells(book([[value]], {"A1": shape}))
    assert found == seen and type(found) is type(seen)


def test_a_format_that_is_not_understood_is_told_for_ids(tmp_path: Path) -> None:
    made = book(
        [["No", "Branch", "Sum", "Day"], [12345, "N", 10, date(2026, 1, 5)]], {"A2": "[<=99999]00000;00000-0000"}
    )
    made.save(tmp_path / "a.xlsx")
    [report] = check_files(source(tmp_path, {"a": {"path": "a.xlsx", "entity": "opportunity", "columns": COLUMNS}}))
    assert [p.reason for p in report.problems] == [
        "is a number with a format of its own: write it as text, as it is shown"
    ]


def test_text_merged_over_rows_counts_for_each_and_a_number_is_refused(tmp_path: Path) -> None:
    rows = [["No", "Branch", "Sum", "Day"], ["A", "North", 10, date(2026, 1, 5)], ["B", None, 20, date(2026, 1, 6)],
            ["C", "South", 30, date(2026, 1, 7)], ["D", None, None, date(2026, 1, 8)]]  # fmt: skip
    made = book(rows, merge=("B2:B3", "B4:B5", "C4:C5"))
    assert cells(made)[2][1] == Merged("North", "B2:B3")
    made.save(tmp_path / "a.xlsx")
    connector = source(tmp_path, {"a": {"path": "a.xlsx", "entity": "opportunity", "columns": COLUMNS}})
    [report] = check_files(connector)
    assert [(p.row, p.column) for p in report.problems] == [(4, "Sum"), (5, "Sum")]
    assert all("C4:C5" in p.reason for p in report.problems)
    done = load(connector, tmp_path / "home")
    assert [(row["id"], row["team"]) for row in done.rows] == [("A", "North"), ("B", "North")] and done.rejected == 2


def test_a_merged_title_over_several_columns_is_no_value_of_the_others() -> None:
    found = cells(book([["Report", None, None], ["a", "b", "c"]], merge=("A1:C1",)))
    assert [cell for cell in found[0] if cell is not None] == ["Report"]


def test_a_formula_without_its_value_is_told_and_one_that_gives_nothing_is_empty() -> None:
    [row] = cells(book([["=1+1", 5]]))
    assert isinstance(row[0], Unreadable) and "open the workbook in Excel" in row[0].reason and row[1] == 5


@pytest.mark.parametrize(
    ("epoch", "serial", "meant"), [(None, 45000, date(2023, 3, 15)), (CALENDAR_MAC_1904, 45000, date(2027, 3, 16))]
)
def test_days_are_numbered_as_the_workbook_numbers_them(epoch: Any, serial: int, meant: date, tmp_path: Path) -> None:
    made = book([["No", "Branch", "Sum", "Day"], ["A", "N", 1, serial]])
    if epoch is not None:
        made.epoch = epoch
    made.save(tmp_path / "a.xlsx")
    done = load(
        source(tmp_path, {"a": {"path": "a.xlsx", "entity": "opportunity", "columns": COLUMNS}}), tmp_path / "home"
    )
    assert [row["closed_date"] for row in done.rows] == [meant]
