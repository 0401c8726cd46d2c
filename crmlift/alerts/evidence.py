"""The rows a rule looks at: units of the newest mature weeks and of those before, daily sums, weekly values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import duckdb
import numpy as np
import numpy.typing as npt

from crmlift.alerts.scoring import Bools, Floats

WEEK = timedelta(days=7)
WINDOW_WEEKS = (1, 2, 4)
LOOK_BACK = 3  # times the windows wanted, to find enough without an incident

Span = tuple[date, date]


@dataclass(frozen=True)
class Units:
    """Rows of one KPI: the window each belongs to (0: the newest, 1 … k: before it, newest first), and its team."""

    window: npt.NDArray[np.int64]
    num: Floats
    den: Floats
    observed: Bools
    team: npt.NDArray[np.object_]

    def of(self, chosen: Bools) -> Units:
        """The chosen rows."""
        return Units(self.window[chosen], self.num[chosen], self.den[chosen], self.observed[chosen], self.team[chosen])


@dataclass(frozen=True)
class Windows:
    """The newest mature weeks (`weeks` of them from `start`), and how many such windows lie before."""

    start: date
    weeks: int
    past: int


@dataclass(frozen=True)
class Sums:
    """Sums of one KPI by day or week, oldest first, periods without rows as 0. size_variation: cv of single amounts."""

    starts: list[date]
    totals: Floats
    events: Floats
    size_variation: float


def mature_weeks(connection: duckdb.DuckDBPyConnection, kpi_id: str) -> list[tuple[date, float, int]]:
    """(Monday, value, units behind it) of the KPI's mature weeks for everybody, oldest first."""
    rows = connection.execute(
        "select period_start, value, coalesce(n, 0) from metrics.kpi_value where kpi_id = ? and period_grain = 'week' "
        "and segment_dim = 'all' and is_mature and value is not null "
        "qualify row_number() over (partition by period_start order by source_id <> 'all', source_id) = 1 "
        "order by period_start",
        [kpi_id],
    ).fetchall()
    return rows


def newest_windows(
    connection: duckdb.DuckDBPyConnection, kpi_id: str, *, last_week: date, past: int, min_n: float, timezone: str,
    incidents: Sequence[Span] = (),
) -> tuple[Windows, Units] | None:  # fmt: skip
    """The shortest of 1, 2 or 4 newest mature weeks whose denominators add up to `min_n`, and `past` windows before it.

    Windows that touch an incident are passed over: a drop must not become its own measure. None when even four weeks
    are too few, or nothing lies before.
    """
    end = last_week + WEEK
    for weeks in WINDOW_WEEKS:
        length = WEEK * weeks
        found = _units(connection, kpi_id, end - length * (1 + LOOK_BACK * past), end, length.days, timezone)
        if found.den[found.window == 0].sum() < min_n:
            continue
        starts = [end - length * (i + 1) for i in range(1, LOOK_BACK * past + 1)]
        calm = [i for i, day in enumerate(starts, 1) if not touches(day, day + length, incidents)][:past]
        place = np.full(LOOK_BACK * past + 1, -1)
        place[[0, *calm]] = np.arange(len(calm) + 1)
        moved = Units(place[found.window], found.num, found.den, found.observed, found.team)
        units = moved.of(moved.window >= 0)
        return (Windows(end - length, weeks, len(calm)), units) if (units.window > 0).any() else None
    return None


def touches(start: date, end: date, spans: Sequence[Span]) -> bool:
    """Whether [start, end) overlaps one of the spans."""
    return any(start < last and first < end for first, last in spans)


def _units(
    connection: duckdb.DuckDBPyConnection, kpi_id: str, first: date, end: date, days: int, timezone: str
) -> Units:
    got = connection.execute(
        "with dated as (select *, (event_at at time zone $zone)::date as day "
        "from metrics.kpi_unit where kpi_id = $kpi) "
        "select (date_diff('day', day, $end::date) - 1) // $days as period, coalesce(num, 0.0) as num, "
        "coalesce(den, 1.0) as den, coalesce(observed, true) as observed, team_id as team "
        "from dated where day >= $first and day < $end order by event_at, unit_id",
        {"zone": timezone, "kpi": kpi_id, "first": first, "end": end, "days": days},
    ).fetchnumpy()
    team: npt.NDArray[np.object_] = np.ma.filled(np.ma.asarray(got["team"], dtype=object), None)
    return Units(
        np.asarray(got["period"], dtype=np.int64), np.asarray(got["num"], dtype=np.float64),
        np.asarray(got["den"], dtype=np.float64), np.asarray(got["observed"], dtype=np.bool_), team,
    )  # fmt: skip


def sums(connection: duckdb.DuckDBPyConnection, kpi_id: str, *, grain: str, before: date, timezone: str) -> Sums | None:
    """Daily or weekly sums of the KPI's units up to `before` (exclusive); None without rows."""
    rows = connection.execute(
        "select date_trunc($grain, (event_at at time zone $zone)::date)::date as period, "
        "sum(coalesce(num, 0.0)), count(*), sum(num * num) from metrics.kpi_unit where kpi_id = $kpi "
        "and coalesce(observed, true) group by period having period < $before order by period",
        {"grain": grain, "zone": timezone, "kpi": kpi_id, "before": before},
    ).fetchall()
    if not rows:
        return None
    step = timedelta(days=1) if grain == "day" else WEEK
    found = {day: (total, count) for day, total, count, _ in rows}
    starts = [rows[0][0] + step * i for i in range((before - rows[0][0]) // step)]
    total, count, squares = (sum(row[i] or 0.0 for row in rows) for i in (1, 2, 3))
    mean = total / count
    variation = max(squares / count - mean**2, 0.0) ** 0.5 / mean if mean > 0 else 0.0
    return Sums(
        starts, np.array([found.get(day, (0.0, 0))[0] for day in starts], dtype=np.float64),
        np.array([found.get(day, (0.0, 0))[1] for day in starts], dtype=np.float64), variation,
    )  # fmt: skip


def maturity_days(connection: duckdb.DuckDBPyConnection, kpi_id: str) -> int:
    """Days after its end until a period of this KPI counts as final."""
    found = connection.execute(
        "select max(date_diff('day', period_end, mature_after)) from metrics.kpi_value "
        "where kpi_id = ? and period_grain = 'week' and segment_dim = 'all' and mature_after is not null",
        [kpi_id],
    ).fetchone()
    return max(0, int(found[0])) if found and found[0] is not None else 0


def local_date(instant: datetime, connection: duckdb.DuckDBPyConnection, timezone: str) -> date:
    """The business date an instant falls on."""
    row = connection.execute("select ($1::timestamptz at time zone $2)::date", [instant, timezone]).fetchone()
    assert row is not None
    found: date = row[0]
    return found


def contributions(values: Sequence[float] | Floats, teams: npt.NDArray[np.object_]) -> str | None:
    """The team whose rows add most to the change for the worse; None with fewer than two teams."""
    totals: dict[str, float] = {}
    for value, team in zip(values, teams, strict=True):
        if team is not None:
            totals[team] = totals.get(team, 0.0) + float(value)
    if len(totals) < 2:
        return None
    worst = max(sorted(totals), key=lambda team: totals[team])
    return worst if totals[worst] > 0 else None
