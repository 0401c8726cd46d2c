"""Up to when data are complete, of a night and of a KPI: records that files alone give end where the files end.

Silence after a file's last record is not a company that stopped selling. metrics.kpi.complete_until holds the end; no
value is told of a period after it, and no verdict uses a day after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import duckdb

from crmlift.errors import DataCheckFailure
from crmlift.registry import Kpi

RECORDS = ("opportunity", "lead", "ticket", "activity", "survey_response")
"""Core tables of what happened; the files source has a stream of the same name for each."""


def end_of_data(connection: duckdb.DuckDBPyConnection) -> datetime:
    """Up to when every source's data are complete: the earliest end of the newest windows.

    Files of the past hold back no CRM; where there are files only, the newest of their records tells.
    """
    found = connection.execute(
        "select coalesce(min(newest) filter (not is_files), max(records), max(newest)) from (select source_id, "
        "max(read_until) as newest, max(read_until) filter (list_contains($records, stream)) as records, "
        "source_id in (select source_id from ops.load where starts_with(table_name, 'raw_files.')) as is_files "
        "from ops.cursor group by source_id)",
        {"records": list(RECORDS)},
    ).fetchone()
    if not found or found[0] is None:
        raise DataCheckFailure("Nothing is loaded yet.", next_step="crmlift extract && crmlift load")
    as_of: datetime = found[0].astimezone(UTC)
    return as_of


def note_ends(connection: duckdb.DuckDBPyConnection, kpis: Sequence[Kpi], *, as_of: datetime, timezone: str) -> None:
    """Fill metrics.kpi.complete_until, and take back the values of periods that begin after it."""
    ends = {table: end for table in RECORDS if (end := _end_of(connection, table)) is not None}
    connection.execute("update metrics.kpi set complete_until = $as_of", {"as_of": as_of})
    for kpi in kpis:
        own = [ends[name] for table in kpi.all_reads() if (name := table.removeprefix("core.")) in ends]
        if not own or min(own) >= as_of:
            continue
        bound = {"kpi": kpi.kpi_id, "end": min(own), "zone": timezone}
        connection.execute(
            "update metrics.kpi set complete_until = $end where kpi_id = $kpi", {k: bound[k] for k in ("kpi", "end")}
        )
        connection.execute(
            "delete from metrics.kpi_value where kpi_id = $kpi "
            "and period_start >= cast(timezone($zone, cast($end as timestamptz)) as date)",
            bound,
        )
        connection.execute(
            "update metrics.kpi_value set is_mature = false where kpi_id = $kpi "
            "and period_end > cast(timezone($zone, cast($end as timestamptz)) as date)",
            bound,
        )


def _end_of(connection: duckdb.DuckDBPyConnection, table: str) -> datetime | None:
    """The end of the files that alone give a core table its records; None where a CRM gives some, or nobody any."""
    found = connection.execute(
        "select max(c.read_until), bool_and(coalesce(s.value = 'files', false)) "
        f"from (select distinct source_id from core.{table}) as r "
        "left join config.setting as s on s.name = 'source.' || r.source_id "
        "left join ops.cursor as c on c.source_id = r.source_id and c.stream = $stream",
        {"stream": table},
    ).fetchone()
    return found[0] if found and found[1] else None
