"""Landed pages become typed rows exactly once, whatever their order, repetition or shape."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.contract import Field, FieldType, Page, PageFormat, PageKind, StreamSchema, Window
from connectors.errors import LandingFailure
from connectors.landing import LandingZone
from crmlift.warehouse.load import load_landed
from crmlift.warehouse.store import work_database

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
DEAL = StreamSchema(
    stream="Opportunity",
    system="salesforce",
    table="Opportunity",
    fields=(
        Field("Id"),
        Field("Name"),
        Field("Amount", FieldType.DECIMAL, "currency"),
        Field("CloseDate", FieldType.DATE, "date"),
        Field("IsDeleted", FieldType.BOOLEAN, "boolean"),
        Field("SystemModstamp", FieldType.TIMESTAMP, "datetime"),
    ),
    primary_key=("Id",),
    version_field="SystemModstamp",
    deleted_field="IsDeleted",
)
LINKS = StreamSchema(
    stream="tickets_associations",
    system="hubspot",
    table="tickets_associations",
    fields=(Field("from_id"), Field("to_object"), Field("to_id"), Field("label")),
    primary_key=("from_id", "to_object", "to_id"),
    replace_by="from_id",
)
TICKET = StreamSchema(
    stream="tickets",
    system="hubspot",
    table="tickets",
    fields=(
        Field("id"),
        Field("updatedAt", FieldType.TIMESTAMP),
        Field("archived", FieldType.BOOLEAN),
        Field("subject", path=("properties", "subject")),
        Field("closed_date", FieldType.TIMESTAMP, "datetime", path=("properties", "closed_date")),
        Field("size", FieldType.NUMBER, "number", path=("properties", "size")),
    ),
    primary_key=("id",),
    version_field="updatedAt",
    deleted_field="archived",
    children=(LINKS,),
)


def deal(key: str, minute: int, amount: str = "10.5", name: str = "A", deleted: str = "false") -> tuple[str, ...]:
    """One CSV row whose version is `minute` minutes after noon."""
    stamp = (NOON + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return (key, name, amount, "2026-11-30", deleted, stamp)


def csv_page(rows: Sequence[Sequence[str]], kind: PageKind = PageKind.UPSERT, header: str | None = None) -> Page:
    """A page as Bulk API 2.0 writes it: every value quoted."""
    lines = [header or ",".join(f.name for f in DEAL.fields)]
    lines += [",".join('"' + value.replace('"', '""') + '"' for value in row) for row in rows]
    return Page("Opportunity", PageFormat.CSV, [("\n".join(lines) + "\n").encode()], kind=kind)


def json_page(stream: str, records: Sequence[dict[str, Any]]) -> Page:
    """A page of JSON lines."""
    return Page(stream, PageFormat.JSONL, ["".join(json.dumps(r) + "\n" for r in records).encode()])


class Bench:
    """A landing zone and a work database; `land` then `load`, as two nights would."""

    def __init__(self, folder: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.zone, self.connection, self.nights = LandingZone(folder), connection, 0

    def land(self, schema: StreamSchema, *pages: Page, count: int | None = None) -> None:
        since = NOON + timedelta(days=self.nights) if self.nights else None
        self.nights += 1
        window = Window(since, NOON + timedelta(days=self.nights))
        writer = self.zone.begin(schema, "crm", f"run-{self.nights}", window)
        writer.write_all(pages)
        writer.commit(count)

    def load(self) -> dict[str, Any]:
        results = load_landed(self.connection, self.zone.manifests(), run_id=f"load-{self.nights}")
        return {result.stream: result for result in results}

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with work_database(tmp_path / "warehouse.duckdb") as connection:
        yield Bench(tmp_path / "landing", connection)


def test_values_arrive_typed_and_texts_unchanged(bench: Bench) -> None:
    texts = ["NA", "null", 'say "hi"', "two\nlines", "Привіт", "x" * 130_000, "  padded  "]
    bench.land(DEAL, csv_page([deal(f"{n}", 0, name=text) for n, text in enumerate(texts)]), count=len(texts))
    bench.load()
    found = bench.rows('select "Name" from raw_salesforce."Opportunity" order by "Id"')
    assert [name for (name,) in found] == texts
    kinds = bench.rows(
        'select typeof("Amount"), typeof("CloseDate"), typeof("SystemModstamp") '
        'from raw_salesforce."Opportunity" limit 1'
    )
    assert kinds == [("DECIMAL(18,4)", "DATE", "TIMESTAMP WITH TIME ZONE")]
    assert bench.rows("select rows_in_source, rows_in_table, is_reconciled from ops.load") == [(7, 7, True)]


def test_empty_is_null_never_an_empty_text(bench: Bench) -> None:
    bench.land(DEAL, csv_page([("1", "", "", "", "false", "2026-11-02T12:00:00.000Z")]))
    bench.load()
    assert bench.rows('select "Name", "Amount", "CloseDate" from raw_salesforce."Opportunity"') == [(None, None, None)]


def test_newest_version_wins_even_when_it_arrives_first(bench: Bench) -> None:
    bench.land(DEAL, csv_page([deal("1", 5, "50")]))
    bench.land(DEAL, csv_page([deal("1", 1, "10")]))
    bench.load()
    assert bench.rows('select "Amount"::int from raw_salesforce."Opportunity"') == [(50,)]


def test_a_second_night_with_the_same_rows_changes_nothing(bench: Bench) -> None:
    bench.land(DEAL, csv_page([deal("1", 0), deal("2", 0)]))
    bench.load()
    before = bench.rows('select * from raw_salesforce."Opportunity" order by "Id"')
    bench.land(DEAL, csv_page([deal("1", 0), deal("2", 0)]))
    done = bench.load()["Opportunity"]
    assert (done.rows_read, done.rows_unchanged, done.rows_inserted, done.rows_updated) == (2, 2, 0, 0)
    assert bench.rows('select * from raw_salesforce."Opportunity" order by "Id"') == before


def test_a_manifest_is_loaded_once(bench: Bench) -> None:
    bench.land(DEAL, csv_page([deal("1", 0)]))
    assert len(bench.load()) == 1
    assert bench.load() == {}


def test_a_row_that_cannot_be_typed_is_kept_with_its_reason_and_without_its_value(bench: Bench) -> None:
    bench.land(DEAL, csv_page([deal("1", 0, "twelve"), deal("2", 0), ("", "x", "1", "", "false", "")]))
    done = bench.load()["Opportunity"]
    assert (done.rows_read, done.rows_inserted, done.rows_rejected) == (3, 1, 2)
    found = bench.rows("select record_id, field, source_type, reason from ops.rejected_row order by all")
    assert found == [
        ("1", "Amount", "currency", "value does not fit its type"),
        ("?", "Id", "text", "key is missing"),
    ]


def test_deletes_by_flag_by_name_and_by_absence(bench: Bench) -> None:
    bench.land(DEAL, csv_page([deal("1", 0), deal("2", 0), deal("3", 0), deal("4", 0)]))
    bench.load()
    bench.land(DEAL, csv_page([deal("1", 9, deleted="true")]), csv_page([("2",)], PageKind.DELETE, "Id"))
    bench.load()
    bench.land(DEAL, csv_page([("4",)], PageKind.KEYS, "Id"))
    bench.load()
    assert bench.rows('select "Id" from raw_salesforce."Opportunity" where not _deleted') == [("4",)]
    assert bench.rows('select count(*) from raw_salesforce."Opportunity"') == [(4,)]


def test_new_columns_are_added_and_changed_types_widen(bench: Bench) -> None:
    bench.land(DEAL, csv_page([deal("1", 0)]))
    bench.load()
    fields = tuple(Field(f.name, FieldType.TEXT) if f.name == "CloseDate" else f for f in DEAL.fields)
    changed = StreamSchema(**{**DEAL.__dict__, "fields": (*fields, Field("Region__c"))})
    page = csv_page([(*deal("2", 1), "West")], header=",".join(f.name for f in changed.fields))
    bench.land(changed, page)
    bench.load()
    found = bench.rows('select "Id", "CloseDate", "Region__c" from raw_salesforce."Opportunity" order by 1')
    assert found == [("1", "2026-11-30", None), ("2", "2026-11-30", "West")]


def test_json_records_children_and_a_lost_link(bench: Bench) -> None:
    def ticket(key: str, minute: int, **properties: Any) -> dict[str, Any]:
        stamp = (NOON + timedelta(minutes=minute)).isoformat()
        return {"id": key, "updatedAt": stamp, "archived": False, "properties": properties, "extra": [1]}

    links = [{"from_id": "1", "to_object": "contacts", "to_id": "7", "label": None}]
    bench.land(
        TICKET,
        json_page("tickets", [ticket("1", 0, subject="", closed_date="1767225600000", size="2.5"), ticket("2", 0)]),
        json_page("tickets_associations", links),
    )
    bench.load()
    found = bench.rows("select id, subject, closed_date::varchar, size from raw_hubspot.tickets order by id")
    assert found == [("1", None, "2026-01-01 00:00:00+00", 2.5), ("2", None, None, None)]
    bench.land(TICKET, json_page("tickets", [ticket("1", 3)]))
    bench.load()
    assert bench.rows("select count(*) from raw_hubspot.tickets_associations") == [(0,)]


def test_a_damaged_part_stops_the_load_and_leaves_nothing_of_it(bench: Bench, tmp_path: Path) -> None:
    bench.land(DEAL, csv_page([deal("1", 0)]))
    part = next((tmp_path / "landing").glob("crm/Opportunity/*/part-*"))
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(LandingFailure, match="damaged"):
        bench.load()
    assert bench.rows("select count(*) from ops.load") == [(0,)]


_versions = st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 6)), min_size=1, max_size=25)


@settings(max_examples=15, deadline=None)
@given(versions=_versions, cut=st.integers(0, 25), again=st.booleans())
def test_order_cuts_and_repeats_of_pages_do_not_matter(versions: list[tuple[str, int]], cut: int, again: bool) -> None:
    import tempfile

    newest = {key: max(v for k, v in versions if k == key) for key, _ in versions}
    rows = [deal(key, minute, str(minute)) for key, minute in versions]
    with tempfile.TemporaryDirectory() as folder, work_database(Path(folder) / "w.duckdb") as connection:
        bench = Bench(Path(folder) / "landing", connection)
        bench.land(DEAL, csv_page(rows[:cut]), csv_page(rows[cut:]))
        if again:
            bench.land(DEAL, csv_page(rows[cut:]))
        bench.load()
        found = dict(bench.rows('select "Id", "Amount"::int from raw_salesforce."Opportunity"'))
    assert found == newest
