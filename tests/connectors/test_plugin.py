"""The connector of docs/connectors.md, found by its entry point and run by the engine like any other."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from connectors.errors import SettingsFailure, SourceFailure
from connectors.registry import open_connector, secret_names, source_types
from crmlift import pipeline
from crmlift.cli.connectors import check
from crmlift.errors import ConfigurationFailure, DataCheckFailure
from crmlift.extract import classified
from crmlift.settings_file import load_settings, source_secrets
from tests.connectors.plugin_fixture import forget, install, tickets

NOW = "2026-01-05T10:00:00+00:00"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "packages").mkdir()
    install(tmp_path / "packages", monkeypatch)
    settings = {"sources": {"desk": {"type": "helpdesk", "path": str(tmp_path / "desk.db"), "page_rows": 2}}}
    (tmp_path / "crmlift.yml").write_text(json.dumps(settings))
    monkeypatch.setenv("CRMLIFT_CONFIG", str(tmp_path / "crmlift.yml"))
    monkeypatch.setenv("CRMLIFT_HOME", str(tmp_path / "home"))
    yield tmp_path
    forget()


def raw(home: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(str(home / "home" / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(
            "select id, subject, is_open, _deleted from raw_helpdesk.tickets order by id"
        ).fetchall()


def night(run_id: str) -> None:
    pipeline.extract("desk", run_id=run_id)
    pipeline.load(run_id=run_id)


def test_a_plugin_is_extracted_loaded_and_followed(home: Path) -> None:
    tickets(home / "desk.db", [(f"t{n}", f"Printer {n}", n % 2 == 0, NOW) for n in range(5)])
    night("one")
    assert raw(home) == [(f"t{n}", f"Printer {n}", n % 2 == 0, False) for n in range(5)]
    tickets(home / "desk.db", [("t1", "Solved", False, "2026-01-06T10:00:00+00:00")])
    with sqlite3.connect(home / "desk.db") as opened:
        opened.execute("delete from tickets where id = 't3'")
        opened.execute("update tickets set changed_at = ? where id = 't1'", [_later()])
    night("two")
    assert [row[1] for row in raw(home)] == ["Printer 0", "Solved", "Printer 2", "Printer 3", "Printer 4"]
    assert [row[3] for row in raw(home)] == [False, False, False, True, False]


def test_its_tables_are_published_when_the_settings_say_so(home: Path) -> None:
    tickets(home / "desk.db", [("t1", "Printer of Ann", True, NOW)])
    night("one")
    settings = json.loads((home / "crmlift.yml").read_text())
    tables = []
    for named in ([], ["desk"]):
        (home / "crmlift.yml").write_text(json.dumps(settings | {"privacy": {"publish_raw": named}}))
        pipeline.publish(run_id="one")
        with duckdb.connect(str(home / "home" / "analytics.duckdb"), read_only=True) as connection:
            found = connection.execute(
                "select column_name from duckdb_columns() where schema_name = 'raw_helpdesk' order by column_index"
            ).fetchall()
            tables.append([name for (name,) in found])
            if named:
                assert connection.execute("select id, is_open from raw_helpdesk.tickets").fetchall() == [("t1", True)]
    assert tables[0] == [] and tables[1][:3] == ["id", "is_open", "changed_at"], "the subject is personal"
    (home / "crmlift.yml").write_text(json.dumps(settings | {"privacy": {"publish_raw": ["dsk"]}}))
    with pytest.raises(ConfigurationFailure, match="publish_raw names 'dsk'"):
        load_settings()


def _later() -> str:
    return (datetime.now(UTC) - timedelta(seconds=1)).isoformat()


def test_a_plugin_names_its_settings_and_secrets(home: Path) -> None:
    assert "helpdesk" in source_types()
    assert secret_names("helpdesk") == ("password",)
    assert source_secrets("desk", "helpdesk", {"CRMLIFT_DESK_PASSWORD": "x", "CRMLIFT_DESK_OTHER": "y"}) == {
        "password": "x"
    }
    loaded = load_settings()
    assert loaded.settings.sources["desk"].lookback_minutes == 10
    (home / "crmlift.yml").write_text("sources: {desk: {type: helpdesk, paht: x}}")
    with pytest.raises(ConfigurationFailure, match=r"desk.paht: there is no such key; did you mean 'path'"):
        load_settings()


def test_an_unknown_type_lists_the_plugins_too(home: Path) -> None:
    (home / "crmlift.yml").write_text("sources: {desk: {type: helpdesc}}")
    with pytest.raises(
        ConfigurationFailure, match=r"no source type 'helpdesc'; known: .*helpdesk.*hubspot.*salesforce"
    ):
        load_settings()


def test_a_plugin_that_cannot_be_loaded_says_which(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "broken").mkdir()
    install(home / "broken", monkeypatch, "acme_helpdesk_that_is_not_there:Connector")
    with pytest.raises(SettingsFailure, match="helpdesk") as caught:
        open_connector("desk", {"type": "helpdesk"}, {})
    assert "acme_helpdesk_that_is_not_there" in str(caught.value)


def test_errors_leave_as_what_the_connector_says_they_mean(home: Path) -> None:
    connector = open_connector("desk", {"type": "helpdesk", "path": "/nowhere/desk.db", "page_rows": 2}, {})
    with pytest.raises(SourceFailure, match="helpdesk's file cannot be read"), classified(connector):
        connector.count(connector.schema("tickets"))
    with pytest.raises(ZeroDivisionError), classified(connector):
        raise ZeroDivisionError
    with pytest.raises(SourceFailure, match="connection broke"), classified(connector):
        raise ConnectionResetError


def test_conformance_on_the_command_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tickets(home / "desk.db", [(f"t{n}", "Printer", False, f"2026-01-0{1 + n % 5}T10:00:00+00:00") for n in range(9)])
    check("desk", conformance=True, stream=None, rows=100)
    printed = capsys.readouterr().out
    assert "6 passed, 0 failed, 6 not applicable" in " ".join(printed.split())
    with sqlite3.connect(home / "desk.db") as opened:
        opened.execute("update tickets set changed_at = '2026-01-99' where id = 't3'")
    with pytest.raises(DataCheckFailure, match="2 conformance checks failed"):
        check("desk", conformance=True, stream=["tickets"], rows=100, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert [r["check"] for r in found if r["outcome"] == "failed"] == ["values", "windows"]
