"""Deals to measure, and the values that came of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import duckdb

from crmlift.measure import measure
from crmlift.registry import load_registry
from tests.golden import AS_OF

KPIS = {kpi.kpi_id: kpi for kpi in load_registry()}
DAY = timedelta(days=1)


def run(connection: duckdb.DuckDBPyConnection, *kpi_ids: str, as_of: datetime = AS_OF, run_id: str = "r") -> None:
    """Measure these KPIs."""
    measure(connection, [KPIS[k] for k in kpi_ids], as_of=as_of, timezone="Europe/Kyiv", run_id=run_id)


def won(
    connection: duckdb.DuckDBPyConnection, closed: Sequence[datetime], amounts: Sequence[float], **columns: object
) -> None:
    """Won deals with these closing times and amounts."""
    given = {
        "status": "won",
        "is_countable": True,
        "is_deleted": False,
        "source_id": "sf",
        "team_id": "team:a",
        **columns,
    }
    names = ", ".join(given)
    connection.executemany(
        f"insert into core.opportunity (opportunity_id, created_at, closed_at, amount_base, {names}) "
        f"values (uuid(), ?, ?, ?, {', '.join('?' * len(given))})",
        [[at - 30 * DAY, at, amount, *given.values()] for at, amount in zip(closed, amounts, strict=True)],
    )


def values(
    connection: duckdb.DuckDBPyConnection, kpi_id: str, grain: str, **where: str
) -> dict[date, dict[str, object]]:
    """Period start → value row, everybody unless told."""
    chosen = {"segment_dim": "all", "segment_value": "all", "source_id": "all", **where}
    found = connection.execute(
        "select period_start, * from metrics.kpi_value where kpi_id = $kpi and period_grain = $grain "
        + " ".join(f"and {name} = ${name}" for name in chosen),
        {"kpi": kpi_id, "grain": grain, **chosen},
    )
    names = [column[0] for column in found.description or ()]
    return {row[0]: dict(zip(names, row, strict=True)) for row in found.fetchall()}


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
