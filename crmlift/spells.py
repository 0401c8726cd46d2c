"""Durations: from a KPI's unit rows to medians and shares by period and segment.

The work tables `metrics.kpi_median` and `metrics.kpi_way` take a row for each period and segment, for `transforms/`.
Cases are sorted by their time once; each segmentation and grain then only gathers them by cell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np

from crmlift.registry import Kpi
from crmlift.warehouse.store import quoted
from metrics.cohorts import Cohorts, gathered, medians, shares
from metrics.question import Bools, Floats, Ints

WORK_TABLES = """
create or replace table metrics.kpi_median (
    kpi_id varchar, period_key bigint, segment_dim varchar, segment_value varchar, source_id varchar, n bigint,
    n_censored bigint, time_at_risk double, value double, ci_low double, ci_high double);
create or replace table metrics.kpi_way (
    kpi_id varchar, cause varchar, period_key bigint, segment_dim varchar, segment_value varchar, source_id varchar,
    horizon_days double, n bigint, n_ended bigint, n_censored bigint, value double, ci_low double, ci_high double,
    half_time double);
"""
WITH_WEEKS = ("all", "team", "wave")
"""What medians are told of by week, and shares by way at all; other segments have too few cases."""
UNITS_A_DAY = {"minutes": 1440.0, "hours": 24.0}
Columns = dict[str, Ints | Floats]


@dataclass(frozen=True)
class _Cases:
    """The cases of a KPI sorted by time, those that ended before those that did not. millionth: the time as a whole."""

    day: Ints
    time: Floats
    millionth: Ints
    ended: Bools
    cause: Ints
    ways: tuple[str, ...]


@dataclass(frozen=True)
class _Split:
    """One segmentation: (segment_dim, segment_value, source_id) by code, and each case's code (-1: in none)."""

    places: tuple[tuple[str, str, str], ...]
    code: Ints


@dataclass(frozen=True)
class Calendar:
    """Grain → period_key of each local day from the first one on."""

    first_day: int
    keys: Mapping[str, Ints]


def read_calendar(connection: duckdb.DuckDBPyConnection) -> Calendar:
    """Weeks, months, quarters and years."""
    found = connection.execute(
        "select period_grain, min(date_diff('day', date '1970-01-01', day)), list(period_key order by day) "
        "from core.calendar where period_grain <> 'day' group by period_grain order by period_grain"
    ).fetchall()
    return Calendar(min((first for _, first, _ in found), default=0), {g: np.array(keys) for g, _, keys in found})


@dataclass(frozen=True)
class Spells:
    """A KPI's cases with the segmentations they are asked by."""

    kpi: Kpi
    cases: _Cases
    splits: Sequence[_Split]


@dataclass(frozen=True)
class Found:
    """What `found_in` made of a KPI's cases: rows of each work table, to be written by `write_found`."""

    kpi: Kpi
    places: Sequence[tuple[str, str, str]]
    ways: Sequence[str]
    tables: Mapping[str, Sequence[Columns]]


def read_spells(connection: duckdb.DuckDBPyConnection, kpi: Kpi, segments: Mapping[str, str]) -> Spells:
    """The units in the table `unit` that lie in core.calendar. segments: segment → its column there."""
    return Spells(kpi, *_read(connection, segments))


def found_in(spells: Spells, calendar: Calendar) -> Found:
    """Medians and shares of every period and segment; needs no database, so that it can go on beside the next KPI."""
    cases, splits, kpi = spells.cases, spells.splits, spells.kpi
    horizon = (kpi.horizon_days or np.nan) * UNITS_A_DAY.get(kpi.definition.unit, 1.0)
    tables: dict[str, list[Columns]] = {"kpi_median": [], "kpi_way": []}
    begun = {grain: _begun(cases.day - calendar.first_day, keys) for grain, keys in calendar.keys.items()}
    for k, split in enumerate(splits if len(cases.time) else ()):
        offset = sum(len(earlier.places) for earlier in splits[:k])
        is_broad = split.places[0][0] in WITH_WEEKS
        for grain, (periods, period) in begun.items():
            if grain == "week" and not is_broad:
                continue
            cohorts, place = _gathered(split, periods, period, offset)
            tables["kpi_median"].append({**place, **_medians(cases, cohorts)})
            if cases.ways and is_broad and grain != "week":
                tables["kpi_way"] += [{**place, **way} for way in _ways(cases, cohorts, horizon)]
    return Found(kpi, [place for split in splits for place in split.places], cases.ways, tables)


def _read(connection: duckdb.DuckDBPyConnection, segments: Mapping[str, str]) -> tuple[_Cases, list[_Split]]:
    told = {dim: f"coalesce({quoted(column)}, 'unknown')" for dim, column in segments.items()}
    told |= {"": "nullif(source_id, 'all')", "way": "cause"}
    names = {dim: _names(connection, expression) for dim, expression in told.items()}
    # from the end of the alphabet on, so that those won come before those lost at the same time
    names["way"] = names["way"][::-1]
    joins = "".join(
        f" left join (select unnest($n{k}::varchar[]) as v, unnest(range(len($n{k}))) as code) as j{k} on j{k}.v = {e}"
        for k, e in enumerate(told.values())
    )
    codes = ", ".join(f"coalesce(j{k}.code, -1) as c{k}" for k in range(len(told)))
    got = connection.execute(
        "select date_diff('day', date '1970-01-01', day) as day, num, observed, "
        f"cast(round(num * 1000000) as bigint) as millionth, {codes} from unit{joins} "
        "where day between (select min(day) from core.calendar) and (select max(day) from core.calendar) "
        f"order by num, not observed, c{len(told) - 1}",
        {f"n{k}": list(names[dim]) for k, dim in enumerate(told)},
    ).fetchnumpy()
    kept = {name: np.ma.getdata(values) for name, values in got.items()}
    code = {dim: kept[f"c{k}"] for k, dim in enumerate(told)}
    cases = _Cases(kept["day"], kept["num"], kept["millionth"], kept["observed"], code.pop("way"), names["way"])
    splits = [_Split((("all", "all", "all"),), np.zeros(len(cases.time), dtype=np.int64))]
    for dim, codes_of in code.items():
        places = tuple((dim, v, "all") if dim else ("all", "all", v) for v in names[dim])
        splits += [_Split(places, codes_of)] if places else []
    return cases, splits


def _names(connection: duckdb.DuckDBPyConnection, expression: str) -> tuple[str, ...]:
    found = connection.execute(f"select distinct {expression} as v from unit where v is not null order by v")
    return tuple(v for (v,) in found.fetchall())


def _begun(day: Ints, keys: Ints) -> tuple[Ints, Ints]:
    """The period_keys from the first to the last of these days, in order, and the place of each day's among them.

    keys: of every day of the calendar; a period's are one after the other.
    """
    if not len(day):
        return keys[:0], day
    first = day.min()
    periods, of_day = np.unique(keys[first : day.max() + 1], return_inverse=True)
    return periods, of_day[day - first]


def _gathered(split: _Split, periods: Ints, period: Ints, offset: int) -> tuple[Cohorts, Columns]:
    """The cases by cell, and of each cell its place (counted from `offset`) and period. period: places in `periods`."""
    kept = np.flatnonzero(split.code >= 0)
    cohorts = gathered(split.code[kept] * len(periods) + period[kept], len(split.places) * len(periods), kept)
    filled = np.flatnonzero(cohorts.sizes)
    return cohorts, {"place": offset + filled // len(periods), "period_key": periods[filled % len(periods)]}


def _medians(cases: _Cases, cohorts: Cohorts) -> Columns:
    filled = np.flatnonzero(cohorts.sizes)
    ended = cohorts.counts(cases.ended)
    value, low, high = medians(cohorts, cases.time, cases.ended)
    return {
        "n": ended[filled], "n_censored": (cohorts.sizes - ended)[filled],
        "time_at_risk": cohorts.totals(cases.millionth)[filled] / 1e6, "value": value[filled], "ci_low": low[filled],
        "ci_high": high[filled],
    }  # fmt: skip


def _ways(cases: _Cases, cohorts: Cohorts, horizon: float) -> Iterator[Columns]:
    filled = np.flatnonzero(cohorts.sizes)
    open_ = cohorts.counts(~cases.ended & (cases.time < horizon))
    found = shares(cohorts, cases.time, cases.ended, cases.cause, len(cases.ways), horizon)
    for way, share in enumerate(found):
        yield {
            "way": np.full(len(filled), way), "n": cohorts.sizes[filled], "n_ended": share.ended[filled],
            "n_censored": open_[filled], "value": share.value[filled], "ci_low": share.ci_low[filled],
            "ci_high": share.ci_high[filled], "half_time": share.half_time[filled],
        }  # fmt: skip


def write_found(connection: duckdb.DuckDBPyConnection, found: Found) -> None:
    """Add a KPI's medians and shares to the work tables."""
    dims, values, sources = ([place[i] for place in found.places] for i in range(3))
    given = {"kpi": found.kpi.kpi_id, "dims": dims, "values": values, "sources": sources}
    own = {"ways": list(found.ways), "horizon": found.kpi.horizon_days}
    for table, parts in found.tables.items():
        if not parts:
            continue
        made = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        figures = ", ".join(
            f"nullif({name}, 'nan'::double) as {name}" if made[name].dtype.kind == "f" else name
            for name in made
            if name not in ("place", "way")
        )
        way = "$ways[way + 1] as cause, $horizon::double as horizon_days, " if "way" in made else ""
        connection.execute(
            f"insert into metrics.{table} by name select $kpi as kpi_id, $dims[place + 1] as segment_dim, "
            f"$values[place + 1] as segment_value, $sources[place + 1] as source_id, {way}{figures} from made",
            given | own if way else given,
        )
