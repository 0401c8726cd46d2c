"""Sending what is in the outbox. A message that went out is marked at once, so a second run sends nothing twice."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import duckdb

log = logging.getLogger(__name__)

URLS_VARIABLE = "CRMLIFT_ALERT_URLS"
FILE_NAME = "alerts.jsonl"


class _NotSent(Exception):
    """Why a message stays in the outbox; the text holds no address and no secret."""


@dataclass(frozen=True)
class _Outgoing:
    message_id: str
    alert_id: str
    kpi_id: str
    severity: str
    subject: str
    body: str
    created_at: datetime


def send(
    connection: duckdb.DuckDBPyConnection, channels: Sequence[str], *, folder: Path,
    environment: Mapping[str, str] | None = None, stream: TextIO | None = None,
) -> int:  # fmt: skip
    """Send unsent messages of these channels and mark each in ops.outbox of the work database; how many went out.

    console: `stream`, standard error unless given. file: a JSON line in `folder`/alerts.jsonl. apprise: the addresses
    in CRMLIFT_ALERT_URLS. What could not be sent stays, with the reason in last_error, and is tried again next time.
    """
    environment = os.environ if environment is None else environment
    ways: dict[str, Callable[[_Outgoing], None]] = {
        "console": lambda message: _to_console(message, stream or sys.stderr),
        "file": lambda message: _to_file(message, folder / FILE_NAME),
        "apprise": lambda message: _to_apprise(message, environment.get(URLS_VARIABLE, "")),
    }
    sent = failed = 0
    for channel in channels:
        for message in _unsent(connection, channel):
            error = _attempt(ways[channel], message)
            connection.execute(
                "update ops.outbox set attempts = attempts + 1, last_error = $error, "
                "sent_at = case when $error is null then now() end where message_id = $id",
                {"error": error, "id": message.message_id},
            )
            sent, failed = sent + (error is None), failed + (error is not None)
    log.info("event=send sent=%d failed=%d", sent, failed)
    return sent


def _unsent(connection: duckdb.DuckDBPyConnection, channel: str) -> list[_Outgoing]:
    rows = connection.execute(
        "select o.message_id, o.alert_id, a.kpi_id, a.severity, o.subject, o.body, o.created_at from ops.outbox as o "
        "join ops.alert as a using (alert_id) where o.channel = ? and o.sent_at is null "
        "order by o.created_at, o.message_id",
        [channel],
    ).fetchall()
    return [_Outgoing(*row) for row in rows]


def _attempt(way: Callable[[_Outgoing], None], message: _Outgoing) -> str | None:
    """None when it went out, else why not. Only our own words and the name of a failure are kept, never its text."""
    try:
        way(message)
    except _NotSent as problem:
        reason = str(problem)
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
    else:
        return None
    log.warning("event=not_sent message_id=%s reason=%s", message.message_id, reason)
    return reason


def _to_console(message: _Outgoing, stream: TextIO) -> None:
    print(f"! {message.subject}\n  {message.body.replace(chr(10), chr(10) + '  ')}", file=stream, flush=True)


def _to_file(message: _Outgoing, path: Path) -> None:
    record = {
        "message_id": message.message_id, "alert_id": message.alert_id, "kpi_id": message.kpi_id,
        "severity": message.severity, "subject": message.subject, "body": message.body,
        "created_at": message.created_at.astimezone(UTC).isoformat(),
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _to_apprise(message: _Outgoing, addresses: str) -> None:
    urls = [url.strip() for url in addresses.split(",") if url.strip()]
    if not urls:
        raise _NotSent(f"{URLS_VARIABLE} is not set")
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    service = apprise.Apprise()
    if not all(service.add(url) for url in urls):
        raise _NotSent(f"{URLS_VARIABLE} holds an address apprise does not understand")
    kind = apprise.NotifyType.FAILURE if message.severity == "critical" else apprise.NotifyType.WARNING
    if not service.notify(title=message.subject, body=message.body, notify_type=kind):
        raise _NotSent("apprise could not deliver to every address")
