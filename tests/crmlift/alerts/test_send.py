"""Sending: each channel once, failures kept with a reason that gives no secret away."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import duckdb
import pytest

from crmlift.alerts import send
from tests.crmlift.published_fixture import empty, put


@pytest.fixture
def outbox() -> duckdb.DuckDBPyConnection:
    connection = empty(":memory:")
    put(connection, "ops.alert", alert_id="a1", kpi_id="win_rate", severity="critical", state="open")
    for channel in ("console", "file", "apprise"):
        put(
            connection, "ops.outbox", message_id=f"a1:{channel}", alert_id="a1", channel=channel, subject="Win rate fell",
            body="Частка виграних угод\nNext: look", created_at="2026-08-03T00:00:00Z", attempts=0,
        )  # fmt: skip
    return connection


def test_console_and_file_once(outbox: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    stream = io.StringIO()
    assert send(outbox, ("console", "file"), folder=tmp_path / "alerts", stream=stream) == 2
    assert send(outbox, ("console", "file"), folder=tmp_path / "alerts", stream=stream) == 0
    assert stream.getvalue().count("Win rate fell") == 1
    (line,) = (tmp_path / "alerts" / "alerts.jsonl").read_text(encoding="utf-8").splitlines()
    record = json.loads(line)
    assert record["message_id"] == "a1:file" and record["kpi_id"] == "win_rate"
    assert record["body"].startswith("Частка") and record["created_at"] == "2026-08-03T00:00:00+00:00"
    unsent = outbox.execute("select message_id from ops.outbox where sent_at is null").fetchall()
    assert unsent == [("a1:apprise",)]


def test_a_channel_without_address_keeps_its_message(outbox: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    assert send(outbox, ("apprise",), folder=tmp_path, environment={}) == 0
    row = outbox.execute("select sent_at, attempts, last_error from ops.outbox where channel = 'apprise'").fetchone()
    assert row == (None, 1, "CRMLIFT_ALERT_URLS is not set")


def test_a_folder_that_cannot_be_written_keeps_the_message(outbox: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    blocked = tmp_path / "alerts"
    blocked.write_text("a file where the folder should be")
    assert send(outbox, ("file",), folder=blocked) == 0
    assert send(outbox, ("file",), folder=tmp_path / "elsewhere") == 1
    row = outbox.execute("select attempts, last_error from ops.outbox where channel = 'file'").fetchone()
    assert row == (2, None)


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[bytes], list[int]]]:
    received: list[bytes] = []
    answers: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(answers.pop(0) if answers else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"json://sender:s3cret-word@127.0.0.1:{server.server_port}/hook", received, answers
    server.shutdown()
    server.server_close()


def test_apprise_delivers_and_a_refusal_is_tried_again_without_telling_the_address(
    outbox: duckdb.DuckDBPyConnection, tmp_path: Path, webhook: tuple[str, list[bytes], list[int]],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    url, received, answers = webhook
    answers.append(500)
    with caplog.at_level(logging.DEBUG):
        assert send(outbox, ("apprise",), folder=tmp_path, environment={"CRMLIFT_ALERT_URLS": url}) == 0
        error = outbox.execute("select last_error from ops.outbox where channel = 'apprise'").fetchone()
        assert error == ("apprise could not deliver to every address",)
        assert send(outbox, ("apprise",), folder=tmp_path, environment={"CRMLIFT_ALERT_URLS": url}) == 1
        assert send(outbox, ("apprise",), folder=tmp_path, environment={"CRMLIFT_ALERT_URLS": url}) == 0
    assert len(received) == 2
    assert json.loads(received[1])["title"] == "Win rate fell"
    assert "s3cret-word" not in caplog.text
