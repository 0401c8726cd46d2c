"""Sums against comparable periods: drops are seen, holidays and quarter ends are not taken for drops."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from crmlift.alerts.business_days import phase, public_holidays, week_phase, working_share
from crmlift.alerts.evidence import Sums
from crmlift.alerts.rules import Limits
from crmlift.alerts.seasonal import Seasonal, seasonal_signal

START = date(2025, 1, 6)


def days(values: np.ndarray, variation: float = 0.0) -> Sums:
    starts = [START + timedelta(days=i) for i in range(len(values))]
    return Sums(starts, values.astype(float), values.astype(float), variation)


def weekday_counts(n: int, mean: float = 60) -> np.ndarray:
    rng = np.random.default_rng(5)
    shape = np.array([1.0, 1.1, 1.0, 1.0, 0.9, 0.4, 0.3])
    return rng.poisson(mean * shape[np.arange(n) % 7])


def score(sums: Sums, free: frozenset[date] = frozenset(), bad_sign: int = -1) -> Seasonal | None:
    before = sums.starts[-1] + (sums.starts[1] - sums.starts[0])
    return seasonal_signal(
        lambda grain, end: sums,
        before=before,
        free=free,
        limits=Limits(),
        bad_sign=bad_sign,
        excluded=lambda day: False,
    )


def test_a_drop_of_half_is_seen_and_an_ordinary_day_is_not() -> None:
    values = weekday_counts(220)
    ordinary = score(days(values))
    values[-3:] = values[-3:] // 2
    dropped = score(days(values))
    assert ordinary is not None and dropped is not None
    assert abs(ordinary.z) < 3
    assert dropped.z > 4 and dropped.p_value < 1e-4
    assert dropped.days == 3 and dropped.start == START + timedelta(days=217)
    assert dropped.observed == values[-3:].sum()
    assert dropped.expected == pytest.approx(ordinary.expected)


def test_expected_is_the_median_of_the_last_eight_same_weekdays() -> None:
    values = np.tile(np.array([10, 20, 30, 40, 50, 60, 70]), 16)
    found = score(days(values))
    assert found is not None
    assert found.expected == pytest.approx(50 + 60 + 70)
    assert found.z == pytest.approx(0.0, abs=1e-9)


def test_a_holiday_is_no_drop_and_is_not_compared_with() -> None:
    values = weekday_counts(220)
    holiday = START + timedelta(days=218)
    values[218] = 2
    blind, aware = score(days(values)), score(days(values), free=frozenset({holiday}))
    assert blind is not None and aware is not None
    assert blind.z > 3 > aware.z
    assert aware.start == START + timedelta(days=216), "three working days, the holiday left out"


def test_a_flat_history_cannot_make_noise_look_impossible() -> None:
    values = np.full(220, 20)
    values[-3:] = 17
    found = score(days(values))
    assert found is not None
    # √20/21 is the floor of one day; three days of log1p(17) − log1p(20) = −0.15415
    assert found.z == pytest.approx(np.sqrt(3) * 0.15415 / (np.sqrt(20) / 21), rel=1e-3)


def test_too_little_history_is_unknown() -> None:
    assert score(days(weekday_counts(30))) is None


def test_rises_count_where_a_rise_is_bad() -> None:
    values = weekday_counts(220)
    values[-3:] = values[-3:] * 2
    found = score(days(values), bad_sign=1)
    assert found is not None and found.z > 4


def test_few_events_a_day_are_watched_by_week() -> None:
    weekly = Sums([START + timedelta(weeks=i) for i in range(30)], np.full(30, 12.0), np.full(30, 12.0), 0.0)
    weekly.totals[-1] = 1.0
    daily = days(np.zeros(210))
    before = START + timedelta(weeks=30)
    asked: list[str] = []

    def read(grain: str, end: date) -> Sums:
        asked.append(grain)
        assert end <= before
        return daily if grain == "day" else weekly

    found = seasonal_signal(
        read, before=before, free=frozenset(), limits=Limits(), bad_sign=-1, excluded=lambda day: False
    )
    assert asked == ["day", "week"]
    assert found is not None and found.days == 7
    assert found.expected == pytest.approx(12.0) and found.observed == 1.0 and found.z > 3


@pytest.mark.parametrize(
    ("day", "expected"),
    [(date(2026, 1, 1), "start"), (date(2026, 1, 8), "middle"), (date(2026, 3, 17), "middle"),
     (date(2026, 3, 18), "end"), (date(2026, 12, 31), "end"), (date(2026, 10, 7), "start")],
)  # fmt: skip
def test_phases_of_a_quarter(day: date, expected: str) -> None:
    assert phase(day) == expected


@pytest.mark.parametrize(
    ("day", "first", "expected"),
    [(date(2026, 1, 31), 2, "end"), (date(2026, 1, 18), 2, "end"), (date(2026, 1, 17), 2, "middle"),
     (date(2026, 2, 7), 2, "start"), (date(2026, 2, 8), 2, "middle"), (date(2026, 3, 31), 2, "middle"),
     (date(2026, 2, 28), 9, "end"), (date(2026, 3, 1), 9, "start"), (date(2025, 12, 20), 10, "end"), (date(2026, 1, 1), 7, "start")],
)  # fmt: skip
def test_phases_of_a_fiscal_quarter(day: date, first: int, expected: str) -> None:
    assert phase(day, first) == expected


def test_every_quarter_has_its_days_of_rush_and_of_lull_whatever_month_the_year_begins() -> None:
    every = [date(2026, 1, 1) + timedelta(days=i) for i in range(365)]
    for first in range(1, 13):
        phases = [phase(day, first) for day in every]
        assert (phases.count("end"), phases.count("start")) == (4 * 14, 4 * 7)


@pytest.mark.parametrize("first", [1, 2, 6])
def test_the_rush_of_a_fiscal_quarter_raises_no_alarm_where_the_year_is_known(first: int) -> None:
    shape = {"end": 1.9, "start": 0.4, "middle": 1.0}
    every = [date(2023, 1, 2) + timedelta(days=i) for i in range(900)]
    rates = [30 * shape[phase(day, first)] * (0.05 if day.weekday() > 4 else 1.0) for day in every]
    counts = np.random.default_rng(first).poisson(rates)

    def alarms(told: int) -> int:
        found = 0
        for n in range(600, 900):
            sums = Sums(every[:n], counts[:n].astype(float), counts[:n].astype(float), 0.0)
            signal = seasonal_signal(
                lambda grain, end, sums=sums: sums, before=every[n], free=frozenset(), limits=Limits(), bad_sign=-1,
                excluded=lambda day: False, fiscal_year_start=told,
            )  # fmt: skip
            found += signal is not None and signal.z >= 3 and signal.p_value < 0.001
        return found

    assert alarms(first) <= 3
    assert alarms(first % 12 + 1) >= 10


def test_weeks_and_holidays() -> None:
    assert week_phase(date(2026, 3, 30)) == "start", "its Thursday is 2 April"
    free = public_holidays("DE", [2026])
    assert date(2026, 10, 3) in free
    assert working_share(date(2026, 4, 6), free) == 0.8, "Easter Monday"
    assert public_holidays(None, [2026]) == public_holidays("ZZ", [2026]) == frozenset()


def quarterly_weeks(n: int, *, growth: float = 1.0) -> Sums:
    """Weeks with a rush at the end of each quarter and a lull after it, growing by that factor over the whole."""
    starts = [START + timedelta(weeks=i) for i in range(n)]
    shape = {"end": 2.0, "start": 0.5, "middle": 1.0}
    values = np.array([100.0 * shape[week_phase(s)] * growth ** (i / n) for i, s in enumerate(starts)])
    return Sums(starts, values, values, 0.0)


def weekly_score(sums: Sums, **more: bool) -> Seasonal | None:
    few = days(np.zeros(40))
    return seasonal_signal(
        lambda grain, end: few if grain == "day" else sums, before=sums.starts[-1] + timedelta(weeks=1), free=frozenset(),
        limits=Limits(), bad_sign=-1, excluded=lambda day: False, **more,
    )  # fmt: skip


def test_the_lull_after_a_quarter_end_is_no_drop_even_while_growing() -> None:
    sums = quarterly_weeks(78, growth=2.0)
    assert week_phase(sums.starts[-1]) == "start"
    found = weekly_score(sums)
    assert found is not None
    assert abs(found.z) < 1
    assert found.expected == pytest.approx(float(sums.totals[-1]), rel=0.1)


def test_an_ordinary_week_where_a_rush_belongs_is_a_drop() -> None:
    sums = quarterly_weeks(77)
    assert week_phase(sums.starts[-1]) == "end"
    sums.totals[-1] = 100.0
    found = weekly_score(sums)
    assert found is not None and found.z > 3
    assert found.expected == pytest.approx(200.0, rel=0.02)


def test_a_stock_is_compared_with_the_weeks_just_before() -> None:
    sums = quarterly_weeks(78)
    found = weekly_score(sums, is_stock=True)
    assert found is not None
    assert found.expected == pytest.approx(100.0)
