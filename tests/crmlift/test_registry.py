"""The registry: reading, overrides, versions, and what its check finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmlift.errors import ConfigurationFailure
from crmlift.places import MODELS
from crmlift.registry import Kpi, kpi_lineage, kpis_by_table, load_registry
from crmlift.registry_check import check_registry
from crmlift.sql_models import load_models
from tests.golden import warehouse

YML = """
name: {en: Deals, uk: Угоди}
question: {en: How many?, uk: Скільки?}
family: sales
unit: deals
direction: higher
stat_type: proportion
entity: core.opportunity
event_time: created_at
formula: count
params: {h_days: 30}
horizon_days: h_days
segments: [all, team]
"""
SQL = """
select opportunity_id as unit_id, created_at as event_at, owner_id, team_id, 1.0 as num, 1.0 as den,
    created_at + to_days(cast($h_days as integer)) <= $as_of as observed, source_id
from core.opportunity
"""


def registry(tmp_path: Path, yml: str = YML, sql: str = SQL, **overrides: dict[str, object]) -> list[Kpi]:
    folder = tmp_path / "sales"
    folder.mkdir(exist_ok=True)
    (folder / "deals.yml").write_text(yml, encoding="utf-8")
    (folder / "deals.sql").write_text(sql, encoding="utf-8")
    return load_registry(tmp_path, overrides)


def problems(kpis: list[Kpi]) -> str:
    with warehouse() as connection:
        return "\n".join(check_registry(kpis, load_models(MODELS), connection))


def test_the_shipped_registry_is_sound() -> None:
    kpis = load_registry()
    assert problems(kpis) == ""
    assert {k.kpi_id for k in kpis} >= {
        "won_revenue", "won_deals", "win_rate", "cohort_win_rate", "avg_deal_size", "sales_cycle_days",
        "lead_conversion_rate", "lead_response_minutes", "first_response_minutes", "resolution_hours",
        "weekly_active_user_rate", "activity_capture_rate",
    }  # fmt: skip


def test_parameters_come_from_the_file_or_the_settings(tmp_path: Path) -> None:
    (kpi,) = registry(tmp_path)
    (changed,) = registry(tmp_path, deals={"h_days": 90})
    assert (kpi.horizon_days, changed.horizon_days) == (30, 90)
    assert changed.bound({"as_of": "now", "timezone": "UTC"}) == {"h_days": 90, "as_of": "now"}


@pytest.mark.parametrize("overrides", [{"deals": {"days": 9}}, {"no_such_kpi": {"h_days": 9}}])
def test_an_override_that_fits_nothing_is_refused(tmp_path: Path, overrides: dict[str, dict[str, object]]) -> None:
    with pytest.raises(ConfigurationFailure, match="parameters it does not have"):
        registry(tmp_path, **overrides)


def test_the_version_changes_with_the_meaning_only(tmp_path: Path) -> None:
    (first,) = registry(tmp_path)
    version = first.definition_version
    same_sql = "-- another comment\n" + SQL.upper().replace("$H_DAYS", "$h_days").replace("$AS_OF", "$as_of")
    assert registry(tmp_path, sql="-- a comment\n" + SQL.replace("\n", "\n  "))[0].definition_version == version
    assert registry(tmp_path, yml=YML.replace("How many?", "How many deals?"))[0].definition_version == version
    assert registry(tmp_path, sql=same_sql)[0].definition_version != version
    assert registry(tmp_path, deals={"h_days": 31})[0].definition_version != version
    assert registry(tmp_path, yml=YML.replace("proportion", "ratio"))[0].definition_version != version
    assert registry(tmp_path, sql=SQL.replace("1.0 as num", "2.0 as num"))[0].definition_version != version


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("owner_id, team_id", "team_id, owner_id", "must select unit_id, event_at, owner_id, team_id"),
        ("source_id\n", "source_id, deal_type\n", "column deal_type is not listed in segments"),
        ("$h_days", "$other", "parameter $other is given by nobody"),
        ("$h_days", "30", "parameter h_days is not used"),
        ("core.opportunity", "core.deal", "reads core.deal, which no model makes"),
        ("core.opportunity", "staging.salesforce_opportunity", "a KPI reads core and config only"),
        ("1.0 as num", "'one' as num", "column num is VARCHAR, not DOUBLE"),
        ("created_at as event_at", "cast(created_at as date) as event_at", "column event_at is DATE"),
        ("owner_id, team_id", "nobody as owner_id, team_id", "does not run"),
    ],
)
def test_check_finds_wrong_sql(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert problem in problems(registry(tmp_path, sql=SQL.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("segments: [all, team]", "segments: [all, colour]", "segment colour is not a column"),
        ("segments:", "guard: nobody\nsegments:", "its guard nobody is no KPI"),
        ("segments:", "guard: deals\nsegments:", "it is its own guard"),
        ("segments:", "is_input: true\nguard: deals\nsegments:", "a part of composites only"),
        ("segments:", "factors: [nobody]\nsegments:", "its factor nobody is no KPI"),
        ("proportion", "snapshot_ratio", "give no_effect: snapshot"),
        ("proportion", "model", "only a model, names a function"),
        ("horizon_days: h_days", "horizon_days: d_days", "its horizon names d_days"),
        ("segments:", "alert: {template: prop_dorp}\nsegments:", "no template of prop_drop"),
        ("segments:", "alert: {k: 6}\nsegments:", "no template of prop_drop"),
        (
            "segments:",
            "alert: {template: prop_drop, min_rel: 0.1}\nsegments:",
            "min_rel, which prop_drop does not know",
        ),
        ("segments:", "alert: {template: prop_drop, k: many}\nsegments:", "alert's k is no number"),
        ("segments:", "alert: {template: level, warn: 2}\nsegments:", "its alert needs crit"),
        ("segments:", "alert: {template: dur_up, k: 6}\nsegments:", "dur_up does not suit a proportion"),
    ],
)
def test_check_finds_wrong_references(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert problem in problems(registry(tmp_path, yml=YML.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (", uk: Угоди", ", uk: ''", "name.uk"),
        (", uk: Угоди", "", "name"),
        (", uk: Скільки?", "", "question"),
        ("direction: higher", "direction: sideways", "direction"),
        ("segments: [all, team]", "segments: [all, team]\nmin_important_change: 0", "min_important_change"),
        ("unit: deals\n", "", "unit"),
        ("stat_type: proportion", "stat_type: guess", "stat_type"),
        ("family: sales", "family: sales\ncolour: red", "colour"),
    ],
)
def test_a_wrong_definition_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigurationFailure, match=said):
        registry(tmp_path, yml=YML.replace(old, new))


def test_check_finds_a_part_that_lacks_a_segment_of_its_composite(tmp_path: Path) -> None:
    registry(tmp_path)
    composite = YML.replace("proportion", "composite").replace("params: {h_days: 30}\nhorizon_days: h_days\n", "")
    (tmp_path / "sales" / "twice.yml").write_text(
        composite.replace("all, team", "all, team, wave") + "expr: deals * 2\nno_effect: composite\n"
    )
    assert problems(load_registry(tmp_path)) == "twice: its part deals is not split by wave, as it is"


def test_check_finds_a_grain_that_does_not_hold(tmp_path: Path) -> None:
    """Two deals of one account under one unit_id."""
    (kpi,) = registry(tmp_path, sql=SQL.replace("opportunity_id as unit_id", "account_id as unit_id"))
    with warehouse() as connection:
        connection.execute(
            "insert into core.opportunity by name select unnest(['sf:1', 'sf:2']) as opportunity_id, 'sf:a' as account_id, "
            "'sf' as source_id, timestamptz '2026-01-01 00:00:00+00' as created_at"
        )
        assert check_registry([kpi], load_models(MODELS), connection) == [
            "deals: its unit_id is not unique: 'sf:a' comes 2 times"
        ]


def test_both_languages_are_given_everywhere() -> None:
    for kpi in load_registry():
        assert set(kpi.definition.name) == set(kpi.definition.question) == {"en", "uk"}


def test_lineage_and_what_a_raw_table_feeds() -> None:
    models = load_models(MODELS)
    kpis = load_registry()
    win_rate = next(k for k in kpis if k.kpi_id == "win_rate")
    assert "raw_salesforce.Opportunity" in kpi_lineage(win_rate, models).names()
    feeds = kpis_by_table(kpis, models)
    assert "win_rate" in feeds["staging.salesforce_opportunity"]
    assert "win_rate" not in feeds["staging.hubspot_feedback_submissions"]
    assert "nps" in feeds["staging.hubspot_feedback_submissions"]
