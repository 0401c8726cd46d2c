"""The landing zone: whole pages, each once, whatever breaks."""

from __future__ import annotations

import itertools
import json
import os
import signal
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import Field, Page, PageFormat, PageKind, StreamSchema, Window
from connectors.landing import LandingZone, read_manifest
from connectors.landing_part import NulRemover, RowCounter
from tests.connectors.landed import SCHEMA, UNTIL, WINDOW, CountedSource, csv_page, landed, rows_of, zone_of

CHILD = replace(SCHEMA, stream="Opportunity_history", table="Opportunity_history")
FAMILY = replace(SCHEMA, children=(CHILD,))
BODIES = [f"Id,Name\n{n}a,x\n{n}b,y\n".encode() for n in range(9)]


def test_a_run_leaves_parts_and_a_manifest_that_tells_all(tmp_path: Path) -> None:
    zone = zone_of(tmp_path)
    writer = zone.begin(SCHEMA, "sf:eu", "r1", WINDOW)
    writer.write(csv_page(b'Id,Name\n1,"two\nlines ""quoted"""\n2,nu\0l\n', rows=2))
    writer.write(
        Page("Opportunity", PageFormat.JSONL, [b'{"Id": "9"}\n'], kind=PageKind.DELETE, checkpoint={"next": 2})
    )
    (manifest,) = writer.commit(count=2, api_calls=5)

    (path,) = zone.manifests("sf:eu")
    assert read_manifest(path) == manifest
    assert path.relative_to(zone.root).as_posix() == "sf%3Aeu/Opportunity/r1/manifest.json"
    assert (manifest.rows, manifest.source_count, manifest.api_calls) == (2, 2, 5)
    assert [part.nul_bytes for part in manifest.parts] == [1, 0]
    assert rows_of(path.parent, manifest) == [
        {"Id": "1", "Name": 'two\nlines "quoted"'},
        {"Id": "2", "Name": "nul"},
        {"Id": "9"},
    ]
    assert sorted(each.name for each in path.parent.iterdir()) == [
        "manifest.json", "part-00000.csv.zst", "part-00001.jsonl.zst",
    ]  # fmt: skip


def test_an_empty_run_still_leaves_a_manifest(tmp_path: Path) -> None:
    zone = zone_of(tmp_path)
    writer = zone.begin(SCHEMA, "sf", "r1", WINDOW)
    writer.write(csv_page(b"Id,Name\n"))
    writer.write(Page("Opportunity", PageFormat.CSV, checkpoint={"next": 2}))
    (manifest,) = writer.commit()
    assert (manifest.rows, manifest.parts) == (0, ())


def test_an_empty_page_of_keys_is_kept_since_it_says_nothing_is_left(tmp_path: Path) -> None:
    writer = zone_of(tmp_path).begin(SCHEMA, "sf", "r1", WINDOW)
    writer.write(csv_page(b"Id\n", kind=PageKind.KEYS))
    (manifest,) = writer.commit()
    assert [(part.kind, part.rows) for part in manifest.parts] == [(PageKind.KEYS, 0)]


def test_children_have_folders_and_manifests_of_their_own(tmp_path: Path) -> None:
    zone = zone_of(tmp_path)
    writer = zone.begin(FAMILY, "hs", "r1", WINDOW)
    writer.write_all(CountedSource(BODIES, ("Opportunity", "Opportunity_history")).pages(None))
    child, parent = writer.commit(api_calls=3)
    assert (child.stream, child.rows, child.api_calls) == ("Opportunity_history", 8, 0)
    assert (parent.stream, parent.rows, parent.api_calls) == ("Opportunity", 10, 3)
    assert {row["Id"] for row in landed(zone, child)} == {f"{n}{letter}" for n in (1, 3, 5, 7) for letter in "ab"}


def test_the_next_window_is_a_new_run_in_load_order(tmp_path: Path) -> None:
    zone = zone_of(tmp_path)
    later = Window(UNTIL, UNTIL + timedelta(days=1))
    for run_id, window in (("z", WINDOW), ("a", later)):
        zone.begin(SCHEMA, "sf", run_id, window).commit()
    assert [read_manifest(path).run_id for path in zone.manifests()] == ["z", "a"]
    assert zone.manifests("other") == []


def test_a_finished_run_asked_for_again_keeps_its_manifest(tmp_path: Path) -> None:
    zone = zone_of(tmp_path)
    for body in BODIES[:2]:
        writer = zone.begin(SCHEMA, "sf", "r1", WINDOW)
        writer.write(csv_page(body))
        writer.commit()
    assert [path.parent.name for path in zone.manifests()] == ["r1", "r1-2"]


def test_an_unfinished_run_keeps_its_window_and_goes_on_after_the_last_page(tmp_path: Path) -> None:
    zone, source = zone_of(tmp_path), CountedSource(BODIES)
    first = zone.begin(SCHEMA, "sf", "r1", WINDOW)
    pages = source.pages(None)
    for _ in range(3):
        first.write(next(pages))

    second = zone.begin(SCHEMA, "sf", "r2", Window(UNTIL, UNTIL + timedelta(days=1)))
    assert (second.run_id, second.window, second.checkpoint, second.is_resumed) == ("r1", WINDOW, {"next": 3}, True)
    second.write_all(source.pages(second.checkpoint))
    (manifest,) = second.commit()
    assert sorted(source.opened) == list(range(9))
    assert [row["Id"] for row in landed(zone, manifest)] == [f"{n}{letter}" for n in range(9) for letter in "ab"]


def test_pages_without_a_checkpoint_count_only_with_the_next_one(tmp_path: Path) -> None:
    zone = zone_of(tmp_path)
    writer = zone.begin(SCHEMA, "sf", "r1", WINDOW)
    writer.write(csv_page(BODIES[0], checkpoint={"next": 1}))
    writer.write(csv_page(BODIES[1], checkpoint={}))
    resumed = zone.begin(SCHEMA, "sf", "r2", WINDOW)
    assert (resumed.checkpoint, resumed.rows) == ({"next": 1}, 2)
    (manifest,) = resumed.commit()
    assert [part.file for part in manifest.parts] == ["part-00000.csv.zst"]


def test_a_run_of_another_schema_is_thrown_away(tmp_path: Path) -> None:
    zone = zone_of(tmp_path)
    zone.begin(SCHEMA, "sf", "r1", WINDOW).write(csv_page(BODIES[0]))
    wider = replace(SCHEMA, fields=(*SCHEMA.fields, Field("Amount")))
    writer = zone.begin(wider, "sf", "r2", WINDOW)
    assert (writer.run_id, writer.checkpoint) == ("r2", None)
    assert not (zone.root / "sf" / "Opportunity" / "r1").exists()


@pytest.mark.parametrize("damage", ["part", "journal"])
def test_a_damaged_unfinished_run_is_read_anew(tmp_path: Path, damage: str) -> None:
    zone = zone_of(tmp_path)
    zone.begin(SCHEMA, "sf", "r1", WINDOW).write(csv_page(BODIES[0]))
    name = "part-00000.csv.zst" if damage == "part" else "checkpoint.jsonl"
    (zone.root / "sf" / "Opportunity" / "r1" / name).write_bytes(b"{")
    assert zone.begin(SCHEMA, "sf", "r2", WINDOW).checkpoint is None


def test_a_torn_last_line_of_the_journal_is_as_if_never_written(tmp_path: Path) -> None:
    zone, source = zone_of(tmp_path), CountedSource(BODIES)
    zone.begin(SCHEMA, "sf", "r1", WINDOW).write_all(source.pages(None))
    journal = zone.root / "sf" / "Opportunity" / "r1" / "checkpoint.jsonl"
    journal.write_bytes(journal.read_bytes()[:-5])
    writer = zone.begin(SCHEMA, "sf", "r2", WINDOW)
    assert writer.checkpoint == {"next": 8}
    writer.write_all(source.pages(writer.checkpoint))
    (manifest,) = writer.commit()
    assert manifest.rows == 18


def _land(zone: LandingZone, run_id: str) -> None:
    """Land five pages of a stream and its child, unless they are already."""
    writer = zone.begin(FAMILY, "hs", run_id, WINDOW)
    if not zone.manifests():
        source = CountedSource(BODIES[:5], ("Opportunity", "Opportunity_history"))
        writer.write_all(source.pages(writer.checkpoint), parallel=3)
        writer.commit()


def _is_killed_at(zone: LandingZone, fatal_sync: int) -> bool:
    """Land in a process of its own, killed at its n-th fsync; False when it ended before."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] != 0
    calls, real = itertools.count(1), os.fsync

    def fatal(descriptor: int) -> None:
        if next(calls) == fatal_sync:
            os.kill(os.getpid(), signal.SIGKILL)
        real(descriptor)

    os.fsync = fatal
    _land(zone, "killed")
    os._exit(0)


def test_killed_at_every_sync_nothing_is_missing_or_doubled(tmp_path: Path) -> None:
    fatal_sync = 1
    while _is_killed_at(zone := LandingZone(tmp_path / str(fatal_sync)), fatal_sync):
        _land(zone, "again")
        finished = [(path.parent, read_manifest(path)) for path in zone.manifests()]
        rows = [row["Id"] for folder, manifest in finished for row in rows_of(folder, manifest)]
        assert sorted(rows) == [f"{n}{letter}" for n in range(5) for letter in "ab"], fatal_sync
        assert not list(zone.root.rglob("*.tmp")), fatal_sync
        fatal_sync += 1
    assert fatal_sync > 20


_CELL = st.text(st.sampled_from('a,"\n\r'), max_size=5)


@given(st.lists(st.lists(_CELL, min_size=2, max_size=2), max_size=8), st.integers(1, 7), st.booleans())
def test_rows_are_counted_as_a_csv_reader_counts_them(rows: list[list[str]], size: int, is_ended: bool) -> None:
    quoted = ["a,b", *(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)]
    body = "\n".join(quoted).encode() + (b"\n" if is_ended else b"")
    counter = RowCounter(PageFormat.CSV)
    for start in range(0, len(body), size):
        counter.feed(body[start : start + size])
    assert (counter.rows, counter.is_cut) == (len(rows), False)


_LINES = st.lists(st.text(st.sampled_from('a\0\\u\n"'), max_size=8), min_size=1, max_size=5)


@given(_LINES, st.integers(1, 9))
def test_nul_escapes_are_taken_out_of_json_and_nothing_else_is(texts: list[str], size: int) -> None:
    body = "\n".join(json.dumps({"t": text}) for text in texts).encode()
    nuls = NulRemover(PageFormat.JSONL)
    kept = b"".join(nuls.feed(body[start : start + size]) for start in range(0, len(body), size)) + nuls.rest()
    assert [json.loads(line)["t"] for line in kept.splitlines()] == [text.replace("\0", "") for text in texts]
    assert nuls.removed == sum(text.count("\0") for text in texts)


def test_what_the_contract_gained_is_told_only_where_it_says_something() -> None:
    """So a run that an earlier version left unfinished, and its manifests, are those of the same stream."""
    assert SCHEMA.to_json().keys() == {
        "stream", "system", "table", "fields", "primary_key", "version_field", "deleted_field", "replace_by",
        "is_snapshot", "keeps_bookmark",
    }  # fmt: skip
    links = replace(SCHEMA, covers=(), covers_field="Name", remembers=True)
    assert StreamSchema.from_json(json.loads(json.dumps(links.to_json()))) == links
