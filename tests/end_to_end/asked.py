"""What holds the answer of every documented query against pandas, and what a copy of the night can mislead it with."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from tests.end_to_end import answers_analysts, answers_finance, answers_operations
from tests.end_to_end.documented_queries import queries
from tests.end_to_end.recomputed_frames import Frames

ANSWERS: dict[str, Callable[[Frames], pd.DataFrame]] = {
    name.upper(): function
    for module in (answers_operations, answers_analysts, answers_finance)
    for name, function in vars(module).items()
    if re.fullmatch(r"[oac]\d+", name)
}
ORDER = {
    "O1": ["state", "started_at"], "O2": ["hours_behind", "source_id", "stream"], "O3": ["severity", "fired_at"],
    "O5": ["value", "team"], "O6": ["step_order"], "O7": ["last_core_action", "user_id"], "O8": ["wave_id"],
    "O9": ["period_start", "priority"], "O10": ["severity", "kpis"], "O11": ["round", "complaints", "mentions", "theme"],
    "O12": ["created_at", "lead_id"], "A1": ["q_value", "kpi_id"], "A2": ["verdicts", "kpi_id"],
    "A3": ["mature_after", "kpi_id"], "A4": ["period_start"], "A5": ["period_start"], "A6": ["period_start", "team"],
    "A7": ["pooled_effect"], "A8": ["days_so_far"], "A9": ["source_id", "deals"], "A10": ["deals"], "A11": ["kpi_id"],
    "A12": ["kpi_id", "first_used_at"], "C1": ["kpi_id", "period_start"], "C3": ["cost_base"],
    "C5": ["is_backed", "benefit_id"], "C6": ["goal_family", "goal_id"], "C7": ["goal_family"],
    "C8": ["period_start", "segment_value"], "C10": ["gap_rel", "kpi_id"], "C11": ["score", "product_id"],
}  # fmt: skip
"""Columns whose sequence is promised; a column that the answer does not show is left out."""
EMPTY_AS_IT_IS = {"O2"}
TRAPS = """
update ops.load set window_until = window_until - interval 41 hour where stream = 'Task';
update ops.load set window_until = window_until - interval 90 day where source_id = 'sheets';
insert into ops.alert by name select * replace ('x' || alert_id as alert_id, 'resolved' as state) from ops.alert;
insert into ops.alert by name
    select 'y' as alert_id, 'win_rate' as kpi_id, 'critical' as severity, 'all' as segment_dim, 'open' as state, 7 as n,
        date '2026-10-19' as period_start, timestamptz '2026-10-20 00:00:00+00' as fired_at;
insert into ops.data_quality_finding by name
    select * replace ('z' || finding_id as finding_id, 'resolved' as state) from ops.data_quality_finding;
insert into core.user_day by name
    select user_id, (select max(activity_date) - 30 from core.user_day) as activity_date, true as is_logged_in,
        1 as core_actions
    from (select u.user_id from core.app_user as u where u.is_human and u.is_licensed and u.is_active
        and u.user_id not in (select user_id from core.user_day where core_actions > 0) order by 1 limit 2);
update core.lead set is_deleted = true where lead_id = (
    select max(lead_id) from core.lead where created_at >= timestamptz '2026-11-01 10:00:00+00' and first_touch_at is null);
update core.lead set merged_into_id = 'x' where lead_id = (
    select min(lead_id) from core.lead where created_at >= timestamptz '2026-11-01 04:00:00+00');
insert into core.lead by name
    select 'late' || n as lead_id, 'sf' as source_id, timestamptz '2026-11-01 21:30:00+00' + n * interval 1 hour as created_at,
        false as is_deleted from range(3) as r(n);
insert into metrics.kpi_value by name
    select * replace ('sf' as source_id, value / 2 as value, numerator + 5 as numerator, denominator + 9 as denominator)
    from metrics.kpi_value where source_id = 'all' and segment_dim <> 'all';
insert into metrics.kpi_value by name
    select * replace (period_start - 92 as period_start, value - 1 as value) from metrics.kpi_value
    where kpi_id in ('benchmark_gap', 'crm_fit_score') and period_grain = 'month';
insert into metrics.kpi_definition by name
    select * replace ('old' as definition_version, first_used_at - interval 30 day as first_used_at) from metrics.kpi_definition
    where kpi_id = 'win_rate';
insert into evaluation.kpi_effect by name
    select * replace (as_of - 7 as as_of, 'worsened' as verdict) from evaluation.kpi_effect where look = 'provisional';
insert into config.rollout by name select * replace ('later' as rollout_id) from config.rollout;
insert into config.goal_target by name select * replace ('later' as rollout_id, 5.0 as weight) from config.goal_target;
insert into config.cost_item by name
    select 'long' as cost_id, 'later' as rollout_id, 'licence' as category, date '2026-07-01' as period_start,
        date '2027-01-01' as period_end, 6000.0 as amount_base, 'planned' as certainty;
insert into evaluation.kpi_effect by name
    select * replace ('later' as rollout_id, 'worsened' as verdict) from evaluation.kpi_effect;
insert into evaluation.kpi_current by name
    select * replace ('later' as rollout_id, 'worsened' as verdict) from evaluation.kpi_current;
insert into evaluation.segment_effect by name
    select * replace ('later' as rollout_id, 9.0 as pooled_effect) from evaluation.segment_effect;
insert into evaluation.segment_effect by name
    select * replace (as_of - 400 as as_of, 8.0 as pooled_effect) from evaluation.segment_effect;
insert into config.benchmark by name
    select * replace ('w' || benchmark_id as benchmark_id, 'exact' as definition_match, date '2026-01-01' as expires_on,
        9.0 as value) from config.benchmark;
insert into config.benchmark by name
    select * replace ('v' || benchmark_id as benchmark_id, retrieved_on - 90 as retrieved_on, 8.0 as value)
    from config.benchmark where expires_on is null or expires_on > date '2026-11-02';
update core.opportunity set is_deleted = true where opportunity_id in (
    select opportunity_id from core.opportunity where status = 'open' and created_at > timestamptz '2026-09-15 00:00:00+00'
    order by 1 limit 40);
update core.survey_response set is_deleted = true where theme = 'speed' and hash(response_id) % 3 = 0;
"""
"""Second rollouts, older definitions, other sources' cells, resolved alerts, expired benchmarks, deleted records …"""


def check(connection: duckdb.DuckDBPyConnection, frame: Frames, question: str) -> int:
    """Holds a query's answer against pandas: rows, figures and promised order; how many rows it has."""
    answer, expected = connection.execute(queries()[question]).df(), ANSWERS[question](frame)
    assert list(answer.columns) == list(expected.columns)
    found, wanted = _rows(answer), _rows(expected)
    assert sorted(found) == sorted(wanted)
    shown = [list(answer.columns).index(name) for name in ORDER.get(question, []) if name in answer.columns]
    assert [[row[k] for k in shown] for row in found] == [[row[k] for k in shown] for row in wanted]
    return len(found)


def _rows(frame: pd.DataFrame) -> list[list[str]]:
    return [[_text(cell) for cell in row] for row in frame.itertuples(index=False, name=None)]


def _text(cell: Any) -> str:
    """A cell as text, whichever library's type it has; numbers with eight digits."""
    if isinstance(cell, np.ndarray | list | tuple):
        return "; ".join(map(str, cell))
    if pd.isna(cell):
        return ""
    if isinstance(cell, bool | np.bool_):
        return str(bool(cell))
    if isinstance(cell, int | float | Decimal | np.number):
        return f"{float(cell):.8g}"
    if hasattr(cell, "isoformat"):
        stamp = pd.Timestamp(cell)
        return str(stamp.tz_convert("UTC") if stamp.tzinfo else stamp)
    return str(cell)
