"""Values of company known against pandas from the same core tables, and durations against lifelines."""

from __future__ import annotations

import math
from collections.abc import Iterator

import duckdb
import pandas as pd
import pytest

from tests.end_to_end.conftest import Night
from tests.end_to_end.recomputed import DURATIONS, SHARES, TOTALS, sales_cycle_days
from tests.end_to_end.recomputed_frames import AS_OF, ZONE, Frames, reader

pytestmark = pytest.mark.slow
Cell = tuple[str, str]


@pytest.fixture(scope="module")
def published(first_night: Night) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(first_night.home / "analytics.duckdb"), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection


@pytest.fixture(scope="module")
def frame(published: duckdb.DuckDBPyConnection) -> Frames:
    return reader(published)


def values(published: duckdb.DuckDBPyConnection, kpi_id: str, columns: str = "value") -> dict[Cell, tuple[object, ...]]:
    """(month, team or all) → columns, of cells with units."""
    found = published.execute(
        f"select period_start::varchar, segment_value, {columns} from metrics.kpi_value where kpi_id = ? "
        "and period_grain = 'month' and segment_dim in ('all', 'team') and source_id = 'all' "
        "and segment_value <> 'unknown' and n + n_censored > 0 and status <> 'suppressed'",
        [kpi_id],
    ).fetchall()
    return {(row[0], row[1]): row[2:] for row in found}


def cells(rows: pd.DataFrame) -> Iterator[tuple[Cell, pd.DataFrame]]:
    """Local months, for everybody and each team."""
    kept = rows[rows["at"] < AS_OF].dropna(subset=["num"])
    month = kept["at"].dt.tz_convert(ZONE).dt.strftime("%Y-%m-01")
    for start, part in kept.groupby(month):
        yield (str(start), "all"), part
    for (start, team), part in kept.groupby([month, kept["team"]]):
        yield (str(start), str(team)), part


@pytest.mark.parametrize("kpi_id", [*SHARES, *TOTALS])
def test_values_agree_with_pandas(published: duckdb.DuckDBPyConnection, frame: Frames, kpi_id: str) -> None:
    expected: dict[Cell, float | None] = {}
    for cell, part in cells({**SHARES, **TOTALS}[kpi_id](frame)):
        old = part[part["observed"].astype(bool)]
        total, weight = math.fsum(old["num"]), math.fsum(old["den"])
        expected[cell] = total if kpi_id in TOTALS else total / weight if weight else None
    found = values(published, kpi_id)
    compared = 0
    for cell, (value,) in found.items():
        if expected[cell] is None:
            assert value is None
        else:
            compared += 1
            assert value == pytest.approx(expected[cell], rel=1e-9, abs=1e-9), cell
    assert compared >= 4
    if published.execute("select min_cell from metrics.kpi where kpi_id = ?", [kpi_id]).fetchall() == [(1,)]:
        assert set(found) == set(expected)


@pytest.mark.parametrize("kpi_id", DURATIONS)
def test_medians_agree_with_lifelines(published: duckdb.DuckDBPyConnection, frame: Frames, kpi_id: str) -> None:
    from lifelines import KaplanMeierFitter

    found = values(published, kpi_id, "value, ci_low, ci_high, n, n_censored")
    compared = 0
    for cell, part in cells(DURATIONS[kpi_id](frame)):
        if cell[1] != "all":
            continue
        ended = part["observed"].astype(bool)
        fitted = KaplanMeierFitter().fit(part["num"].round(9), ended)
        # a curve that comes to rest on one half exactly: products of floats may end a hair above it
        curves = fitted.survival_function_.join(fitted.confidence_interval_) <= 0.5 + 1e-12
        halves = [curves.index[is_below].min() if is_below.any() else math.inf for _, is_below in curves.items()]
        expected = [*halves, int(ended.sum()), int((~ended).sum())]
        told = [math.inf if value is None else value for value in found[cell]]
        assert told == pytest.approx(expected, rel=1e-6), cell
        compared += 1
    assert compared > 20


def test_shares_won_and_lost_agree_with_lifelines(published: duckdb.DuckDBPyConnection, frame: Frames) -> None:
    from lifelines import AalenJohansenFitter

    rows = sales_cycle_days(frame)
    cause = frame("core.opportunity").loc[rows.index, "status"].map({"open": 0, "won": 1, "lost": 2})
    month = rows["at"].dt.tz_convert(ZONE).dt.strftime("%Y-%m-01")
    found = {
        (start, way): row
        for way, start, *row in published.execute(
            "select cause, period_start::varchar, value, ci_low, ci_high from metrics.kpi_incidence "
            "where kpi_id = 'sales_cycle_days' and period_grain = 'month' and segment_dim = 'all' and source_id = 'all'"
        ).fetchall()
    }
    for start in sorted(month.unique())[:-7]:
        part, ways = rows[month == start], cause[month == start]
        for code, way in ((1, "won"), (2, "lost")):
            fitted = AalenJohansenFitter(seed=1).fit(part["num"], ways, event_of_interest=code)
            expected = float(fitted.cumulative_density_.loc[:180].iloc[-1, 0])
            value, low, high = found[(start, way)]
            assert value == pytest.approx(expected, abs=2e-3)
            band = fitted.confidence_interval_.loc[:180].iloc[-1].tolist()
            assert [low, high] == pytest.approx(sorted(band), abs=5e-3)


def test_composites_are_their_expressions(published: duckdb.DuckDBPyConnection) -> None:
    parts = ("closed_opportunities", "win_rate", "avg_deal_size", "sales_cycle_days")
    of = {part: values(published, part) for part in (*parts, "pipeline_velocity", "tco", "cost_per_active_user")}
    compared = 0
    for cell, (value, low, high) in values(published, "pipeline_velocity", "value, ci_low, ci_high").items():
        if value is None:
            continue
        count, rate, size, cycle = (float(str(of[part][cell][0])) for part in parts)
        assert value == pytest.approx(count * rate * size / cycle, rel=1e-9)
        compared += 1
        if cell[1] == "all":
            assert float(str(low)) < float(str(value)) < float(str(high))
    assert compared > 100
