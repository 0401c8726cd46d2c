"""From KPI queries to values: unit rows once, then every grain, segment and source by the KPI's statistical type.

Segments roll up from unit rows, never from averages. A period that is not finished, or whose units are too young, says
so; an unknown value is NULL with a status, never 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from crmlift.errors import ConfigurationFailure
from crmlift.registry import Kpi

_HERE = Path(__file__).parent
_CELLS, _MOMENTS, _DURATIONS = (
    (_HERE / f"measure_{name}.sql").read_text(encoding="utf-8") for name in ("cells", "moments", "durations")
)


@dataclass(frozen=True)
class Measured:
    """How much was computed."""

    units: int
    values: int


def measure(
    connection: duckdb.DuckDBPyConnection,
    kpis: Sequence[Kpi],
    *,
    as_of: datetime,
    timezone: str,
    run_id: str,
    progress: Callable[[str], None] | None = None,
) -> Measured:
    """Replace metrics.kpi, metrics.kpi_unit and metrics.kpi_value by what the KPIs say as of `as_of`.

    Weeks are ISO weeks of the reporting time zone. Runs in the caller's transaction; the same night twice gives the
    same values. Raises ConfigurationFailure for a KPI whose SQL fails.
    """
    connection.execute("delete from metrics.kpi; delete from metrics.kpi_unit; delete from metrics.kpi_value")
    given = {"as_of": as_of, "timezone": timezone}
    for kpi in kpis:
        if progress:
            progress(kpi.kpi_id)
        _describe(connection, kpi)
        _fill_units(connection, kpi, given)
    connection.execute(f"create or replace temp table kpi_cell as {_CELLS}", {"timezone": timezone})
    moments = {"timezone": timezone, "as_of": as_of}
    _fill_values(connection, _MOMENTS, moments, given, run_id)
    _fill_values(connection, _DURATIONS, {}, given, run_id)
    connection.execute("drop table kpi_cell")
    units, values = (
        int((connection.execute(f"select count(*) from metrics.{table}").fetchone() or (0,))[0])
        for table in ("kpi_unit", "kpi_value")
    )
    return Measured(units, values)


def _describe(connection: duckdb.DuckDBPyConnection, kpi: Kpi) -> None:
    said = kpi.definition
    connection.execute(
        "insert into metrics.kpi values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            kpi.kpi_id, said.name["en"], said.name["uk"], said.question["en"], said.question["uk"], said.family,
            said.unit, said.direction, said.stat_type, said.formula, said.guard, kpi.horizon_days, said.min_n,
            said.min_important_change, said.owner, list(said.sources), kpi.definition_version,
        ],
    )  # fmt: skip


def _fill_units(connection: duckdb.DuckDBPyConnection, kpi: Kpi, given: dict[str, Any]) -> None:
    source = "source_id" if "source_id" in kpi.tree.named_selects else "null"
    try:
        connection.execute(
            f"insert into metrics.kpi_unit select '{kpi.kpi_id}', unit_id, event_at, owner_id, team_id, {source}, num, "
            f"den, observed from ({kpi.sql})",
            kpi.bound(given),
        )
    except duckdb.Error as problem:
        raise ConfigurationFailure(
            f"The SQL of KPI {kpi.kpi_id} does not run.", where=str(kpi.path.with_suffix(".sql")),
            why=str(problem).splitlines()[0], saved="The values of the night before stay.",
            next_step="mend it, then run  crmlift kpi check  and  crmlift measure",
        ) from None  # fmt: skip


def _fill_values(
    connection: duckdb.DuckDBPyConnection, query: str, bound: dict[str, Any], given: dict[str, Any], run_id: str
) -> None:
    """Write values with what is known of their maturity: a share is final once its youngest unit is old enough."""
    connection.execute(
        f"""
        insert into metrics.kpi_value
        with value as ({query}),
        dated as (
            select
                v.*,
                k.definition_version,
                cast(period_start + case period_grain when 'week' then interval 7 day when 'month' then interval 1 month
                    when 'quarter' then interval 3 month else interval 1 year end as date) as period_end,
                case when k.stat_type = 'duration' then 0 else coalesce(k.horizon_days, 0) end as wait_days
            from value as v join metrics.kpi as k using (kpi_id)
        ),
        judged as (
            select *, cast(period_end + to_days(cast(ceil(wait_days) as integer)) as date) as mature_after,
                cast(timezone($zone, cast($now as timestamptz)) as date) as today
            from dated
        )
        select
            kpi_id, period_grain, period_start, period_end, segment_dim, segment_value, source_id, numerator,
            denominator, n, n_censored, value, ci_low, ci_high,
            case when status = 'ok' and mature_after > today then 'immature' else status end,
            mature_after <= today and status <> 'median_not_reached', mature_after, 'crm', definition_version,
            $run_id, now()
        from judged
        """,
        {**bound, "run_id": run_id, "zone": given["timezone"], "now": given["as_of"]},
    )
