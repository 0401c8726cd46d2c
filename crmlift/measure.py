"""KPI by KPI from unit rows to values: assigns local days and segments, sums, and lets the metrics models roll up.

The unit rows of every KPI stay in `metrics.kpi_unit`, which the evaluation reads. Two work tables live only while this
runs: `metrics.kpi_cell` (sums by day and segment) and `metrics.kpi_spell` (single durations by segment); from them
`transforms/3_metrics` makes the values of every period.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from crmlift.errors import ConfigurationFailure
from crmlift.places import MODELS
from crmlift.registry import Kpi
from crmlift.sql_models import METRICS, load_models
from crmlift.sql_runner import run_models
from crmlift.warehouse.store import literal, quoted

log = logging.getLogger(__name__)

ENGINE_COLUMNS = {
    "team": "team_id",
    "region": "region",
    "wave": "wave_id",
    "account_segment": "account_segment",
    "industry": "industry",
}
"""Segments the engine knows → their column among the prepared units."""
WHO = ("team", "region", "wave")
WORK_TABLES = """
create or replace table metrics.kpi_cell (
    kpi_id varchar, day date, segment_dim varchar, segment_value varchar, source_id varchar, n bigint,
    n_unobserved bigint, num double, den double, num_squared double, den_squared double, num_den double);
create or replace table metrics.kpi_spell (
    kpi_id varchar, day date, segment_dim varchar, segment_value varchar, source_id varchar, num double,
    is_observed boolean);
create or replace temp table wave_member as
    select scope_type, scope_value, wave_id from config.rollout_wave
    qualify row_number() over (partition by scope_type, scope_value order by go_live_date desc nulls last, wave_id) = 1;
"""


@dataclass(frozen=True)
class MeasureSummary:
    """How much was computed."""

    kpis: int
    units: int
    values: int
    seconds: float


def measure(
    connection: duckdb.DuckDBPyConnection,
    kpis: Sequence[Kpi],
    *,
    as_of: datetime,
    timezone: str,
    run_id: str,
    progress: Callable[[str, int, int], None] | None = None,
) -> MeasureSummary:
    """Fill metrics.kpi, metrics.kpi_unit and metrics.kpi_value with all history up to `as_of`.

    Everything is computed again, so a second run gives the same. Raises ConfigurationFailure when a KPI's query cannot
    run. The caller's transaction decides what is kept.
    """
    started = time.perf_counter()
    given = {"as_of": as_of, "timezone": timezone, "base_currency": _base_currency(connection)}
    connection.execute(WORK_TABLES)
    _fill_registry(connection, kpis)
    connection.execute("delete from metrics.kpi_unit")
    units = 0
    with _one_order_of_sums(connection):
        for done, kpi in enumerate(kpis):
            if progress:
                progress(kpi.kpi_id, done, len(kpis))
            units += _measure_units(connection, kpi, given)
        models = load_models(MODELS, [METRICS])
        run_models(connection, models, {**given, "run_id": run_id}, run_id, run_by="measure")
    connection.execute("drop table metrics.kpi_cell; drop table metrics.kpi_spell; drop table wave_member")
    found = connection.execute("select count(*) from metrics.kpi_value").fetchone()
    summary = MeasureSummary(len(kpis), units, found[0] if found else 0, time.perf_counter() - started)
    log.info(
        "event=measure run_id=%s kpis=%d units=%d values=%d seconds=%.2f",
        run_id, summary.kpis, summary.units, summary.values, summary.seconds,
    )  # fmt: skip
    return summary


@contextmanager
def _one_order_of_sums(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """One thread over sorted units: floating-point sums depend on their order, and the same data must give the same."""
    found = connection.execute("select current_setting('threads')").fetchone()
    connection.execute("set threads = 1")
    try:
        yield
    finally:
        connection.execute(f"set threads = {found[0] if found else 1}")


def _base_currency(connection: duckdb.DuckDBPyConnection) -> str | None:
    found = connection.execute("select value from config.setting where name = 'base_currency'").fetchone()
    return found[0] if found else None


def _fill_registry(connection: duckdb.DuckDBPyConnection, kpis: Sequence[Kpi]) -> None:
    """The registry as a table, for people and for everything downstream."""
    connection.execute("delete from metrics.kpi")
    for kpi in kpis:
        d = kpi.definition
        connection.execute(
            "insert into metrics.kpi by name select $kpi_id as kpi_id, $name_en as name_en, $name_uk as name_uk, "
            "$question_en as question_en, $question_uk as question_uk, $family as family, $unit as unit, "
            "$direction as direction, $stat_type as stat_type, $formula as formula, $guard as guard_kpi_id, "
            "$factors::varchar[] as factors, "
            "$horizon::double as horizon_days, $min_n::integer as min_n, $important::double as min_important_change, "
            "$owner as owner, $sources::varchar[] as sources, $version as definition_version",
            {
                "kpi_id": kpi.kpi_id, "name_en": d.name["en"], "name_uk": d.name["uk"],
                "question_en": d.question["en"], "question_uk": d.question["uk"], "family": d.family, "unit": d.unit,
                "direction": d.direction, "stat_type": d.stat_type, "formula": d.formula, "guard": d.guard,
                "factors": list(d.factors),
                "horizon": kpi.horizon_days, "min_n": d.min_n, "important": d.min_important_change,
                "owner": d.owner, "sources": list(d.sources), "version": kpi.definition_version,
            },
        )  # fmt: skip


def _measure_units(connection: duckdb.DuckDBPyConnection, kpi: Kpi, given: Mapping[str, Any]) -> int:
    """One KPI's unit rows into metrics.kpi_unit, and their sums or spells into the work tables; returns the units."""
    bound = {**kpi.bound(given), "as_of": given["as_of"], "timezone": given["timezone"]}
    try:
        connection.execute(f"create or replace temp table unit as {_prepared(kpi)}", bound)
    except duckdb.Error as problem:
        raise ConfigurationFailure(
            f"KPI {kpi.kpi_id} could not be computed.", where=str(kpi.path.with_suffix(".sql")),
            why=str(problem).split("\n\n", 1)[0], saved="The values of the night before stay.",
            next_step="mend the SQL, then run  crmlift kpi check  and  crmlift measure",
        ) from None  # fmt: skip
    segments = _segments_with_values(connection, kpi)
    inserted = connection.execute(
        "insert into metrics.kpi_unit by name select $kpi as kpi_id, unit_id, event_at, owner_id, team_id, source_id, "
        f"num, den, observed, {_map(segments)} as segments from unit",
        {"kpi": kpi.kpi_id},
    ).fetchone()
    if kpi.definition.stat_type == "duration":
        connection.execute(_spells(segments), {"kpi": kpi.kpi_id})
    else:
        connection.execute(_cells(segments), {"kpi": kpi.kpi_id})
    connection.execute("drop table unit")
    return int(inserted[0]) if inserted else 0


def _prepared(kpi: Kpi) -> str:
    """The KPI's units with local day and the segments the engine knows; units without a value are unknown, not zero."""
    columns = set(kpi.tree.named_selects)
    account = "u.account_id" if "account_id" in columns else "cast(null as varchar)"
    source = "u.source_id" if "source_id" in columns else "'all'"
    own = "".join(f", cast(u.{quoted(s)} as varchar) as {quoted(s)}" for s in kpi.own_segments)
    return (
        f"with u as ({kpi.sql}) "
        "select cast(u.unit_id as varchar) as unit_id, u.event_at, "
        "cast(timezone($timezone, u.event_at) as date) as day, u.owner_id, u.team_id, "
        f"{source} as source_id, cast(u.num as double) as num, cast(u.den as double) as den, u.observed, "
        "coalesce(a.region, t.region) as region, a.segment as account_segment, a.industry, "
        f"coalesce(wt.wave_id, wr.wave_id, wu.wave_id) as wave_id{own} from u "
        f"left join core.account as a on a.account_id = {account} "
        "left join core.team as t on t.team_id = u.team_id "
        "left join wave_member as wt on wt.scope_type = 'team' and wt.scope_value = u.team_id "
        "left join wave_member as wr "
        "on wr.scope_type = 'region' and wr.scope_value = coalesce(a.region, t.region) "
        "left join wave_member as wu on wu.scope_type = 'user' and wu.scope_value = u.owner_id "
        "where u.event_at < $as_of and u.num is not null and u.den is not null and u.observed is not null "
        "order by day, unit_id, num, den"
    )


def _segments_with_values(connection: duckdb.DuckDBPyConnection, kpi: Kpi) -> dict[str, str]:
    """Segment → column, of those this KPI is split by for which any unit has a value."""
    wanted = {s: ENGINE_COLUMNS.get(s, s) for s in kpi.definition.segments if s != "all"}
    if not wanted:
        return {}
    counts = ", ".join(f"count({quoted(column)})" for column in wanted.values())
    found = connection.execute(f"select {counts} from unit").fetchone() or ()
    return {s: column for (s, column), count in zip(wanted.items(), found, strict=True) if count}


def _map(segments: Mapping[str, str]) -> str:
    """SQL: segment → value of a unit; without those that say who works on it, which the evaluation has by itself."""
    kept = {segment: column for segment, column in segments.items() if segment not in WHO}
    names = ", ".join(literal(segment) for segment in kept)
    values = ", ".join(f"coalesce({quoted(column)}, 'unknown')" for column in kept.values())
    return f"map([{names}]::varchar[], [{values}]::varchar[])"


def _cells(segments: Mapping[str, str]) -> str:
    """SQL: sums by day and segment value. Sources are told apart for everybody together only."""
    columns = ["source_id", *segments.values()]
    sets = ", ".join(["(day)", *(f"(day, {quoted(c)})" for c in columns)])
    dims = " ".join(f"when grouping({quoted(c)}) = 0 then '{s}'" for s, c in segments.items())
    values = " ".join(
        f"when grouping({quoted(c)}) = 0 then coalesce({quoted(c)}, 'unknown')" for c in segments.values()
    )
    dim = f"case {dims} else 'all' end" if dims else "'all'"
    value = f"case {values} else 'all' end" if values else "'all'"
    return (
        f"insert into metrics.kpi_cell select $kpi, day, {dim}, {value}, "
        "case when grouping(source_id) = 0 then source_id else 'all' end, "
        "count(*) filter (where observed), count(*) filter (where not observed), "
        + ", ".join(
            f"sum({term}) filter (where observed)" for term in ("num", "den", "num * num", "den * den", "num * den")
        )
        + f" from unit where day is not null group by grouping sets ({sets}) "
        "having grouping(source_id) = 1 or source_id <> 'all'"
    )


def _spells(segments: Mapping[str, str]) -> str:
    """SQL: every unit once for each segment it is in."""
    parts = ["select 'all', 'all', 'all', day, num, observed from unit"]
    parts.append("select 'all', 'all', source_id, day, num, observed from unit where source_id <> 'all'")
    parts += [
        f"select '{s}', coalesce({quoted(c)}, 'unknown'), 'all', day, num, observed from unit"
        for s, c in segments.items()
    ]
    return (
        "insert into metrics.kpi_spell select $kpi, day, dim, segment, source, num, observed from "
        f"({' union all '.join(parts)}) as s(dim, segment, source, day, num, observed)"
    )
