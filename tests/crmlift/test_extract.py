"""One night's reading of a source: what is set apart, what is read whole, and where the next night goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Field, FieldType
from connectors.errors import (
    AccessRefused,
    CredentialsFailure,
    IncompleteAnswer,
    SchemaChanged,
    SourceFailure,
    TransientSourceFailure,
)
from crmlift import extract, pipeline
from crmlift.refusals import PartlyRead
from tests.crmlift.scripted_source import START, Script, ScriptedConnector, settings_at, shape

NO = AccessRefused("The desk keeps its notes to itself.", why="It said forbidden.", next_step="ask for the right")


@pytest.fixture(name="script")
def _script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    settings_at(tmp_path)
    monkeypatch.setenv("CRMLIFT_CONFIG", str(tmp_path / "crmlift.yml"))
    monkeypatch.setenv("CRMLIFT_HOME", str(tmp_path / "home"))
    names = ("notes", "deals", "users")
    script = Script({name: shape(name, "name") for name in names})
    script.rows = {name: [{"id": f"{name}{n}", "name": "x"} for n in range(3)] for name in names}
    monkeypatch.setattr(extract, "open_source", lambda *_: ScriptedConnector(script))
    yield script


def night(script: Script, **more: Any) -> dict[str, Any]:
    script.nights += 1
    return pipeline.extract("desk", run_id=f"night-{script.nights}", **more)


def landed(tmp_path: Path, stream: str) -> list[dict[str, Any]]:
    """The manifests of a stream, oldest first."""
    found = [json.loads(path.read_text()) for path in (tmp_path / "home/landing/desk" / stream).glob("*/manifest.json")]
    return sorted(found, key=lambda manifest: str(manifest["finished_at"]))


def findings(tmp_path: Path) -> set[tuple[str, str, str | None]]:
    found = json.loads((tmp_path / "home/landing/desk/findings.json").read_text())["findings"]
    return {(one["rule_id"], one["object"], one["field"]) for one in found}


@pytest.mark.parametrize("where", ["refuse", "refuse_schema"])
def test_a_stream_refused_for_good_is_set_apart_and_told(script: Script, tmp_path: Path, where: str) -> None:
    night(script)
    setattr(script, where, {"notes": NO})
    with pytest.raises(PartlyRead, match="keeps its notes to itself") as told:
        night(script)
    assert told.value.exit_code == 12 and told.value.done.streams_read == 2
    assert [len(landed(tmp_path, name)) for name in ("notes", "deals", "users")] == [1, 2, 2]
    assert findings(tmp_path) == {("unread_object", "notes", None)}
    setattr(script, where, {})
    night(script)
    assert findings(tmp_path) == set()
    assert script.of("notes")[-1].since == START + timedelta(days=1, minutes=-10), "it goes on where it was"


def test_what_a_refused_stream_has_landed_is_gone_on_with(script: Script, tmp_path: Path) -> None:
    script.refuse, script.refuse_after = {"deals": NO}, 2
    with pytest.raises(PartlyRead):
        night(script)
    script.refuse = {}
    night(script)
    (manifest,) = landed(tmp_path, "deals")
    assert (manifest["rows"], len(manifest["parts"]), manifest["run_id"]) == (3, 3, "night-1")


def test_an_unfinished_run_that_cannot_go_on_is_begun_anew(script: Script, tmp_path: Path) -> None:
    script.refuse, script.refuse_after = {"deals": NO}, 2
    with pytest.raises(PartlyRead):
        night(script)
    script.mends = lambda mended: mended.refuse.clear()
    night(script)
    (manifest,) = landed(tmp_path, "deals")
    assert (manifest["rows"], manifest["run_id"]) == (3, "night-2")


@pytest.mark.parametrize("failure", [CredentialsFailure("Who are you?"), TransientSourceFailure("Busy.")])
def test_what_stops_the_whole_source_stops_it(
    script: Script, tmp_path: Path, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    script.refuse = {"notes": NO, "deals": failure}  # type: ignore[dict-item]
    with pytest.raises(type(failure)) as told:
        night(script)
    assert told.value is failure and landed(tmp_path, "users") == []
    assert "keeps its notes" in caplog.text, "the refusal before it is told too"


def test_a_source_of_which_nothing_can_be_read_fails_with_the_first_refusal(script: Script) -> None:
    script.refuse = dict.fromkeys(script.schemas, NO)
    with pytest.raises(AccessRefused):
        night(script)


def test_an_answer_that_was_never_whole_is_asked_for_once_more(script: Script, tmp_path: Path) -> None:
    script.refuse = {"notes": IncompleteAnswer("A page of three rows came with two.")}
    script.mends = lambda mended: mended.refuse.clear()
    night(script)
    assert len(landed(tmp_path, "notes")) == 1 and len(script.of("notes")) == 2
    assert [name for name, _ in script.windows] == ["notes", "deals", "users", "notes"]


def test_a_step_that_somebody_asked_for_by_name_is_told_though_all_was_read(script: Script, tmp_path: Path) -> None:
    script.named_refusals = [SourceFailure("Nobody may see which deals the notes are about.")]
    with pytest.raises(PartlyRead, match="which deals"):
        night(script)
    assert len(landed(tmp_path, "notes")) == 1


def test_a_schema_that_proves_wrong_is_asked_for_again(script: Script, tmp_path: Path) -> None:
    night(script)
    script.schemas["deals"] = shape("deals", "name", "secret")
    script.refuse = {"deals": SchemaChanged("No such column.", why="secret cannot be queried.")}

    def without(mended: Script) -> None:
        mended.schemas["deals"], mended.refuse = shape("deals", "name"), {}

    script.mends = without
    night(script)
    assert [window.since is None for window in script.of("deals")] == [True, True, False]
    assert landed(tmp_path, "deals")[-1]["lacking"] == []


NUMBERED = replace(shape("deals"), fields=(Field("id"), Field("name"), Field("size", FieldType.NUMBER)))
LINKS = shape("deals_links", "deal", replace_by="deal")


def with_size(kind: FieldType, **more: Any) -> Any:
    return replace(NUMBERED, fields=(*NUMBERED.fields[:2], Field("size", kind, **more)))


@pytest.mark.parametrize(
    ("gained", "is_whole"),
    [
        (replace(NUMBERED, fields=(*NUMBERED.fields, Field("region"))), True),
        (replace(NUMBERED, children=(LINKS,)), True),
        (with_size(FieldType.TEXT), True),  # 7 was kept as 7.0
        (with_size(FieldType.DECIMAL), False),  # the column stays as wide as it is
        (with_size(FieldType.NUMBER, label="Another label", is_personal=True), False),
        (shape("deals"), False),
    ],
)
def test_what_a_stream_gains_is_read_once_for_all_records(
    script: Script, tmp_path: Path, gained: Any, is_whole: bool
) -> None:
    script.schemas["deals"] = NUMBERED
    night(script)
    script.schemas["deals"] = gained
    night(script)
    night(script)
    assert [window.since is None for window in script.of("deals")] == [True, is_whole, False]
    assert landed(tmp_path, "deals")[-1]["lacking"] == []


def test_it_is_noted_that_everything_was_read_again(script: Script, tmp_path: Path) -> None:
    night(script)
    script.schemas["deals"] = shape("deals", "name", "region")
    night(script)
    assert findings(tmp_path) == {("schema_grew", "deals", None)}
    night(script)
    assert findings(tmp_path) == set()


def test_a_field_that_was_hidden_for_a_night_is_filled_again(script: Script) -> None:
    for names in (("name", "region"), ("name",), ("name", "region"), ("name", "region")):
        script.schemas["deals"] = shape("deals", *names)
        night(script)
    assert [window.since is None for window in script.of("deals")] == [True, False, True, False]


def test_a_child_stream_that_was_off_for_a_night_is_read_for_all_parents(script: Script) -> None:
    child = shape("deals_links", "deal", replace_by="deal", covers=("companies",), covers_field="deal")
    wider = replace(child, covers=("companies", "contacts"))
    for children in ((child,), (child,), (), (child,), (wider,), (wider,)):
        script.schemas["deals"] = shape("deals", "name", children=children)
        night(script)
    assert [window.since is None for window in script.of("deals")] == [True, False, False, True, True, False]


def test_a_backfill_that_is_cut_off_ends_as_one(script: Script, tmp_path: Path) -> None:
    night(script)
    script.schemas["deals"] = shape("deals", "name", "region")
    script.refuse, script.refuse_after = {"deals": NO}, 1
    with pytest.raises(PartlyRead):
        night(script)
    assert findings(tmp_path) == {("unread_object", "deals", None), ("missing_field", "deals", "region")}
    script.refuse = {}
    night(script)
    assert landed(tmp_path, "deals")[-1]["window"]["since"] is None
    assert landed(tmp_path, "deals")[-1]["rows"] == 3
    assert findings(tmp_path) == {("schema_grew", "deals", None)}
    night(script)
    assert script.of("deals")[-1].since is not None


def test_an_increment_that_was_cut_off_leaves_the_backfill_to_the_next_night(script: Script, tmp_path: Path) -> None:
    """A crmlift before this one began the increment with the new field."""
    night(script)
    script.refuse, script.refuse_after = {"deals": NO}, 1
    with pytest.raises(PartlyRead):
        night(script)
    script.refuse = {}
    (first,) = (tmp_path / "home/landing/desk/deals").glob("*/manifest.json")
    manifest = json.loads(first.read_text())
    manifest["schema"]["fields"] = manifest["schema"]["fields"][:1]  # as if it had landed without `name`
    first.write_text(json.dumps(manifest, indent=1))
    night(script)
    assert landed(tmp_path, "deals")[-1]["lacking"] == ["name"]
    assert ("missing_field", "deals", "name") in findings(tmp_path)
    night(script)
    assert script.of("deals")[-1].since is None and landed(tmp_path, "deals")[-1]["lacking"] == []


def test_fields_met_after_the_first_rows_are_landed_and_read_for_those_next_time(
    script: Script, tmp_path: Path
) -> None:
    script.grows = {"deals": (1, shape("deals", "name", "region"))}
    night(script)
    assert [field["name"] for field in landed(tmp_path, "deals")[0]["schema"]["fields"]] == ["id", "name", "region"]
    assert landed(tmp_path, "deals")[0]["lacking"] == ["region"]
    assert findings(tmp_path) == {("missing_field", "deals", "region")}
    night(script)  # such a source says it so late every time
    night(script)
    assert [window.since is None for window in script.of("deals")] == [True, True, False]
    assert [manifest["lacking"] for manifest in landed(tmp_path, "deals")] == [["region"], [], []]


def test_fields_met_late_are_remembered_when_the_run_is_cut_off(script: Script, tmp_path: Path) -> None:
    script.grows = {"deals": (1, shape("deals", "name", "region"))}
    script.refuse, script.refuse_after = {"deals": NO}, 2
    with pytest.raises(PartlyRead):
        night(script)
    script.refuse, script.grows = {}, {}
    night(script)
    (manifest,) = landed(tmp_path, "deals")
    assert [field["name"] for field in manifest["schema"]["fields"]] == ["id", "name", "region"]
    assert (manifest["lacking"], manifest["rows"]) == (["region"], 3)


def test_everything_again_is_everything_whatever_was_landed(script: Script) -> None:
    night(script)
    night(script, full=True)
    assert [window.since for window in script.of("deals")] == [None, None]
