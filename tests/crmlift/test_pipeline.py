"""A night goes on without a source that cannot be read, and says so at its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.errors import SourceFailure
from crmlift import pipeline
from crmlift.errors import DataCheckFailure

STEPS = ("load", "transform", "measure", "evaluate", "detect", "publish", "send", "report")


@pytest.fixture(name="ran")
def _ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the steps that ran; sources are good and bad, and the steps do nothing."""
    ran: list[str] = []

    def extract(source_id: str, **_: Any) -> dict[str, Any]:
        if source_id.startswith("bad"):
            raise SourceFailure(f"{source_id} is down.")
        return {}

    def step(name: str) -> Any:
        return lambda **_: ran.append(name) or {}

    monkeypatch.setattr(pipeline, "extract", extract)
    for name in STEPS:
        monkeypatch.setattr(pipeline, name, step(name))
    return ran


def test_the_others_are_read_and_the_failure_is_told_at_the_end(
    ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "source_ids", lambda: ["bad", "good"])
    with pytest.raises(SourceFailure, match="bad is down"):
        pipeline.run(run_id="r")
    assert tuple(ran) == STEPS


def test_without_any_source_there_is_no_night(ran: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "source_ids", lambda: ["bad", "bad2"])
    with pytest.raises(SourceFailure):
        pipeline.run(run_id="r")
    assert ran == []


def test_a_source_that_was_never_read_stops_the_night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "crmlift.yml").write_text("sources: {old: {type: files, path: ., files: {}}}")
    monkeypatch.setenv("CRMLIFT_CONFIG", str(tmp_path / "crmlift.yml"))
    monkeypatch.setenv("CRMLIFT_HOME", str(tmp_path / "home"))
    with pytest.raises(DataCheckFailure, match="Nothing was ever read from old"):
        pipeline.load(run_id="r", is_night=True)
    assert pipeline.load(run_id="r")["manifests"] == 0
