"""`connectors check` says what a source keeps back, and still what it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.contract import Finding
from connectors.errors import AccessRefused, CredentialsFailure
from crmlift.cli import connectors
from tests.crmlift.scripted_source import Script, ScriptedConnector, settings_at, shape


@pytest.fixture(name="script")
def _script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    settings_at(tmp_path)
    monkeypatch.setenv("CRMLIFT_CONFIG", str(tmp_path / "crmlift.yml"))
    script = Script({name: shape(name) for name in ("notes", "deals")})
    monkeypatch.setattr(connectors, "_opened", lambda *_: ScriptedConnector(script))
    monkeypatch.setattr(
        ScriptedConnector, "findings", lambda _: [Finding("missing_object", "leads", None, "No leads.")]
    )
    return script


def check() -> None:
    connectors.check("desk", conformance=False, stream=None, rows=100)


def test_what_is_kept_back_is_named_and_fails(script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    check()
    assert "2 streams" in capsys.readouterr().out
    script.refuse_schema = {"notes": AccessRefused("The desk keeps its notes.", why="It said forbidden.")}
    with pytest.raises(AccessRefused):
        check()
    printed = capsys.readouterr().out
    assert "✗ notes: The desk keeps its notes. It said forbidden." in printed and "No leads." in printed


def test_a_refused_log_in_is_not_taken_for_that(script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    script.refuse_schema = {"notes": CredentialsFailure("Who are you?")}
    with pytest.raises(CredentialsFailure):
        check()
    assert "✗" not in capsys.readouterr().out
