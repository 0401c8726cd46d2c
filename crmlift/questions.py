"""What is to be judged: the units of every KPI, of everybody in a rollout, as questions to `metrics`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import duckdb
import numpy as np

from crmlift import constant_rates
from crmlift.data_origin import CRM, origins_before
from crmlift.effect_history import design_version
from crmlift.legacy_before import Before, before, brought_kpis
from crmlift.legacy_values import ORIGIN
from crmlift.settings import GoalSettings, RolloutSettings, Settings
from crmlift.warehouse.store import literal, quoted
from metrics.looks import PROVISIONAL, look_dates
from metrics.panel import in_order
from metrics.question import Question

ALL = "all"
ALWAYS = np.datetime64("9999-12-31", "D")
SCOPE_COLUMN = {
    "team": "u.team_id", "region": "t.region", "segment": "t.segment", "user": "u.owner_id", "company": "'all'",
}  # fmt: skip
ADOPTION_KPI = "weekly_active_user_rate"
"""What teams' effects are held against: who uses the CRM at all, in a week."""
MIN_INVITED, ANSWER_DAYS = 30, 30
BREAK = np.timedelta64(366, "D")
"""Longer without a record is a break: as in `core.recorded_run` and `metrics.kpi_value`."""
DAYS_OF_UNIT = {"minutes": 1 / 1440, "hours": 1 / 24, "days": 1.0}


@dataclass(frozen=True)
class Kpi:
    """What of metrics.kpi the questions need; survey: the kind of survey whose answers it counts.

    complete_until: local day up to which its data are complete. design_version: see effect_history.
    """

    kpi_id: str
    kind: str
    better: str
    unit: str
    horizon_days: float
    min_important: float | None
    version: str
    survey: str | None
    complete_until: np.datetime64 = ALWAYS
    design_version: str = ""


@dataclass(frozen=True)
class Ask:
    """One question to be judged at one look.

    before: figures brought along that stand before, or why they do not. data_origin: of what stands before.
    """

    rollout: RolloutSettings
    wave_id: str
    kpi: Kpi
    look: str
    end: np.datetime64
    question: Question
    before: Before | None = None
    data_origin: str = CRM

    def at(self, look: str, end: np.datetime64) -> Ask:
        """The same asked at a look: ready-made periods that are not over by then are left out."""
        question = self.before.as_known(self.question, end) if self.before else self.question
        return replace(self, look=look, end=end, question=question)


def questions(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    rollout: RolloutSettings,
    goals: dict[str, GoalSettings],
    as_of: datetime,
) -> Iterator[Ask]:
    """Every KPI × wave × look to judge tonight: frozen looks that are due and not written yet, and the provisional."""
    local = connection.execute("select timezone(?, ?::timestamptz)", [settings.company.timezone, as_of]).fetchone()
    assert local is not None
    now = np.datetime64(local[0], "D")
    scope, brought = _scope(connection, rollout), brought_kpis(connection)
    known = scope.go_live[~np.isnat(scope.go_live)]
    constant_rates.prepare(connection, known.min().item() if len(known) else None)
    origins = origins_before(connection, min(wave.go_live for wave in rollout.waves), settings.company.timezone)
    for kpi in kpis_asked(connection, settings, rollout, goals):
        today = min(now, kpi.complete_until)
        segments = _segments(connection, kpi)
        rows = _rows(connection, kpi, rollout, scope, settings.company.timezone, segments)
        pooled = in_order(_question(kpi, rows, segments, scope, today, settings))
        pooled = replace(pooled, exposure_note=constant_rates.note(connection, kpi.kpi_id, kpi.unit))
        figures = before(connection, kpi, scope, pooled) if kpi.kpi_id in brought else None
        for wave_id in [ALL, *(wave.id for wave in rollout.waves)] if len(rollout.waves) > 1 else [ALL]:
            told = figures if wave_id == ALL or (figures and figures.by_member) else None
            used = told.question if told and told.question else pooled
            question = used if wave_id == ALL else _of_wave(used, scope, wave_id)
            question = replace(question, response_rates=response_rates(connection, kpi, rollout, scope, wave_id, as_of))
            origin = ORIGIN if used is not pooled else origins.get(kpi.kpi_id, CRM)
            tonight = Ask(rollout, wave_id, kpi, PROVISIONAL, today, question, told, origin)
            frozen = _frozen(connection, rollout.id, wave_id, kpi, is_told=used is not pooled)
            for look, end in look_dates(question).items():
                if end <= today and look not in frozen:
                    yield tonight.at(look, end)
            yield tonight.at(PROVISIONAL, today)


def kpis_asked(
    connection: duckdb.DuckDBPyConnection, settings: Settings, rollout: RolloutSettings, goals: dict[str, GoalSettings]
) -> list[Kpi]:
    """The KPIs that are judged before and after, with what their verdicts rest on."""
    found = connection.execute(
        "select kpi_id, stat_type, direction, unit, coalesce(horizon_days, 0), min_important_change, "
        "definition_version, survey, coalesce(cast(timezone($zone, complete_until) as date), date '9999-12-31') "
        "from metrics.kpi where kpi_id in (select distinct kpi_id from metrics.kpi_unit) "
        "and stat_type in ('sum', 'count', 'mean', 'proportion', 'ratio', 'duration', 'nps') "
        "and (no_effect is null or (no_effect = 'on_goal_only' and list_contains($goals, kpi_id))) order by kpi_id",
        {"goals": list(goals), "zone": settings.company.timezone},
    ).fetchall()
    kpis = []
    for row in found:
        design = design_version(connection, rollout.id, row[0], goals)
        kpi = Kpi(*(*row[:8], np.datetime64(row[8], "D"), design))
        important = goals[kpi.kpi_id].min_important_change if kpi.kpi_id in goals else None
        kpis.append(replace(kpi, min_important=important or kpi.min_important))
    return kpis


@dataclass(frozen=True)
class Scope:
    """Who belongs to the rollout: keys in code order, go-live dates (NaT: control), days to learn, wave, adoption."""

    column: str
    keys: tuple[str, ...]
    go_live: np.ndarray
    learning_days: np.ndarray
    wave: tuple[str, ...]
    dose: np.ndarray


def _scope(connection: duckdb.DuckDBPyConnection, rollout: RolloutSettings) -> Scope:
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
    return Scope(column, keys, dates.astype("datetime64[D]"), learning, waves, dose)


def _segments(connection: duckdb.DuckDBPyConnection, kpi: Kpi) -> dict[str, tuple[str, ...]]:
    """Segmentation → its segments, of the KPI's units."""
    found = connection.execute(
        "select entry.key, list(distinct entry.value order by entry.value) from "
        "(select unnest(map_entries(segments)) as entry from metrics.kpi_segment_set where kpi_id = ?) "
        "group by 1 order by 1",
        [kpi.kpi_id],
    ).fetchall()
    return {name: tuple(values) for name, values in found}


def _rows(
    connection: duckdb.DuckDBPyConnection,
    kpi: Kpi,
    rollout: RolloutSettings,
    scope: Scope,
    timezone: str,
    segments: dict[str, tuple[str, ...]],
) -> dict[str, np.ndarray]:
    """The KPI's unit rows of everybody in the rollout, as arrays in any order; at is local time.

    group_<name>: the code of each unit's segment.
    """
    codes = "".join(
        f", list_position($names_{k}, s.segments[{literal(name)}]) - 1 as {quoted('group_' + name)}"
        for k, name in enumerate(segments)
    )
    amount, rates = constant_rates.amount_sql(kpi.unit)
    found = connection.execute(
        f"select (u.event_at at time zone $timezone)::timestamp_s as at, m.code as unit, {amount} as num, "
        f"u.den::double as den, coalesce(u.observed, false) as observed{codes} "
        "from metrics.kpi_unit u left join core.team t on t.team_id = u.team_id "
        "left join metrics.kpi_segment_set s on s.kpi_id = $kpi and s.segment_set = u.segment_set "
        "join (select scope_value as key, (row_number() over (order by scope_value) - 1)::bigint as code "
        f" from config.rollout_wave where rollout_id = $rollout) m on m.key = {scope.column} {rates}"
        "where u.kpi_id = $kpi and u.event_at is not null and u.num is not null and u.den is not null",
        {
            "rollout": rollout.id, "timezone": timezone, "kpi": kpi.kpi_id,
            **{f"names_{k}": list(values) for k, values in enumerate(segments.values())},
        },
    ).fetchnumpy()  # fmt: skip
    return {name: np.ma.getdata(values) for name, values in found.items()}


def _question(
    kpi: Kpi,
    rows: dict[str, np.ndarray],
    segments: dict[str, tuple[str, ...]],
    scope: Scope,
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
        recorded_from=_recorded_from(at, scope.go_live),
        learning_days=scope.learning_days,
        horizon_days=kpi.horizon_days,
        time_unit_days=DAYS_OF_UNIT.get(kpi.unit, 1.0),
        min_important_change=kpi.min_important,
        fiscal_start_month=settings.company.fiscal_year_start,
        unit_names=scope.keys,
        groups={name: rows[f"group_{name}"].astype(np.int64) for name in segments},
        group_names=segments,
        dose=scope.dose,
    )


def _recorded_from(at: np.ndarray, go_live: np.ndarray) -> np.datetime64 | None:
    """The first day after the last break of more than a year before the first go-live; None without a break.

    A lone record of decades ago does not make the time after it one without sales: missing is not zero.
    """
    days = np.unique(at.astype("datetime64[D]"))
    known = go_live[~np.isnat(go_live)]
    begins = days[1:][np.diff(days) > BREAK]
    begins = begins[begins < known.min()] if len(known) else begins
    first: np.datetime64 | None = begins[-1] if len(begins) else None
    return first


def _of_wave(pooled: Question, scope: Scope, wave_id: str) -> Question:
    return replace(pooled, focus=np.array([wave == wave_id for wave in scope.wave]), with_check=False)


def response_rates(
    connection: duckdb.DuckDBPyConnection,
    kpi: Kpi,
    rollout: RolloutSettings,
    scope: Scope,
    wave_id: str,
    as_of: datetime,
) -> tuple[float, float] | None:
    """Shares of those invited ANSWER_DAYS ago or earlier who answered within that time, before and after.

    Before is before go-live, after is after the learning window. None where too few were invited on a side, or nobody
    knows who was.
    """
    if kpi.survey is None or scope.column == SCOPE_COLUMN["user"]:
        return None
    found = connection.execute(
        "select count(*) filter (is_before), count(*) filter (is_after), "
        "count(u.answer) filter (is_before), count(u.answer) filter (is_after) "
        "from (select i.*, case when r.responded_at < i.sent_at + to_days($days) then r.response_id end as answer "
        "from core.survey_invitation i left join core.survey_response r on r.response_id = i.response_id "
        "and not r.is_deleted where i.sent_at + to_days($days) <= $as_of::timestamptz) u "
        "left join core.team t on t.team_id = u.team_id "
        f"join config.rollout_wave w on w.rollout_id = $rollout and w.scope_value = {scope.column}, "
        "lateral (select u.sent_at < w.go_live_date as is_before, "
        "u.sent_at >= w.go_live_date + to_days(w.learning_days) as is_after) "
        "where u.survey_kind = $survey and not u.is_deleted and $wave in (w.wave_id, 'all')",
        {"rollout": rollout.id, "survey": kpi.survey, "wave": wave_id, "as_of": as_of, "days": ANSWER_DAYS},
    ).fetchone()
    before, after, answered_before, answered_after = found or (0, 0, 0, 0)
    if min(before, after) < MIN_INVITED:
        return None
    return answered_before / before, answered_after / after


def _frozen(
    connection: duckdb.DuckDBPyConnection, rollout_id: str, wave_id: str, kpi: Kpi, *, is_told: bool
) -> set[str]:
    """Looks that are written. is_told: those that stopped for want of a time before are open again, it is told now."""
    found = connection.execute(
        "select look from evaluation.kpi_effect where rollout_id = ? and wave_id = ? and kpi_id = ? "
        "and definition_version = ? and look <> ? and not (? and coalesce(reason = 'nothing_recorded_before', false))",
        [rollout_id, wave_id, kpi.kpi_id, kpi.version, PROVISIONAL, is_told],
    ).fetchall()
    return {look for (look,) in found}
