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
    f"update ops.load set window_until = {NOW} - interval 500 hour where stream in ('companies', 'User', 'Account')",
    again("ops.load", "stream = 'Case'", window_until="window_until - interval 9 day"),
    again("ops.load", "stream = 'deals'", window_until="window_until - interval 9 day"),
    "update ops.load set window_until = window_until - interval 9 day where source_id = 'sheets'",
    # alerts that are over, were held back, or are about something else
    again("ops.alert", "kpi_id = 'sus_score'", alert_id="'over'", kpi_id="'nps'", state="'resolved'"),
    again("ops.alert", "kpi_id = 'sus_score'", alert_id="'worse'", kpi_id="'csat_top2'", severity="'critical'"),
    again("ops.alert", "kpi_id = 'sus_score'", alert_id="'held'", kpi_id="'enps'", state="'muted'", dq_blocked="true"),
    again("ops.alert", "kpi_id = 'sus_score'", alert_id="'stale'", kpi_id="'reopen_rate'", dq_blocked="true"),
    again("ops.alert", "kpi_id = 'sus_score'", alert_id="'mild'", kpi_id="'ces_mean'", severity="'info'"),
    again("ops.alert", "kpi_id = 'sus_score'", alert_id="'first'", kpi_id="'win_rate'", fired_at="fired_at - interval 9 day"),
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
    again("metrics.kpi_value", "kpi_id = 'weekly_active_user_rate' and period_grain = 'week' and segment_dim = 'team' "
          "and period_start = '2026-10-26'", period_start="period_start + 1", period_grain="'month'", value="0.02"),
    again("config.rollout", "true", rollout_id="'zz-2027'"),
    again("config.rollout_wave", "true", rollout_id="'zz-2027'", wave_id="'late'"),
    again("config.rollout_wave", "wave_id = 'w1'", scope_type="'region'", wave_id="'w9'"),
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
    again("evaluation.kpi_current", "kpi_id = 'resolution_hours' and wave_id = 'w2'", wave_id="'a-first'"),
    again("metrics.kpi_value", "source_id = 'all' and (segment_dim in ('priority', 'team', 'benchmarked_kpi', 'product') "
          "or kpi_id in ('npv', 'clv_simple')) and period_grain in ('month', 'quarter')", source_id="'sf'", n="n + 1"),
    # findings: about everything, about nothing known
    again("ops.data_quality_finding", "rule_id = 'misfit_value' and object = 'emails'", finding_id="'d'",
          severity="'blocking'", affected_kpis="null"),
    again("ops.data_quality_finding", "rule_id = 'misfit_value' and object = 'emails'", finding_id="'e'",
          severity="'blocking'", affected_kpis="['won_deals']"),
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
    lead("last", f"{MIDNIGHT} - interval 30 minute"), lead("too young", f"{MIDNIGHT} - interval 29 minute"),
    lead("after", MIDNIGHT),
]  # fmt: skip
ANALYSTS = [
    # looks at an earlier definition, of the second rollout, none yet; tonight's estimate without one
    again("evaluation.kpi_effect", "kpi_id = 'win_rate' and look = '13w' and wave_id = 'all' and segment_dim = 'all'",
          definition_version="'before'", verdict="'worsened'", as_of="as_of - 90"),
    again("evaluation.kpi_effect", "look = '13w' and wave_id = 'all'", rollout_id="'zz-2027'", verdict="'worsened'"),
    "delete from evaluation.kpi_effect where kpi_id = 'won_deals' and look <> 'provisional'",
    # a team too small to show
    "update metrics.kpi_value set numerator = null, denominator = null, value = null, n = null, status = 'suppressed' "
    "where kpi_id = 'win_rate' and segment_value = 'team:branch-lviv' and period_grain = 'quarter' "
    "and period_start = '2025-10-01'",
    again("evaluation.kpi_effect", "kpi_id = 'nps' and look = '13w' and wave_id = 'all'", look="'52w'", as_of="as_of - 400"),
    # records of which only the running period tells; months that stay unknown
    again("metrics.kpi_value", "kpi_id = 'win_rate' and period_grain = 'month' and segment_dim = 'all' and source_id = 'all' "
          "and period_start = '2025-03-01'", kpi_id="'old_and_open'", is_mature="false", n_censored="4"),
    again("metrics.kpi_value", "kpi_id = 'win_rate' and period_grain = 'month' and segment_dim = 'all' and source_id = 'all' "
          "and period_start = '2025-03-01'", kpi_id="'old_and_partial'", is_mature="false"),
    again("metrics.kpi_value", "kpi_id = 'win_rate' and period_grain = 'month' and segment_dim = 'all' and source_id = 'all' "
          "and period_start = '2025-03-01'", kpi_id="'old_today'", is_mature="false", mature_after=TODAY),
    again("evaluation.segment_effect", "kpi_id = 'win_rate' and look = '26w'", rollout_id="'zz-2027'", as_of="as_of + 30"),
    again("evaluation.segment_effect", "kpi_id = 'win_rate' and look = '26w'", look="'13w'", as_of="as_of - 91",
          pooled_effect="9"),
    again("evaluation.segment_effect", "kpi_id = 'win_rate' and look = '26w' and rollout_id <> 'zz-2027'",
          segment_dim="'region'", pooled_effect="-2 * pooled_effect"),
    # days somebody typed; a deal left out for two reasons
    "update core.opportunity set close_basis = 'close_date_field' where status = 'lost' and owner_id like '%7AAA'",
    "update core.opportunity set exclude_reason = 'test', is_countable = false where is_deleted and source_id = 'hs'",
    "update core.opportunity set amount_base = null where exclude_reason = 'test'",
    again("config.legacy_kpi_period", "period_start <> '2025-01-01'", segment_key="'team:branch-lviv'",
          definition_note="'net of tax'"),
    again("config.legacy_kpi_period", "period_start = '2025-04-01'", segment_key="'team:branch-kyiv'",
          definition_note="'gross'"),
    again("config.legacy_kpi_period", "segment_key = 'all'", kpi_id="'won_deals'", comparability="'adjusted'"),
    again("metrics.kpi_definition", "kpi_id = 'win_rate'", definition_version="'before'",
          first_used_at="first_used_at - interval 90 day"),
    "insert into metrics.kpi_value_superseded by name select *, now() as superseded_at from metrics.kpi_value "
    "where kpi_id in ('win_rate', 'won_deals') and period_grain = 'year'",
    "update metrics.kpi_value_superseded set definition_version = 'before' where segment_dim = 'all'",
]  # fmt: skip
FINANCE = [
    # costs: of the second rollout, in hours, of unknown size, over a year, over a part of the month, in another month
    again("config.cost_item", "category = 'training'", rollout_id="'zz-2027'", cost_id="'z-' || cost_id"),
    again("config.cost_item", "category = 'internal_labour'", cost_id="'hours'", amount_base="null", hours="44"),
    again("config.cost_item", "category = 'training'", cost_id="'unknown'", amount_base="null", hours="44"),
    again("config.cost_item", "cost_id = 'LIC-001'", cost_id="'year'", period_start="date '2026-04-01'",
          period_end="date '2027-04-01'"),
    again("config.cost_item", "cost_id = 'LIC-001'", cost_id="'part'", period_start="date '2026-09-20'",
          period_end="date '2026-10-11'"),
    again("config.cost_item", "cost_id = 'LIC-001'", cost_id="'one day'", period_start="date '2026-10-20'", period_end="null"),
    again("config.cost_item", "cost_id = 'LIC-001'", cost_id="'later'", period_start="date '2026-11-01'",
          period_end="date '2026-12-01'", amount_base="null"),
    # values of a part, of a longer period, of another KPI with the same parts
    again("metrics.kpi_value", "kpi_id in ('npv', 'clv_simple') and source_id = 'all' and segment_dim = 'all'",
          period_grain="'quarter'"),
    again("metrics.kpi_value", "kpi_id in ('npv', 'licence_utilisation') and source_id = 'all' and period_grain = 'month'",
          segment_dim="'team'", period_start="period_start + 1", numerator="1"),
    again("metrics.kpi_value", "kpi_id = 'licence_utilisation' and source_id = 'all' and period_grain = 'month' "
          "and segment_dim = 'all'", source_id="'hs'", period_start="period_start + 1", numerator="2"),
    again("metrics.kpi_value", "kpi_id = 'clv_simple' and segment_dim <> 'all' and period_start = '2026-01-01'",
          period_start="period_start + 1", value="null"),
    *(
        again("metrics.kpi_value", f"segment_dim = '{part}' and source_id = 'all' and period_grain = 'month' and kpi_id = '{kpi}'",
              **changed)
        for part, kpi in (("benchmarked_kpi", "benchmark_gap"), ("product", "crm_fit_score"))
        for changed in ({"kpi_id": "'another'"}, {"period_grain": "'quarter'"}, {"segment_dim": "'team'"})
    ),
    # an estimate that is no verdict, goals of unlike weight, and of every verdict
    "update evaluation.kpi_current set look = 'provisional', verdict = 'improved' where kpi_id = 'won_revenue'",
    "update config.goal_target set weight = 2.5 where goal_id = 'win-more'",
    *(
        again("config.goal_target", "goal_id = 'win-more'", goal_id=f"'{kpi_id}'", kpi_id=f"'{kpi_id}'", weight="0.7")
        for kpi_id in ("weekly_active_user_rate", "opp_field_completeness", "csat_top2", "nobody_judged_it")
    ),
    again("config.goal_target", "goal_id = 'win-more'", goal_id="'win-again'", goal_family="'process'", weight="0.4"),
    "update evaluation.kpi_current set verdict = 'worsened' where kpi_id = 'csat_top2'",
    again("config.goal_target", "true", rollout_id="'zz-2027'", weight="9"),
    again("config.benefit_item", "true", rollout_id="'zz-2027'", benefit_id="'z-' || benefit_id"),
    # benchmarks: worse, older, expired, of another unit or definition
    again("config.benchmark", "benchmark_id = 'ex-win'", benchmark_id="'worse'", quality_grade="'D'", value="0.1"),
    again("config.benchmark", "benchmark_id = 'ex-win'", benchmark_id="'aged'", retrieved_on="retrieved_on - 90", value="0.2"),
    again("config.benchmark", "benchmark_id = 'ex-win'", benchmark_id="'expired'", definition_match="'exact'",
          expires_on="date '2026-11-01'", value="0.3"),
    again("config.benchmark", "benchmark_id = 'ex-win'", benchmark_id="'other'", definition_match="'exact'", unit="'hours'"),
    again("config.benchmark", "benchmark_id = 'ex-win'", benchmark_id="'loose'", definition_match="'loose'",
          quality_grade="'A'", value="0.5"),
    again("config.benchmark", "benchmark_id = 'ex-csat'", benchmark_id="'close'", definition_match="'close'",
          quality_grade="'A'", value="0.6"),
    again("config.benchmark", "benchmark_id = 'ex-csat'", benchmark_id="'today'", expires_on="date '2026-11-02'",
          quality_grade="'B'", value="0.7"),
    again("config.benchmark", "benchmark_id = 'ex-cycle'", benchmark_id="'nothing'", definition_match="'exact'", value="0"),
    "update config.crm_product set switch_cost_base = null where product_id = 'alt'",
]  # fmt: skip
EARLY = f"update metrics.kpi set complete_until = {MIDNIGHT} + interval 30 minute"
"""The data end half an hour after midnight: a lead of yesterday may still have time."""
AWKWARD_ROWS = [*OPERATIONS, *ANALYSTS, *FINANCE, EARLY]
