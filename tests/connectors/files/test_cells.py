"""Numbers, dates and encodings as people write them."""

from __future__ import annotations

import pytest

from connectors.files.cells import AmbiguousDates, BadCell, CellFormat, detect_decimal, detect_format
from connectors.files.encodings import detect_delimiter, detect_encoding

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
    found = detect_format(CellFormat("money"), cells, header="Amount", delimiter=";")
    assert [found.parse(cell) for cell in cells] == meant


def test_what_a_point_before_three_digits_means_depends_on_the_file() -> None:
    assert detect_decimal(["1.234"], ";") == "," and detect_decimal(["1.234"], ",") == "."
    assert detect_decimal(["1,234"], ";") == "," and detect_decimal(["1,234"], ",") == "."


@pytest.mark.parametrize(
    ("header", "cell", "share"), [("Risk", "12 %", "0.12"), ("Risk", "0.12", "0.12"), ("Risk, %", "12", "0.12")]
)
def test_per_cents_are_shares(header: str, cell: str, share: str) -> None:
    found = detect_format(CellFormat("share"), [cell], header=header, delimiter=",")
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
    found = detect_format(CellFormat("date"), cells, header="When", delimiter=",")
    assert [found.parse(cell) for cell in cells] == meant


def test_days_and_months_nothing_tells_apart_are_not_guessed() -> None:
    with pytest.raises(AmbiguousDates):
        detect_format(CellFormat("date"), ["03/04/2025", "05/06/2025"], header="When", delimiter=",")


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("02.03.2026 14:05", "2026-03-02T14:05:00+02:00"),
        ("2026-03-02T14:05:30Z", "2026-03-02T14:05:30+00:00"),
        ("2026-07-02 14:05", "2026-07-02T14:05:00+03:00"),
        ("2026-03-02", "2026-03-02"),
        (46083.5, "2026-03-02T12:00:00+02:00"),
        (46083, "2026-03-02"),
    ],
)
def test_a_moment_is_a_day_or_an_instant_of_the_files_zone(cell: object, meant: str) -> None:
    assert CellFormat("moment", date_order="dmy", timezone="Europe/Kyiv").parse(cell) == meant


@pytest.mark.parametrize(
    "cell", ["31.02.2026", "2026-13-01", "32/01/2026", "soon", "00.00.0000", "25:00", "0001-01-01"]
)
def test_what_is_no_date_is_refused(cell: str) -> None:
    with pytest.raises(BadCell):
        CellFormat("date", date_order="dmy").parse(cell)
