"""What makes each data-quality rule fire: rows of a warehouse that are bad, or good."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from tests.golden import AS_OF

CREATED = datetime(2026, 1, 5, 10, tzinfo=UTC)
DAY = timedelta(days=1)
Connection = duckdb.DuckDBPyConnection


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


def loads(connection: Connection, stream: str) -> None:
    """Two loads, the newest of two rows and of a table that holds ninety."""
    connection.execute(
        "insert into ops.load (manifest, source_id, stream, rows_read, rows_in_table, loaded_at, window_until) values "
        "('a', 'sf', $stream, 100, 100, now() - interval 1 day, $at), ('b', 'sf', $stream, 2, 90, now(), $at)",
        {"stream": stream, "at": AS_OF},
    )


def rejects(connection: Connection, is_bad: bool, stream: str = "Opportunity") -> None:
    """Ten records refused on an earlier night, one of them twice, and some that were settled since."""
    loads(connection, stream)
    connection.executemany(
        "insert into ops.rejected_row (source_id, stream, record_id, settled_at) values ('sf', ?, ?, ?)",
        [(stream, f"r{i % 10}", None if is_bad else AS_OF) for i in range(11)] + [(stream, "old", AS_OF)],
    )


def misfits(connection: Connection, is_bad: bool) -> None:
    loads(connection, "Opportunity")
    if is_bad:
        connection.execute(
            "insert into ops.misfit_value (source_id, stream, record_id, field) "
            "select 'sf', 'Opportunity', 'r' || i, 'CloseDate' from range(4) as r(i)"
        )


def contradictions(connection: Connection, is_bad: bool) -> None:
    loads(connection, "Opportunity")
    if is_bad:
        connection.execute(
            "insert into ops.repeated_key (source_id, stream, record_id, row_count, taken) values "
            "('sf', 'Opportunity', 'a', 2, 'none'), ('sf', 'Opportunity', 'b', 3, 'newest version')"
        )


def overlapping_exports(connection: Connection, is_bad: bool) -> None:
    connection.execute(
        "insert into config.setting (name, value) values ('source.sheets', 'files'), ('source.sf', 'salesforce')"
    )
    digest = "0123456789abcdef01234567"
    for number in range(1, 5):
        deals(
            connection,
            1,
            source_id="sheets",
            native_id=f"{digest}-{number}" if is_bad and number > 1 else f"{digest[:23]}{number}",
        )
    deals(connection, 3, source_id="sf", native_id=f"{digest}-2")


def early_run(connection: Connection, is_bad: bool) -> None:
    connection.execute(
        "insert into core.recorded_run (source_id, object, first_day, last_day, is_newest, records) values "
        "('sf', 'opportunity', '1995-03-02', '1995-03-09', ?, 3), ('sf', 'opportunity', '2024-01-01', '2026-01-01', true, 90)",
        [not is_bad],
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


def nobody_known(connection: Connection, is_bad: bool) -> None:
    """Deals of files without people; and of files in which nobody is needed, for the team is given."""
    team = {} if is_bad else {"team_id": "team:north"}
    deals(connection, 10, source_id="sheets", owner_id="sheets:olha", **team)


def trials(connection: Connection, is_bad: bool) -> None:
    names = ["Test", "test 3", "Тест: дах"] if is_bad else ["Attestation", "Testarossa", "Roof"]
    for name in names:
        deals(connection, 1, name=name)
    deals(connection, 1, name="Old", is_countable=False, exclude_reason="test" if is_bad else "merged")


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
    "misfit_value": (misfits, "warning", "Opportunity", 4),
    "repeated_key": (contradictions, "info", "Opportunity", 2),
    "equal_rows": (overlapping_exports, "warning", "opportunity", 3),
    "recording_break": (early_run, "info", "opportunity", 3),
    "whale_deals": (whales, "info", "opportunity", 3),
    "orphaned_deal": (left_behind, "info", "opportunity", 5),
    "overdue_close_date": (overdue, "info", "opportunity", 20),
    "mixed_currency": (second_currency, "info", "opportunity", 10),
    "changed_stages": (stages_that_changed, "warning", "pipeline_stage", 3),
    "negative_duration": (negative, "blocking", "ticket", 30),
    "unmapped_owner": (nobody_known, "warning", "opportunity", 10),
    "test_record": (trials, "info", "opportunity", 4),
    "unknown_kpi": (brought_along, "warning", "benchmark", 1),
}
"""Rule → what makes it fire, how bad that is, on what, how many rows (0: at least one)."""
