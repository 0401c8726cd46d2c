"""What was known of the past stays known, children of a kind that was not read stay, and links taken away go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Field, FieldType, Page, PageKind, StreamSchema, Window
from connectors.landing import LandingZone
from crmlift.warehouse.load import load_landed
from crmlift.warehouse.store import work_database

NOON = datetime(2026, 10, 5, 12, tzinfo=UTC)
PAST = StreamSchema(
    "deals_history", "hubspot", "deals_history",
    (Field("record_id"), Field("property"), Field("seq", FieldType.INTEGER), Field("value"), Field("at", FieldType.TIMESTAMP)),
    ("record_id", "property", "at", "seq"), replace_by="record_id", covers_field="property", keeps_history=True,
)  # fmt: skip
OLD = replace(PAST, primary_key=("record_id", "property", "seq"), covers_field=None, keeps_history=False)
LINKS = StreamSchema(
    "deals_associations", "hubspot", "deals_associations", (Field("from_id"), Field("to_object"), Field("to_id")),
    ("from_id", "to_object", "to_id"), replace_by="from_id", covers=("companies", "contacts"), covers_field="to_object",
)  # fmt: skip
DEALS = StreamSchema("deals", "hubspot", "deals", (Field("id"),), ("id",))
Row = dict[str, Any]


def past(*entries: tuple[int, str], deal: str = "1", numbered: Sequence[int] | None = None) -> list[Row]:
    """Values of a deal's stage by their day; numbered as of today unless told otherwise."""
    days = [day for day, _ in entries]
    seq = numbered or [days[:n].count(day) for n, day in enumerate(days)]
    return [
        {"record_id": deal, "property": "dealstage", "seq": s, "value": v, "at": f"2026-09-{day:02d}T10:00:00Z"}
        for s, (day, v) in zip(seq, entries, strict=True)
    ]


class Account:
    """Runs of deals with one child stream, loaded as they land."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.zone, self._runs = folder, LandingZone(folder / "landing"), 0

    def land(self, child: StreamSchema, deals: Sequence[str], rows: list[Row], parents: Sequence[str] = ()) -> None:
        self._runs += 1
        writer = self.zone.begin(replace(DEALS, children=(child,)), "hs", f"r{self._runs}", Window(None, NOON))
        pages = [Page.of_rows("deals", [{"id": i} for i in deals]), Page.of_rows(child.stream, rows)]
        named = [{str(child.replace_by): i} for i in parents]
        pages += [Page.of_rows(child.stream, named, kind=PageKind.PARENTS)] if parents else []
        writer.write_all(replace(page, checkpoint={"page": n}) for n, page in enumerate(pages))
        writer.commit()

    def load(self, warehouse: str = "w.duckdb") -> None:
        with work_database(self.folder / warehouse) as connection:
            load_landed(connection, self.zone.manifests(), run_id="r")

    def rows(self, table: str, columns: str, warehouse: str = "w.duckdb") -> list[tuple[Any, ...]]:
        with work_database(self.folder / warehouse) as connection:
            return connection.execute(f"select {columns} from raw_hubspot.{table} order by all").fetchall()


@pytest.fixture(name="account")
def _account(tmp_path: Path) -> Account:
    return Account(tmp_path)


def test_a_history_that_comes_back_shorter_takes_nothing_away(account: Account) -> None:
    account.land(PAST, ["1"], past((1, "new"), (3, "called"), (3, "offered"), (7, "won")))
    account.land(PAST, ["1"], past((3, "called"), (3, "offered"), (7, "won"), (9, "lost")))
    account.land(PAST, ["1"], [])
    account.load()
    assert account.rows("deals_history", 'day("at"), seq, value') == [
        (1, 0, "new"), (3, 0, "called"), (3, 1, "offered"), (7, 0, "won"), (9, 0, "lost"),
    ]  # fmt: skip


def test_a_table_of_an_earlier_version_is_numbered_anew_once_and_takes_no_value_twice(account: Account) -> None:
    account.land(OLD, ["1"], past((1, "new"), (3, "called"), (3, "offered"), (7, "won"), numbered=[0, 1, 2, 3]))
    account.load()
    with work_database(account.folder / "w.duckdb") as connection:  # as that version left it
        connection.execute("comment on table raw_hubspot.deals_history is null")
        connection.execute("update raw_hubspot.deals_history set seq = rowid")
    account.land(PAST, ["1"], past((3, "called"), (3, "offered"), (7, "won"), (9, "lost")))
    account.load()
    expected = [(1, 0, "new"), (3, 0, "called"), (3, 1, "offered"), (7, 0, "won"), (9, 0, "lost")]
    assert account.rows("deals_history", 'day("at"), seq, value') == expected
    account.load("rebuilt.duckdb")
    assert account.rows("deals_history", 'day("at"), seq, value', "rebuilt.duckdb") == expected


def test_old_runs_loaded_again_keep_what_later_ones_had_forgotten(account: Account) -> None:
    account.land(OLD, ["1", "2"], past((1, "new"), (2, "won")) + past((1, "new"), deal="2"))
    account.land(OLD, ["1"], past((2, "won"), (4, "lost"), numbered=[0, 1]))
    account.load()
    assert account.rows("deals_history", 'record_id, day("at"), seq, value') == [
        ("1", 1, 0, "new"), ("1", 2, 0, "won"), ("1", 4, 0, "lost"), ("2", 1, 0, "new"),
    ]  # fmt: skip


def test_a_record_read_twice_in_an_old_run_has_each_value_once(account: Account) -> None:
    entries = past((1, "new"), (3, "a"), (3, "b"), numbered=[0, 1, 2])
    account.land(OLD, ["1"], entries + entries)
    account.load()
    assert account.rows("deals_history", 'day("at"), seq, value') == [(1, 0, "new"), (3, 0, "a"), (3, 1, "b")]


def link(deal: str, to_object: str, to_id: str) -> Row:
    return {"from_id": deal, "to_object": to_object, "to_id": to_id}


def test_links_of_records_that_were_not_read_are_replaced_when_the_run_names_them(account: Account) -> None:
    account.land(LINKS, ["1", "2", "3"], [link(n, "companies", f"c{n}") for n in "123"])
    account.land(LINKS, [], [link("1", "contacts", "p1")], parents=["1", "2"])
    account.load()
    assert account.rows("deals_associations", "*exclude (_source_id, _deleted, _extracted_at, _run_id, _row_hash)") == [
        ("1", "contacts", "p1"), ("3", "companies", "c3"),
    ]  # fmt: skip


def test_links_with_what_could_not_be_read_stay(account: Account) -> None:
    account.land(LINKS, ["1"], [link("1", "companies", "c1"), link("1", "contacts", "p1")])
    account.land(replace(LINKS, covers=("companies",)), ["1"], [link("1", "companies", "c2")])
    account.load()
    assert account.rows("deals_associations", "to_id") == [("c2",), ("p1",)]
    account.land(replace(LINKS, covers=()), ["1"], [])
    account.load()
    assert account.rows("deals_associations", "to_id") == [("c2",), ("p1",)]


@pytest.mark.parametrize(("keeps", "count", "is_reconciled"), [(True, 1, True), (True, 3, False), (False, 1, False)])
def test_a_source_that_forgets_holds_fewer_rows_than_we_do(
    account: Account, keeps: bool, count: int, is_reconciled: bool
) -> None:
    schema = replace(DEALS, stream="LoginHistory", table="LoginHistory", keeps_history=keeps)
    for number, ids in enumerate((["1"], ["2"])):
        writer = account.zone.begin(schema, "hs", f"n{number}", Window(None, NOON))
        writer.write(Page.of_rows("LoginHistory", [{"id": i} for i in ids], checkpoint={"done": True}))
        writer.commit(count=count)
    account.load()
    with work_database(account.folder / "w.duckdb") as connection:
        (found,) = connection.execute("select is_reconciled from ops.load order by loaded_at desc limit 1").fetchall()
    assert found == (is_reconciled,)
