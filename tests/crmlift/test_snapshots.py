"""Nightly snapshots accumulate, and a night that runs twice counts once."""

from __future__ import annotations

from datetime import timedelta

from crmlift.snapshots import append_snapshots
from tests.golden import AS_OF, warehouse

ZONE = "Europe/Kyiv"


def test_nights_accumulate_and_one_run_twice_counts_once() -> None:
    with warehouse() as connection:
        connection.execute(
            "insert into core.opportunity (opportunity_id, source_id, status, is_countable, is_deleted, created_at, "
            "closed_at, amount_base) values "
            "('sf:open', 'sf', 'open', true, false, timestamptz '2026-01-05 10:00:00+00', null, 100), "
            "('sf:just won', 'sf', 'won', true, false, timestamptz '2026-01-05 10:00:00+00', "
            "timestamptz '2026-10-30 10:00:00+00', 50), "
            "('sf:won long ago', 'sf', 'won', true, false, timestamptz '2026-01-05 10:00:00+00', "
            "timestamptz '2026-02-05 10:00:00+00', 50), "
            "('sf:deleted', 'sf', 'open', true, true, timestamptz '2026-01-05 10:00:00+00', null, 100)"
        )
        assert append_snapshots(connection, as_of=AS_OF, timezone=ZONE) == 2
        connection.execute("update core.opportunity set amount_base = 130 where opportunity_id = 'sf:open'")
        assert append_snapshots(connection, as_of=AS_OF, timezone=ZONE) == 2
        append_snapshots(connection, as_of=AS_OF + timedelta(days=6), timezone=ZONE)
        found = connection.execute(
            "select cast(snapshot_date as varchar), opportunity_id, cast(amount_base as integer) "
            "from core.opportunity_snapshot order by all"
        ).fetchall()
        assert found == [
            ("2026-11-02", "sf:just won", 50),
            ("2026-11-02", "sf:open", 130),
            ("2026-11-08", "sf:open", 130),
        ]
