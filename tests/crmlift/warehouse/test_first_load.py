"""A first load may do without a merge; whichever way is taken, the table is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.contract import Page, PageFormat, Window
from connectors.landing import LandingZone
from crmlift.warehouse import first_load, merge
from crmlift.warehouse.load import load_landed
from crmlift.warehouse.store import work_database
from crmlift.warehouse.typing import DATABASE_TYPE, cast, strict_cast
from tests.crmlift.warehouse.test_load import DEAL, NOON

HEAD = '"Id","Name","Amount","CloseDate","IsDeleted","SystemModstamp"\n'
PLAIN = [
    '"1","NA","10.5","2026-01-31","false","2026-10-01T00:00:00.000Z"',
    '"2","null",,,"true","2026-10-01T10:00:00.123Z"',
    '"3","a ""quoted"", text\nof two lines","0.0001","2026-02-28","false","2026-10-01T00:00:00.000+0200"',
    f'"4","{"ж" * 65_000}","-1","2026-01-01","false","2026-10-02T00:00:00.000Z"',
]
ODD = {
    "a key twice": '"1","newer","1","2026-01-31","false","2026-10-03T00:00:00.000Z"',
    "no key": ',"lost","1","2026-01-31","false","2026-10-03T00:00:00.000Z"',
    "not a number": '"5","x","ten","2026-01-31","false","2026-10-03T00:00:00.000Z"',
    "milliseconds": '"5","x","1","2026-01-31","false","1790000000000"',
    "a line too long": f'"5","{"x" * 3_000_000}","1","2026-01-31","false","2026-10-03T00:00:00.000Z"',
}


def loaded(folder: Path, lines: list[str]) -> tuple[list[tuple[Any, ...]], int]:
    """The table after a load of these lines, and how many rows were rejected."""
    zone = LandingZone(folder / "landing")
    writer = zone.begin(DEAL, "sf", "r1", Window(None, NOON))
    half = len(lines) // 2
    for part in (lines[:half], lines[half:]):
        writer.write(Page("Opportunity", PageFormat.CSV, [(HEAD + "\n".join(part) + "\n").encode()]))
    writer.commit()
    with work_database(folder / "w.duckdb") as connection:
        (result,) = load_landed(connection, zone.manifests("sf"), run_id="r1")
        rows = connection.execute('select * from raw_salesforce."Opportunity" order by "Id"').fetchall()
    return rows, result.rows_rejected


def both_ways(
    folder: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Rows without when they were loaded, by the short way if it can be taken, and by the merge."""
    short, _ = loaded(folder / "short", lines)
    monkeypatch.setattr(first_load, "is_first", lambda *_: False)
    long, _ = loaded(folder / "long", lines)
    return [row[:8] + row[9:] for row in short], [row[:8] + row[9:] for row in long]


def test_plain_rows_are_inserted_as_a_merge_would_leave_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    merges: list[str] = []
    monkeypatch.setattr("crmlift.warehouse.merge.apply_upserts", lambda *_, **__: merges.append("merged"))
    short, _ = loaded(tmp_path / "first", PLAIN)
    assert len(short) == 4 and not merges
    monkeypatch.undo()
    short, long = both_ways(tmp_path, PLAIN, monkeypatch)
    assert short == long
    assert [row[1] for row in short[:2]] == ["NA", "null"]


@pytest.mark.parametrize("why", ODD)
def test_odd_rows_take_the_long_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    short, long = both_ways(tmp_path, [*PLAIN, ODD[why]], monkeypatch)
    assert short == long
    assert len(short) == (4 if why in {"a key twice", "no key", "not a number"} else 5)


def test_the_database_gets_its_memory_back(tmp_path: Path) -> None:
    loaded(tmp_path, PLAIN)
    zone = LandingZone(tmp_path / "landing")
    with work_database(tmp_path / "other.duckdb") as connection:
        load_landed(connection, zone.manifests("sf"), run_id="r1")
        connection.execute("set threads = 1; create temp table large as select repeat('x', 300000000) as body")
        setting = connection.execute("select current_setting('preserve_insertion_order')").fetchone()
    assert setting == (True,)


JSON_PLAIN = [
    '{"Id": "1", "Name": "NA", "Amount": "10.5", "CloseDate": "2026-01-31", "IsDeleted": "false", '
    '"SystemModstamp": "2026-10-01T00:00:00.000Z"}',
    '{"Id": "2", "Name": "", "Amount": null, "IsDeleted": "true", "SystemModstamp": "2026-10-01T10:00:00.123Z"}',
    '{"Id": "3", "Name": "ї \\"q\\"\\n2", "Amount": "-1", "CloseDate": "", "SystemModstamp": "2026-10-01T00:00:00+02:00"}',
]
JSON_ODD = {
    "a key twice": '{"Id": "1", "Name": "newer", "SystemModstamp": "2026-10-03T00:00:00.000Z"}',
    "no key": '{"Name": "lost", "SystemModstamp": "2026-10-03T00:00:00.000Z"}',
    "not a number": '{"Id": "5", "Amount": "ten", "SystemModstamp": "2026-10-03T00:00:00.000Z"}',
    "milliseconds": '{"Id": "5", "Amount": "1", "SystemModstamp": "1790000000000"}',
}


def loaded_json(folder: Path, lines: list[str]) -> list[tuple[Any, ...]]:
    """The table after a load of these JSON lines, without when they were loaded."""
    zone = LandingZone(folder / "landing")
    writer = zone.begin(DEAL, "sf", "r1", Window(None, NOON))
    for line in lines:
        writer.write(Page("Opportunity", PageFormat.JSONL, [(line + "\n").encode()]))
    writer.commit()
    with work_database(folder / "w.duckdb") as connection:
        load_landed(connection, zone.manifests("sf"), run_id="r1")
        rows = connection.execute('select * from raw_salesforce."Opportunity" order by "Id"').fetchall()
    return [row[:8] + row[9:] for row in rows]


@pytest.mark.parametrize("why", [None, *JSON_ODD])
def test_json_lines_are_inserted_as_a_merge_would_leave_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str | None
) -> None:
    lines = [*JSON_PLAIN, *([JSON_ODD[why]] if why else [])]
    merges: list[str] = []
    real = merge.apply_upserts
    monkeypatch.setattr(merge, "apply_upserts", lambda *a, **k: (merges.append("merged"), real(*a, **k))[1])
    short = loaded_json(tmp_path / "short", lines)
    assert bool(merges) is bool(why)
    monkeypatch.setattr(first_load, "is_first", lambda *_: False)
    assert short == loaded_json(tmp_path / "long", lines)
    assert short[1][1] is None, "a cleared property is unknown"


TEXTS = [
    None, "1", "3.0", "3.7", "-0", "1e3", "9007199254740993", "9223372036854775808", "10.55555", "abc", " 5 ", "NaN",
    "true", "False", "t", "yes", "2", "2026-01-31", "2026-01-31T10:00:00Z", "2026-01-31T10:00:00.5+02:00", "2026-13-01",
    "1790000000000", "179000000000000000000",
]  # fmt: skip


@pytest.mark.parametrize("kind", sorted(set(DATABASE_TYPE.values())))
def test_a_strict_cast_fails_or_gives_what_a_merge_gives(kind: str) -> None:
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    taken = 0
    for text in TEXTS:
        (lenient,) = (
            connection.execute(f"select {cast('x', kind)} from (select ?::varchar as x)", [text]).fetchone() or ()
        )
        try:
            (strict,) = (
                connection.execute(f"select {strict_cast('x', kind)} from (select ?::varchar as x)", [text]).fetchone()
                or ()
            )
        except first_load.NEEDS_MERGE:
            continue
        assert repr(strict) == repr(lenient), text
        assert text is None or strict is not None, text
        taken += 1
    assert taken > 2
