"""Rows that a careless query counts, put into a copy of the published file: statements, in their order."""

from __future__ import annotations

NOW = "(select max(complete_until) from metrics.kpi)"
TODAY = f"timezone('Europe/Kyiv', {NOW})::date"
SOMEBODY = "(select min(user_id) from core.app_user where is_human and is_licensed and is_active)"
LEAD = "(select min(lead_id) from core.lead where not is_deleted and merged_into_id is null)"


def again(table: str, rows: str, **changed: str) -> str:
    """Insert rows of a table once more, changed."""
    replaced = ", ".join(f"{expression} as {name}" for name, expression in changed.items())
    return f"insert into {table} select * replace ({replaced}) from {table} where {rows}"


def worked(user: int, day: str, core_actions: int = 1) -> str:
    """A person's only day of work; user: place among those with a seat."""
    chosen = f"(select user_id from core.app_user where is_human and is_licensed and is_active order by 1 offset {user} limit 1)"
    return (
        f"delete from core.user_day where user_id = {chosen}; insert into core.user_day by name "
        f"select {chosen} as user_id, ({day})::date as activity_date, false as is_logged_in, {core_actions} as core_actions"
    )


def lead(name: str, created: str, touched: str = "null", deleted: str = "false", merged: str = "null") -> str:
    """One more lead; created and touched: expressions of instants."""
    return again(
        "core.lead", f"lead_id = {LEAD}", lead_id=f"'{name}'", created_at=created, first_touch_at=touched,
        is_deleted=deleted, merged_into_id=merged,
    )  # fmt: skip


MIDNIGHT = f"timezone('Europe/Kyiv', ({TODAY})::timestamp)"
"""When the day began that is not over."""
OPERATIONS = [
    # a failed step of the newest night; an older night that ended later
    "update ops.run set state = 'failed', error = 'refused' where step = 'extract' and object = 'deals'",
    again("ops.run", "step = 'publish'", run_id="'older'", started_at="started_at - interval 9 day",
          finished_at="finished_at + interval 1 day", state="'failed'"),
    # 30 hours are not stale, a minute more is; a second load of the object; files that nobody changed
    f"update ops.load set window_until = {NOW} - interval 30 hour where stream = 'Lead'",
    f"update ops.load set window_until = {NOW} - interval 1801 minute where stream = 'Case'",
    again("ops.load", "stream = 'Case'", window_until="window_until - interval 9 day"),
    again("ops.load", "stream = 'deals'", window_until="window_until - interval 9 day"),
    "update ops.load set window_until = window_until - interval 9 day where source_id = 'sheets'",
    # alerts that are over, were held back, or are about something else
    again("ops.alert", "kpi_id = 'sus_score'", alert_id="'over'", kpi_id="'nps'", state="'resolved'"),
    again("ops.alert", "kpi_id = 'sus_score'", alert_id="'worse'", kpi_id="'csat_top2'", severity="'critical'"),
    again("ops.alert", "kpi_id = 'sus_score'", alert_id="'held'", kpi_id="'enps'", state="'muted'", dq_blocked="true"),
    again("ops.alert", "kpi_id = 'sus_score'", alert_id="'stale'", kpi_id="'reopen_rate'", dq_blocked="true"),
    again("ops.data_quality_finding", "rule_id = 'misfit_value' and object = 'deals'", finding_id="'a'", state="'resolved'",
          affected_kpis="['csat_top2']", severity="'blocking'"),
    again("ops.data_quality_finding", "rule_id = 'misfit_value' and object = 'deals'", finding_id="'b'", severity="'info'",
          affected_kpis="['csat_top2']"),
    again("ops.data_quality_finding", "rule_id = 'misfit_value' and object = 'deals'", finding_id="'c'",
          affected_kpis="['sus_score', 'nps']", failing_rows="null"),
    # teams: a younger week that can still change, a newest one without a value, a second rollout
    again("metrics.kpi_value", "kpi_id = 'weekly_active_user_rate' and period_grain = 'week' and segment_dim = 'team' "
          "and period_start = '2026-10-26'", period_start="period_start + 7", value="0.01", is_mature="false"),
    "update metrics.kpi_value set value = null where kpi_id = 'weekly_active_user_rate' and period_grain = 'week' "
    "and segment_value = 'team:branch-lviv' and period_start = '2026-10-26'",
    again("metrics.kpi_value", "kpi_id = 'weekly_active_user_rate' and period_grain = 'week' and segment_value = "
          "'team:branch-lviv' and period_start = '2026-10-26'", segment_value="'unknown'", value="0.5"),
    again("config.rollout", "true", rollout_id="'zz-2027'"),
    again("config.rollout_wave", "true", rollout_id="'zz-2027'", wave_id="'late'"),
    # people: on the edge of 7, 28 and 30 days, at work today only, away, and programs
    worked(0, f"{TODAY} - 28"), worked(1, f"{TODAY} - 29"), worked(2, f"{TODAY} - 30"), worked(3, f"{TODAY} - 31"),
    worked(4, TODAY), worked(5, f"{TODAY} - 2", core_actions=0),
    again("core.user_day", f"user_id = (select user_id from core.user_day where core_actions > 0 and activity_date = {TODAY} - 5 "
          "limit 1) and core_actions > 0 limit 1", activity_date=f"{TODAY} - 8"),
    "update core.app_user set is_active = false where user_id = (select max(user_id) from core.app_user where is_licensed)",
    again("core.app_user", f"user_id = {SOMEBODY}", user_id="'robot'", is_human="false"),
    again("core.app_user", f"user_id = {SOMEBODY}", user_id="'guest'", is_licensed="false"),
    # verdicts of the second rollout, and values of one CRM beside those of all
    again("evaluation.kpi_current", "true", rollout_id="'zz-2027'", verdict="'worsened'"),
    again("metrics.kpi_value", "source_id = 'all' and (segment_dim in ('priority', 'team', 'benchmarked_kpi', 'product') "
          "or kpi_id in ('npv', 'clv_simple')) and period_grain in ('month', 'quarter')", source_id="'sf'", n="n + 1"),
    # findings: about everything, about nothing known
    again("ops.data_quality_finding", "rule_id = 'misfit_value' and object = 'emails'", finding_id="'d'",
          severity="'blocking'", affected_kpis="null"),
    # comments: of customers, taken back, and without a round at the turn of a local month
    again("core.survey_response", "theme is not null and wave = '2026-09'", audience="'customer'", user_id="null"),
    again("core.survey_response", "theme is not null and wave = '2026-09'", is_deleted="true"),
    again("core.survey_response", "theme = 'speed' and wave = '2026-05'", wave="null",
          responded_at="timestamptz '2026-10-31 22:30:00+00'"),
    # leads: touched in time to the second, merged, deleted, on the edges of yesterday, without time enough
    lead("edge", f"{MIDNIGHT} - interval 9 hour", f"{MIDNIGHT} - interval 8 hour"),
    lead("late", f"{MIDNIGHT} - interval 9 hour", f"{MIDNIGHT} - interval 479 minute"),
    lead("merged", f"{MIDNIGHT} - interval 9 hour", merged=LEAD),
    lead("deleted", f"{MIDNIGHT} - interval 9 hour", deleted="true"),
    lead("first", f"{MIDNIGHT} - interval 24 hour"), lead("before", f"{MIDNIGHT} - interval 1441 minute"),
    lead("last", f"{MIDNIGHT} - interval 1 minute"), lead("after", MIDNIGHT),
]  # fmt: skip
AWKWARD_ROWS = [*OPERATIONS]
