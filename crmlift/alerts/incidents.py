"""Incidents: one for as long as a KPI stays bad. open → resolved, reopened within the cool-down; mute is no verdict.

Everything is keyed by KPI, segment and period and dated by `as_of`, so a night that is run again changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import duckdb

from crmlift.alerts.rules import Limits
from crmlift.alerts.watch import Signal

ALL = "all"
MUTED = "muted"


@dataclass(frozen=True)
class Alert:
    """An incident that is open after tonight. is_new: it was not before, so a message goes out."""

    alert_id: str
    kpi_id: str
    rule_id: str
    severity: str
    segment_dim: str
    segment_value: str
    period_start: date
    observed: float | None
    expected: float
    threshold: float
    n: int
    p_value: float | None
    reason: str
    top_contributor: str | None
    is_new: bool


@dataclass(frozen=True)
class Book:
    """Where incidents are written, and what every row of tonight carries."""

    connection: duckdb.DuckDBPyConnection
    as_of: datetime
    run_id: str
    limits: Limits


def alert_key(kpi_id: str, segment_dim: str, segment_value: str, period: str) -> tuple[str, str]:
    """(alert_id, dedupe_key)."""
    dedupe_key = "|".join([kpi_id, segment_dim, segment_value, period])
    return hashlib.sha256(dedupe_key.encode()).hexdigest()[:16], dedupe_key


def incident_spans(
    connection: duckdb.DuckDBPyConnection, today: date, adapt_after_days: int
) -> dict[str, list[tuple[date, date]]]:
    """kpi_id → days inside its incidents, half-open; one that lasts longer than that has become the new normal."""
    rows = connection.execute(
        "select kpi_id, period_start, case when state = 'open' then $today::date + 1 else resolved_at::date end "
        "from ops.alert where rule_id <> 'muted' and segment_dim = 'all' and period_start is not null "
        "and ($today::date - period_start <= $limit or state <> 'open') order by all",
        {"today": today, "limit": adapt_after_days},
    ).fetchall()
    spans: dict[str, list[tuple[date, date]]] = {}
    for kpi_id, first, last in rows:
        spans.setdefault(kpi_id, []).append((first, last))
    return spans


def open_or_merge(book: Book, signal: Signal, reason: str, contributor: str | None) -> Alert:
    """A KPI is bad tonight: a new incident, or the one that is open or cooling down brought up to date."""
    kpi_id = signal.rule.kpi_id
    new_id, dedupe_key = alert_key(kpi_id, ALL, ALL, signal.period_start.isoformat())
    known = book.connection.execute(
        "select alert_id, period_start from ops.alert where kpi_id = $kpi and segment_dim = 'all' and state <> 'muted' "
        "and rule_id <> 'muted' and (state = 'open' or resolved_at > $cooling or alert_id = $id) "
        "order by state = 'open' desc, fired_at desc limit 1",
        {"kpi": kpi_id, "cooling": book.as_of - timedelta(days=book.limits.cool_down_days), "id": new_id},
    ).fetchone()
    values = {
        "severity": signal.severity, "observed": signal.observed, "expected": signal.expected,
        "threshold": signal.threshold, "n": signal.n, "p": signal.p_value, "reason": reason, "top": contributor,
    }  # fmt: skip
    if known:
        book.connection.execute(
            "update ops.alert set severity = $severity, observed = $observed, expected = $expected, "
            "threshold = $threshold, n = $n, p_value = $p, reason = $reason, top_contributor = $top, "
            "dq_blocked = false, state = 'open', resolved_at = null where alert_id = $id",
            {**values, "id": known[0]},
        )
    else:
        book.connection.execute(
            "insert into ops.alert (alert_id, kpi_id, rule_id, severity, segment_dim, segment_value, period_start, "
            "observed, expected, threshold, n, p_value, reason, top_contributor, dq_blocked, state, fired_at, "
            "dedupe_key, run_id) values ($id, $kpi, $rule, $severity, 'all', 'all', $period, $observed, $expected, "
            "$threshold, $n, $p, $reason, $top, false, 'open', $at, $key, $run)",
            {**values, "id": new_id, "kpi": kpi_id, "rule": signal.rule.template, "period": signal.period_start,
             "at": book.as_of, "key": dedupe_key, "run": book.run_id},
        )  # fmt: skip
    alert_id, period = known or (new_id, signal.period_start)
    return Alert(
        alert_id, kpi_id, signal.rule.template, signal.severity, ALL, ALL, period, signal.observed, signal.expected,
        signal.threshold, signal.n, signal.p_value, reason, contributor, known is None,
    )  # fmt: skip


def resolve(book: Book, signal: Signal) -> bool:
    """A KPI was scored and is not bad: its incident ends, unless the evidence still leans that way."""
    leans = signal.p_value is not None and signal.p_value < book.limits.clear_above and signal.is_large
    if leans:
        return False
    ended = book.connection.execute(
        "update ops.alert set state = 'resolved', resolved_at = $at, dq_blocked = false "
        "where kpi_id = $kpi and segment_dim = 'all' and state = 'open' returning alert_id",
        {"at": book.as_of, "kpi": signal.rule.kpi_id},
    ).fetchall()
    return bool(ended)


def write_mutes(book: Book, reasons: Mapping[str, str]) -> None:
    """Say which KPIs were not scored tonight and why; lift the mute of all others."""
    connection, muted = book.connection, list(reasons)
    connection.execute(
        "update ops.alert set state = 'resolved', resolved_at = $at "
        "where rule_id = 'muted' and state = 'muted' and not list_contains($muted, kpi_id)",
        {"at": book.as_of, "muted": muted},
    )
    connection.execute(
        "update ops.alert set dq_blocked = list_contains($muted, kpi_id) where state = 'open'", {"muted": muted}
    )
    for kpi_id, reason in reasons.items():
        alert_id, dedupe_key = alert_key(kpi_id, ALL, ALL, MUTED)
        connection.execute(
            "insert into ops.alert (alert_id, kpi_id, rule_id, severity, segment_dim, segment_value, reason, "
            "dq_blocked, state, fired_at, dedupe_key, run_id) "
            "values ($id, $kpi, 'muted', 'info', 'all', 'all', $reason, true, 'muted', $at, $key, $run) "
            "on conflict (alert_id) do update set reason = excluded.reason, "
            "fired_at = case when state = 'muted' then fired_at else excluded.fired_at end, "
            "run_id = case when state = 'muted' then run_id else excluded.run_id end, "
            "state = 'muted', resolved_at = null",
            {"id": alert_id, "kpi": kpi_id, "reason": reason, "at": book.as_of, "key": dedupe_key, "run": book.run_id},
        )


def write_messages(book: Book, alert: Alert, channels: Sequence[str], subject: str, body: str) -> None:
    """One outbox row for each channel, once for the life of the incident."""
    for channel in channels:
        book.connection.execute(
            "insert into ops.outbox (message_id, alert_id, channel, subject, body, created_at, attempts, run_id) "
            "values (?, ?, ?, ?, ?, ?, 0, ?) on conflict do nothing",
            [f"{alert.alert_id}:{channel}", alert.alert_id, channel, subject, body, book.as_of, book.run_id],
        )
