"""Deleted, brought back, merged away, purged: what the loaded table says of a record through its life."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from crmlift.simulator.company import SimField
from crmlift.simulator.server import running_simulator
from crmlift.warehouse.load import load_landed
from crmlift.warehouse.store import work_database
from tests.connectors.salesforce.orgs import connect, extract, zone_at
from tests.crmlift.simulator.small_company import AS_OF, small_company

DAY = timedelta(days=1)


@pytest.mark.parametrize("way", [0, 10_000])
def test_deletes_undeletes_merges_and_purges_arrive(tmp_path: Path, way: int) -> None:
    company, zone = small_company(), zone_at(tmp_path)
    accounts = company.salesforce["Account"]
    accounts.fields = [*accounts.fields, SimField("MasterRecordId", "reference", reference_to=("Account",))]
    deleted, merged, purged, winner = accounts.rows[1:5]
    with running_simulator(company) as server, work_database(tmp_path / "w.duckdb") as connection:

        def night(number: int) -> None:
            company.as_of = AS_OF + number * DAY
            server.served.set_company(company)
            since = AS_OF + (number - 1) * DAY - timedelta(minutes=10) if number else None
            extract(connect(server, bulk_threshold_rows=way), zone, "Account", since)
            load_landed(connection, zone.manifests("sf"), run_id=f"night-{number}")
            (reconciled,) = connection.execute("select bool_and(is_reconciled) from ops.load").fetchone() or (None,)
            assert reconciled

        night(0)
        assert gone(connection) == {}
        deleted |= {"IsDeleted": True, "SystemModstamp": AS_OF + 0.5 * DAY}
        merged |= {"IsDeleted": True, "MasterRecordId": winner["Id"], "SystemModstamp": AS_OF + 0.5 * DAY}
        accounts.rows.remove(purged)
        company.purged["Account"] = [(str(purged["Id"]), AS_OF + 0.5 * DAY)]
        night(1)
        assert gone(connection) == {deleted["Id"]: None, merged["Id"]: winner["Id"], purged["Id"]: None}
        deleted |= {"IsDeleted": False, "SystemModstamp": AS_OF + 1.5 * DAY}
        night(2)
        assert gone(connection) == {merged["Id"]: winner["Id"], purged["Id"]: None}


def gone(connection: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
    """Ids marked deleted, each with the record it was merged into."""
    found = connection.execute('select "Id", "MasterRecordId" from raw_salesforce."Account" where _deleted')
    return dict(found.fetchall())
