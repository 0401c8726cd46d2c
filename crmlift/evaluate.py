"""From unit rows and declared rollouts to verdicts: builds the questions, asks `metrics`, keeps the history.

Frozen looks (13, 26 and 52 weeks) are written once and never again; tonight's estimate is `provisional` and replaced
when the same night runs twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from crmlift.quality_marks import OpenFindings
from crmlift.settings import GoalSettings, RolloutSettings, Settings
from crmlift.warehouse.store import literal, quoted
from metrics.looks import PROVISIONAL, look_dates
from metrics.multiplicity import correct
from metrics.panel import in_order
from metrics.question import Question, Verdict
from metrics.verdict import judge

ALL = "all"
SCOPE_COLUMN = {"team": "u.team_id", "region": "t.region", "user": "u.owner_id", "company": "'all'"}
ADOPTION_KPI = "weekly_active_user_rate"
"""What teams' effects are held against: who uses the CRM at all, in a week."""
DAYS_OF_UNIT = {"minutes": 1 / 1440, "hours": 1 / 24, "days": 1.0}


@dataclass(frozen=True)
class _Kpi:
    kpi_id: str
    kind: str
    better: str
    unit: str
    horizon_days: float
    min_important: float | None
    version: str


@dataclass(frozen=True)
class _Ask:
    """One question to be judged at one look."""

    rollout: RolloutSettings
    wave_id: str
    kpi: _Kpi
    look: str
    end: np.datetime64
    question: Question


def evaluate(connection: duckdb.DuckDBPyConnection, settings: Settings, *, as_of: datetime, run_id: str) -> int:
    """Judge every KPI of every rollout and wave, and write evaluation.kpi_effect; returns the rows written.

    A KPI that a blocking finding is open about takes no frozen look tonight: it waits until its data can be trusted.
    """
    written = 0
    found = OpenFindings.read(connection)
    for rollout in settings.rollouts:
        goals = {goal.kpi: goal for goal in settings.goals if goal.rollout == rollout.id}
        asked = list(_questions(connection, settings, rollout, goals, as_of))
        asked = [ask for ask in asked if ask.look == PROVISIONAL or not found.blocks(ask.kpi.kpi_id)]
        verdicts = [found.mark(ask.kpi.kpi_id, judge(ask.question, ask.look)) for ask in asked]
        written += _write(connection, asked, _corrected(asked, verdicts, goals), run_id)
        written += _write_unjudged(connection, rollout, goals, settings.company.timezone, as_of, run_id)
    return written


def _questions(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    rollout: RolloutSettings,
    goals: dict[str, GoalSettings],
    as_of: datetime,
) -> Iterator[_Ask]:
    local = connection.execute("select timezone(?, ?::timestamptz)", [settings.company.timezone, as_of]).fetchone()
    assert local is not None
    today = np.datetime64(local[0], "D")
    scope = _scope(connection, rollout)
    for kpi in _kpis(connection, goals):
        rows = _rows(connection, kpi, rollout, scope, settings.company.timezone)
        groups = _groups(connection, kpi, rollout, scope)
        pooled = in_order(_question(kpi, rows, groups, scope, today, settings))
        for wave_id in [ALL, *(wave.id for wave in rollout.waves)] if len(rollout.waves) > 1 else [ALL]:
            question = pooled if wave_id == ALL else _of_wave(pooled, scope, wave_id)
            ends = {look: day for look, day in look_dates(question).items() if day <= today}
            frozen = _frozen(connection, rollout.id, wave_id, kpi)
            for look, end in ends.items():
                if look not in frozen:
                    yield _Ask(rollout, wave_id, kpi, look, end, question)
            yield _Ask(rollout, wave_id, kpi, PROVISIONAL, today, question)


def _kpis(connection: duckdb.DuckDBPyConnection, goals: dict[str, GoalSettings]) -> list[_Kpi]:
    found = connection.execute(
        "select kpi_id, stat_type, direction, unit, coalesce(horizon_days, 0), min_important_change, "
        "definition_version from metrics.kpi where kpi_id in (select distinct kpi_id from metrics.kpi_unit) "
        "and stat_type in ('sum', 'count', 'mean', 'proportion', 'ratio', 'duration', 'nps') "
        "and (no_effect is null or (no_effect = 'on_goal_only' and list_contains($goals, kpi_id))) order by kpi_id",
        {"goals": list(goals)},
    ).fetchall()
    kpis = [_Kpi(*row) for row in found]
    return [
        replace(kpi, min_important=goals[kpi.kpi_id].min_important_change or kpi.min_important)
        if kpi.kpi_id in goals
        else kpi
        for kpi in kpis
    ]


@dataclass(frozen=True)
class _Scope:
    """Who belongs to the rollout: keys in code order, go-live dates (NaT: control), days to learn, wave, adoption."""

    column: str
    keys: tuple[str, ...]
    go_live: np.ndarray
    learning_days: np.ndarray
    wave: tuple[str, ...]
    dose: np.ndarray


def _scope(connection: duckdb.DuckDBPyConnection, rollout: RolloutSettings) -> _Scope:
    found = connection.execute(
        "select scope_value, go_live_date, wave_id, learning_days from config.rollout_wave "
        "where rollout_id = ? order by scope_value",
        [rollout.id],
    ).fetchall()
    dates = np.array([np.datetime64(day, "D") if day else np.datetime64("NaT", "D") for _, day, *_ in found])
    column = SCOPE_COLUMN[rollout.waves[0].scope]
    keys = tuple(key for key, *_ in found)
    used = dict(
        connection.execute(
            f"select {column} as key, sum(u.num) / sum(u.den) from metrics.kpi_unit u "
            "left join core.team t on t.team_id = u.team_id "
            f"join config.rollout_wave w on w.rollout_id = ? and w.scope_value = {column} "
            "where u.kpi_id = ? and u.observed and u.event_at >= w.go_live_date group by all having sum(u.den) > 0",
            [rollout.id, ADOPTION_KPI],
        ).fetchall()
    )
    dose = np.array([used.get(key, np.nan) for key in keys], dtype=float)
    learning = np.array([days for *_, days in found], dtype=np.int64)
    waves = tuple(wave for _, _, wave, _ in found)
    return _Scope(column, keys, dates.astype("datetime64[D]"), learning, waves, dose)


def _rows(
    connection: duckdb.DuckDBPyConnection, kpi: _Kpi, rollout: RolloutSettings, scope: _Scope, timezone: str
) -> dict[str, np.ndarray]:
    """The KPI's unit rows of everybody in the rollout, as arrays; at is local time."""
    found = connection.execute(
        "select (u.event_at at time zone $timezone)::timestamp_s as at, m.code as unit, u.num::double as num, "
        f"u.den::double as den, coalesce(u.observed, false) as observed {_members(scope)}",
        {"rollout": rollout.id, "timezone": timezone, "kpi": kpi.kpi_id},
    ).fetchnumpy()
    return {name: np.ma.getdata(values) for name, values in found.items()}


def _members(scope: _Scope) -> str:
    """SQL: a KPI's units of everybody in the rollout (u) with the code of whom they belong to (m), in a fixed order."""
    return (
        "from metrics.kpi_unit u left join core.team t on t.team_id = u.team_id "
        "join (select scope_value as key, (row_number() over (order by scope_value) - 1)::bigint as code "
        f" from config.rollout_wave where rollout_id = $rollout) m on m.key = {scope.column} "
        "where u.kpi_id = $kpi and u.event_at is not null and u.num is not null and u.den is not null "
        "order by u.event_at, u.unit_id, u.num, u.den"
    )


def _groups(
    connection: duckdb.DuckDBPyConnection, kpi: _Kpi, rollout: RolloutSettings, scope: _Scope
) -> dict[str, tuple[np.ndarray, tuple[str, ...]]]:
    """Segmentation → code of each unit's segment, in the order of `_rows`, and the segments' names."""
    known = connection.execute(
        "select entry.key, list(distinct entry.value order by entry.value) from "
        "(select unnest(map_entries(segments)) as entry from metrics.kpi_unit where kpi_id = ?) group by 1 order by 1",
        [kpi.kpi_id],
    ).fetchall()
    if not known:
        return {}
    columns = ", ".join(
        f"list_position($names_{k}, u.segments[{literal(name)}]) - 1 as {quoted(name)}"
        for k, (name, _) in enumerate(known)
    )
    given = {"rollout": rollout.id, "kpi": kpi.kpi_id, **{f"names_{k}": values for k, (_, values) in enumerate(known)}}
    found = connection.execute(f"select {columns} {_members(scope)}", given).fetchnumpy()
    return {name: (np.ma.getdata(found[name]).astype(np.int64), tuple(values)) for name, values in known}


def _question(
    kpi: _Kpi,
    rows: dict[str, np.ndarray],
    groups: dict[str, tuple[np.ndarray, tuple[str, ...]]],
    scope: _Scope,
    today: np.datetime64,
    settings: Settings,
) -> Question:
    at = rows["at"].astype("datetime64[s]")
    return Question(
        kind=kpi.kind,  # type: ignore[arg-type]
        better=kpi.better,  # type: ignore[arg-type]
        at=at,
        unit=rows["unit"].astype(np.int64),
        num=rows["num"].astype(float),
        den=rows["den"].astype(float),
        observed=rows["observed"].astype(bool),
        go_live=scope.go_live,
        as_of=today,
        learning_days=scope.learning_days,
        horizon_days=kpi.horizon_days,
        time_unit_days=DAYS_OF_UNIT.get(kpi.unit, 1.0),
        min_important_change=kpi.min_important,
        fiscal_start_month=settings.company.fiscal_year_start,
        unit_names=scope.keys,
        groups={name: code for name, (code, _) in groups.items()},
        group_names={name: values for name, (_, values) in groups.items()},
        dose=scope.dose,
    )


def _of_wave(pooled: Question, scope: _Scope, wave_id: str) -> Question:
    return replace(pooled, focus=np.array([wave == wave_id for wave in scope.wave]), with_check=False)


def _frozen(connection: duckdb.DuckDBPyConnection, rollout_id: str, wave_id: str, kpi: _Kpi) -> set[str]:
    found = connection.execute(
        "select look from evaluation.kpi_effect where rollout_id = ? and wave_id = ? and kpi_id = ? "
        "and definition_version = ? and look <> ?",
        [rollout_id, wave_id, kpi.kpi_id, kpi.version, PROVISIONAL],
    ).fetchall()
    return {look for (look,) in found}


def _corrected(asked: Sequence[_Ask], verdicts: Sequence[Verdict], goals: dict[str, GoalSettings]) -> list[Verdict]:
    """Goal KPIs are corrected together at each look: over the pooled waves, and over all single waves."""
    out = list(verdicts)
    families: dict[tuple[str, bool], list[int]] = {}
    for place, ask in enumerate(asked):
        families.setdefault((ask.look, ask.wave_id == ALL), []).append(place)
    for places in families.values():
        is_goal = [asked[place].kpi.kpi_id in goals for place in places]
        for place, verdict in zip(places, correct([out[p] for p in places], is_goal), strict=True):
            out[place] = verdict
    return out


COLUMNS = (
    "rollout_id", "wave_id", "kpi_id", "segment_dim", "segment_value", "as_of", "look", "method", "pre_start",
    "pre_end", "post_start", "post_end", "n_pre", "n_post", "pre_value", "post_value", "counterfactual_value",
    "effect", "effect_ci_low", "effect_ci_high", "effect_rel", "effect_rel_ci_low", "effect_rel_ci_high", "p_value",
    "q_value", "min_important_change", "mde80", "verdict", "reason", "caveats", "diagnostics", "definition_version",
    "run_id",
)  # fmt: skip


def _write(
    connection: duckdb.DuckDBPyConnection, asked: Sequence[_Ask], verdicts: Sequence[Verdict], run_id: str
) -> int:
    if not asked:
        return 0
    rows = pa.Table.from_pylist([_row(ask, verdict, run_id) for ask, verdict in zip(asked, verdicts, strict=True)])
    connection.register("judged", rows)
    connection.execute(
        "insert or replace into evaluation.kpi_effect by name select *, now() as computed_at from judged"
    )
    connection.unregister("judged")
    return len(asked)


def _write_unjudged(
    connection: duckdb.DuckDBPyConnection, rollout: RolloutSettings, goals: dict[str, GoalSettings], timezone: str,
    as_of: datetime, run_id: str,
) -> int:  # fmt: skip
    """A goal on a KPI by which no rollout can be judged (a composite, a model, a snapshot) says so, and why."""
    written = connection.execute(
        "insert or replace into evaluation.kpi_effect by name select $rollout as rollout_id, 'all' as wave_id, kpi_id, "
        "'all' as segment_dim, 'all' as segment_value, cast(timezone($zone, $as_of::timestamptz) as date) as as_of, "
        "$look as look, 'none' as method, 'not_comparable' as verdict, no_effect as reason, []::varchar[] as caveats, "
        "'{}'::json as diagnostics, definition_version, $run as run_id, now() as computed_at from metrics.kpi "
        "where list_contains($goals, kpi_id) and no_effect is not null and no_effect <> 'on_goal_only'",
        {"rollout": rollout.id, "zone": timezone, "as_of": as_of, "look": PROVISIONAL, "goals": list(goals),
         "run": run_id},
    ).fetchone()  # fmt: skip
    return int(written[0]) if written else 0


def _row(ask: _Ask, verdict: Verdict, run_id: str) -> dict[str, Any]:
    known: dict[str, Any] = {
        "rollout_id": ask.rollout.id,
        "wave_id": ask.wave_id,
        "kpi_id": ask.kpi.kpi_id,
        "segment_dim": ALL,
        "segment_value": ALL,
        "as_of": ask.end.item(),
        "look": ask.look,
        "caveats": list(verdict.caveats),
        "diagnostics": json.dumps(verdict.diagnostics, default=str),
        "definition_version": ask.kpi.version,
        "run_id": run_id,
    }
    return {name: known.get(name, getattr(verdict, name, None)) for name in COLUMNS}
