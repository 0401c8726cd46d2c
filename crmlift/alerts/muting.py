"""Which KPIs must not be scored tonight, because their data cannot be trusted or have not arrived."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

RECENT_DAYS = 120


@dataclass(frozen=True)
class Mute:
    """Why a KPI is not scored. cause: a key of the texts; detail: the rule or source behind it."""

    cause: str
    detail: str


def muted_kpis(
    connection: duckdb.DuckDBPyConnection, kpi_ids: Iterable[str], *, as_of: datetime, stale_after_hours: float
) -> dict[str, Mute]:
    """kpi_id → why it is mute: an open blocking finding about it (or about everything), or a stale source it reads."""
    wanted = list(kpi_ids)
    muted: dict[str, Mute] = {}
    for source_id, ids in _stale(connection, as_of, stale_after_hours).items():
        for kpi_id in ids:
            muted.setdefault(kpi_id, Mute("stale", source_id))
    for rule_id, affected in connection.execute(
        "select rule_id, coalesce(affected_kpis, []) from ops.data_quality_finding "
        "where state = 'open' and severity = 'blocking' order by finding_id"
    ).fetchall():
        for kpi_id in affected or wanted:
            muted[kpi_id] = Mute("finding", rule_id)
    return {kpi_id: muted[kpi_id] for kpi_id in wanted if kpi_id in muted}


def _stale(connection: duckdb.DuckDBPyConnection, as_of: datetime, hours: float) -> dict[str, list[str]]:
    """Stale source → KPIs with recent rows from it.

    A source is as fresh as the newest window of its streams, and stale when it lags the freshest source: `as_of` itself
    stops at the most backward one.
    """
    rows = connection.execute(
        "with freshness as (select source_id, max(read_until) as read_until from ops.cursor group by source_id), "
        "stale as (select source_id from freshness where read_until < "
        "greatest($as_of::timestamptz, (select max(read_until) from freshness)) - to_seconds($seconds)), "
        "feeds as (select distinct kpi_id, source_id from metrics.kpi_unit where event_at >= $recent) "
        "select source_id, kpi_id from feeds semi join stale using (source_id) order by all",
        {"as_of": as_of, "seconds": hours * 3600, "recent": as_of - timedelta(days=RECENT_DAYS)},
    ).fetchall()
    found: dict[str, list[str]] = {}
    for source_id, kpi_id in rows:
        found.setdefault(source_id, []).append(kpi_id)
    return found
