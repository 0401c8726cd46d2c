"""Dates outside the calendar: kept in the raw table, told, unknown in core; they stop no night and fill no table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from crmlift.places import MODELS
from crmlift.raw_reading import INPUTS, read_raw
from crmlift.sql_models import CORE, load_models
from tests.crmlift.files_night import night
from tests.crmlift.raw_night import AS_OF, RawNight, raw_night, sf_deal

ODD = ["1900-01-01", "1899-12-30", "0024-05-01", "1970-01-01", "1989-12-31", "9999-12-31", "2131-01-01", "12025-03-01"]


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[RawNight]:
    with raw_night(tmp_path) as opened:
        yield opened


def dated(nights: RawNight) -> list[tuple[object, ...]]:
    return [f for f in nights.findings() if f[0] == "implausible_date"]


@pytest.mark.parametrize("day", ODD)
def test_a_deal_created_on_a_day_no_company_means_counts_where_its_end_counts(nights: RawNight, day: str) -> None:
    rows = [sf_deal(n) for n in range(1, 9)]
    odd = [
        sf_deal(90, CreatedDate=f"{day}T00:00:00Z"),
        sf_deal(91, CreatedDate=f"{day}T00:00:00Z", IsWon=False, IsClosed=False),
    ]
    nights.land("salesforce", "Opportunity", [*rows, *odd])
    nights.transform()
    nights.measure()
    found = nights.rows(
        "select native_id, created_at, is_countable, exclude_reason from core.opportunity where created_at is null order by 1"
    )
    assert found == [("0065g00000Deal0090", None, True, None), ("0065g00000Deal0091", None, False, "undated")]
    assert dated(nights) == [("implausible_date", "Opportunity", "CreatedDate", 2)]
    months = (
        "select kpi_id, period_start, value from metrics.kpi_value where period_grain = 'month' and segment_dim = 'all'"
    )
    assert nights.rows(f"{months} and source_id = 'all' and kpi_id = 'won_deals' and value > 0") == [
        ("won_deals", date(2026, 5, 1), 9.0)
    ]
    assert nights.rows("select min(period_start) from metrics.kpi_value") >= [(date(2026, 1, 1),)]
    [(kept,)] = nights.rows(
        f"select count(*) from raw_salesforce.Opportunity where \"CreatedDate\" = '{day}'::timestamptz"
    )
    assert kept == 2, "the raw table says what its source says"


def test_dates_that_are_mended_are_dates_again(nights: RawNight) -> None:
    nights.land("salesforce", "Opportunity", [sf_deal(1), sf_deal(2, CloseDate="9999-12-31")])
    nights.transform()
    assert dated(nights) == [("implausible_date", "Opportunity", "CloseDate", 1)]
    nights.land("salesforce", "Opportunity", [sf_deal(2, CloseDate="2026-06-01")])
    nights.transform()
    assert dated(nights) == []
    assert nights.rows("select expected_close_date from core.opportunity order by 1 desc limit 1") == [
        (date(2026, 6, 1),)
    ]


def test_a_finding_names_source_records_and_kpis(nights: RawNight) -> None:
    nights.land("salesforce", "Opportunity", [sf_deal(1), sf_deal(2, CreatedDate="1900-01-01T00:00:00Z")])
    nights.transform()
    [(severity, source, total, samples, kpis)] = nights.rows(
        "select severity, source_id, total_rows, sample_ids, affected_kpis from ops.data_quality_finding "
        "where rule_id = 'implausible_date'"
    )
    assert (severity, source, total, samples) == ("warning", "sf", 2, ["0065g00000Deal0002"])
    assert "sales_cycle_days" in kpis and "nps" not in kpis


def test_every_kind_of_moment_in_core_is_covered(nights: RawNight) -> None:
    early, ids = "1970-01-01T00:00:00Z", {"IsDeleted": False}
    landed = {
        "Account": {**ids, "CreatedDate": early},
        "Contact": {**ids, "CreatedDate": early},
        "Lead": {**ids, "CreatedDate": early, "ConvertedDate": "1970-01-01", "IsConverted": True},
        "Case": {**ids, "CreatedDate": early, "ClosedDate": early, "IsClosed": True},
        "Task": {
            **ids,
            "CreatedDate": early,
            "ActivityDate": "0024-01-01",
            "CompletedDateTime": early,
            "IsClosed": True,
        },
        "Event": {**ids, "CreatedDate": early, "StartDateTime": early},
        "EmailMessage": {**ids, "CreatedDate": early, "MessageDate": early},
        "User": {**ids, "CreatedDate": early, "LastModifiedDate": early, "LastLoginDate": early, "IsActive": False},
        "LoginHistory": {"UserId": "x", "LoginTime": early},
        "OpportunityHistory": {**ids, "CreatedDate": early, "OpportunityId": "x", "StageName": "New"},
        "OpportunityFieldHistory": {**ids, "CreatedDate": early, "OpportunityId": "x", "Field": "Owner"},
        "CaseHistory": {**ids, "CreatedDate": early, "CaseId": "x", "Field": "Status", "NewValue": "New"},
        "CaseMilestone": {**ids, "CaseId": "x", "TargetDate": early, "MilestoneTypeId": "m"},
    }
    for table, record in landed.items():
        nights.land("salesforce", table, [{**record, "Id": table}])
    nights.land(
        "hubspot", "deals", [{"id": "1", "createdate": early, "closedate": early, "hs_v2_date_entered_won": early}]
    )
    nights.land(
        "hubspot", "feedback_submissions", [{"id": "1", "hs_submission_timestamp": early, "hs_survey_type": "NPS"}]
    )
    nights.transform()
    moments = nights.rows(
        "select schema_name || '.' || table_name, column_name from duckdb_columns() where schema_name = 'core' and "
        "(data_type = 'DATE' or starts_with(data_type, 'TIMESTAMP')) and not starts_with(column_name, '_') and "
        "table_name not in ('calendar', 'half_day', 'fx_rate', 'user_team_history', 'recorded_run')"
    )
    early_ones = [
        (table, column) for table, column in moments
        if nights.rows(f"select 1 from {table} where {column} < timestamptz '1990-01-01 00:00:00+00' limit 1")
    ]  # fmt: skip
    assert early_ones == []
    told = {(object_name, field) for _, object_name, field, _ in dated(nights)}
    assert {("Lead", "ConvertedDate"), ("Case", "ClosedDate"), ("deals", "hs_v2_date_entered_won")} <= told
    nights.measure()


def test_since_and_until_mean_what_they_say(nights: RawNight) -> None:
    """Salesforce's first rate begins in the year 1, its last ends in 9999: both are its way to say always."""
    rates = [
        {"Id": "1", "IsoCode": "USD", "StartDate": "0001-01-01", "NextStartDate": "9999-12-31", "ConversionRate": 2.0},
        {"Id": "2", "IsoCode": "EUR", "StartDate": "0001-01-01", "NextStartDate": "9999-12-31", "ConversionRate": 1.0},
    ]
    nights.land("salesforce", "DatedConversionRate", rates)
    nights.land("salesforce", "Opportunity", [sf_deal(1, CurrencyIsoCode="USD")])
    nights.transform()
    assert dated(nights) == []
    assert nights.rows("select amount_base::int from core.opportunity") == [(500,)]


def test_quotas_and_costs_of_no_time_are_told_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "quotas.csv").write_text(
        "Team,From,To,Quota\nNorth,1900-01-01,1900-04-01,5\nNorth,2026-01-01,2026-04-01,7\n"
    )
    quotas = {
        "path": "quotas.csv", "entity": "quota",
        "columns": {"team": "Team", "period_start": "From", "period_end": "To", "quota": "Quota"},
    }  # fmt: skip
    with night(tmp_path, {"quotas": quotas}) as connection:
        assert connection.execute("select quota_base::int from config.quota").fetchall() == [(7,)]
        found = connection.execute(
            "select field, failing_rows, affected_kpis from ops.data_quality_finding where rule_id = 'implausible_date' "
            "order by field"
        ).fetchall()
    assert [row[:2] for row in found] == [("period_end", 1), ("period_start", 1)]
    assert "pipeline_coverage" in found[0][2]


def test_the_inputs_looked_at_are_those_of_a_period() -> None:
    from crmlift.config_files import FROM_FILES

    periodic = {raw for raw, columns in FROM_FILES.values() if "period_start" in columns}
    assert periodic == set(INPUTS)


def test_a_lone_early_record_fills_no_decades(nights: RawNight) -> None:
    deals = [
        sf_deal(n, CreatedDate=f"2026-0{1 + n % 8}-05T10:00:00Z", CloseDate=f"2026-0{1 + n % 8}-20") for n in range(40)
    ]
    nights.land("salesforce", "Opportunity", deals)
    case = {"IsDeleted": False, "Status": "New", "IsClosed": False, "OwnerId": "0055g00000Selle1AA"}
    nights.land(
        "salesforce",
        "Case",
        [{**case, "Id": f"c{n}", "CreatedDate": f"2026-0{1 + n % 8}-05T10:00:00Z"} for n in range(9)],
    )
    nights.transform()
    nights.measure()
    [(before,)] = nights.rows("select count(*) from metrics.kpi_value")
    early = sf_deal(90, CreatedDate="1995-03-02T10:00:00Z", CloseDate="1995-04-03")
    open_one = sf_deal(91, CreatedDate="1995-03-02T10:00:00Z", IsClosed=False, IsWon=False)
    nights.land("salesforce", "Opportunity", [early, open_one])
    nights.land("salesforce", "Case", [{**case, "Id": "c90", "CreatedDate": "1995-03-02T10:00:00Z"}])
    nights.transform()
    nights.measure()
    [(after,)] = nights.rows("select count(*) from metrics.kpi_value")
    assert before < after < 1.5 * before
    own = nights.rows(
        "select period_start, value, status from metrics.kpi_value where kpi_id = 'won_deals' and period_grain = 'month' "
        "and segment_dim = 'all' and source_id = 'all' and period_start < '2026-03-01' order by 1"
    )
    assert own == [
        (date(1995, 4, 1), 1.0, "partial"), (date(2026, 1, 1), 5.0, "partial"), (date(2026, 2, 1), 5.0, "ok"),
    ]  # fmt: skip
    assert nights.rows(
        "select min(period_start), count(*) from metrics.kpi_value where kpi_id = 'open_backlog' and period_grain = 'year' "
        "and segment_dim = 'all' and source_id = 'all'"
    ) == [(date(1995, 1, 1), 2)]
    assert ("recording_break", "opportunity", "created_at", 2) in nights.findings()


def test_bounds_move_with_the_data(nights: RawNight) -> None:
    nights.land("salesforce", "Opportunity", [sf_deal(1, CloseDate="2055-12-31"), sf_deal(2, CloseDate="2060-01-01")])
    models = [m for m in load_models(MODELS) if m.layer <= CORE]
    assert read_raw(nights.connection, models, as_of=datetime(2031, 1, 1, tzinfo=UTC)).sources == {}
    assert set(read_raw(nights.connection, models, as_of=AS_OF).sources) == {
        "raw_salesforce.Opportunity", 'raw_salesforce."Opportunity"',
    }  # fmt: skip
