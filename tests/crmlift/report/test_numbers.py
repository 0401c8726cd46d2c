"""Figures as people read them."""

from __future__ import annotations

from datetime import date

import pytest

from crmlift.report.numbers import day, interval, percent, plain, points, scale_for

NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("unit", "values", "expected"),
    [
        ("share", (0.312,), "31.2 %"),
        ("base_currency", (7600.4,), "€7,600"),
        ("base_currency", (369_120.0,), "€369k"),
        ("base_currency", (-1_234_567.0,), "−€1.23M"),
        ("days", (46.04,), "46.0 d"),
        ("minutes", (95.0,), "95.0 min"),
        ("minutes", (260.0,), "4.3 h"),
        ("hours", (0.5,), "30.0 min"),
        ("hours", (72.0,), "3.0 d"),
        ("points_-100_100", (-35.9,), "−35.9 points"),
        ("deals", (1234.0,), "1,234"),
        ("share", (None,), "—"),
        ("share", (float("nan"),), "—"),
    ],
)
def test_values(unit: str, values: tuple[float | None, ...], expected: str) -> None:
    assert scale_for(unit, values)(values[0]) == expected.replace(" ", NBSP)


def test_before_and_after_share_a_unit() -> None:
    scale = scale_for("minutes", (260.0, 100.0))
    assert (scale(260.0), scale(100.0)) == (f"4.3{NBSP}h", f"1.7{NBSP}h")


def test_ukrainian_figures() -> None:
    scale = scale_for("base_currency", (7600.0,), currency="UAH", locale="uk", per=" / тиж.")
    assert scale(7600.0) == f"7{NBSP}600{NBSP}₴ / тиж."
    assert scale_for("base_currency", (2.5e6,), locale="uk")(2.5e6) == f"2,50{NBSP}млн{NBSP}€"
    assert percent(-0.123, "uk") == f"−12,3{NBSP}%"
    assert day(date(2026, 11, 2), "uk") == f"2{NBSP}лис{NBSP}2026"


def test_changes_carry_their_sign() -> None:
    assert percent(0.118, "en") == f"+11.8{NBSP}%"
    assert percent(0.12, "en", signed=False, digits=0) == f"12{NBSP}%"
    assert percent(None, "en") == percent(float("inf"), "en") == "—"
    assert percent(25.0, "en") == f">{NBSP}1,000{NBSP}%"
    assert percent(-0.0001, "en") == f"+0.0{NBSP}%", "no minus before a zero"
    assert points(0.0304, "en") == f"+3.0{NBSP}pp"
    assert interval(-0.047, 0.137, "en", gap="") == f"−4.7…+13.7{NBSP}%"
    assert interval(None, 0.137, "en") == "—"
    assert plain(-1234.5, 1, "en") == "−1,234.5"


def test_other_currencies_are_named() -> None:
    assert scale_for("base_currency", (10.0,), currency="CHF")(10.0) == f"CHF{NBSP}10"
