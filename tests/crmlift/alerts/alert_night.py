"""A work database whose KPIs can be made to drop on a given week."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from crmlift.alerts.rules import Rule
from tests.crmlift.published_fixture import empty, put, put_kpi

MONDAY = date(2026, 8, 3)
AS_OF = datetime(2026, 8, 3, tzinfo=UTC)
TEAMS = ("team:alpha", "team:beta", "team:gamma")
RULES = [
    Rule("win_rate", "prop_drop", "proportion", "higher", {"k": 6, "min_abs": 0.05, "min_n": 30}),
    Rule("avg_deal_size", "mean_shift", "mean", "higher", {"k": 6, "min_rel": 0.15, "min_n": 30}),
    Rule("sales_cycle_days", "dur_up", "duration", "lower", {"k": 6, "min_rel": 0.15, "min_n": 40}),
    Rule("won_revenue", "sum_seasonal", "sum", "higher", {"k": 12, "z": 3.0}),
]


def night(path: Path | str = ":memory:", *, weeks: int = 40) -> duckdb.DuckDBPyConnection:
    """Steady KPIs for `weeks` weeks up to MONDAY, three teams."""
    connection = empty(path)
    put(connection, "config.setting", name="timezone", value="Europe/Kyiv")
    put(connection, "config.setting", name="base_currency", value="EUR")
    connection.execute("create table core.team (team_id varchar, name varchar)")
    for team in TEAMS:
        put(connection, "core.team", team_id=team, name=team.removeprefix("team:").title())
    for rule in RULES:
        put_kpi(connection, rule.kpi_id)
    _insert(connection, _steady(weeks))
    put(connection, "ops.cursor", source_id="sf", stream="Opportunity", read_until=AS_OF, updated_at=AS_OF)
    return connection


@cache
def _steady(weeks: int) -> pd.DataFrame:
    return pd.concat([_week(MONDAY - timedelta(weeks=back), seed=back) for back in range(weeks, 0, -1)])


def add_week(connection: duckdb.DuckDBPyConnection, monday: date, *, seed: int, **change: Any) -> None:
    """One week of units for every KPI, and its mature values."""
    _insert(connection, _week(monday, seed=seed, **change))


def _week(
    monday: date, *, seed: int, win_rate: float = 0.4, bad_team: str | None = None, size: float = 5000.0,
    cycle: float = 30.0, deals: int = 90,
) -> pd.DataFrame:  # fmt: skip
    """bad_team: the only team whose win rate is `win_rate`."""
    rng = np.random.default_rng([11, seed])
    rows: list[tuple[Any, ...]] = []
    for i in range(deals):
        team = TEAMS[i % 3]
        at = datetime(monday.year, monday.month, monday.day, 9, tzinfo=UTC) + timedelta(days=i % 5, minutes=i)
        rate = win_rate if bad_team in (None, team) else 0.4
        amount = size * rng.gamma(4, 0.25)
        for kpi_id, num in (
            ("win_rate", float((i // 3) % 10 < round(rate * 10))), ("avg_deal_size", amount),
            ("sales_cycle_days", float(np.ceil(cycle * rng.gamma(3, 1 / 3)))), ("won_revenue", amount),
        ):  # fmt: skip
            is_done = kpi_id != "sales_cycle_days" or i % 12 != 0
            rows.append((kpi_id, f"{monday}-{i}", at, f"sf:owner-{i % 9}", team, "sf", num, 1.0, is_done))
    names = ["kpi_id", "unit_id", "event_at", "owner_id", "team_id", "source_id", "num", "den", "observed"]
    return pd.DataFrame(rows, columns=names)


def _insert(connection: duckdb.DuckDBPyConnection, units: pd.DataFrame) -> None:
    connection.register("given_units", units)
    connection.execute("insert into metrics.kpi_unit by name select * from given_units")
    connection.execute(
        "insert into metrics.kpi_value (kpi_id, period_grain, period_start, period_end, segment_dim, segment_value, "
        "source_id, value, n, is_mature, mature_after) select kpi_id, 'week', week, week + 7, 'all', 'all', 'all', "
        "sum(num) / sum(den), count(*) filter (observed), true, week + 7 "
        "from (select *, date_trunc('week', event_at)::date as week from given_units) group by kpi_id, week"
    )
    connection.unregister("given_units")


def replace_last_week(connection: duckdb.DuckDBPyConnection, **change: Any) -> None:
    """Make the newest week another one."""
    monday = MONDAY - timedelta(days=7)
    connection.execute("delete from metrics.kpi_unit where event_at >= ?", [monday])
    connection.execute("delete from metrics.kpi_value where period_start >= ?", [monday])
    add_week(connection, monday, seed=1, **change)


def table(connection: duckdb.DuckDBPyConnection, name: str) -> list[tuple[Any, ...]]:
    """All rows of a table, in order."""
    return connection.execute(f"select * from {name} order by all").fetchall()
