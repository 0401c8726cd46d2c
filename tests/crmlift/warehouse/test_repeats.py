"""A key that comes twice in one run: the newest version counts, or none; never the one whose file is named last."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.contract import Field, FieldType, Page, PageFormat, StreamSchema
from connectors.files.entities import entities
from crmlift.warehouse.store import work_database
from tests.crmlift.warehouse.test_load import DEAL, Bench, csv_page, deal

ORDER = StreamSchema(
    stream="orders", system="shop", table="orders",
    fields=(Field("no"), Field("total", FieldType.DECIMAL), Field("changed", FieldType.DATE), Field("sheet", is_origin=True)),
    primary_key=("no",), later_wins=False, is_snapshot=True,
)  # fmt: skip
DATED = replace(ORDER, version_field="changed")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with work_database(tmp_path / "warehouse.duckdb") as connection:
        yield Bench(tmp_path / "landing", connection)


def orders(*rows: str) -> Page:
    return Page("orders", PageFormat.CSV, ["\n".join(["no,total,changed,sheet", *rows, ""]).encode()])


def totals(bench: Bench) -> dict[str, int]:
    return dict(bench.rows("select no, total::int from raw_shop.orders where not _deleted"))


def keys_told(bench: Bench) -> list[tuple[Any, ...]]:
    return bench.rows("select record_id, row_count, taken from ops.repeated_key order by all")


def test_equal_rows_are_one_wherever_they_stand(bench: Bench) -> None:
    bench.land(ORDER, orders("7,10,,May", "8,20,,May"), orders("8,20,,May (copy)"))
    done = bench.load()["orders"]
    assert (done.rows_read, done.rows_inserted, done.rows_repeated, done.rows_rejected) == (3, 2, 1, 0)
    assert totals(bench) == {"7": 10, "8": 20} and keys_told(bench) == []
    assert bench.rows("select rows_read, rows_repeated from ops.load") == [(3, 1)]


@pytest.mark.parametrize("pages", [(0, 1), (1, 0)])
def test_without_a_version_no_order_of_names_decides(bench: Bench, pages: tuple[int, int]) -> None:
    told = [orders("7,10,,a", "8,20,,a"), orders("7,11,,b", "9,30,,b")]
    bench.land(ORDER, *(told[n] for n in pages))
    done = bench.load()["orders"]
    assert (done.rows_read, done.rows_inserted, done.rows_repeated, done.rows_rejected) == (4, 2, 0, 2)
    assert totals(bench) == {"8": 20, "9": 30}
    assert keys_told(bench) == [("7", 2, "none")]
    assert bench.rows("select distinct record_id, reason from ops.rejected_row") == [
        ("7", "key is repeated with different content")
    ]


def test_what_was_known_of_a_contradicted_key_is_withdrawn_until_it_is_clear(bench: Bench) -> None:
    bench.land(ORDER, orders("7,10,,a"))
    bench.load()
    bench.land(ORDER, orders("7,10,,a", "7,12,,b"))
    bench.load()
    assert totals(bench) == {}
    assert bench.rows("select distinct is_withdrawn from ops.rejected_row where settled_at is null") == [(True,)]
    bench.land(ORDER, orders("7,12,,b"))
    bench.load()
    assert totals(bench) == {"7": 12} and keys_told(bench) == []
    assert bench.rows("select count(*) from ops.rejected_row where settled_at is null") == [(0,)]


def test_the_newest_counts_and_a_tie_or_a_missing_day_decides_nothing(bench: Bench) -> None:
    bench.land(
        DATED,
        orders("1,10,2026-03-01,a", "1,11,2026-04-01,b", "1,12,2026-02-01,c"),
        orders("2,20,2026-03-01,a", "2,21,2026-03-01,b"),
        orders("3,30,2026-03-01,a", "3,31,,b", "4,40,2026-01-01,a", "4,40,2026-01-01,b"),
    )
    done = bench.load()["orders"]
    assert totals(bench) == {"1": 11, "4": 40}
    assert keys_told(bench) == [("1", 3, "newest version"), ("2", 2, "none"), ("3", 2, "none")]
    assert (done.rows_read, done.rows_inserted, done.rows_repeated, done.rows_rejected) == (9, 2, 3, 4)


def test_of_an_api_the_later_page_counts_where_stamps_tell_nothing(bench: Bench) -> None:
    bench.land(
        DEAL, csv_page([deal("1", 0, "10"), deal("2", 9, "9")]), csv_page([deal("1", 0, "11"), deal("2", 3, "3")])
    )
    done = bench.load()["Opportunity"]
    assert dict(bench.rows('select "Id", "Amount"::int from raw_salesforce."Opportunity"')) == {"1": 11, "2": 9}
    assert keys_told(bench) == [("1", 2, "later page"), ("2", 2, "newest version")]
    assert (done.rows_repeated, done.rows_rejected) == (2, 0)


def test_the_newest_version_is_taken_before_it_is_read(bench: Bench) -> None:
    """An older version in the same run does not come in the place of one that cannot be read."""
    bench.land(DEAL, csv_page([deal("1", 5, "unclear"), deal("1", 1, "100"), deal("2", 0)]))
    done = bench.load()["Opportunity"]
    assert bench.rows('select "Id" from raw_salesforce."Opportunity" where not _deleted') == [("2",)]
    assert (done.rows_read, done.rows_repeated, done.rows_rejected, done.rows_inserted) == (3, 1, 1, 1)


def test_files_come_in_no_order() -> None:
    assert all(not entity.schema.later_wins for entity in entities().values())
    assert {f.name for f in entities()["opportunity"].schema.fields if f.is_origin} == {"source_file"}


_rows = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 3), st.sampled_from(["1", "2", "odd"])), min_size=1, max_size=20
)


@settings(max_examples=15, deadline=None)
@given(rows=_rows, nights=st.integers(1, 3), seed=st.randoms(use_true_random=False))
def test_every_row_read_is_accounted_for_whatever_their_order(
    rows: list[tuple[str, int, str]], nights: int, seed: Any
) -> None:
    def loaded(given: list[tuple[str, int, str]]) -> list[tuple[Any, ...]]:
        with tempfile.TemporaryDirectory() as folder, work_database(Path(folder) / "w.duckdb") as connection:
            bench = Bench(Path(folder) / "landing", connection)
            stamped = [f"{key},{total},{'' if day == 0 else f'2026-01-0{day}'},x" for key, day, total in given]
            for night in range(nights):
                bench.land(DATED, orders(*stamped[night::nights]))
                done = bench.load()["orders"]
                known = done.rows_inserted + done.rows_updated + done.rows_unchanged
                assert done.rows_read == known + done.rows_repeated + done.rows_rejected
            return sorted(bench.rows("select no, total, changed from raw_shop.orders where not _deleted"), key=str)

    shuffled = list(rows)
    seed.shuffle(shuffled)
    first = loaded(rows)
    assert nights > 1 or loaded(shuffled) == first
