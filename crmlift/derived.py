"""Composites and models: KPIs whose values come from other values or from a function of `metrics`, not from sums.

Composites take their parts' values in the same period and segment; their interval comes from one joint bootstrap of
the parts' units (`metrics.composite`). Models hand the rows of their SQL to a function. Both are added to
`metrics.kpi_value`.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import numpy as np

from crmlift.data_origin import origin_of
from crmlift.errors import ConfigurationFailure
from crmlift.kpi_definitions import not_computed
from crmlift.registry import Kpi
from crmlift.unit_rows import ENGINE_COLUMNS
from crmlift.warehouse.store import literal, quoted
from metrics.composite import Part, evaluated, joint_interval
from metrics.estimate import Columns, Estimate
from metrics.question import Floats

MOST_CLUSTERS = 20_000
COMPOSED = """
with part as (
    select v.*, list_position($parts, v.kpi_id) as place from metrics.kpi_value as v
    where v.kpi_id in (select unnest($parts)) and v.source_id = 'all'
        and v.period_grain in (select unnest($grains)) and v.segment_dim in (select unnest($segments)))
select
    row_number() over (order by period_grain, period_start, segment_dim, segment_value) - 1 as cell,
    period_grain, period_start, any_value(period_end) as period_end, segment_dim, segment_value, min(n) as n,
    max(n_censored) as n_censored, map_from_entries(list((kpi_id, value))) as parts,
    count(value) = len($parts) as is_whole,
    coalesce(min(kpi_id) filter (where value is null), min(kpi_id) filter (where status <> 'ok')) as weakest,
    bool_and(is_mature) and count(*) = len($parts) as is_mature, max(mature_after) as mature_after,
    bool_or(status = 'too_few') as is_small, bool_or(status = 'suppressed') as is_hidden
from part group by period_grain, period_start, segment_dim, segment_value
"""


def write_composites(connection: duckdb.DuckDBPyConnection, kpis: Sequence[Kpi], run_id: str) -> None:
    """Add the composites' values to metrics.kpi_value; their parts' units are the tables `part_<kpi_id>`."""
    for kpi in kpis:
        d = kpi.definition
        connection.execute(
            f"create or replace temp table composed as {COMPOSED}",
            {"parts": list(kpi.parts), "grains": list(d.grains), "segments": list(d.segments)},
        )
        value, low, high = _composed(connection, kpi)
        if not len(value):
            continue
        connection.execute(
            "create or replace temp table told as select unnest($value::double[]) as value, "
            "unnest($low::double[]) as ci_low, unnest($high::double[]) as ci_high, "
            "generate_subscripts($value::double[], 1) - 1 as cell",
            {"value": _known(value), "low": _known(low), "high": _known(high)},
        )
        connection.execute(
            "insert into metrics.kpi_value by name select $kpi as kpi_id, c.period_grain, c.period_start, "
            "c.period_end, c.segment_dim, c.segment_value, 'all' as source_id, c.n, c.n_censored, "
            "case when not c.is_hidden then t.value end as value, "
            "case when not c.is_hidden then t.ci_low end as ci_low, "
            "case when not c.is_hidden then t.ci_high end as ci_high, "
            "case when c.is_hidden then 'suppressed' when t.value is null then 'no_data' when not c.is_mature then "
            "'immature' when c.is_small then 'too_few' else 'ok' end as status, "
            "case when t.value is null or not c.is_mature or c.is_small then 'its part ' || coalesce(c.weakest, '') || "
            "case when t.value is null then ' is unknown' else ' is not final or too small' end end as reason, "
            "c.is_mature and t.value is not null as is_mature, c.mature_after, 'crm' as data_origin, "
            "$version as definition_version, $run as run_id, now() as computed_at "
            "from composed as c inner join told as t on t.cell = c.cell",
            {"kpi": kpi.kpi_id, "version": kpi.definition_version, "run": run_id},
        )


def _composed(connection: duckdb.DuckDBPyConnection, kpi: Kpi) -> tuple[Floats, Floats, Floats]:
    """Value and interval in every cell of the table `composed`, NaN where unknown."""
    columns = ", ".join(f"parts[{literal(part)}] as {quoted(part)}" for part in kpi.parts)
    found = connection.execute(f"select {columns} from composed order by cell").fetchnumpy()
    values: dict[str, Floats] = {
        name: np.ma.filled(np.ma.asarray(column, dtype=float), np.nan) for name, column in found.items()
    }
    constants = {name: float(value) for name, value in kpi.params.items()}
    expr = kpi.definition.expr or ""
    try:
        value = evaluated(expr, {**values, **{k: np.asarray(v) for k, v in constants.items()}})
    except (ValueError, SyntaxError) as problem:
        raise ConfigurationFailure(
            f"KPI {kpi.kpi_id} could not be computed.", where=str(kpi.path), why=str(problem),
            next_step="mend its expr, then run  crmlift kpi check",
        ) from None  # fmt: skip
    parts, clusters, share = _parts(connection, kpi)
    low, high = joint_interval(expr, parts, constants, value, clusters, share)
    return value, low, high


def _parts(connection: duckdb.DuckDBPyConnection, kpi: Kpi) -> tuple[dict[str, Part], int, float]:
    """The units of the parts in the cells that are whole, with one code for each deal, account or person they share.

    Of very many, a share is taken by hash: its spread tells that of all.
    """
    connection.execute(
        "create or replace temp table named as select name from ("
        + " union ".join(f"select split_part(unit_id, '|', 1) as name from part_{part}" for part in kpi.parts)
        + ")"
    )
    total = _count(connection, "named")
    connection.execute(
        "create or replace temp table drawn as select name, row_number() over (order by name) - 1 as cluster "
        "from named where hash(name) % $step = 0",
        {"step": max(1, -(-total // MOST_CLUSTERS))},
    )
    kept = _count(connection, "drawn")
    parts = {}
    for name, part in kpi.parts.items():
        rows = connection.execute(
            "select c.cell, d.cluster, u.num, u.den, u.observed from "
            f"({' union all '.join(_placed(name, segment) for segment in kpi.definition.segments)}) as u "
            "inner join core.calendar as p on p.day = u.day "
            "inner join composed as c on c.is_whole and c.period_grain = p.period_grain "
            "and c.period_start = p.period_start and c.segment_dim = u.dim and c.segment_value = u.value "
            "inner join drawn as d on d.name = split_part(u.unit_id, '|', 1) order by all"
        ).fetchnumpy()
        got = {column: np.ma.getdata(values) for column, values in rows.items()}
        parts[name] = Part(
            part.definition.stat_type, got["cell"].astype(np.int64), got["cluster"].astype(np.int64),
            got["num"].astype(float), got["den"].astype(float), got["observed"].astype(bool), part.definition.is_exact,
        )  # fmt: skip
    return parts, kept, kept / total if total else 1.0


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"select count(*) from {table}").fetchone()
    return int(found[0]) if found else 0


def _placed(part: str, segment: str) -> str:
    """SQL: a part's units in the segments of one segmentation."""
    value = "'all'" if segment == "all" else f"coalesce({quoted(ENGINE_COLUMNS.get(segment, segment))}, 'unknown')"
    return f"select {literal(segment)} as dim, {value} as value, day, unit_id, num, den, observed from part_{part}"


def write_models(
    connection: duckdb.DuckDBPyConnection, kpis: Sequence[Kpi], given: Mapping[str, Any], run_id: str
) -> None:
    """Add the models' values, as of tonight, to the month of the last whole local day."""
    for kpi in (k for k in kpis if k.definition.stat_type == "model"):
        estimates = _modelled(connection, kpi, given)
        connection.execute("delete from metrics.kpi_value where kpi_id = $kpi", {"kpi": kpi.kpi_id})
        if not estimates:
            continue
        origin = origin_of(connection, kpi)
        connection.executemany(
            "insert into metrics.kpi_value by name with period as (select * from core.calendar where day = "
            "cast(timezone($zone, cast($as_of as timestamptz) - interval 1 microsecond) as date) "
            "and period_grain = 'month') "
            "select $kpi as kpi_id, period_grain, period_start, period_end, $dim as segment_dim, $segment as "
            "segment_value, 'all' as source_id, $n as n, 0 as n_censored, $value::double as value, "
            "$low::double as ci_low, $high::double as ci_high, $status as status, $reason::varchar as reason, "
            "$value::double is not null as is_mature, period_start as mature_after, $origin as data_origin, "
            "$version as definition_version, $run as run_id, now() as computed_at from period",
            [_row(kpi, estimate, given, run_id) | {"origin": origin} for estimate in estimates],
        )


def _modelled(connection: duckdb.DuckDBPyConnection, kpi: Kpi, given: Mapping[str, Any]) -> Sequence[Estimate]:
    try:
        found = connection.execute(kpi.sql, kpi.bound(given)).fetchnumpy()
    except duckdb.Error as problem:
        raise not_computed(kpi, problem) from None
    module, _, name = str(kpi.definition.function).rpartition(".")
    function = getattr(importlib.import_module(f"metrics.{module}"), name)
    estimates: Sequence[Estimate] = function(_columns(found), kpi.params)
    return estimates


def _columns(found: Mapping[str, Any]) -> Columns:
    """NULL as NaN in numbers, None in text."""
    out = {}
    for name, values in found.items():
        masked = np.ma.asarray(values)
        is_number = masked.dtype.kind in "iuf"
        out[name] = (
            np.ma.filled(masked.astype(float), np.nan) if is_number else np.ma.filled(masked.astype(object), None)
        )
    return out


def _row(kpi: Kpi, estimate: Estimate, given: Mapping[str, Any], run_id: str) -> dict[str, Any]:
    value = _number(estimate.value)
    is_few = estimate.n < kpi.definition.min_n
    status = "no_data" if value is None else "too_few" if is_few else "ok"
    reason = estimate.reason or ("fewer units than the minimum" if is_few else None)
    return {
        "kpi": kpi.kpi_id, "dim": estimate.segment_dim, "segment": estimate.segment_value, "n": estimate.n,
        "value": value, "low": _number(estimate.low), "high": _number(estimate.high), "status": status,
        "reason": reason, "version": kpi.definition_version, "run": run_id, "as_of": given["as_of"],
        "zone": given["timezone"],
    }  # fmt: skip


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _known(values: Floats) -> list[float | None]:
    return [_number(float(value)) for value in values]
