"""What no source can tell again, kept night by night: the pipeline as it stood, teams, days of use.

Appended, never made again: a rebuild of the warehouse carries these tables over (`ACCUMULATED`).
"""

from __future__ import annotations

from datetime import datetime

import duckdb

ACCUMULATED = ("core.opportunity_snapshot", "kept.user_team", "kept.user_day")
_RECENTLY_CLOSED_DAYS = 7


def append_snapshots(connection: duckdb.DuckDBPyConnection, *, as_of: datetime, timezone: str) -> int:
    """Add tonight's open deals, and those closed in the last week, to core.opportunity_snapshot; returns the rows.

    A second run of the same local day replaces that day's rows; other days are never touched.
    """
    bound = {"as_of": as_of, "timezone": timezone}
    connection.execute(
        "delete from core.opportunity_snapshot "
        "where snapshot_date = cast(timezone($timezone, cast($as_of as timestamptz)) as date)",
        bound,
    )
    inserted = connection.execute(
        "insert into core.opportunity_snapshot by name select "
        "cast(timezone($timezone, cast($as_of as timestamptz)) as date) as snapshot_date, opportunity_id, source_id, "
        "status, stage_key, amount_base, probability, forecast_category, expected_close_date, owner_id, team_id "
        "from core.opportunity where is_countable and not is_deleted and created_at < $as_of "
        "and (status = 'open' or closed_at >= cast($as_of as timestamptz) - to_days($days))",
        {**bound, "days": _RECENTLY_CLOSED_DAYS},
    ).fetchone()
    _keep_teams(connection, as_of)
    _keep_days(connection)
    return int(inserted[0]) if inserted else 0


def _keep_teams(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> None:
    """Remember in which team tonight saw each user; a second run of the night replaces what the first saw."""
    connection.execute("delete from kept.user_team where seen_at = $as_of", {"as_of": as_of})
    connection.execute(
        "insert or ignore into kept.user_team select user_id, team_id, valid_from from core.user_team_history"
    )


def _keep_days(connection: duckdb.DuckDBPyConnection) -> None:
    """Remember the days of use; core.user_day already holds what earlier nights knew, so it only ever grows."""
    connection.execute(
        "create or replace table kept.user_day as "
        "select user_id, activity_date, is_logged_in, ui_login_count, records_created, records_updated, "
        "activities_logged, core_actions from core.user_day "
        "union all select * from kept.user_day as k anti join core.user_day as d using (user_id, activity_date)"
    )
