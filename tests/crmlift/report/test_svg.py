"""The drawings: positions, arrows for what lies beyond, escaping, size."""

from __future__ import annotations

from datetime import date, timedelta
from xml.etree import ElementTree

import pytest

from crmlift.report.svg import Line, effect_bar, line_chart, nice_ticks

HOSTILE = '<script>alert("x")</script> & "co"'


def shapes(drawing: str) -> ElementTree.Element:
    return ElementTree.fromstring(str(drawing))


def bar(estimate: float, low: float, high: float, **more: object) -> ElementTree.Element:
    values = {"reach": 0.5, "band": 0.05, "tone": "improved", "title": HOSTILE, "desc": HOSTILE, **more}
    return shapes(effect_bar(estimate, low, high, **values))  # type: ignore[arg-type]


def test_an_interval_sits_where_its_numbers_say() -> None:
    drawn = bar(0.25, 0.0, 0.5)
    span = next(e for e in drawn.iter("line") if "span" in e.attrib["class"])
    dot = next(drawn.iter("circle"))
    assert (float(span.attrib["x1"]), float(span.attrib["x2"])) == (120.0, 234.0)
    assert float(dot.attrib["cx"]) == 177.0


def test_mirrored_puts_good_to_the_right() -> None:
    dot = next(bar(-0.25, -0.5, 0.0, is_mirrored=True).iter("circle"))
    assert float(dot.attrib["cx"]) == 177.0


def test_beyond_the_scale_is_an_arrow_and_no_dot() -> None:
    drawn = bar(0.9, 0.2, 1.4)
    assert list(drawn.iter("circle")) == []
    caps = [e.attrib["d"] for e in drawn.iter("path")]
    assert caps[0].count("L") == 0 and caps[1].count("L") == 2


def test_names_cannot_become_markup() -> None:
    drawn = effect_bar(0.1, 0.0, 0.2, reach=1, band=None, tone="improved", title=HOSTILE, desc="d")
    assert "<script>" not in drawn
    assert shapes(drawn).find("title").text == HOSTILE  # type: ignore[union-attr]


def weekly(n: int) -> list[tuple[date, float]]:
    return [(date(2025, 1, 6) + timedelta(weeks=i), 100.0 + i % 7) for i in range(n)]


def chart(points: list[tuple[date, float]], marks: tuple[date, ...] = ()) -> str:
    return str(
        line_chart(
            [Line("live", points)],
            marks=marks,
            number=lambda v, d: f"{v:.{d}f}",
            month=lambda d: f"{d:%b}",
            title="t",
            desc="d",
        )
    )


def test_two_years_of_weeks_stay_small() -> None:
    assert len(chart(weekly(104)).encode()) < 4096


def test_marks_outside_the_series_are_not_drawn() -> None:
    drawn = chart(weekly(20), (date(2025, 3, 3), date(2030, 1, 1)))
    assert drawn.count('class="golive"') == 1


def test_one_point_is_no_chart() -> None:
    assert chart(weekly(1)) == ""


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.26, 0.34, [0.26, 0.28, 0.30, 0.32, 0.34]), (10, 100, [0, 50, 100]), (5, 5, [4.5, 5.0, 5.5]),
     (0, 0, [-0.1, -0.05, 0, 0.05, 0.1]), (-30, 20, [-40, -20, 0, 20])],
)  # fmt: skip
def test_ticks_are_round_and_enclose(low: float, high: float, expected: list[float]) -> None:
    assert nice_ticks(low, high) == pytest.approx(expected)
