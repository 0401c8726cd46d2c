"""From unit rows and declared rollouts to verdicts: builds the questions, asks `metrics`, keeps the history.

Frozen looks (13, 26 and 52 weeks) are written once and never again; tonight's estimate is `provisional` and replaced
when the same night runs twice.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from crmlift.effect_history import set_aside, set_aside_rollouts
from crmlift.quality_marks import OpenFindings
from crmlift.questions import ALL, Ask, kpis_asked, questions
from crmlift.settings import GoalSettings, RolloutSettings, Settings
from metrics.for_whom import of_segments
from metrics.looks import PROVISIONAL
from metrics.multiplicity import correct
from metrics.question import Verdict
from metrics.verdict import judge

log = logging.getLogger(__name__)


def evaluate(connection: duckdb.DuckDBPyConnection, settings: Settings, *, as_of: datetime, run_id: str) -> int:
    """Judge every KPI of every rollout and wave, and write evaluation.kpi_effect; returns the rows written.

    A KPI that a blocking finding is open about takes no frozen look tonight: it waits until its data can be trusted.
    """
    written = 0
    found = OpenFindings.read(connection)
    moved = set_aside_rollouts(connection, [rollout.id for rollout in settings.rollouts])
    for rollout in settings.rollouts:
        goals = {goal.kpi: goal for goal in settings.goals if goal.rollout == rollout.id}
        present = {
            k.kpi_id: (k.design_version, k.complete_until.item())
            for k in kpis_asked(connection, settings, rollout, goals)
        }
        moved += set_aside(connection, rollout.id, [ALL, *(wave.id for wave in rollout.waves)], present)
        asked = list(questions(connection, settings, rollout, goals, as_of))
        asked = [ask for ask in asked if ask.look == PROVISIONAL or not found.blocks(ask.kpi.kpi_id)]
        verdicts = [found.mark(ask.kpi.kpi_id, _judged(ask)) for ask in asked]
        written += _write(connection, asked, _corrected(asked, verdicts, goals), run_id)
        written += _write_unjudged(connection, rollout, goals, settings.company.timezone, as_of, run_id)
    if moved:
        told = f"{moved} verdicts were reached under other settings; they are in evaluation.kpi_effect_superseded"
        log.info("event=verdicts_superseded rows=%d", moved, extra={"people": f"evaluate   {told}"})
    return written


def _judged(ask: Ask) -> Verdict:
    verdict = judge(ask.question, ask.look)
    return ask.before.told(verdict) if ask.before else verdict


def _corrected(asked: Sequence[Ask], verdicts: Sequence[Verdict], goals: dict[str, GoalSettings]) -> list[Verdict]:
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
    "run_id", "data_origin", "design_version",
)  # fmt: skip


def _write(
    connection: duckdb.DuckDBPyConnection, asked: Sequence[Ask], verdicts: Sequence[Verdict], run_id: str
) -> int:
    if not asked:
        return 0
    rows = [row for ask, verdict in zip(asked, verdicts, strict=True) for row in _rows(ask, verdict, run_id)]
    connection.register("judged", pa.Table.from_pylist(rows))
    connection.execute(
        "insert or replace into evaluation.kpi_effect by name select *, now() as computed_at from judged"
    )
    connection.unregister("judged")
    return len(rows)


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


def _rows(ask: Ask, verdict: Verdict, run_id: str) -> list[dict[str, Any]]:
    """The verdict on everybody, and at frozen looks of all waves together one on each segment."""
    rows = [_row(ask, verdict, run_id, ALL, ALL)]
    if ask.wave_id == ALL and ask.look != PROVISIONAL:
        rows += [_row(ask, each, run_id, dim, value) for dim, value, each in of_segments(ask.question, verdict)]
    return rows


def _row(ask: Ask, verdict: Verdict, run_id: str, segment_dim: str, segment_value: str) -> dict[str, Any]:
    known: dict[str, Any] = {
        "rollout_id": ask.rollout.id,
        "wave_id": ask.wave_id,
        "kpi_id": ask.kpi.kpi_id,
        "segment_dim": segment_dim,
        "segment_value": segment_value,
        "as_of": ask.end.item(),
        "look": ask.look,
        "caveats": list(verdict.caveats),
        "diagnostics": json.dumps(verdict.diagnostics, default=str),
        "definition_version": ask.kpi.version,
        "run_id": run_id,
        "data_origin": ask.data_origin,
        "design_version": ask.kpi.design_version,
    }
    return {name: known.get(name, getattr(verdict, name, None)) for name in COLUMNS}
