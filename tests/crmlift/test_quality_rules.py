"""Each rule has rows that trigger it and rows that must not; findings reach the KPIs, their verdicts and their alerts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from crmlift.alerts.muting import muted_kpis
from crmlift.quality import check_quality, feeds_by_text, kpis_affected, load_rules
from crmlift.quality_marks import OpenFindings
from crmlift.registry import load_registry
from metrics.question import Verdict
from tests.crmlift.quality_cases import CASES, DAY, Connection, closings_in_one_go, deals, duplicate_deals, rejects
from tests.golden import AS_OF, warehouse

KPIS = load_registry()


@pytest.fixture
def connection() -> Iterator[Connection]:
    with warehouse() as opened:
        opened.execute(
            "insert into core.app_user (user_id, source_id, is_active, is_human, is_licensed) "
            "values ('sf:u1', 'sf', true, true, true), ('sf:gone', 'sf', false, true, true)"
        )
        yield opened


TESTED_ELSEWHERE = {
    "closed_before_created", "contradictory_flags", "freshness", "migration_stamp", "missing_exchange_rate",
    "contradictory_ticket_flags", "migrating_creator", "missing_owner", "orphan_stage", "reconciliation", "unknown_member",
}  # fmt: skip
"""In test_quality.py, test_quality_sources.py and test_rollout_scopes.py."""


def of_rule(connection: Connection, rule_id: str) -> list[tuple[Any, ...]]:
    check_quality(connection, as_of=AS_OF, run_id="r", kpis=KPIS)
    return connection.execute(
        "select severity, object, failing_rows, affected_kpis from ops.data_quality_finding where rule_id = ?",
        [rule_id],
    ).fetchall()


def test_every_rule_is_tested() -> None:
    assert {rule.rule_id for rule in load_rules()} == {*CASES, *TESTED_ELSEWHERE}


@pytest.mark.parametrize("rule_id", CASES)
def test_a_rule_finds_what_it_is_for(connection: Connection, rule_id: str) -> None:
    make, severity, what, failing = CASES[rule_id]
    make(connection, True)
    [(found_severity, found_object, found_failing, _)] = of_rule(connection, rule_id)
    assert (found_severity, found_object) == (severity, what)
    assert found_failing == failing or (failing == 0 and found_failing > 0)


@pytest.mark.parametrize("rule_id", CASES)
def test_a_rule_keeps_quiet_otherwise(connection: Connection, rule_id: str) -> None:
    CASES[rule_id][0](connection, False)
    assert of_rule(connection, rule_id) == []


def test_a_finding_reaches_the_kpis_below_it() -> None:
    feeds = feeds_by_text()
    about_column = kpis_affected("opportunity", "closed_at", KPIS, feeds)
    assert {"win_rate", "sales_cycle_days"} <= set(about_column)
    assert "resolution_hours" not in about_column
    about_stream = kpis_affected("tickets", None, KPIS, feeds)
    assert "resolution_hours" in about_stream
    assert "nps" not in about_stream
    assert kpis_affected("properties", None, KPIS, feeds) == ()


def test_what_no_kpi_reads_blocks_nothing(connection: Connection) -> None:
    rejects(connection, True, "properties")
    assert of_rule(connection, "rejected_rows") == [("warning", "properties", 10, [])]
    assert muted_kpis(connection, ["win_rate"], as_of=AS_OF, stale_after_hours=36) == {}


def test_a_blocking_finding_marks_verdicts_and_mutes_alerts(connection: Connection) -> None:
    closings_in_one_go(connection, True)
    [(_, _, _, affected)] = of_rule(connection, "backfilled_closing")
    assert {"sales_cycle_days", "win_rate"} <= set(affected)
    muted = muted_kpis(connection, ["win_rate", "nps"], as_of=AS_OF, stale_after_hours=36)
    assert {kpi: mute.detail for kpi, mute in muted.items()} == {"win_rate": "backfilled_closing"}
    found = OpenFindings.read(connection)
    improved = Verdict("method", "26w", "improved", effect=0.1, caveats=("Few teams.",))
    blocked = found.mark("win_rate", improved)
    assert (blocked.verdict, blocked.reason, blocked.effect) == ("not_comparable", "data_quality", 0.1)
    assert blocked.caveats[0] == "Few teams."
    assert "backfilled_closing" in blocked.caveats[1]
    assert found.mark("nps", improved) == improved
    assert found.blocks("win_rate")
    assert not found.blocks("nps")


def test_a_warning_stands_beside_the_verdict(connection: Connection) -> None:
    duplicate_deals(connection, True)
    assert [row[0] for row in of_rule(connection, "duplicate_deal")] == ["warning"]
    marked = OpenFindings.read(connection).mark("win_rate", Verdict("method", "26w", "improved"))
    assert marked.verdict == "improved"
    assert ["duplicate_deal" in caveat for caveat in marked.caveats] == [True]


def test_days_of_files_are_no_moments(connection: Connection) -> None:
    """Many deals of one day, and ended on one, are a day's work where a file tells days only."""
    connection.execute("insert into core.source_instance (source_id, system) values ('sf', 'legacy')")
    connection.execute("insert into config.setting values ('timezone', 'Europe/Kyiv')")
    midnight = datetime(2026, 1, 4, 22, tzinfo=UTC)  # in Kyiv
    days = {"created_at": lambda i: midnight + (i // 25) * DAY, "closed_at": lambda i: midnight + (i // 25 + 9) * DAY}
    deals(connection, 500, status="won", close_basis="legacy", **days)
    assert of_rule(connection, "migration_stamp") == of_rule(connection, "backfilled_closing") == []
    connection.execute("update core.source_instance set system = 'salesforce'")
    assert of_rule(connection, "migration_stamp") != []
