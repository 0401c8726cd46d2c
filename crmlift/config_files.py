"""What people bring along, as config tables: sections of `crmlift.yml` first, then the files mapped to them.

Periods are half-open here as everywhere: period_end and valid_to are the first day after. Where a section and a file,
or two files, name the same key, the first one counts.
"""

from __future__ import annotations

from typing import Any

import duckdb

from crmlift.raw_reading import Readings
from crmlift.settings import Settings

_TEAM = (
    "case when starts_with(lower({0}), 'team:') then {0} else 'team:' || nullif(trim(regexp_replace(lower({0}), "
    "'[^\\p{{L}}\\p{{N}}]+', '-', 'g'), '-'), '') end"
)
_ROLLOUT = "coalesce(rollout_id, (select rollout_id from config.rollout order by rollout_id limit 1)) as rollout_id"
_MONTH = "coalesce(period_end, cast(period_start + interval 1 month as date)) as period_end"

FROM_FILES: dict[str, tuple[str, str]] = {
    "cost_item": (
        "cost_item",
        f"id as cost_id, {_ROLLOUT}, category, period_start, {_MONTH}, "
        "coalesce(amount, hours * hourly_rate) as amount_native, "
        "coalesce(upper(currency), $currency) as currency_code, hours, "
        "hourly_rate as hourly_rate_base, coalesce(is_incremental, true) as is_incremental, "
        "coalesce(is_one_off, false) as is_one_off, certainty, coalesce(source_ref, source_file) as source_ref",
    ),
    "benefit_item": (
        "benefit_item",
        f"id as benefit_id, {_ROLLOUT}, kpi_id, mechanism, unit_value as unit_value_base, attribution_low, "
        "attribution_mode, attribution_high, risk_adjustment, evidence",
    ),
    "licence_seat": (
        "licence_seat",
        f"{_ROLLOUT}, source as source_id, valid_from, valid_to, seats as seats_purchased",
    ),
    "quota": (
        "quota",
        f"owner as owner_id, {_TEAM.format('team')} as team_id, period_start, {_MONTH}, quota as quota_base",
    ),
    "forecast_submission": (
        "forecast_submission",
        f"{_TEAM.format('team')} as team_id, period_start, {_MONTH}, coalesce(submitted_at, "
        "timezone($timezone, cast(submitted_date as timestamp))) as submitted_at, basis, forecast as forecast_base",
    ),
    "benchmark": (
        "benchmark",
        "id as benchmark_id, kpi_id, definition_match, industry, region, company_size, sales_motion, statistic, "
        "value_low, value, value_high, unit, sample_n, period_from, period_to, publisher, is_vendor, source_url, "
        "retrieved_on, quality_grade, expires_on, note",
    ),
    "rollout_wave": (
        "rollout_wave",
        "wave as wave_id, rollout_id, coalesce(scope_type, 'team') as scope_type, case when coalesce(scope_type, "
        f"'team') = 'team' then {_TEAM.format('scope_value')} else scope_value end as scope_value, "
        "go_live as go_live_date, coalesce(learning_days, 60) as learning_days, "
        "coalesce(is_control, go_live is null) as is_control",
    ),
    "goal_target": (
        "goal_target",
        "id as goal_id, rollout_id, family as goal_family, kpi_id, statement, target_change as target_change_rel, "
        "target_date, min_important_change, coalesce(weight, 1) as weight",
    ),
    "crm_product": (
        "crm_product",
        "id as product_id, name, vendor, edition, priced_on, tco_3y as tco_3y_base, switch_cost as switch_cost_base",
    ),
    "crm_criterion": (
        "crm_criterion",
        "id as criterion_id, parent as parent_id, name_en, name_uk, weight, weight_low, weight_high, "
        "coalesce(is_must_have, false) as is_must_have, scale_min, scale_max",
    ),
    "crm_score": (
        "crm_score",
        "product as product_id, criterion as criterion_id, coalesce(rater, 'all') as rater, score, evidence_kind, "
        "evidence_url, scored_on",
    ),
    "legacy_kpi_period": (
        "legacy_kpi_period",
        f"kpi_id, period_start, {_MONTH}, case when segment is null or lower(segment) = 'all' then 'all' "
        f"when starts_with(lower(segment), 'team:') then {_TEAM.format('substr(segment, 6)')} "
        "else segment end as segment_key, numerator, denominator, value, n, "
        "definition_note, coalesce(comparability, 'same') as comparability, coalesce(evidence_ref, source_file) "
        "as evidence_ref",
    ),
}
"""config table → raw table it is filled from, and how. Rollouts and goals of the settings file are kept."""

_KEPT = ("rollout_wave", "goal_target")
_WITHOUT_KEY = ("licence_seat", "quota", "forecast_submission")


def fill_inputs(connection: duckdb.DuckDBPyConnection, settings: Settings, readings: Readings) -> None:
    """Replace costs, benefits, seats, quotas … by what the settings and the files say now.

    A row of a period whose beginning is unknown belongs to no period and is left out.
    """
    for table in FROM_FILES:
        if table not in _KEPT:
            connection.execute(f"delete from config.{table}")
    _fill_costs(connection, settings)
    _fill_benefits(connection, settings)
    _fill_benchmarks(connection, settings)
    present = {
        name
        for (name,) in connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'raw_files'"
        ).fetchall()
    }
    given = {"currency": settings.company.currency, "timezone": settings.company.timezone}
    for table, (raw, columns) in FROM_FILES.items():
        if raw in present:
            bound = {name: value for name, value in given.items() if f"${name}" in columns}
            dated = "and period_start is not null" if "period_start" in columns else ""
            connection.execute(
                f"insert {'' if table in _WITHOUT_KEY else 'or ignore'} into config.{table} by name select {columns} "
                f"from (select * from {readings.of(f'raw_files.{raw}')} where not _deleted {dated} "
                "order by _source_id, id)",
                bound,
            )


def convert_costs(connection: duckdb.DuckDBPyConnection, currency: str) -> None:
    """Costs in the base currency, at the rates of core of the day they began; without a rate they stay unknown."""
    connection.execute(
        "update config.cost_item set amount_base = amount_native where amount_base is null and currency_code = ?",
        [currency],
    )
    connection.execute(
        "update config.cost_item as c set amount_base = c.amount_native * r.rate from ("
        "select c.cost_id, min(r.rate_to_base) as rate from config.cost_item as c inner join core.fx_rate as r "
        "on r.currency_code = c.currency_code and r.valid_from <= c.period_start and r.valid_to > c.period_start "
        "group by c.cost_id) as r where r.cost_id = c.cost_id and c.amount_base is null"
    )


def name_owners(connection: duckdb.DuckDBPyConnection, salt: str) -> None:
    """Owners of quotas as user ids: people write an id of the CRM, an e-mail address or a name.

    A name that two people have, or nobody, stays as it was written: its quota counts for no team but one given with it.
    """
    connection.execute(
        "update config.quota as q set owner_id = f.user_id from ("
        "select o.owner_id, coalesce(min(u.user_id) filter (where u.native_id = o.owner_id "
        "or u.owner_native_id = o.owner_id), min(u.user_id) filter (where u.person_key = o.person_key), "
        "case when count(distinct coalesce(u.person_key, u.user_id)) filter (where u.name = o.name) = 1 "
        "then min(u.user_id) filter (where u.name = o.name) end) as user_id "
        "from (select distinct owner_id, sha256(? || lower(trim(owner_id))) as person_key, "
        "lower(trim(owner_id)) as name from config.quota where owner_id is not null) as o "
        "inner join (select *, lower(trim(full_name)) as name from core.app_user where is_human) as u "
        "on o.owner_id in (u.native_id, u.owner_native_id) or u.person_key = o.person_key or u.name = o.name "
        "where o.owner_id not in (select user_id from core.app_user) group by o.owner_id) as f "
        "where f.owner_id = q.owner_id and f.user_id is not null",
        [salt],
    )


def _fill_costs(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    rows: list[tuple[Any, ...]] = []
    for cost in settings.costs:
        start = cost.period_start
        following = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1, day=1)
        amount = cost.amount if cost.amount is not None else (cost.hours or 0) * (cost.hourly_rate or 0)
        rows.append((
            cost.id, cost.rollout, cost.category, start, cost.period_end or following, amount,
            cost.currency or settings.company.currency, None, cost.hours, cost.hourly_rate, cost.incremental,
            cost.one_off, cost.certainty, cost.source,
        ))  # fmt: skip
    _insert(connection, "cost_item", rows)


def _fill_benefits(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    rows = [
        (b.id, b.rollout, b.kpi, b.mechanism, b.unit_value, b.attribution_low, b.attribution, b.attribution_high,
         b.risk_adjustment, b.evidence)
        for b in settings.benefits
    ]  # fmt: skip
    _insert(connection, "benefit_item", rows)


def _fill_benchmarks(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    rows = [
        (b.id, b.kpi, b.definition_match, b.industry, b.region, b.company_size, b.sales_motion, b.statistic,
         b.value_low, b.value, b.value_high, b.unit, b.sample_n, b.period_from, b.period_to, b.publisher, b.is_vendor,
         b.source_url, b.retrieved_on, b.quality_grade, b.expires_on, b.note)
        for b in settings.benchmarks
    ]  # fmt: skip
    _insert(connection, "benchmark", rows)


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        marks = ", ".join("?" for _ in rows[0])
        connection.executemany(f"insert into config.{table} values ({marks})", rows)
