"""`crmlift kpi`: a new KPI passes its own check and test, the check finds what is wrong, show tells the whole."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from crmlift.cli.main import app
from crmlift.errors import UsageFailure
from crmlift.kpi_scaffold import TYPES, scaffold
from crmlift.places import MODELS
from crmlift.registry import load_registry
from crmlift.registry_check import check_registry
from crmlift.sql_models import load_models
from tests.golden import compare, warehouse
from tests.metrics_kpis.cases import bound, missing_cases, units


@pytest.mark.parametrize("stat_type", TYPES)
def test_a_new_kpi_is_sound_and_its_golden_test_passes(tmp_path: Path, stat_type: str) -> None:
    written = scaffold("demo_figure", "sales", stat_type, registry=tmp_path / "kpis", golden=tmp_path / "golden")
    assert [path.name for path in written] == [
        "demo_figure.yml", "demo_figure.sql", "given.core.opportunity.csv", "expect.csv",
    ]  # fmt: skip
    (kpi,) = load_registry(tmp_path / "kpis")
    with warehouse() as connection:
        assert check_registry([kpi], load_models(MODELS), connection) == []
        assert missing_cases(connection, kpi, tmp_path / "golden" / "demo_figure") == []
        compare(connection, units(kpi), tmp_path / "golden" / "demo_figure", bound(kpi))


@pytest.mark.parametrize(
    ("kpi_id", "family", "stat_type", "said"),
    [
        ("Win Rate", "sales", "proportion", "no KPI id"),
        ("win_rate", "sales", "proportion", "is there already"),
        ("other", "shared", "proportion", "no family"),
        ("other", "sales", "guess", "no type 'guess'"),
    ],
)
def test_what_cannot_be_started_is_refused(tmp_path: Path, kpi_id: str, family: str, stat_type: str, said: str) -> None:
    (tmp_path / "kpis" / "process").mkdir(parents=True)
    (tmp_path / "kpis" / "process" / "win_rate.yml").touch()
    with pytest.raises(UsageFailure, match=said):
        scaffold(kpi_id, family, stat_type, registry=tmp_path / "kpis", golden=tmp_path / "golden")
    assert not (tmp_path / "golden").exists()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CRMLIFT_HOME", str(tmp_path))
    monkeypatch.delenv("CRMLIFT_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["kpi", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_all_53_are_listed_and_their_parts_are_not(home: Path) -> None:
    listed = json.loads(run("list", "--json"))
    assert len(listed) == 53
    assert not {"closed_opportunities", "monthly_core_action_users"} & {row["kpi_id"] for row in listed}


def test_show_tells_what_a_composite_is_made_of(home: Path) -> None:
    told = json.loads(run("show", "clv_simple", "--json"))
    assert set(told["lineage"]) == {"annual_margin_per_customer", "customer_retention_rate"}
    assert "raw_salesforce.Opportunity" in told["lineage"]["customer_retention_rate"]
    assert told["expr"].startswith("annual_margin_per_customer *")
    assert (told["values"], told["versions"]) == ([], [])


def test_show_tells_the_last_values_and_versions(home: Path) -> None:
    with duckdb.connect(str(home / "analytics.duckdb")) as connection:
        connection.execute(
            "create schema metrics; create table metrics.kpi_value as select 'crm_fit_score' as kpi_id, "
            "'month' as period_grain, date '2026-10-01' as period_start, 'product' as segment_dim, 'sf' as segment_value, "
            "'all' as source_id, 75.5 as value, 70.0 as ci_low, 80.0 as ci_high, 3 as n, 'ok' as status, null as reason; "
            "create table metrics.kpi_definition as select 'crm_fit_score' as kpi_id, v as definition_version, "
            "'{}'::json as parameters, timestamptz '2026-01-01 00:00:00+00' as first_used_at, "
            "timestamptz '2026-01-01 00:00:00+00' + to_days(i::integer) as last_used_at "
            "from (values ('older', 1), ('newer', 2)) as t(v, i)"
        )
    told = json.loads(run("show", "crm_fit_score", "--json"))
    assert [(row["segment"], row["value"]) for row in told["values"]] == [("sf", 75.5)]
    assert [row["definition_version"] for row in told["versions"]] == ["newer", "older"]
    printed = run("show", "crm_fit_score")
    assert "Versions of the definition" in printed
    assert "config.crm_score" in printed


def test_show_ends_where_the_records_end(home: Path) -> None:
    """Records of 2017 measured today: years of empty months come after them."""
    with duckdb.connect(str(home / "analytics.duckdb")) as connection:
        connection.execute(
            "create schema metrics; create schema ops; create table metrics.kpi_value as select 'win_rate' as kpi_id, "
            "'month' as period_grain, cast(m as date) as period_start, 'all' as segment_dim, 'all' as segment_value, "
            "'all' as source_id, case when m < '2018-01-01' then 0.6 end as value, null as ci_low, null as ci_high, "
            "case when m < '2018-01-01' then 40 else 0 end as n, 'ok' as status, null as reason "
            "from generate_series(timestamp '2017-01-01', timestamp '2026-10-01', interval 1 month) as s(m); "
            "create table ops.load as select timestamptz '2026-11-02 00:00:00+00' as window_until"
        )
    told = json.loads(run("show", "win_rate", "--json"))
    assert [row["period_start"][:7] for row in told["values"]] == [f"2017-{month:02d}" for month in range(12, 6, -1)]
    assert (told["newest_month"], told["months_without"]) == ("2017-12-01", 107)
    assert "Nothing counts after 2017-12, though the data are as of 2026-11-02" in " ".join(
        run("show", "win_rate").split()
    )


def test_check_runs_every_query(home: Path) -> None:
    assert "53 KPIs are sound." in run("check")
