"""Each rule has rows that trigger it and rows that must not; findings reach the KPIs, their verdicts and their alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from crmlift.alerts.muting import muted_kpis
from crmlift.quality import check_quality, feeds_by_text, kpis_affected, load_rules
from crmlift.quality_marks import OpenFindings
from crmlift.registry import load_registry
from metrics.question import Verdict
from tests.golden import AS_OF, warehouse

CREATED = datetime(2026, 1, 5, 10, tzinfo=UTC)
DAY = timedelta(days=1)
KPIS = load_registry()
Connection = duckdb.DuckDBPyConnection


@pytest.fixture
def connection() -> Iterator[Connection]:
    with warehouse() as opened:
        opened.execute(
            "insert into core.app_user (user_id, source_id, is_active, is_human, is_licensed) "
            "values ('sf:u1', 'sf', true, true, true), ('sf:gone', 'sf', false, true, true)"
        )
        yield opened


def put(connection: Connection, table: str, count: int, **columns: Any) -> None:
    """Rows of `sf`; a callable gives the value of each row by its number."""
    given = {
        "source_id": "sf",
        "is_deleted": False,
        "created_at": lambda i: CREATED + i * timedelta(hours=7),
        **columns,
    }
    key = {"core.activity": "activity_id", "core.contact": "contact_id", "core.account": "account_id"}.get(
        table, table.partition(".")[2] + "_id"
    )
    names = ", ".join(given)
    rows = [[v(i) if callable(v) else v for v in given.values()] for i in range(count)]
    connection.executemany(
        f"insert into {table} ({key}, {names}) values ('sf:' || uuid(), {', '.join('?' * len(given))})", rows
    )


def deals(connection: Connection, count: int, **columns: Any) -> None:
    put(
        connection, "core.opportunity", count,
        **{"owner_id": "sf:u1", "status": "open", "is_countable": True, **columns},
    )  # fmt: skip


def tickets(connection: Connection, count: int, **columns: Any) -> None:
    put(connection, "core.ticket", count, **{"owner_id": "sf:u1", "status": "closed", "is_countable": True, **columns})


def ended(days: float) -> Callable[[int], datetime]:
    return lambda i: CREATED + i * timedelta(hours=7) + days * DAY


def duplicate_accounts(connection: Connection, is_bad: bool) -> None:
    put(connection, "core.account", 20, domain=lambda i: f"firm{i // 2 if is_bad else i}.example")
    put(connection, "core.account", 20, domain=None)
    put(connection, "core.account", 5, domain="firm1.example", merged_into_id="sf:a")


def duplicate_contacts(connection: Connection, is_bad: bool) -> None:
    put(connection, "core.contact", 20, person_key=lambda i: f"key{i // 2 if is_bad else i}")
    put(connection, "core.contact", 20, person_key=None)


def duplicate_deals(connection: Connection, is_bad: bool) -> None:
    days = 0 if is_bad else 2
    deals(connection, 10, account_id="sf:a", name="Renewal", amount_native=100, amount_base=100,
          created_at=lambda i: CREATED + i * timedelta(days=days, minutes=1))  # fmt: skip
    deals(connection, 90, account_id=lambda i: f"sf:{i}", name="Renewal", amount_native=100, amount_base=100)


def future_stamps(connection: Connection, is_bad: bool) -> None:
    deals(connection, 30)
    deals(connection, 2, created_at=AS_OF + (3 * DAY if is_bad else -DAY))


def early_activities(connection: Connection, is_bad: bool) -> None:
    connection.executemany(
        "insert into core.opportunity (opportunity_id, source_id, owner_id, status, is_countable, is_deleted, created_at) "
        "values (?, 'sf', 'sf:u1', 'open', true, false, ?)",
        [[f"sf:o{i}", CREATED + i * DAY] for i in range(10)],
    )
    put(connection, "core.activity", 10, opportunity_id=lambda i: f"sf:o{i}", type="call", is_completed=True,
        is_automated=True, occurred_at=lambda i: CREATED + i * DAY + (-3 if is_bad else 3) * DAY)  # fmt: skip


def closings_in_one_go(connection: Connection, is_bad: bool) -> None:
    deals(connection, 100, status="won", close_basis="stage_history", closed_at=ended(30))
    cleaned = AS_OF - DAY if is_bad else ended(20)
    deals(connection, 40, status="lost", close_basis="stage_history", closed_at=cleaned)
    deals(connection, 40, status="lost", close_basis="close_date_field", closed_at=AS_OF - 5 * DAY)


def typed_dates(connection: Connection, is_bad: bool) -> None:
    deals(connection, 20, status="won", closed_at=ended(30),
          close_basis="close_date_field" if is_bad else "stage_history")  # fmt: skip
    deals(connection, 20, close_basis=None)


def late_outcomes(connection: Connection, is_bad: bool) -> None:
    tickets(connection, 1000, first_response_at=ended(0.1),
            closed_at=lambda i: ended(1)(i) if i > 700 or not is_bad else None)  # fmt: skip


def recording_begins(connection: Connection, is_bad: bool) -> None:
    put(connection, "core.activity", 400, type="call", is_automated=False, is_completed=True,
        created_at=lambda i: CREATED + (i / 400 * 280 if not is_bad else i / 400 * 100 + 180) * DAY)  # fmt: skip
    put(connection, "core.activity", 280, type="email", is_automated=False, is_completed=True,
        created_at=lambda i: CREATED + i * DAY)  # fmt: skip


def rejects(connection: Connection, is_bad: bool) -> None:
    connection.execute(
        "insert into ops.load (manifest, source_id, stream, rows_read, rows_rejected, loaded_at, window_until) values "
        "('a', 'sf', 'Opportunity', 100, 9, now() - interval 1 day, ?), ('b', 'sf', 'Opportunity', 100, ?, now(), ?)",
        [AS_OF, 10 if is_bad else 0, AS_OF],
    )


def whales(connection: Connection, is_bad: bool) -> None:
    deals(connection, 200, status="won", closed_at=ended(30), amount_base=lambda i: 100 + i, amount_native=1)
    deals(connection, 2, status="won", closed_at=ended(40), amount_base=90000 if is_bad else 350, amount_native=1)


def left_behind(connection: Connection, is_bad: bool) -> None:
    deals(connection, 20)
    deals(
        connection,
        5,
        owner_id="sf:gone",
        status="open" if is_bad else "lost",
        closed_at=None if is_bad else ended(5)(1),
    )


def overdue(connection: Connection, is_bad: bool) -> None:
    deals(connection, 20, expected_close_date=(AS_OF + (-5 if is_bad else 5) * DAY).date())


def negative(connection: Connection, is_bad: bool) -> None:
    tickets(connection, 30, first_response_at=ended(-1 if is_bad else 1), closed_at=ended(2))


def second_currency(connection: Connection, is_bad: bool) -> None:
    connection.execute(
        "insert into core.fx_rate (source_id, currency_code, base_currency, rate_to_base) values "
        "('sf', 'EUR', 'EUR', 1), ('sf', 'USD', 'EUR', 0.9)"
    )
    deals(connection, 90, currency_code="EUR", amount_native=100)
    deals(connection, 10, currency_code="USD" if is_bad else "EUR", amount_native=100)
    deals(connection, 50, currency_code="USD", amount_native=None)


def stages_that_changed(connection: Connection, is_bad: bool) -> None:
    """A stage switched off, one made after the first deal, and one with two names."""
    deals(connection, 20)
    made = [CREATED + (5 if is_bad else -5) * DAY, CREATED - 9 * DAY, None, None]
    connection.executemany(
        "insert into core.pipeline_stage (stage_key, source_id, object, pipeline_native_id, stage_native_id, is_listed, "
        "valid_from, valid_to) values (?, 'sf', 'opportunity', 'default', ?, true, ?, ?)",
        [[f"sf:o:{i}", str(i), at, AS_OF if is_bad and i == 1 else None] for i, at in enumerate(made)],
    )
    connection.execute(
        "insert into raw_hubspot.pipeline_stage_labels (object_type, pipeline_id, stage_id, label, _source_id) values "
        "('deals', 'default', '2', 'Offer', 'sf'), ('deals', 'default', '2', ?, 'sf')",
        ["Proposal" if is_bad else "Offer"],
    )


def brought_along(connection: Connection, is_bad: bool) -> None:
    connection.execute("insert into metrics.kpi (kpi_id) values ('win_rate')")
    connection.execute(
        "insert into config.benchmark (benchmark_id, kpi_id) values ('a', 'win_rate'), ('b', ?)",
        ["winrate" if is_bad else "win_rate"],
    )


CASES: dict[str, tuple[Callable[[Connection, bool], None], str, str, int]] = {
    "duplicate_account": (duplicate_accounts, "warning", "account", 10),
    "duplicate_contact": (duplicate_contacts, "warning", "contact", 10),
    "duplicate_deal": (duplicate_deals, "warning", "opportunity", 9),
    "future_stamp": (future_stamps, "warning", "opportunity", 2),
    "activity_before_creation": (early_activities, "blocking", "opportunity", 10),
    "backfilled_closing": (closings_in_one_go, "blocking", "opportunity", 40),
    "typed_close_date": (typed_dates, "info", "opportunity", 20),
    "late_recording": (late_outcomes, "warning", "ticket", 0),
    "coverage_jump": (recording_begins, "warning", "activity", 0),
    "rejected_rows": (rejects, "blocking", "Opportunity", 10),
    "whale_deals": (whales, "info", "opportunity", 3),
    "orphaned_deal": (left_behind, "info", "opportunity", 5),
    "overdue_close_date": (overdue, "info", "opportunity", 20),
    "mixed_currency": (second_currency, "info", "opportunity", 10),
    "changed_stages": (stages_that_changed, "warning", "pipeline_stage", 3),
    "negative_duration": (negative, "blocking", "ticket", 30),
    "unknown_kpi": (brought_along, "warning", "benchmark", 1),
}
"""Rule → what makes it fire, how bad that is, on what, how many rows (0: at least one)."""
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
    connection.execute(
        "insert into ops.load (manifest, source_id, stream, rows_read, rows_rejected, loaded_at, window_until) "
        "values ('a', 'hs', 'properties', 100, 90, now(), ?)", [AS_OF],
    )  # fmt: skip
    assert of_rule(connection, "rejected_rows") == [("warning", "properties", 90, [])]
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
