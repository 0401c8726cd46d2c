"""Data-quality rules: each finds what it is for, keeps quiet otherwise, and its findings resolve."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from crmlift.errors import ConfigurationFailure
from crmlift.quality import QualityFinding, check_quality, load_rules, record_findings
from crmlift.registry import load_registry
from tests.golden import AS_OF, warehouse

CREATED = datetime(2026, 1, 5, 10, tzinfo=UTC)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse() as opened:
        yield opened


def deals(connection: duckdb.DuckDBPyConnection, count: int, **columns: object) -> None:
    """Open deals, one an hour, with an owner who exists."""
    connection.execute(
        "insert into core.app_user (user_id, source_id, is_active, is_human, is_licensed) "
        "select 'sf:u1', 'sf', true, true, true where not exists (select 1 from core.app_user where user_id = 'sf:u1')"
    )
    given = {"owner_id": "sf:u1", "status": "open", "is_countable": True, "is_deleted": False, **columns}
    names = ", ".join(["created_at", *given] if "created_at" not in given else given)
    rows = [
        [*([] if "created_at" in given else [CREATED + timedelta(hours=7 * i)]), *given.values()] for i in range(count)
    ]
    connection.executemany(
        f"insert into core.opportunity (opportunity_id, source_id, {names}) "
        f"values ('sf:' || uuid(), 'sf', {', '.join('?' * len(rows[0]))})",
        rows,
    )


def found(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[object, ...]]:
    """Rule → (severity, object, failing, total, state)."""
    rows = connection.execute(
        "select rule_id, severity, object, failing_rows, total_rows, state from ops.data_quality_finding"
    ).fetchall()
    return {row[0]: row[1:] for row in rows}


def check(connection: duckdb.DuckDBPyConnection, run_id: str = "r") -> dict[str, int]:
    return check_quality(connection, as_of=AS_OF, run_id=run_id)


def test_nothing_is_wrong_with_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    assert check(connection) == {"rules": len(load_rules()), "findings": 0, "blocking": 0, "resolved": 0}


def test_ordinary_deals_are_fine(connection: duckdb.DuckDBPyConnection) -> None:
    deals(connection, 60)
    deals(connection, 60, status="won", closed_at=AS_OF)
    check(connection)
    assert found(connection) == {}


def test_a_finding_opens_stays_and_resolves(connection: duckdb.DuckDBPyConnection) -> None:
    deals(connection, 60)
    deals(connection, 2, status="won", closed_at=CREATED - timedelta(days=1))
    assert check(connection, "r1")["findings"] == 1
    assert found(connection)["closed_before_created"] == ("warning", "opportunity", 2, 62, "open")
    check(connection, "r2")
    connection.execute("update core.opportunity set closed_at = created_at where status = 'won'")
    assert check(connection, "r3")["resolved"] == 1
    assert found(connection)["closed_before_created"][-1] == "resolved"


def test_many_of_them_block(connection: duckdb.DuckDBPyConnection) -> None:
    deals(connection, 8)
    deals(connection, 2, status="won", closed_at=CREATED - timedelta(days=1))
    assert check(connection)["blocking"] == 1
    assert found(connection)["closed_before_created"][0] == "blocking"


def test_an_import_leaves_a_stamp(connection: duckdb.DuckDBPyConnection) -> None:
    deals(connection, 100)
    deals(connection, 60, created_at=CREATED)
    check(connection)
    severity, what, failing, total, _ = found(connection)["migration_stamp"]
    assert (severity, what, total) == ("blocking", "opportunity", 160)
    assert 60 <= int(str(failing)) <= 64


def test_flags_against_the_stage(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "insert into core.pipeline_stage (stage_key, source_id, object, is_closed, is_won, is_listed) values "
        "('won', 'sf', 'opportunity', true, true, true), ('gone', 'sf', 'opportunity', false, false, false)"
    )
    deals(connection, 50, status="won", closed_at=AS_OF, stage_key="won")
    deals(connection, 1, status="lost", closed_at=AS_OF, stage_key="won")
    deals(connection, 1, status="lost", closed_at=AS_OF, stage_key="gone")
    check(connection)
    assert found(connection)["contradictory_flags"] == ("warning", "opportunity", 1, 51, "open")
    assert found(connection)["orphan_stage"][:4] == ("info", "opportunity", 1, 2)


def test_owners_and_rates_that_are_missing(connection: duckdb.DuckDBPyConnection) -> None:
    deals(connection, 40)
    deals(connection, 2, owner_id="sf:nobody", amount_native=5, currency_code="JPY")
    check(connection)
    assert found(connection)["missing_owner"] == ("warning", "opportunity", 2, 42, "open")
    assert found(connection)["missing_exchange_rate"] == ("blocking", "opportunity", 2, 2, "open")


def test_stale_and_incomplete_loads(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "insert into ops.load (manifest, source_id, stream, window_until, rows_in_table, rows_in_source, loaded_at) values "
        "('m1', 'sf', 'Account', timestamptz '2026-10-30 00:00:00+00', 100, 100, timestamptz '2026-10-30 01:00:00+00'), "
        "('m2', 'sf', 'Lead', timestamptz '2026-11-02 00:00:00+00', 90, 100, timestamptz '2026-11-02 01:00:00+00'), "
        "('m0', 'sf', 'Lead', timestamptz '2026-11-01 00:00:00+00', 10, 90, timestamptz '2026-11-01 01:00:00+00')"
    )
    connection.execute(
        "insert into ops.cursor (source_id, stream, read_until) select source_id, stream, max(window_until) from ops.load "
        "group by all union all values ('old', 'opportunity', timestamptz '2025-12-31 00:00:00+00'); "
        "insert into config.setting values ('source.old', 'files'), ('source.sf', 'salesforce')"
    )
    check(connection)
    assert found(connection)["freshness"][:2] == ("blocking", "Account")
    stale = connection.execute("select object from ops.data_quality_finding where rule_id = 'freshness'").fetchall()
    assert stale == [("Account",)]
    assert found(connection)["reconciliation"][:4] == ("blocking", "Lead", 10, 100)


def test_findings_of_connectors_are_left_alone(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "insert into ops.data_quality_finding (finding_id, rule_id, state) values ('source:sf:x', 'missing_field', 'open')"
    )
    record_findings(connection, [], ["missing_field"], run_id="r", seen_at=AS_OF)
    assert found(connection)["missing_field"][-1] == "open"


def test_first_seen_stays_until_it_was_resolved(connection: duckdb.DuckDBPyConnection) -> None:
    finding = QualityFinding("rule", "warning", "deal", None, "sf", "Something.", 1, 2)
    for day in range(3):
        record_findings(connection, [finding], ["rule"], run_id="r", seen_at=AS_OF + timedelta(days=day))
    query = "select first_seen_at, last_seen_at, fail_pct from ops.data_quality_finding"
    assert connection.execute(query).fetchall() == [(AS_OF, AS_OF + timedelta(days=2), 50.0)]
    record_findings(connection, [], ["rule"], run_id="r", seen_at=AS_OF + timedelta(days=3))
    record_findings(connection, [finding], ["rule"], run_id="r", seen_at=AS_OF + timedelta(days=4))
    assert connection.execute(query).fetchall()[0][0] == AS_OF + timedelta(days=4)


def test_rules_name_real_kpis_and_both_languages() -> None:
    known = {kpi.kpi_id for kpi in load_registry()}
    for rule in load_rules():
        assert set(rule.declared.affected_kpis) <= known, rule.rule_id
        assert set(rule.declared.message) == {"en", "uk"}, rule.rule_id


def test_a_rule_described_wrongly_says_where(tmp_path: Path) -> None:
    (tmp_path / "odd.sql").write_text("select 1 as object", encoding="utf-8")
    (tmp_path / "odd.yml").write_text("message: {en: Odd, uk: Дивно}\nseverity: shocking\n", encoding="utf-8")
    with pytest.raises(ConfigurationFailure, match="severity"):
        load_rules(tmp_path)
