"""Company `known`, a spring of it: all objects, then a week later what changed and what went."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crmlift.simulator.build import build_company
from crmlift.simulator.company import Company
from crmlift.simulator.server import running_simulator
from tests.connectors.salesforce.orgs import Replica, connect, extract, truth, zone_at

FIRST, SECOND = datetime(2025, 3, 3, tzinfo=UTC), datetime(2025, 3, 10, tzinfo=UTC)


def known(as_of: datetime) -> Company:
    return build_company("known", seed=7, size="small", as_of=as_of)


def living(company: Company, stream: str) -> set[str]:
    """Ids a source would count: there and not deleted."""
    return {str(row["Id"]) for row in company.salesforce[stream].rows if not row.get("IsDeleted")}


def without(row: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """A row less its formulas, which move without a stamp: only a full reading refreshes them."""
    return {name: value for name, value in row.items() if name not in names}


def test_a_full_and_an_incremental_reading_equal_the_company(tmp_path: Path) -> None:
    before, after, zone = known(FIRST), known(SECOND), zone_at(tmp_path)
    replicas: dict[str, Replica] = {}
    with running_simulator(before) as server:
        connector = connect(server)
        streams = connector.streams()
        assert set(streams) == set(before.salesforce) & set(streams)
        assert {finding.object for finding in connector.findings()} >= {"EmailMessage", "SurveyResponse"}
        for stream in streams:
            manifest = extract(connector, zone, stream)
            replicas[stream] = Replica()
            replicas[stream].load(zone, manifest)
            assert replicas[stream].rows == truth(before.salesforce[stream], manifest.schema)
            assert manifest.source_count == len(living(before, stream))

        server.served.set_company(after)
        for stream in streams:
            calls = connector.api_calls
            manifest = extract(connector, zone, stream, since=FIRST)
            assert connector.api_calls - calls <= 10
            replica = replicas[stream]
            replica.load(zone, manifest)
            expected = truth(after.salesforce[stream], manifest.schema)
            formulas = {field.name for field in after.salesforce[stream].fields if field.is_calculated}
            formulas |= {"IsArchived", "IsViolated"}  # they follow the clock
            for i, row in expected.items():
                assert without(replica.rows[i], formulas) == without(row, formulas)
            purged = {i for i, _ in after.purged.get(stream, [])}
            assert set(replica.rows) - set(expected) <= purged
            assert set(replica.rows) - replica.gone - {
                i for i, row in replica.rows.items() if row.get("IsDeleted")
            } == living(after, stream)
    assert sum(len(replica.gone) for replica in replicas.values())


@pytest.mark.slow
def test_two_years_of_it(tmp_path: Path) -> None:
    company, zone = build_company("known", seed=7, size="small"), zone_at(tmp_path)
    with running_simulator(company) as server:
        connector = connect(server)
        for stream in connector.streams():
            manifest, replica = extract(connector, zone, stream), Replica()
            replica.load(zone, manifest)
            assert replica.rows == truth(company.salesforce[stream], manifest.schema)
