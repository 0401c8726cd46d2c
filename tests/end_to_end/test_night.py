"""The main job as a user runs it: tables, scorecard, report; then a second night with changes, and one without."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.end_to_end.conftest import FIRST_DAY, SECOND_DAY, Night, crmlift, run_night
from tests.end_to_end.documented_queries import ASKED, FOLLOWS, queries, sections
from tests.end_to_end.exported import CORE_OF, counted, derived, derived_truth, exported, logins_of, truth
from tests.end_to_end.scramble import scramble


def test_what_people_keep_in_spreadsheets_is_there(first_night: Night) -> None:
    """Costs, plans, figures of others and the survey of employees come from the files of the source `sheets`."""
    tables = (
        "benefit_item benchmark cost_item crm_criterion crm_product crm_score forecast_submission legacy_kpi_period "
        "licence_seat quota"
    )
    for table in tables.split():
        [(rows,)] = first_night.query(f"select count(*) from config.{table}")
        assert rows, table
    [(unknown,)] = first_night.query("select count(*) from config.cost_item where amount_base is null")
    kinds = first_night.query("select distinct survey_kind from core.survey_response where source_id = 'sheets'")
    assert (unknown, {kind for (kind,) in kinds}) == (0, {"enps", "sus", "tam_pu", "pulse", "ces"})
    [(rejected,)] = first_night.query("select count(*) from ops.rejected_row where source_id = 'sheets'")
    assert rejected == 0


def test_the_night_ends_with_tables_scorecard_report_and_next_steps(first_night: Night) -> None:
    effects = first_night.query("select count(*), count(distinct kpi_id) from evaluation.kpi_effect")
    assert effects[0][0] > 0
    assert effects[0][1] >= 12
    for table in ("effect_path", "segment_effect", "mix_shift", "dose_response", "effect_factor"):
        assert first_night.query(f"select count(*) > 0 from evaluation.{table}") == [(True,)], table
    assert "improved" in first_night.printed
    assert "crmlift query" in first_night.printed
    page = (first_night.home / "report" / "index.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") or page.startswith("<!DOCTYPE html>")
    assert "win rate" in page.lower()


def test_every_load_is_reconciled_with_the_source(first_night: Night) -> None:
    wrong = first_night.query(
        "select stream, rows_in_table, rows_in_source, rows_rejected from ops.load "
        "where not coalesce(is_reconciled, true) or rows_rejected > 0"
    )
    assert wrong == []


@pytest.fixture(scope="module")
def truth_of_first_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the simulator served on the first day, as files."""
    return exported(tmp_path_factory.mktemp("truth"), FIRST_DAY)


def test_core_equals_the_exported_truth(first_night: Night, truth_of_first_day: Path) -> None:
    expected = truth(truth_of_first_day)
    assert {table: counted(first_night, table) for table in CORE_OF} == expected
    assert derived(first_night) == derived_truth(truth_of_first_day)


def test_planted_effects_are_found_and_covered(first_night: Night, truth_of_first_day: Path) -> None:
    """Durations are judged by their mean up to a limit, so that is the truth they are held against."""
    told = json.loads((truth_of_first_day / "truth.json").read_text())["truth"]
    planted = told["effects"] | told["restricted_mean"]
    large = {kpi: effect for kpi, effect in planted.items() if abs(effect) >= 0.15}
    found = {
        str(kpi): (float(str(low)), float(str(effect)), float(str(high)))
        for kpi, effect, low, high in first_night.query(
            "select kpi_id, effect_rel, effect_rel_ci_low, effect_rel_ci_high from evaluation.kpi_current "
            "where wave_id = 'all' and effect_rel is not null"
        )
    }
    assert len(large) >= 5
    for kpi, effect in large.items():
        low, estimate, high = found[kpi]
        assert estimate * effect > 0, (kpi, estimate, effect)
        assert low <= effect <= high, (kpi, low, high, effect)


def test_a_kpi_nobody_recorded_before_is_not_compared(first_night: Night) -> None:
    found = first_night.query(
        "select verdict, effect_rel from evaluation.kpi_current "
        "where kpi_id = 'weekly_active_user_rate' and wave_id = 'all'"
    )
    assert found == [("not_comparable", None)]


def test_no_personal_data_is_published(first_night: Night) -> None:
    assert first_night.query("select count(full_name) from core.app_user") == [(0,)]
    mails = first_night.query(
        "select count(*) from duckdb_columns() where database_name = 'analytics' and column_name ilike '%email%'"
    )
    assert mails == [(0,)]
    text = " ".join(str(row) for row in first_night.query("select * from core.contact limit 500"))
    assert "@" not in text


def test_every_published_column_of_core_has_a_comment(first_night: Night) -> None:
    bare = first_night.query(
        "select table_name, column_name from duckdb_columns() where database_name = 'analytics' "
        "and schema_name = 'core' and comment is null"
    )
    assert bare == []


def test_people_are_matched_across_systems(first_night: Night) -> None:
    """Managers work in both; whoever has one address is one person, in one team."""
    found = first_night.query(
        "select count(*), count(*) filter (where teams = 1) from (select count(distinct team_id) as teams "
        "from core.app_user where is_human group by person_key having count(distinct source_id) = 2)"
    )
    assert found[0][0] == found[0][1] > 20  # type: ignore[operator]


def test_both_currency_directions_give_the_same_worth(first_night: Night) -> None:
    """Salesforce's rates are divided by, HubSpot's multiplied with; the simulated company has one truth."""
    apart = first_night.query(
        "select count(*), max(abs(s.rate_to_base / h.rate_to_base - 1)) from core.fx_rate s "
        "join core.fx_rate h on s.source = 'dated_conversion_rate' and h.source = 'hubspot_exchange_rate' "
        "and s.currency_code = h.currency_code and s.valid_from = h.valid_from where s.currency_code = 'USD'"
    )
    assert apart[0][0] > 20  # type: ignore[operator]
    assert apart[0][1] < 1e-5  # type: ignore[operator]


def test_margins_are_known_where_costs_are(first_night: Night) -> None:
    found = first_night.query(
        "select currency_code, count(*), min(gross_margin_pct), max(gross_margin_pct) from core.opportunity "
        "where gross_margin_pct is not null group by all order by all"
    )
    assert [row[0] for row in found] == ["EUR", "UAH", "USD"]
    assert sum(row[1] for row in found) > 1000  # type: ignore[misc]
    assert all(0.2 < row[2] < row[3] < 0.85 for row in found)  # type: ignore[operator]
    apart = first_night.query(
        "select count(*), count(*) filter (where (gross_margin_base is null) <> (o.gross_margin_pct is null) "
        "or abs(gross_margin_base - t.amount_base * o.gross_margin_pct) > 0.01) "
        "from core.customer_transaction t join core.opportunity o on o.opportunity_id = t.transaction_id"
    )
    assert apart[0][0] > 1000  # type: ignore[operator]
    assert apart[0][1] == 0


def test_every_question_is_answered_or_waits_for_its_table() -> None:
    assert set(sections()) == ASKED
    for question, text in sections().items():
        assert (question in queries()) != (FOLLOWS in text), question


def test_a_second_night_changes_nothing_and_shuts_no_analyst_out(first_night: Night) -> None:
    values = "select * exclude (run_id, computed_at) from metrics.kpi_value order by all"
    effects = "select * exclude (run_id, computed_at) from evaluation.kpi_effect order by all"
    before = {sql: set(map(repr, first_night.query(sql))) for sql in (values, effects)}
    again = run_night(first_night.home, "--as-of", FIRST_DAY, "--direct")
    for sql, rows in before.items():
        assert len(rows.symmetric_difference(map(repr, again.query(sql)))) == 0
    newest = "(select run_id from ops.run where step = 'load' order by finished_at desc limit 1)"
    loaded = again.query(
        f"select sum(rows_in), sum(rows_out) from ops.run where step = 'load' and object <> '' and run_id = {newest}"
    )
    assert loaded[0][1] == 0
    assert again.reads > 20
    assert again.failures == []
    assert first_night.failures == []


@pytest.fixture(scope="module")
def later(first_night: Night, tmp_path_factory: pytest.TempPathFactory) -> Night:
    """The next night, after a copy of the first one: other tests look at that day."""
    home = tmp_path_factory.mktemp("later") / "home"
    shutil.copytree(first_night.home, home)
    return run_night(home, "--as-of", SECOND_DAY, "--direct")


def test_a_later_night_follows_changes_deletions_and_new_records(
    later: Night, truth_of_first_day: Path, tmp_path: Path
) -> None:
    truth_of_second_day = exported(tmp_path / "truth", SECOND_DAY)
    expected = truth(truth_of_second_day)
    assert expected != truth(truth_of_first_day)
    expected["login_event"] = logins_of(truth_of_first_day, truth_of_second_day)
    assert {table: counted(later, table) for table in CORE_OF} == expected
    assert derived(later) == derived_truth(truth_of_second_day)
    looks = "select look, max(as_of) from evaluation.kpi_effect group by all"
    newest = {str(look): str(day) for look, day in later.query(looks)}
    assert newest["provisional"] == SECOND_DAY
    assert newest["26w"] < FIRST_DAY


@pytest.mark.slow
def test_a_rebuild_from_shuffled_and_doubled_pages_gives_the_same(later: Night, tmp_path: Path) -> None:
    home = tmp_path / "copy"
    shutil.copytree(later.home, home)
    copied = Night(home, "", "", 0, [])
    queries = [
        f"select * exclude (run_id, computed_at) from {t}" for t in ("metrics.kpi_value", "evaluation.kpi_effect")
    ]
    queries += [f"select * from {t}" for t in ("metrics.kpi", "core.opportunity_snapshot", "core.user_day")]
    before = {sql: set(map(repr, copied.query(sql))) for sql in queries}
    assert scramble(home / "landing") > 100
    done = crmlift("rebuild", home=home, CRMLIFT_CONFIG=str(home / "demo.yml"))
    assert done.returncode == 0, done.stderr
    for sql, rows in before.items():
        assert len(rows.symmetric_difference(map(repr, copied.query(sql)))) == 0
