"""Increments where searches are at their worst: ties by the ten thousand, changes that arrive meanwhile, a lagging index."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from connectors.contract import Window
from connectors.hubspot.connector import open_hubspot
from crmlift.simulator.company import Company, HistoryEntry, SimField, SimTable
from crmlift.simulator.options import HS_SERVICE_KEY, ServerOptions
from crmlift.simulator.served import SimulatedClock
from crmlift.simulator.server import running_simulator
from tests.connectors.hubspot.fake_account import rows_of
from tests.crmlift.simulator.every_object import AS_OF, START

pytestmark = pytest.mark.slow

RECORDS, TIES, CHANGED, LATE, AGAIN, FRESH = 44_000, 25_000, 30_000, 300, 400, 350
SINCE, LAG, LOOKBACK = AS_OF - timedelta(days=1), timedelta(seconds=30), timedelta(minutes=10)
FIELDS = [
    SimField("dealname", "string"), SimField("dealstage", "enumeration"), SimField("hs_lastmodifieddate", "datetime"),
    SimField("hs_object_id", "number"),
]  # fmt: skip


def company() -> Company:
    """25,000 deals changed in one instant, 5,000 at others, 300 of them too young for the index; 14,000 are old."""
    rows, history = [], {}
    for n in range(RECORDS):
        at = SINCE + timedelta(hours=3) if n < TIES else SINCE + timedelta(seconds=n - TIES) if n < CHANGED else START
        if CHANGED - LATE <= n < CHANGED:
            at = AS_OF - timedelta(seconds=5)
        number = 9_000_000_000 + (n * 7919 % RECORDS) * 11  # changed ones lie all over the ids
        rows.append(
            {"id": str(number), "createdAt": START, "updatedAt": at, "archived": False, "archivedAt": None,
             "dealname": f"first {n}", "dealstage": "1", "hs_lastmodifieddate": at, "hs_object_id": number}
        )  # fmt: skip
        history[str(number)] = {"dealstage": [HistoryEntry("1", START)]}
    return Company("ties", 1, AS_OF, hubspot={"deals": SimTable("deals", FIELDS, rows, history)})


def touch(rows: list[dict[str, Any]], at: datetime) -> None:
    for row in rows:
        row |= {"dealname": f"again {at}", "updatedAt": at, "hs_lastmodifieddate": at}


def test_nothing_is_missed_or_doubled(monkeypatch: pytest.MonkeyPatch) -> None:
    held = company()
    rows = held.hubspot["deals"].rows
    monkeypatch.setattr(SimulatedClock, "elapsed", lambda _: timedelta(0))
    with running_simulator(held, ServerOptions(search_lag_s=LAG.total_seconds()), is_https=False) as server:
        settings = {"base_url": server.base_url, "associations": {"deals": []}}
        connector = open_hubspot("hs", settings, {"access_token": HS_SERVICE_KEY})
        schema, first = connector.schema("deals"), []
        for number, page in enumerate(connector.read(schema, Window(SINCE, AS_OF), None)):
            first.append(page)
            if number == 9:  # while the search pages: records already read, records still to be read, old ones
                touch(rows[:AGAIN] + rows[TIES - AGAIN : TIES] + rows[-FRESH:], AS_OF + timedelta(seconds=20))
        later = AS_OF + timedelta(minutes=5)
        server.served.clock.as_of = later
        second = list(connector.read(schema, Window(AS_OF - LOOKBACK, later), None))
        calls = connector.api_calls
        connector.close()
    runs = [rows_of(pages, "deals") for pages in (first, second)]
    for found in runs:
        assert max(Counter(row["id"] for row in found).values()) == 1
    got = {row["id"]: row["properties"]["dealname"] for found in runs for row in found}
    assert got == {row["id"]: row["dealname"] for row in rows if row["updatedAt"] >= SINCE}
    assert len(runs[0]) > TIES and len(runs[1]) >= LATE + 2 * AGAIN + FRESH
    read = sum(map(len, runs))
    assert calls < 1.05 * (read / 50 + read / 200) + 20
