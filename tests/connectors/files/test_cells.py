"""Numbers, dates and encodings as people write them."""

from __future__ import annotations

import pytest

from connectors.errors import SettingsFailure
from connectors.files.cells import BadCell, CellFormat
from connectors.files.encodings import detect_delimiter, detect_encoding
from connectors.files.evidence import Answers, detect_format
from connectors.files.questions import AmbiguousColumn
from connectors.files.special import Formatted, Merged, Percent, Unreadable

UKRAINIAN = "Команда;Клієнт;Сума\nКиїв;ТОВ Їжа і ґрунт;12\nЛьвів;Об'єднання підприємців;7\nОдеса;Зв'язок та послуги;3\n"
SHORT = "Стаття;Сума\nНавчання;5\n"
RUSSIAN = "Команда;Отдел;Сумма\nМосква;Общий отдел продаж;12\nОфис;Поддержка клиентов;7\n"


@pytest.mark.parametrize("text", [UKRAINIAN, SHORT, RUSSIAN, UKRAINIAN.upper()])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1251", "koi8-u"])
def test_the_encoding_is_found(text: str, encoding: str) -> None:
    found = detect_encoding(text.encode(encoding))
    assert text.encode(encoding).decode(found).removeprefix("\ufeff") == text


def test_western_text_is_not_taken_for_cyrillic() -> None:
    text = "Köln;Größe;Käufer\nMünchen;Straße;übrig\nCafé;façade;señor\n"
    assert text.encode("cp1252").decode(detect_encoding(text.encode("cp1252"))) == text


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("a;b;c\n1,5;2,5;3\n", ";"),
        ("a\tb\n1,5\t2\n", "\t"),
        ("a,b\n1.5,2\n", ","),
        ("a|b|c\n1|2|3\n", "|"),
        ("only\n1\n2\n", ","),
    ],
)
def test_the_delimiter_is_found(text: str, mark: str) -> None:
    assert detect_delimiter(text) == mark


@pytest.mark.parametrize(
    ("cells", "meant"),
    [
        (["1 234,50 €", "12,00 €"], ["1234.50", "12.00"]),
        (["1\u00a0234\u00a0567", "89"], ["1234567", "89"]),
        (["$1,234.56", "-5"], ["1234.56", "-5"]),
        (["(1,234.00)", "1,000"], ["-1234.00", "1000"]),
        (["1'234.5", "2"], ["1234.5", "2"]),
        (["−7,25", "10 грн"], ["-7.25", "10"]),
        (["1.234,5", "1.234.567"], ["1234.5", "1234567"]),
        (["1,234,567", "12"], ["1234567", "12"]),
        (["0,125", "7"], ["0.125", "7"]),
        (["1.5e3", "2"], ["1.5e3", "2"]),
    ],
)
def test_numbers_in_one_column_are_read_alike(cells: list[str], meant: list[str]) -> None:
    found = detect_format(CellFormat("money"), cells, header="Amount")
    assert [found.parse(cell) for cell in cells] == meant


@pytest.mark.parametrize(
    ("header", "cell", "share"), [("Risk", "12 %", "0.12"), ("Risk", "0.12", "0.12"), ("Risk, %", "12", "0.12")]
)
def test_per_cents_are_shares(header: str, cell: str, share: str) -> None:
    found = detect_format(CellFormat("share"), [cell], header=header)
    assert found.parse(cell) == share


@pytest.mark.parametrize("cell", ["", "abc", "1 23", "1,2,3", "--1", "1.2.3", "12 34", "0x10", "inf", "nan", "1e999"])
def test_what_is_no_number_is_refused(cell: str) -> None:
    with pytest.raises(BadCell):
        CellFormat("number").parse(cell)


@pytest.mark.parametrize(
    ("cells", "meant"),
    [
        (["31.12.2025", "1.2.2026"], ["2025-12-31", "2026-02-01"]),
        (["12/31/2025", "02/01/2026"], ["2025-12-31", "2026-02-01"]),
        (["31/12/2025", "02/01/2026"], ["2025-12-31", "2026-01-02"]),
        (["2025-12-31", "20260201"], ["2025-12-31", "2026-02-01"]),
        (["31.12.25", "01.02.26 р."], ["2025-12-31", "2026-02-01"]),
        (["31 грудня 2025", "1 Feb 2026"], ["2025-12-31", "2026-02-01"]),
        (["December 31, 2025", "Feb 2026"], ["2025-12-31", "2026-02-01"]),
        (["2025-12", "Q1 2026"], ["2025-12-01", "2026-01-01"]),
        (["2025/12/31 14:05", "2026/02/01"], ["2025-12-31", "2026-02-01"]),
    ],
)
def test_dates_in_one_column_are_read_alike(cells: list[str], meant: list[str]) -> None:
    found = detect_format(CellFormat("date"), cells, header="When")
    assert [found.parse(cell) for cell in cells] == meant


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("02.03.2026 14:05", "2026-03-02T14:05:00+02:00"),
        ("2026-03-02T14:05:30Z", "2026-03-02T14:05:30+00:00"),
        ("2026-07-02 14:05", "2026-07-02T14:05:00+03:00"),
        ("2026-03-02", "2026-03-02"),
        (46083.5, "2026-03-02T12:00:00+02:00"),
        (46083, "2026-03-02"),
        (2026, "2026-01-01"),
    ],
)
def test_a_moment_is_a_day_or_an_instant_of_the_files_zone(cell: object, meant: str) -> None:
    assert CellFormat("moment", date_order="dmy", timezone="Europe/Kyiv", epoch="excel").parse(cell) == meant


@pytest.mark.parametrize(
    "cell",
    [
        "31.02.2026",
        "2026-13-01",
        "32/01/2026",
        "soon",
        "00.00.0000",
        "25:00",
        "0001-01-01",
        "2026-02-30T10:00",
        "13:30 PM",
    ],
)
def test_what_is_no_date_is_refused(cell: str) -> None:
    with pytest.raises(BadCell):
        CellFormat("date", date_order="dmy").parse(cell)


@pytest.mark.parametrize(
    ("kind", "cells", "options"),
    [
        ("money", ["1.500", "12.000", "800"], {("decimal", "."), ("decimal", ",")}),
        ("money", ["1,500"], {("decimal", "."), ("decimal", ",")}),
        ("money", ["1,234.50", "1.234,50"], {("decimal", "."), ("decimal", ",")}),
        ("money", ["1.129,50", 958.25], {("decimal", ",")}),
        ("money", ["1 200 €", "900 $"], set()),
        ("share", ["20", "35"], {("scale", "0.01"), ("scale", "1")}),
        ("share", ["20 %", "0.5"], {("scale", "0.01"), ("scale", "1")}),
        ("date", ["03/04/2025", "05/06/2025"], {("date_format", "DD/MM/YYYY"), ("date_format", "MM/DD/YYYY")}),
        ("date", ["3-4-2025 10:00 AM", "5-6-2025 11:00 PM"], {("date_format", "DD/MM/YYYY"), ("date_format", "MM/DD/YYYY")}),
        ("date", ["13/04/2025", "04/13/2025"], {("date_format", "DD/MM/YYYY"), ("date_format", "MM/DD/YYYY")}),
        ("date", ["01/02/03"], {("date_format", f) for f in ("DD/MM/YYYY", "MM/DD/YYYY", "YY/MM/DD")}),
        ("date", ["45012", "45013"], {("date_format", "excel"), ("date_format", "excel-1904")}),
        ("date", ["31.12.31"], {("first_year", "1970"), ("first_year", "1930")}),
        ("date", ["2025-03-04", "2025-01-12", "13/04/2025", "28/02/2025"], {("exchanged_days", "no"), ("exchanged_days", "yes")}),
        ("text", ["123456789012345000", "223456789012345000", "323456789012345000"], set()),
    ],
)  # fmt: skip
def test_what_a_column_does_not_tell_is_asked(kind: str, cells: list[object], options: set[tuple[str, str]]) -> None:
    with pytest.raises(AmbiguousColumn) as asked:
        detect_format(CellFormat(kind), cells, header="Figure")
    assert set(asked.value.options) == options
    assert len(asked.value.readings) >= 1 and asked.value.why.startswith("Either ")


def test_a_question_shows_both_readings_and_the_row() -> None:
    with pytest.raises(AmbiguousColumn) as asked:
        detect_format(CellFormat("money"), ["800", "1.500"])
    assert asked.value.what == "nothing tells which mark is the decimal one ('1.500' in row 2)"
    assert asked.value.why == "Either 1.500 is 1.5, or 1.500 is 1,500."


@pytest.mark.parametrize(
    ("kind", "cells", "answers", "meant"),
    [
        ("money", ["1.500", "800"], Answers(decimal=","), ["1500", "800"]),
        ("money", ["1.500", "800"], Answers(decimal="."), ["1.500", "800"]),
        ("share", ["20", "35"], Answers(scale=0.01), ["0.2", "0.35"]),
        ("date", ["03/04/2025"], Answers(date_format="DD/MM/YYYY"), ["2025-04-03"]),
        ("date", ["03/04/2025"], Answers(date_format="MM/DD/YYYY"), ["2025-03-04"]),
        ("date", ["45012"], Answers(date_format="excel"), ["2023-03-27"]),
        ("date", ["45012"], Answers(date_format="excel-1904"), ["2027-03-28"]),
        ("date", ["31.12.31"], Answers(first_year=1930), ["1931-12-31"]),
        ("date", ["2025-03-04", "2025-01-12", "13/04/2025", "28/02/2025"], Answers(exchanged_days=True),
         ["2025-04-03", "2025-12-01", "2025-04-13", "2025-02-28"]),
    ],
)  # fmt: skip
def test_the_answer_decides(kind: str, cells: list[object], answers: Answers, meant: list[str]) -> None:
    found = detect_format(CellFormat(kind), cells, header="Figure", answers=answers)
    assert [found.parse(cell) for cell in cells] == meant


@pytest.mark.parametrize(
    ("kind", "cells", "meant"),
    [
        ("money", ["958.10", "1,129.74"], ["958.10", "1129.74"]),
        ("money", ["1.500", "12.75"], ["1.500", "12.75"]),
        ("money", ["1.500,-", "800"], ["1500", "800"]),
        ("money", ["12,34,567.50", "1,00,000"], ["1234567.50", "100000"]),
        ("money", ["1 234,567"], ["1234.567"]),
        ("share", [Percent(0.12), "15 %"], ["0.12", "0.15"]),
        ("integer", ["9007199254740993"], ["9007199254740993"]),
        ("text", ["123.0", "45.0", "7"], ["123", "45", "7"]),
        ("text", ["1.0", "1.1"], ["1.0", "1.1"]),
        ("text", [Formatted(123, "00123")], ["00123"]),
        ("date", ["01/01/2025", "02/02/2025"], ["2025-01-01", "2025-02-02"]),
        ("date", ["15-Jan-25", "3 травня 2025"], ["2025-01-15", "2025-05-03"]),
        ("moment", ["13/04/2025 2:30 PM", "01/04/2025 12:05 AM"], ["2025-04-13T14:30:00+00:00", "2025-04-01T00:05:00+00:00"]),
        ("text", [Merged("North", "A2:A4")], ["North"]),
    ],
)  # fmt: skip
def test_a_column_that_tells_is_not_asked(kind: str, cells: list[object], meant: list[str]) -> None:
    found = detect_format(CellFormat(kind), cells, header="Figure")
    assert [found.parse(cell) for cell in cells] == meant


@pytest.mark.parametrize(
    ("kind", "cell", "words"),
    [
        ("text", "1.23457E+11", "shortened"),
        ("text", 123456789012345680, "more than 15 digits"),
        ("text", "#N/A", "error of the spreadsheet"),
        ("money", "#ДЕЛ/0!", "error of the spreadsheet"),
        ("money", Merged(100, "C2:C4"), "merged over several rows"),
        ("money", Unreadable("is a formula without its value"), "formula without its value"),
        ("date", "2:30", "not a date"),
    ],
)
def test_what_a_spreadsheet_program_lost_is_a_bad_cell(kind: str, cell: object, words: str) -> None:
    with pytest.raises(BadCell, match=words):
        CellFormat(kind).parse(cell)


def test_hours_beside_others_with_am_and_pm_need_one_too() -> None:
    found = detect_format(CellFormat("moment"), ["2025-04-13 2:30 PM", "2025-04-13 2:45", "2025-04-13 14:45"])
    assert found.parse("2025-04-13 14:45") == "2025-04-13T14:45:00+00:00"
    with pytest.raises(BadCell):
        found.parse("2025-04-13 2:45")


def test_one_cell_at_the_end_of_a_long_column_decides() -> None:
    cells = ["1.500"] * 200_000 + ["12.75"]
    assert detect_format(CellFormat("money"), cells).decimal == "."


def test_an_encoding_that_cannot_be_told_is_asked_for() -> None:
    with pytest.raises(SettingsFailure, match="koi8-u"):
        detect_encoding("82 957,30 грн\n".encode("koi8-u"))


@pytest.mark.parametrize("encoding", ["cp1252", "cp1250"])
def test_central_and_western_european_letters_are_told_apart(encoding: str) -> None:
    text = {"cp1252": "España;mañana;São Paulo;Müller\n", "cp1250": "Gdańsk;Łódź;zażółć;Příliš žluťoučký\n"}[encoding]
    assert text.encode(encoding).decode(detect_encoding(text.encode(encoding))) == text
