"""A currency that fell after go-live does not pass for a fall of revenue."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb
import pytest

from crmlift import constant_rates

UNITS = "select unit_id, {num} as num from metrics.kpi_unit u {join}order by unit_id"


@pytest.fixture(name="connection")
def _connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Two deals in dollars at 0.9 before, one at 0.6 after, one in euros, one without a rate."""
    with duckdb.connect() as connection:
        connection.execute(
            "create schema core; create schema metrics; create table core.opportunity as select * from (values "
            "('o1', 'USD', 0.9, timestamptz '2025-01-01', null::timestamptz), ('o2', 'USD', 0.9, '2025-02-01', '2025-03-01'), "
            "('o3', 'USD', 0.6, '2025-12-01', '2026-02-01'), ('o4', 'EUR', 1.0, '2026-01-01', null), "
            "('o5', 'CHF', null, '2026-01-01', null)) t(opportunity_id, currency_code, fx_rate_to_base, created_at, closed_at); "
            "create table metrics.kpi_unit as select 'won_revenue' as kpi_id, unnest(['o1', 'o2', 'o3', 'o4', 'o5']) as unit_id, "
            "unnest([900, 900, 600, 100, 50]) as num"
        )
        yield connection


def amounts(connection: duckdb.DuckDBPyConnection, unit: str) -> dict[str, float]:
    num, join = constant_rates.amount_sql(unit)
    return dict(connection.execute(UNITS.format(num=num, join=join)).fetchall())


def test_amounts_are_told_at_the_rates_of_before(connection: duckdb.DuckDBPyConnection) -> None:
    constant_rates.prepare(connection, date(2026, 1, 1))
    found = amounts(connection, "base_currency")
    assert found == pytest.approx({"o1": 900, "o2": 900, "o3": 900, "o4": 100, "o5": 50})
    assert "exchange rates of before" in constant_rates.note(connection, "won_revenue", "base_currency")


def test_other_units_are_left_alone(connection: duckdb.DuckDBPyConnection) -> None:
    constant_rates.prepare(connection, date(2026, 1, 1))
    assert amounts(connection, "share")["o3"] == 600
    assert constant_rates.note(connection, "won_revenue", "share") == ""


def test_rates_that_did_not_move_are_not_mentioned(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("update core.opportunity set fx_rate_to_base = 0.9 where currency_code = 'USD'")
    constant_rates.prepare(connection, date(2026, 1, 1))
    assert amounts(connection, "base_currency")["o3"] == 600
    assert constant_rates.note(connection, "won_revenue", "base_currency") == ""


def test_without_a_go_live_the_median_of_all_holds(connection: duckdb.DuckDBPyConnection) -> None:
    constant_rates.prepare(connection, None)
    assert amounts(connection, "base_currency")["o3"] == pytest.approx(900)
