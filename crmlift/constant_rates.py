"""Amounts at the exchange rates of before the go-live: a currency that moved afterwards is no effect of a CRM.

KPI values keep the rate of each deal's own day, as books do; only what `evaluate` asks is asked at constant rates.
"""

from __future__ import annotations

from datetime import date

import duckdb

WORTH_TELLING = 0.01
UNIT = "base_currency"

_FACTOR = """
create or replace temp table constant_rate as
select o.opportunity_id, c.rate / o.fx_rate_to_base as factor
from core.opportunity as o
join (
    select currency_code, coalesce(
        median(fx_rate_to_base) filter (where coalesce(closed_at, created_at) < $first::date), median(fx_rate_to_base)
    ) as rate
    from core.opportunity where fx_rate_to_base > 0 group by currency_code
) as c on c.currency_code = o.currency_code
where o.fx_rate_to_base > 0 and o.fx_rate_to_base <> c.rate
"""


def prepare(connection: duckdb.DuckDBPyConnection, first_go_live: date | None) -> None:
    """Fill the temporary table `constant_rate` (opportunity_id, factor): of deals whose rate was not the usual one.

    Usual is the median rate of the currency's deals of before the first go-live; of all, where there were none before.
    """
    connection.execute(_FACTOR, {"first": first_go_live})


def amount_sql(unit: str) -> tuple[str, str]:
    """(expression of a unit row's numerator, join it needs) for rows `u` of a KPI in `unit`."""
    if unit != UNIT:
        return "u.num::double", ""
    return "u.num::double * coalesce(f.factor, 1)", "left join constant_rate f on f.opportunity_id = u.unit_id "


def note(connection: duckdb.DuckDBPyConnection, kpi_id: str, unit: str) -> str:
    """What to tell beside a verdict; empty when rates hardly matter to this KPI."""
    if unit != UNIT:
        return ""
    row = connection.execute(
        "select sum(abs(u.num * (f.factor - 1))), (select sum(abs(num)) from metrics.kpi_unit where kpi_id = $kpi) "
        "from metrics.kpi_unit u join constant_rate f on f.opportunity_id = u.unit_id where u.kpi_id = $kpi",
        {"kpi": kpi_id},
    ).fetchone()
    moved, total = row or (None, None)
    if not moved or not total or moved / total < WORTH_TELLING:
        return ""
    return "Amounts in other currencies are told at the exchange rates of before the go-live."
