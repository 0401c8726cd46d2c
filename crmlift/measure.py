"""KPI by KPI from unit rows to values: assigns local days and segments, sums, and lets the metrics models roll up.

The unit rows of every KPI stay in `metrics.kpi_unit`, which the evaluation reads. First come the units of every KPI,
committed one KPI after the other beside the old ones; then, in the caller's transaction, the values. Work tables live
only while this runs: `metrics.kpi_cell` (sums by day and segment), `metrics.kpi_cluster` (squares of the sums of owners
or accounts) and those of `crmlift.spells` (durations); from them `transforms/3_metrics` makes the values of every
period. Composites and models are added to these values. All sums are exact, so that the same data give the same
whatever the order of rows and the number of cores.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from crmlift import spells, unit_rows
from crmlift.derived import write_composites, write_models
from crmlift.kpi_definitions import base_currency, not_computed, record_definitions
from crmlift.places import MODELS
from crmlift.registry import Kpi
from crmlift.spells import Calendar
from crmlift.sql_models import METRICS, load_models
from crmlift.sql_runner import run_models
from crmlift.unit_rows import UnitFacts
from crmlift.warehouse.beside import beside, put_in_place
from crmlift.warehouse.store import quoted

log = logging.getLogger(__name__)

WORK_TABLES = """
create or replace table metrics.kpi_cell (
    kpi_id varchar, day date, segment_dim varchar, segment_value varchar, source_id varchar, n bigint,
    n_unobserved bigint, num double, den double, num_squared double, den_squared double, num_den double,
    num_max double);
create or replace table metrics.kpi_cluster (
    kpi_id varchar, period_key bigint, segment_dim varchar, segment_value varchar, source_id varchar, clusters bigint,
    num_squared double, den_squared double, num_den double);
create or replace temp table wave_member as
    select scope_type, scope_value, wave_id from config.rollout_wave
    qualify row_number() over (partition by scope_type, scope_value order by go_live_date desc nulls last, wave_id) = 1;
"""
WORKED_IN = ("metrics.kpi_cell", "metrics.kpi_median", "metrics.kpi_way", "metrics.kpi_cluster", "wave_member")
KEPT = ("metrics.kpi_unit", "metrics.kpi_segment_set")
"""What the evaluation reads; made beside that of the night before."""


@dataclass(frozen=True)
class MeasureSummary:
    """How much was computed."""

    kpis: int
    units: int
    values: int
    seconds: float


@dataclass(frozen=True)
class _Work:
    """What the units of every KPI are measured with. scopes: kinds of members the waves have."""

    given: Mapping[str, Any]
    calendar: Calendar
    scopes: frozenset[str]
    composites: Sequence[Kpi]
    began: float

    def composites_of(self, kpi: Kpi) -> list[Kpi]:
        """The composites it is a part of."""
        return [composite for composite in self.composites if kpi.kpi_id in composite.parts]

    def segments_of(self, kpi: Kpi) -> set[str]:
        """The segments it is asked by, also as a part."""
        return {segment for k in (kpi, *self.composites_of(kpi)) for segment in k.definition.segments}


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
    run.
    """
    measured = measure_units(connection, kpis, as_of=as_of, timezone=timezone, progress=progress)
    return measure_values(connection, kpis, measured, run_id=run_id)


@dataclass(frozen=True)
class Measured:
    """Units that stand beside those of the night before, and the work tables made of them."""

    work: _Work
    units: int


def measure_units(
    connection: duckdb.DuckDBPyConnection,
    kpis: Sequence[Kpi],
    *,
    as_of: datetime,
    timezone: str,
    progress: Callable[[str, int, int], None] | None = None,
) -> Measured:
    """The units of every KPI; to be called outside a transaction, in which the database would use one core only.

    Raises ConfigurationFailure when a KPI's query cannot run; nothing has taken its place then.
    """
    work = _begin(connection, kpis, {"as_of": as_of, "timezone": timezone, "base_currency": base_currency(connection)})
    units = 0
    durations: list[Future[spells.Found]] = []
    with ThreadPoolExecutor(1) as beside_the_database:
        for done, kpi in enumerate(kpi for kpi in kpis if not kpi.is_derived):
            if progress:
                progress(kpi.kpi_id, done, len(kpis))
            count, cases = _measure_units(connection, kpi, work)
            units += count
            if cases:
                durations.append(beside_the_database.submit(spells.found_in, cases, work.calendar))
                del cases
        for found in durations:
            spells.write_found(connection, found.result())
    return Measured(work, units)


def measure_values(
    connection: duckdb.DuckDBPyConnection, kpis: Sequence[Kpi], measured: Measured, *, run_id: str
) -> MeasureSummary:
    """The values of every KPI; the caller's transaction decides what is kept."""
    work = measured.work
    record_definitions(connection, kpis, work.given["as_of"])
    for table in KEPT:
        put_in_place(connection, table)
    run_models(connection, load_models(MODELS, [METRICS]), {**work.given, "run_id": run_id}, run_id, run_by="measure")
    write_composites(connection, work.composites, run_id)
    write_models(connection, [kpi for kpi in kpis if kpi.definition.after == "measure"], work.given, run_id)
    for table in (*WORKED_IN, *(f"part_{part}" for kpi in work.composites for part in kpi.parts)):
        connection.execute(f"drop table if exists {table}")
    connection.execute("reset preserve_insertion_order")
    found = connection.execute("select count(*) from metrics.kpi_value").fetchone()
    summary = MeasureSummary(len(kpis), measured.units, found[0] if found else 0, time.perf_counter() - work.began)
    log.info(
        "event=measure run_id=%s kpis=%d units=%d values=%d seconds=%.2f",
        run_id, summary.kpis, summary.units, summary.values, summary.seconds,
    )  # fmt: skip
    return summary


def _begin(connection: duckdb.DuckDBPyConnection, kpis: Sequence[Kpi], given: Mapping[str, Any]) -> _Work:
    began = time.perf_counter()
    connection.execute("set preserve_insertion_order = false")
    connection.execute(WORK_TABLES + spells.WORK_TABLES)
    for table in KEPT:
        connection.execute(f"create or replace table {beside(table)} as from {table} limit 0")
    scopes = connection.execute("select distinct scope_type from wave_member").fetchall()
    composites = [kpi for kpi in kpis if kpi.definition.stat_type == "composite"]
    return _Work(given, spells.read_calendar(connection), frozenset(scope for (scope,) in scopes), composites, began)


def _measure_units(connection: duckdb.DuckDBPyConnection, kpi: Kpi, work: _Work) -> tuple[int, spells.Spells | None]:
    """One KPI's unit rows into metrics.kpi_unit, and what becomes of them into the work tables.

    Returns how many there are, and a duration's cases, whose medians are still to be found. The prepared units of a
    part of a composite stay as the table `part_<kpi_id>`.
    """
    bound = {**kpi.bound(work.given), "as_of": work.given["as_of"], "timezone": work.given["timezone"]}
    query = unit_rows.prepared(kpi, work.segments_of(kpi), work.scopes)
    try:
        # the optimizer takes units for few and would gather all of them to look up each account, team and day
        connection.execute("set disabled_optimizers = 'build_side_probe_side'")
        connection.execute(f"create or replace temp table unit as {query}", bound)
        connection.execute("reset disabled_optimizers")
    except duckdb.Error as problem:
        raise not_computed(kpi, problem) from None
    facts = unit_rows.unit_facts(connection, kpi)
    units = _keep_units(connection, kpi, facts)
    cases = None
    if kpi.definition.stat_type == "duration":
        cases = spells.read_spells(connection, kpi, facts.segments)
    else:
        connection.execute(unit_rows.cells(facts), {"kpi": kpi.kpi_id})
    if kpi.definition.stat_type == "ratio":
        connection.execute(unit_rows.clusters(facts), {"kpi": kpi.kpi_id})
    if work.composites_of(kpi):
        connection.execute(f"drop table if exists part_{kpi.kpi_id}; alter table unit rename to part_{kpi.kpi_id}")
    else:
        connection.execute("drop table unit")
    return units, cases


def _keep_units(connection: duckdb.DuckDBPyConnection, kpi: Kpi, facts: UnitFacts) -> int:
    """Put the table `unit` into metrics.kpi_unit, with the sets of segments that occur in it; returns the units."""
    kept = "$kpi as kpi_id, u.unit_id, u.event_at, u.owner_id, u.team_id, u.source_id, u.num, u.den, u.observed"
    joined, number = "", "null"
    if columns := unit_rows.judged_segments(kpi, facts.segments):
        connection.execute(unit_rows.segment_sets(columns))
        connection.execute(
            f"insert into {beside('metrics.kpi_segment_set')} by name "
            "select $kpi as kpi_id, segment_set, segments from segment_set",
            {"kpi": kpi.kpi_id},
        )
        same = " and ".join(f"s.{quoted(c)} is not distinct from u.{quoted(c)}" for c in columns.values())
        joined, number = f" inner join segment_set as s on {same}", "s.segment_set"
    inserted = connection.execute(
        f"insert into {beside('metrics.kpi_unit')} by name "
        f"select {kept}, {number} as segment_set from unit as u{joined}",
        {"kpi": kpi.kpi_id},
    ).fetchone()
    return int(inserted[0]) if inserted else 0
