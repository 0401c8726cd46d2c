"""What a verdict was reached under, and what happens to those reached under something else.

A frozen look is never changed. When the settings or the mapping it rests on change, it answers another question than
the one asked now: it moves to evaluation.kpi_effect_superseded, and the look is judged anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import duckdb

from crmlift.settings import GoalSettings


def design_version(
    connection: duckdb.DuckDBPyConnection, rollout_id: str, kpi_id: str, goals: Mapping[str, GoalSettings]
) -> str:
    """A short name for what a verdict on a KPI rests on besides its definition and its records.

    The rollout's waves with members, dates and learning days; the mapping of the files that give records; for goals
    the smallest change that matters and the KPIs that are corrected together.
    """
    waves = connection.execute(
        "select wave_id, scope_type, scope_value, go_live_date, learning_days, is_control from config.rollout_wave "
        "where rollout_id = ? order by all",
        [rollout_id],
    ).fetchall()
    mapping = connection.execute("select value from config.setting where name = 'record_mapping'").fetchone()
    goal = [goals[kpi_id].min_important_change, sorted(goals)] if kpi_id in goals else []
    told = json.dumps([waves, mapping, goal], default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def set_aside(
    connection: duckdb.DuckDBPyConnection, rollout_id: str, wave_ids: Iterable[str],
    present: Mapping[str, tuple[str, Any]],
) -> int:  # fmt: skip
    """Move verdicts that no longer answer what is asked to evaluation.kpi_effect_superseded; how many.

    present: KPI → its design version and the local day (a date) up to which its data are complete.
    """
    columns = "kpi_id varchar, design_version varchar, complete_until date"
    connection.execute(f"create or replace temp table present ({columns})")
    if present:
        connection.executemany("insert into present values (?, ?, ?)", [(k, *found) for k, found in present.items()])
    because = """
        case
            when not list_contains($waves, e.wave_id) then 'wave_gone'
            when e.design_version <> p.design_version then 'settings_changed'
            when e.as_of > p.complete_until then 'beyond_the_data'
        end
    """
    bound = {"rollout": rollout_id, "waves": list(wave_ids)}
    of = (
        "evaluation.kpi_effect as e left join present as p using (kpi_id) "
        f"where e.rollout_id = $rollout and ({because}) is not null"
    )
    moved = connection.execute(
        f"insert into evaluation.kpi_effect_superseded by name "
        f"select e.*, {because} as superseded_because, now() as superseded_at from {of}",
        bound,
    ).fetchone()
    connection.execute(
        f"delete from evaluation.kpi_effect as t using (select e.rowid as id from {of}) as g where t.rowid = g.id",
        bound,
    )
    connection.execute("drop table present")
    return int(moved[0]) if moved else 0


def set_aside_rollouts(connection: duckdb.DuckDBPyConnection, rollout_ids: Iterable[str]) -> int:
    """Move the verdicts on rollouts that no setting names any more; how many."""
    bound = {"known": list(rollout_ids)}
    moved = connection.execute(
        "insert into evaluation.kpi_effect_superseded by name select *, 'rollout_gone' as superseded_because, "
        "now() as superseded_at from evaluation.kpi_effect where not list_contains($known, rollout_id)",
        bound,
    ).fetchone()
    connection.execute("delete from evaluation.kpi_effect where not list_contains($known, rollout_id)", bound)
    return int(moved[0]) if moved else 0
