"""Patience: what is sent again, how long is waited, when it is given up."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import SettingsFailure, SourceFailure, TransientSourceFailure
from connectors.http import Backoff, PatientAdapter, TrustingAdapter, retry_after_seconds
from crmlift.simulator.company import Company
from crmlift.simulator.server import running_simulator


class Scripted(ThreadingHTTPServer):
    """Answers with a script: (status, headers, body, is the body cut off)."""

    def __init__(self, script: list[tuple[int, dict[str, str], bytes, bool]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = iter(script)
        self.url = f"http://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: Scripted

    def do_GET(self) -> None:
        status, headers, body, is_cut = next(self.server.script)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) + is_cut))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Tests print nothing."""


@pytest.fixture
def serve() -> Iterator[object]:
    servers: list[Scripted] = []

    def start(*script: tuple[int, dict[str, str], bytes, bool]) -> str:
        servers.append(Scripted(list(script)))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        return servers[-1].url

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def patient(waits: list[float], attempts: int = 4) -> tuple[requests.Session, PatientAdapter]:
    adapter = PatientAdapter(
        system="salesforce", setting="sources.sf.domain", backoff=Backoff(attempts=attempts), sleep=waits.append
    )
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", adapter)
    return session, adapter


OK = (200, {}, b"fine", False)


def test_busy_answers_are_asked_again_and_counted(serve) -> None:  # type: ignore[no-untyped-def]
    waits: list[float] = []
    session, adapter = patient(waits)
    url = serve((503, {}, b"", False), (429, {"Retry-After": "7"}, b"", False), OK)
    assert session.get(url).text == "fine"
    assert adapter.calls == 3
    assert 0.5 <= waits[0] <= 1
    assert 7 <= waits[1] <= 7.25


def test_a_body_that_breaks_off_is_asked_again(serve) -> None:  # type: ignore[no-untyped-def]
    session, adapter = patient([])
    assert session.get(serve((200, {}, b"hal", True), OK)).text == "fine"
    assert adapter.calls == 2


def test_the_last_busy_answer_is_handed_on(serve) -> None:  # type: ignore[no-untyped-def]
    session, _ = patient([], attempts=2)
    assert session.get(serve((500, {}, b"", False), (500, {}, b"why", False))).text == "why"


def test_other_errors_are_not_asked_again(serve) -> None:  # type: ignore[no-untyped-def]
    session, adapter = patient([])
    assert session.get(serve((404, {}, b"", False))).status_code == 404
    assert adapter.calls == 1


def test_a_host_that_never_answered_is_given_up_soon_and_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    waits: list[float] = []
    session, adapter = patient(waits)
    with pytest.raises(SourceFailure, match=f"127.0.0.1:{port} cannot be reached") as caught:
        session.get(f"http://127.0.0.1:{port}/")
    assert "sources.sf.domain" in caught.value.next_step
    assert (caught.value.exit_code, caught.value.is_retryable, adapter.calls) == (12, False, 2)


def test_a_host_that_stops_answering_is_waited_for(serve) -> None:  # type: ignore[no-untyped-def]
    session, adapter = patient([])
    broken = (200, {}, b"hal", True)
    url = serve(OK, broken, broken, broken, broken)
    session.get(url)
    with pytest.raises(TransientSourceFailure, match="stopped answering"):
        session.get(url)
    assert adapter.calls == 5


@given(st.integers(1, 40))
def test_waits_grow_to_a_cap_and_never_vanish(attempt: int) -> None:
    assert 0.5 <= Backoff().delay(attempt) <= 60


def test_retry_after_may_be_seconds_a_date_or_nonsense() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert retry_after_seconds({"Retry-After": "1.5"}) == 1.5
    assert 90 < (retry_after_seconds({"Retry-After": later}) or 0) <= 100
    assert retry_after_seconds({"Retry-After": "soon"}) is None
    assert retry_after_seconds({}) is None
    assert Backoff().delay(1, 86_400) <= 301


def test_a_ca_bundle_adds_to_the_authorities_trusted_anyway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    company = Company("none", 1, datetime(2026, 11, 2, tzinfo=UTC))
    with running_simulator(company, folder=tmp_path / "a") as ours, running_simulator(company) as everybodys:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(everybodys.ca_file))
        session = requests.Session()
        session.mount("https://", TrustingAdapter(str(ours.ca_file)))
        for server in (ours, everybodys):
            assert session.get(f"{server.base_url}/crm/v3/objects/deals", timeout=5).status_code == 401
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(ours.base_url, timeout=5)


def test_a_ca_bundle_that_holds_no_certificate_is_a_setting_to_mend(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    with pytest.raises(SettingsFailure, match="ca_bundle"):
        TrustingAdapter(str(tmp_path / "ca.pem"))
