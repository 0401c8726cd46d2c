"""Foreign clients read every object of the generated company, and get every row of it."""

from __future__ import annotations

from collections.abc import Iterator

import hubspot
import pytest
from simple_salesforce import Salesforce

from crmlift.simulator.build import build_company
from crmlift.simulator.company import Company
from crmlift.simulator.options import HS_SERVICE_KEY
from crmlift.simulator.server import ServerInfo, running_simulator
from tests.crmlift.simulator.clients import salesforce_session, trusting_session

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def company() -> Company:
    return build_company("known", seed=3)


@pytest.fixture(scope="module")
def known(company: Company) -> Iterator[ServerInfo]:
    with running_simulator(company) as info:
        yield info


def test_simple_salesforce_reads_every_object(known: ServerInfo, company: Company) -> None:
    token = str(salesforce_session(known).headers["Authorization"]).split(" ")[1]
    sf = Salesforce(session_id=token, instance=known.host, session=trusting_session(known))
    described = sf.describe()
    assert described is not None
    assert {o["name"] for o in described["sobjects"]} == set(company.salesforce)
    for name, table in company.salesforce.items():
        fields = ", ".join(f["name"] for f in getattr(sf, name).describe()["fields"])
        rows = sf.query_all(f"SELECT {fields} FROM {name}", include_deleted=True)["records"]
        assert {row["Id"] for row in rows} == {row["Id"] for row in table.rows}, name
        assert len(rows) == len(table.rows), name


def test_hubspot_api_client_reads_every_object(known: ServerInfo, company: Company) -> None:
    hs = hubspot.HubSpot(access_token=HS_SERVICE_KEY, host=known.base_url, ssl_ca_cert=str(known.ca_file))
    for name, table in company.hubspot.items():
        properties = [p.name for p in hs.crm.properties.core_api.get_all(name).results]
        for is_archived in (False, True):
            records = hs.crm.objects.get_all(name, properties=properties, archived=is_archived)
            wanted = {row["id"] for row in table.rows if bool(row["archived"]) == is_archived}
            assert {record.id for record in records} == wanted, name
    assert len(hs.crm.owners.get_all()) == sum(not o["archived"] for o in company.owners)
