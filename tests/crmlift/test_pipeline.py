"""A night goes on without a source that cannot be read, and says so at its end."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import SourceFailure
from crmlift import pipeline
from crmlift.errors import DataCheckFailure
from crmlift.refusals import ExtractResult, PartlyRead

STEPS = ("load", "transform", "measure", "evaluate", "detect", "publish", "send", "report")


@pytest.fixture(name="ran")
def _ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the steps that ran; sources are good and bad, and the steps do nothing."""
    ran: list[str] = []

    def extract(source_id: str, **_: Any) -> dict[str, Any]:
        if source_id.startswith("bad"):
            raise SourceFailure(f"{source_id} is down.")
        if source_id.startswith("part"):
            first = SourceFailure("Notes are kept back.", next_step="ask for the right")
            raise PartlyRead(first, ["notes"], ExtractResult(source_id, 7, 3, 2, 5))
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


def test_a_stream_that_was_set_apart_stops_nothing_and_fails_the_night(
    ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "source_ids", lambda: ["partly"])
    with pytest.raises(SourceFailure, match="Notes are kept back") as told:
        pipeline.run(run_id="r")
    assert tuple(ran) == STEPS
    assert pickle.loads(pickle.dumps(told.value)).done.rows == 7


def test_the_schedule_goes_on_and_is_told_what_was_set_apart(ran: list[str]) -> None:
    summary = pipeline.extract_what_can_be("partly", run_id="r")
    assert (summary["rows"], summary["streams_read"], summary["exit_code"]) == (7, 2, 12)
    assert summary["refused"].startswith("Notes are kept back.") and json.dumps(summary)
    assert pipeline.extract_what_can_be("good", run_id="r") == {}


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
