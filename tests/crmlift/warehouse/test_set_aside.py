"""A value that does not fit costs its cell, or its record where core needs it; never the newest version of a record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Field, FieldType, Page, PageKind, StreamSchema
from crmlift.quality import feeds_by_text, kpis_affected
from crmlift.registry import load_registry
from crmlift.warehouse.core_columns import core_columns, is_needed
from crmlift.warehouse.store import work_database
from tests.crmlift.warehouse.test_load import DEAL, NOON, Bench, csv_page, deal, json_page

CALL = StreamSchema(
    stream="calls", system="hubspot", table="calls",
    fields=(
        Field("id"),
        Field("updatedAt", FieldType.TIMESTAMP),
        Field("archived", FieldType.BOOLEAN),
        Field("hs_timestamp", FieldType.TIMESTAMP, "datetime", path=("properties", "hs_timestamp")),
        Field("hs_call_duration", FieldType.NUMBER, "number", path=("properties", "hs_call_duration")),
        Field("recording_ids", FieldType.NUMBER, "number", path=("properties", "recording_ids")),
    ),
    primary_key=("id",), version_field="updatedAt", deleted_field="archived",
)  # fmt: skip
"""hs_timestamp is needed by core, hs_call_duration read by it, recording_ids by nobody."""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with work_database(tmp_path / "warehouse.duckdb") as connection:
        yield Bench(tmp_path / "landing", connection)


def call(key: str, minute: int = 0, *, archived: bool = False, **properties: Any) -> dict[str, Any]:
    at = (NOON + timedelta(minutes=minute)).isoformat()
    told = {"hs_timestamp": "2026-10-30T09:00:00Z", **properties}
    return {"id": key, "updatedAt": at, "archived": archived, "properties": told}


def calls(*records: dict[str, Any]) -> Page:
    return json_page("calls", records)


def misfits(bench: Bench) -> list[tuple[Any, ...]]:
    return bench.rows("select record_id, field from ops.misfit_value order by all")


def refused(bench: Bench) -> list[tuple[Any, ...]]:
    return bench.rows(
        "select record_id, field, is_withdrawn from ops.rejected_row where settled_at is null order by all"
    )


def test_what_core_needs_is_what_staging_declares() -> None:
    assert is_needed("raw_hubspot", "calls", "hs_timestamp")
    assert not is_needed("raw_hubspot", "calls", "hs_call_duration")
    assert core_columns("raw_hubspot", "calls").kind_of("hs_call_duration") == "double"
    assert core_columns("raw_hubspot", "calls").kind_of("recording_ids") is None
    assert core_columns("raw_hubspot", "deals").kind_of("hs_v2_date_entered_12345") == "timestamptz"
    assert is_needed("raw_files", "opportunity", "amount"), "people map a column because they want it"
    assert not is_needed("raw_of_a_tap", "anything", "column")


def test_a_record_is_kept_without_a_value_nobody_needs(bench: Bench) -> None:
    bench.land(
        CALL,
        calls(call("1", recording_ids="77;78", hs_call_duration="long"), call("2", recording_ids="  "), call("3")),
        count=3,
    )
    done = bench.load()["calls"]
    assert (done.rows_read, done.rows_inserted, done.rows_rejected, done.values_unread) == (3, 3, 0, 2)
    assert bench.rows("select id, recording_ids, hs_call_duration from raw_hubspot.calls order by id") == [
        ("1", None, None), ("2", None, None), ("3", None, None),
    ]  # fmt: skip
    assert misfits(bench) == [("1", "hs_call_duration"), ("1", "recording_ids")]
    assert refused(bench) == []
    assert bench.rows("select is_reconciled from ops.load") == [(True,)]


@pytest.mark.parametrize("blank", ["", "  ", "\t\n", "\u00a0"])
def test_blanks_are_no_values(bench: Bench, blank: str) -> None:
    bench.land(CALL, calls(call("1", recording_ids=blank, hs_call_duration=blank)))
    bench.load()
    assert misfits(bench) == [] and bench.rows("select recording_ids from raw_hubspot.calls") == [(None,)]


def test_a_misfit_is_told_until_it_is_mended_or_gone(bench: Bench) -> None:
    bench.land(CALL, calls(*(call(key, recording_ids="x") for key in "123")))
    bench.load()
    bench.land(CALL, calls(call("1", 5, recording_ids="4"), call("2", 5, recording_ids="y")))
    bench.load()
    assert misfits(bench) == [("2", "recording_ids"), ("3", "recording_ids")]
    bench.land(CALL, calls(call("2", 9, archived=True, recording_ids="y")))
    bench.load()
    assert misfits(bench) == [("3", "recording_ids")]


def test_an_update_that_cannot_be_read_withdraws_the_version_before(bench: Bench) -> None:
    bench.land(DEAL, csv_page([deal("1", 0, "100"), deal("2", 0, "200")]))
    bench.load()
    bench.land(DEAL, csv_page([deal("1", 5, "a lot")]))
    done = bench.load()["Opportunity"]
    assert (done.rows_read, done.rows_rejected, done.rows_updated) == (1, 1, 0)
    assert bench.rows('select "Id" from raw_salesforce."Opportunity" where not _deleted') == [("2",)]
    assert refused(bench) == [("1", "Amount", True)]
    bench.land(DEAL, csv_page([deal("1", 3, "100")]))
    bench.load()
    assert bench.rows('select "Id" from raw_salesforce."Opportunity" where not _deleted') == [("2",)], "older still"
    bench.land(DEAL, csv_page([deal("1", 7, "150")]))
    bench.load()
    found = bench.rows('select "Id", "Amount"::int from raw_salesforce."Opportunity" where not _deleted order by 1')
    assert found == [("1", 150), ("2", 200)]
    assert refused(bench) == []


def test_a_value_mended_without_a_stamp_counts_again(bench: Bench) -> None:
    bench.land(DEAL, csv_page([deal("1", 0, "100")]))
    bench.land(DEAL, csv_page([deal("1", 5, "a lot")]))
    bench.load()
    bench.land(DEAL, csv_page([deal("1", 5, "120")]))
    bench.load()
    assert bench.rows('select "Amount"::int from raw_salesforce."Opportunity" where not _deleted') == [(120,)]


def test_refused_again_is_told_once(bench: Bench) -> None:
    for minute in (0, 5):
        bench.land(DEAL, csv_page([deal("1", minute, "none"), deal("2", minute)]))
        bench.load()
    assert refused(bench) == [("1", "Amount", False)]
    assert bench.rows("select count(*) from ops.rejected_row") == [(2,)]


def test_a_refused_record_that_the_source_deletes_is_settled(bench: Bench) -> None:
    bench.land(DEAL, csv_page([deal("1", 0, "none"), deal("2", 0, "none"), deal("3", 0)]))
    bench.load()
    bench.land(DEAL, csv_page([("1",)], PageKind.DELETE, "Id"))
    bench.load()
    assert refused(bench) == [("2", "Amount", False)]
    bench.land(DEAL, csv_page([deal("2", 9, "none", deleted="true")]))
    bench.load()
    assert refused(bench) == []


def test_nothing_is_needed_of_a_deleted_record(bench: Bench) -> None:
    bench.land(DEAL, csv_page([deal("1", 0, "100")]))
    bench.land(DEAL, csv_page([deal("1", 5, "a lot", deleted="true")]))
    done = bench.load()["Opportunity"]
    assert (done.rows_rejected, done.rows_updated) == (0, 1) and misfits(bench) == refused(bench) == []
    assert bench.rows('select _deleted from raw_salesforce."Opportunity"') == [(True,)]


def test_a_version_that_cannot_be_read_lets_no_other_count(bench: Bench) -> None:
    unknown = ("1", "A", "90", "2026-11-30", "false", "yesterday")
    bench.land(DEAL, csv_page([deal("1", 0, "100"), unknown, deal("2", 0)]))
    done = bench.load()["Opportunity"]
    assert (done.rows_read, done.rows_repeated, done.rows_rejected, done.rows_inserted) == (3, 1, 1, 1)
    assert refused(bench) == [("1", "SystemModstamp", False)]


def test_findings_weaken_only_what_reads_the_field() -> None:
    kpis, feeds = load_registry(), feeds_by_text()
    assert "selling_time_share" in kpis_affected("calls", "hs_call_duration", kpis, feeds)
    assert kpis_affected("calls", "recording_ids", kpis, feeds) == ()
