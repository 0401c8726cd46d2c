"""A small tap through the bridge, the landing zone and the load: types, state, versions, deaths."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.errors import CredentialsFailure, SettingsFailure, SourceFailure, TransientSourceFailure
from connectors.registry import open_connector
from crmlift import pipeline
from crmlift.errors import ConfigurationFailure
from crmlift.refusals import PartlyRead
from crmlift.settings_file import load_settings

TAP = Path(__file__).with_name("tap_small.py")
SECRET = "sec-4711-very"
NULL = "null"
DEALS = {
    "id": {"type": ["integer"]},
    "name": {"type": [NULL, "string"]},
    "amount": {"type": [NULL, "number"]},
    "is_open": {"type": ["boolean", NULL]},
    "closed_on": {"anyOf": [{"type": "string", "format": "date"}, {"type": NULL}]},
    "changed_at": {"type": ["string"], "format": "date-time"},
    "person": {"type": ["object"], "properties": {"id": {"type": "integer"}}},
    "tags": {"type": "array"},
    "mixed": {"type": ["string", "integer"]},
    "_deleted": {"type": "boolean"},
    "Name": {"type": "string"},
}


def entry(stream: str, properties: dict[str, Any], keys: list[str]) -> dict[str, Any]:
    return {
        "tap_stream_id": stream,
        "stream": stream,
        "key_properties": keys,
        "schema": {"type": "object", "properties": properties},
        "metadata": [{"breadcrumb": [], "metadata": {}}],
    }


def deal(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number, "name": f"Угода {number}", "amount": 1.5 * number, "is_open": number % 2 == 0,
        "closed_on": f"2026-01-0{1 + number % 9}", "changed_at": "2026-01-05T10:00:00.000000Z",
        "person": {"id": number}, "tags": ["a"], "mixed": number, "_deleted": False, **more,
    }  # fmt: skip


class Desk:
    """A source `tap` over the small tap, and what its nights left."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.catalog = {"streams": [entry("deals", DEALS, ["id"])]}
        self.records: dict[str, Any] = {"deals": {"rows": [deal(n) for n in range(10)]}}
        self.more: dict[str, Any] = {}

    def settings(self) -> dict[str, Any]:
        config = {"log": str(self.home / "log"), "catalog": self.catalog, "records": self.records}
        config["api_token"] = "${TAP_TOKEN}"
        return {"type": "singer", "command": [sys.executable, str(TAP)], "config": config, **self.more}

    def write(self) -> None:
        (self.home / "crmlift.yml").write_text(json.dumps({"sources": {"tap": self.settings()}}))

    def extract(self, run_id: str) -> None:
        self.write()
        pipeline.extract("tap", run_id=run_id)

    def night(self, run_id: str) -> None:
        self.extract(run_id)
        pipeline.load(run_id=run_id)

    def states(self) -> list[Any]:
        return [json.loads(line)["state"] for line in (self.home / "log").read_text().splitlines()]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.home / "data" / "warehouse.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def live(self, stream: str = "deals", key: str = "id") -> list[Any]:
        return [row[0] for row in self.query(f"select {key} from raw_tap_small.{stream} where not _deleted order by 1")]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("CRMLIFT_CONFIG", str(tmp_path / "crmlift.yml"))
    monkeypatch.setenv("CRMLIFT_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("TAP_TOKEN", SECRET)
    return Desk(tmp_path)


def test_records_arrive_typed_and_the_next_run_goes_on_from_the_state(desk: Desk) -> None:
    desk.night("one")
    kinds = dict(row[:2] for row in desk.query("describe raw_tap_small.deals"))
    assert [kinds[name] for name in ("id", "name", "amount", "is_open", "closed_on", "changed_at", "person", "tags")] == [
        "BIGINT", "VARCHAR", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP WITH TIME ZONE", "JSON", "JSON",
    ]  # fmt: skip
    assert kinds["mixed"] == "VARCHAR" and kinds["_deleted_"] == "BOOLEAN" and "Name" not in kinds
    assert desk.query("select name, amount, is_open, person->>'id', mixed from raw_tap_small.deals where id = 3") == [
        ("Угода 3", 4.5, False, "3", "3")
    ]
    desk.records["deals"]["rows"] += [deal(10), deal(11)]
    desk.night("two")
    assert desk.live() == list(range(12))
    assert desk.states() == [None, {"bookmarks": {"deals": {"id": 9}}}]
    assert desk.query("select rows_read, rows_rejected from ops.load order by loaded_at") == [(10, 0), (2, 0)]
    assert desk.query("select bookmark->>'$.state.bookmarks.deals.id' from ops.cursor") == [("11",)]


def test_a_tap_that_dies_is_told_clearly_and_goes_on_from_its_last_state(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.records["deals"]["die_after"] = 8
    with caplog.at_level(logging.DEBUG), pytest.raises(CredentialsFailure, match="exit code 1") as caught:
        desk.extract("one")
    assert "401 Unauthorized" in str(caught.value) and SECRET not in str(caught.value) + caplog.text
    assert "everybody" in caplog.text
    del desk.records["deals"]["die_after"]
    desk.night("two")
    assert desk.live() == list(range(10))
    assert desk.states() == [None, {"bookmarks": {"deals": {"id": 5}}}]
    assert desk.query("select rows_read from ops.load") == [(10,)]
    assert SECRET not in "".join(path.read_text() for path in (desk.home / "data" / "landing").rglob("*.json"))


def test_a_tap_killed_from_outside_is_worth_another_try(desk: Desk) -> None:
    desk.more["command"] = [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
    with pytest.raises(TransientSourceFailure, match="signal 9"):
        desk.extract("one")


def test_records_without_a_key_and_with_several_get_one(desk: Desk) -> None:
    plain = {"id": {"type": "integer"}, "day": {"type": "string"}}
    desk.catalog["streams"] = [entry("visits", plain, []), entry("shares", plain, ["id", "day"])]
    rows = [{"id": 1, "day": "a"}, {"day": "b", "id": 1}, {"id": 1, "day": "a"}]
    desk.records = {"visits": {"rows": rows}, "shares": {"rows": [*rows, {"id": 2}]}}
    desk.night("one")
    assert len(desk.live("visits", "_key")) == 2
    assert desk.live("shares", "_key") == ['[1,"a"]', '[1,"b"]']
    assert desk.query("select reason from ops.rejected_row") == [("key is missing",)]


def test_a_new_version_takes_the_old_ones_place(desk: Desk) -> None:
    desk.records["deals"] |= {"version": 1, "rows": [deal(n) for n in range(6)]}
    desk.night("one")
    assert desk.live() == [0, 1, 2, 3, 4, 5]
    desk.records["deals"]["rows"] = [deal(7)]
    desk.night("the same version takes nothing away")
    assert desk.live() == [0, 1, 2, 3, 4, 5, 7]
    desk.records["deals"] |= {"version": 2, "rows": [deal(n) for n in (1, 2, 8)], "die_after": 2, "state_every": 1}
    with pytest.raises(CredentialsFailure):
        desk.extract("dies midway")
    del desk.records["deals"]["die_after"]
    desk.night("new version")
    assert desk.live() == [1, 2, 8]
    desk.records["deals"] |= {"version": 3, "rows": [deal(4)], "activate": False}
    desk.night("not activated")
    assert desk.live() == [1, 2, 4, 8]


def test_streams_and_fields_are_chosen_by_patterns(desk: Desk) -> None:
    desk.catalog["streams"].append(entry("notes", {"id": {"type": "integer"}}, ["id"]))
    desk.more |= {"select": ["d*", "notes"], "exclude": ["notes", "deals.per*", "deals.id"]}
    connector = open_connector("tap", desk.settings(), {"TAP_TOKEN": "from the Airflow connection"})
    assert connector.streams() == ["deals"]
    names = [field.name for field in connector.schema("deals").fields]
    assert "person" not in names and "id" in names
    assert connector.check().endswith(" has 2 streams, 1 of them selected")


def test_absent_records_of_a_snapshot_are_gone_and_deleted_ones_of_a_log_too(desk: Desk) -> None:
    logged = {"id": {"type": "integer"}, "_sdc_deleted_at": {"type": [NULL, "string"], "format": "date-time"}}
    desk.catalog["streams"] = [entry("stages", {"name": {"type": "string"}}, ["name"]), entry("log", logged, ["id"])]
    desk.records = {
        "stages": {"rows": [{"name": "a"}, {"name": "b"}]},
        "log": {
            "rows": [
                {"id": 1},
                {"id": 2, "_sdc_deleted_at": "2026-01-05T10:00:00Z"},
                {"id": 3, "_sdc_deleted_at": None},
            ]
        },
    }
    desk.more["snapshots"] = ["sta*"]
    desk.night("one")
    assert desk.live("log") == [1, 3]
    desk.records["stages"]["rows"] = [{"name": "b"}]
    desk.night("two")
    assert desk.live("stages", "name") == ["b"]


@pytest.mark.parametrize(
    ("change", "failure", "said"),
    [
        (lambda d: d.more.update(command="/nowhere/tap-x"), SettingsFailure, "cannot be started"),
        (lambda d: d.more.update(catalog="/nowhere/catalog.json"), SettingsFailure, "catalog cannot be read"),
        (lambda d: d.more.update(environment={"A": "${NOT_SET_ANYWHERE}"}), SettingsFailure, "NOT_SET_ANYWHERE"),
        (lambda d: d.more.update(command=[sys.executable, "-c", "print('no')"]), SettingsFailure, "did not print a catalog"),
        (lambda d: d.records["deals"].update(keys=["name"]), SourceFailure, r"keys: \{deals: \[name\]\}"),
        (lambda d: d.more.update(idle_minutes=0.001, command=[sys.executable, "-c", "input() if 0 else __import__('time').sleep(9)"]), TransientSourceFailure, "said nothing for"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_said(
    desk: Desk, change: Callable[[Desk], object], failure: type[Exception], said: str
) -> None:
    change(desk)
    with pytest.raises(failure, match=said):
        desk.extract("one")


def test_a_secret_in_the_settings_file_is_refused(desk: Desk) -> None:
    desk.more["config"] = {"access_token": "pat-123"}
    desk.write()
    with pytest.raises(ConfigurationFailure, match="access_token looks like a secret"):
        load_settings()


REGION = {"region": {"type": [NULL, "string"]}, "Amount": {"type": "string"}}


def findings(desk: Desk) -> list[tuple[str, str, str | None]]:
    found = json.loads((desk.home / "data/landing/tap/findings.json").read_text())["findings"]
    return sorted((one["rule_id"], one["object"], one["field"]) for one in found if one["field"] != "Name")


def test_a_property_the_catalog_did_not_have_is_landed_and_then_read_for_all_records(desk: Desk) -> None:
    desk.records["deals"]["rows"] = [deal(n, region="East" if n % 2 else "West") for n in range(10)]
    for row in desk.records["deals"]["rows"][:4]:
        del row["region"]  # not asked for yet
    desk.records["deals"]["later"] = {"4": REGION}
    desk.night("one")
    regions = "select region, count(*) from raw_tap_small.deals group by 1 order by 1"
    assert desk.query(regions) == [("East", 3), ("West", 3), (None, 4)]
    assert ("missing_field", "deals", "region") in findings(desk)
    desk.records["deals"]["rows"] = [deal(n, region="North") for n in range(10)]
    desk.night("two")
    assert desk.query(regions) == [("North", 10)] and desk.states() == [None, None]
    assert ("schema_grew", "deals", None) in findings(desk)
    assert ("missing_field", "deals", "region") not in findings(desk)
    desk.records["deals"]["rows"] += [deal(10, region="South")]
    desk.night("three")
    assert desk.states()[-1] == {"bookmarks": {"deals": {"id": 9}}}, "once is enough"
    assert desk.live() == list(range(11)) and ("missing_field", "deals", "region") not in findings(desk)


def test_a_property_told_before_the_first_record_lacks_nothing(desk: Desk) -> None:
    desk.records["deals"] = {"rows": [deal(n, region="East") for n in range(3)], "later": {"0": REGION}}
    desk.night("one")
    assert desk.query("select distinct region from raw_tap_small.deals") == [("East",)]
    assert ("missing_field", "deals", "region") not in findings(desk)


def test_a_property_that_is_excluded_stays_out_whenever_it_comes(desk: Desk) -> None:
    desk.records["deals"] |= {"later": {"2": REGION}}
    desk.more["exclude"] = ["deals.region"]
    desk.night("one")
    names = {row[0] for row in desk.query("describe raw_tap_small.deals")}
    assert "region" not in names
    assert findings(desk) == [("missing_field", "deals", "Amount")], "the same name but for capitals"


def test_a_run_cut_off_after_a_new_property_goes_on_with_it(desk: Desk) -> None:
    desk.records["deals"] = {"rows": [deal(n, region="East") for n in range(10)], "later": {"2": REGION}}
    desk.records["deals"] |= {"die_after": 8, "last_words": "503 Service Unavailable"}
    with pytest.raises(TransientSourceFailure):
        desk.extract("one")
    del desk.records["deals"]["die_after"], desk.records["deals"]["later"]
    desk.night("two")
    assert desk.live() == list(range(10))
    assert desk.query("select count(region) from raw_tap_small.deals") == [(10,)]
    assert ("missing_field", "deals", "region") in findings(desk), "the first two were told without it"


def test_a_lifted_exclusion_is_filled_for_records_that_do_not_change(desk: Desk) -> None:
    desk.more["exclude"] = ["deals.amount"]
    desk.night("one")
    desk.more.clear()
    desk.night("two")
    assert desk.states() == [None, None]
    assert desk.query("select count(amount), sum(amount) from raw_tap_small.deals") == [(10, 67.5)]


@pytest.mark.parametrize(("last_words", "is_login"), [("HTTP 403 Forbidden: deals", False), ("401 nobody", True)])
def test_a_stream_the_tap_may_not_read_is_that_streams_own(desk: Desk, last_words: str, is_login: bool) -> None:
    desk.catalog["streams"].append(entry("notes", {"id": {"type": "integer"}}, ["id"]))
    desk.records["notes"] = {"rows": [{"id": 1}]}
    desk.records["deals"] |= {"die_after": 0, "last_words": last_words}
    with pytest.raises(CredentialsFailure if is_login else PartlyRead, match="exit code 1"):
        desk.extract("one")
    assert (desk.home / "data/landing/tap/notes").exists() is not is_login
