"""The night's detection: mute, score what is left, decide together, open and resolve incidents, write messages."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

import duckdb

from crmlift.alerts.business_days import public_holidays
from crmlift.alerts.evidence import local_date
from crmlift.alerts.incidents import Alert, Book, incident_spans, open_or_merge, resolve, write_messages, write_mutes
from crmlift.alerts.messages import Writer
from crmlift.alerts.muting import muted_kpis
from crmlift.alerts.rules import Limits, Rule, rules_of
from crmlift.alerts.watch import Night, fires, watch
from crmlift.places import KPIS
from crmlift.registry import load_registry
from crmlift.report.catalogue import texts_for
from crmlift.report.reading import kpis, team_names
from crmlift.settings import AlertSettings

log = logging.getLogger(__name__)

HOLIDAY_YEARS = 6


def detect(
    connection: duckdb.DuckDBPyConnection, *, as_of: datetime, run_id: str, settings: AlertSettings,
    rules: Sequence[Rule] | None = None, limits: Limits | None = None,
) -> list[Alert]:  # fmt: skip
    """Run the rules on the work database inside the caller's transaction; incidents that are open afterwards.

    as_of: aware instant the data are complete to. rules: those of the registry unless given. Writes ops.alert, and one
    ops.outbox row for each new incident and channel. Running a night again changes nothing.
    """
    limits = limits or Limits()
    chosen = list(rules_of(load_registry(KPIS)) if rules is None else rules)
    declared = dict(connection.execute("select name, value from config.setting").fetchall())
    timezone = declared.get("timezone") or "UTC"
    today = local_date(as_of, connection, timezone)
    writer = Writer(
        texts_for(declared.get("locale") or "en"), declared.get("base_currency") or "EUR",
        {kpi.kpi_id: kpi for kpi in kpis(connection)}, team_names(connection),
    )  # fmt: skip
    book = Book(connection, as_of, run_id, limits)
    muted = muted_kpis(
        connection, [rule.kpi_id for rule in chosen], as_of=as_of, stale_after_hours=limits.stale_after_hours
    )
    write_mutes(book, {kpi_id: writer.muted(mute) for kpi_id, mute in muted.items()})
    years = range(today.year - HOLIDAY_YEARS, today.year + 1)
    night = Night(
        connection, as_of, today, timezone, public_holidays(declared.get("country"), years), limits,
        incident_spans(connection, today, limits.adapt_after_days), int(declared.get("fiscal_year_start") or 1),
    )  # fmt: skip
    found = [watch(night, rule) for rule in chosen if rule.kpi_id not in muted]
    signals = [signal for signal in found if signal is not None]
    alerts, resolved = [], 0
    for signal, is_firing in zip(signals, fires(signals, limits.false_discovery_rate), strict=True):
        if not is_firing:
            resolved += resolve(book, signal)
            continue
        message = writer.message(signal)
        alert = open_or_merge(book, signal, message.reason, writer.team(signal.top_contributor))
        if alert.is_new:
            write_messages(book, alert, settings.channels, message.subject, message.body)
        alerts.append(alert)
    log.info(
        "event=detect run_id=%s rules=%d muted=%d scored=%d open=%d new=%d resolved=%d",
        run_id, len(chosen), len(muted), len(signals), len(alerts), sum(alert.is_new for alert in alerts), resolved,
    )  # fmt: skip
    return alerts
