"""The landing zone when sources break off, disks fill, names are odd, and files change behind its back."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.contract import Page, PageFormat
from connectors.errors import LandingFailure, SettingsFailure, TransientSourceFailure
from connectors.landing import LandingZone, read_manifest
from tests.connectors.landed import SCHEMA, WINDOW, CountedSource, csv_page, landed, zone_of

BODIES = [f"Id,Name\n{n}a,x\n{n}b,y\n".encode() for n in range(9)]


def test_a_failing_source_keeps_what_was_whole_and_removes_the_rest(tmp_path: Path) -> None:
    zone, source = zone_of(tmp_path), CountedSource(BODIES)

    def failing() -> Iterator[Page]:
        for number, page in enumerate(source.pages(None)):
            if number == 5:
                raise TransientSourceFailure("The budget is used up.")
            yield page

    writer = zone.begin(SCHEMA, "sf", "r1", WINDOW)
    with pytest.raises(TransientSourceFailure, match="budget"):
        writer.write_all(failing())
    assert zone.begin(SCHEMA, "sf", "r2", WINDOW).checkpoint == {"next": 5}


class Breaking:
    """A body that breaks off the first `times` times it is read."""

    def __init__(self, body: bytes, times: int, error: Exception) -> None:
        self.body, self.times, self.error = body, times, error

    def __iter__(self) -> Iterator[bytes]:
        yield self.body[:20]
        self.times -= 1
        if self.times >= 0:
            raise self.error
        yield self.body[20:]


@pytest.mark.parametrize("error", [ConnectionResetError(), TransientSourceFailure("It broke.")])
def test_a_body_that_breaks_off_is_read_again_from_its_start(tmp_path: Path, error: Exception) -> None:
    zone = zone_of(tmp_path)
    writer = zone.begin(SCHEMA, "sf", "r1", WINDOW)
    body = b"Id,Name\n" + b"".join(b"%d,x\n" % n for n in range(50))
    writer.write(Page("Opportunity", PageFormat.CSV, Breaking(body, 2, error), checkpoint={"next": 1}))
    (manifest,) = writer.commit()
    assert [row["Id"] for row in landed(zone, manifest)] == [str(n) for n in range(50)]


def test_a_page_that_stays_short_fails_and_leaves_nothing(tmp_path: Path) -> None:
    writer = zone_of(tmp_path).begin(SCHEMA, "sf", "r1", WINDOW)
    with pytest.raises(TransientSourceFailure, match="1 rows, the source said 2"):
        writer.write(csv_page(b"Id,Name\n1,x\n", rows=2))
    with pytest.raises(TransientSourceFailure, match="incomplete"):
        writer.write(csv_page(b'Id,Name\n1,"cut in the mid'))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["checkpoint.jsonl"]


def test_a_full_disk_says_so_and_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zone, source = zone_of(tmp_path), CountedSource(BODIES)
    writer = zone.begin(SCHEMA, "sf", "r1", WINDOW)
    pages = source.pages(None)
    writer.write(next(pages))
    real = os.fsync

    def full(descriptor: int) -> None:
        if Path(os.readlink(f"/proc/self/fd/{descriptor}")).name.startswith(".part"):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LandingFailure) as caught:
        writer.write_all(pages)
    assert caught.value.exit_code == 12
    assert "disk of the landing zone is full" in str(caught.value)
    assert "free space" in caught.value.next_step
    monkeypatch.undo()
    files = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {"checkpoint.jsonl", "part-00000.csv.zst"}
    again = zone.begin(SCHEMA, "sf", "r2", WINDOW)
    again.write_all(source.pages(again.checkpoint))
    assert again.rows == 18


def test_a_disk_that_fills_while_the_journal_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zone = zone_of(tmp_path)
    writer = zone.begin(SCHEMA, "sf", "r1", WINDOW)
    journal = zone.root / "sf" / "Opportunity" / "r1" / "checkpoint.jsonl"
    before, real = journal.read_bytes(), os.fsync

    def full(descriptor: int) -> None:
        if os.readlink(f"/proc/self/fd/{descriptor}") == str(journal):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LandingFailure, match="full"):
        writer.write(csv_page(BODIES[0]))
    assert journal.read_bytes() == before
    assert [path.name for path in journal.parent.iterdir()] == ["checkpoint.jsonl"]


def test_a_root_that_is_a_file_or_an_address_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LandingFailure, match="not a folder"):
        LandingZone(tmp_path / "file").begin(SCHEMA, "sf", "r1", WINDOW)
    with pytest.raises(SettingsFailure, match="only folders") as caught:
        LandingZone(Path("s3://bucket/landing"))
    assert caught.value.exit_code == 10


@pytest.mark.parametrize("name", ["..", "sf:eu/1", "a b", "Ґ", "~"])
def test_names_stay_inside_the_zone(tmp_path: Path, name: str) -> None:
    zone = zone_of(tmp_path)
    writer = zone.begin(replace(SCHEMA, stream=name), name, name, WINDOW)
    writer.commit()
    (path,) = zone.manifests(name)
    assert len(path.relative_to(zone.root).parts) == 4
    assert ".." not in path.relative_to(zone.root).parts


def test_verify_finds_a_changed_and_a_lost_part(tmp_path: Path) -> None:
    zone = zone_of(tmp_path)
    writer = zone.begin(SCHEMA, "sf", "r1", WINDOW)
    writer.write(csv_page(BODIES[0]))
    (manifest,) = writer.commit()
    folder = zone.manifests()[0].parent
    manifest.verify(folder)
    part = folder / manifest.parts[0].file
    part.write_bytes(part.read_bytes()[:-1] + b"?")
    with pytest.raises(LandingFailure, match="damaged"):
        manifest.verify(folder)
    part.unlink()
    with pytest.raises(LandingFailure, match="cannot be read"):
        manifest.verify(folder)


def test_a_manifest_of_a_later_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"manifest_version": 2}))
    with pytest.raises(LandingFailure, match="version 2"):
        read_manifest(path)
