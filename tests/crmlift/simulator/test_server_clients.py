"""The clients people use work unchanged against the simulator over https."""

from __future__ import annotations

import csv
import io

import hubspot
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hubspot.crm.associations.v4 import BatchInputPublicFetchAssociationsBatchRequest
from hubspot.crm.deals import BatchReadInputSimplePublicObjectId, PublicObjectSearchRequest
from hubspot.crm.deals.exceptions import ApiException
from simple_salesforce import Salesforce, SalesforceLogin
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
)

from crmlift.simulator.options import (
    HS_SERVICE_KEY,
    SF_CLIENT_ID,
    SF_CLIENT_SECRET,
    SF_PASSWORD,
    SF_SECURITY_TOKEN,
    SF_USERNAME,
    ServerOptions,
)
from crmlift.simulator.server import ServerInfo, running_simulator
from tests.crmlift.simulator.clients import CLIENT_CREDENTIALS, trusting_session
from tests.crmlift.simulator.small_company import DEALS, ODD_TEXTS, OPPORTUNITIES, small_company

LIVE = OPPORTUNITIES - OPPORTUNITIES // 10


def login_domain(server: ServerInfo, name: str = "acme.my") -> str:
    return f"{server.host}/{name}"  # simple-salesforce builds https://{domain}.salesforce.com/…


@pytest.fixture(scope="module")
def sf(server: ServerInfo) -> Salesforce:
    return Salesforce(
        domain=login_domain(server),
        consumer_key=SF_CLIENT_ID,
        consumer_secret=SF_CLIENT_SECRET,
        session=trusting_session(server),
    )


@pytest.fixture(scope="module")
def hs(server: ServerInfo) -> hubspot.HubSpot:
    return hubspot.HubSpot(access_token=HS_SERVICE_KEY, host=server.base_url, ssl_ca_cert=str(server.ca_file))


def test_client_credentials_give_a_session_for_the_instance(sf: Salesforce, server: ServerInfo) -> None:
    assert sf.sf_instance == server.host
    assert sf.limits()["DailyApiRequests"]["Max"] == 100_000
    assert sf.api_usage["api-usage"].total == 100_000


def test_describe(sf: Salesforce) -> None:
    assert [o["name"] for o in sf.describe()["sobjects"]] == ["Account", "Opportunity", "User"]  # type: ignore[index]
    fields = {f["name"]: f for f in sf.Opportunity.describe()["fields"]}
    assert fields["Amount"]["type"] == "currency" and fields["Amount"]["precision"] == 18
    assert fields["OwnerId"]["referenceTo"] == ["User"]
    assert fields["StageName"]["picklistValues"][0]["value"] == "Prospecting"


def test_rest_query_pages_through_everything(sf: Salesforce) -> None:
    first = sf.query("SELECT Id FROM Opportunity")
    assert (first["totalSize"], len(first["records"]), first["done"]) == (LIVE, 2_000, False)
    assert first["nextRecordsUrl"].rpartition("/")[2].startswith("0r8")
    rows = sf.query_all("SELECT Id, Owner.Name, Account.Parent.Name FROM Opportunity ORDER BY Id")["records"]
    assert len({row["Id"] for row in rows}) == LIVE
    assert rows[1]["Owner"]["Name"] == "Person 1" and rows[1]["Account"]["Parent"]["Name"] == "Account 0"
    assert rows[0]["Account"] is None


def test_query_all_shows_deleted_rows(sf: Salesforce) -> None:
    answer = sf.query("SELECT COUNT() FROM Opportunity", include_deleted=True)
    assert answer["totalSize"] == OPPORTUNITIES
    assert sf.query("SELECT COUNT() FROM Opportunity")["totalSize"] == LIVE


def test_bulk2_query_keeps_every_text(sf: Salesforce) -> None:
    pages = list(
        sf.bulk2.Opportunity.query_all("SELECT Id, Description, Amount FROM Opportunity", max_records=1_700, wait=0.01)
    )
    assert len(pages) == 3
    rows = [row for page in pages for row in csv.DictReader(io.StringIO(page))]
    assert [row["Description"] for row in rows] == [ODD_TEXTS[n % len(ODD_TEXTS)] for n in range(OPPORTUNITIES)]
    assert (rows[0]["Amount"], rows[2]["Amount"]) == ("", "3.0")


def test_bulk1_query(sf: Salesforce) -> None:
    rows = sf.bulk.Account.query("SELECT Id, Name, CreatedDate, Owner.Name FROM Account", wait=0)
    assert len(list(rows)) == 20
    assert rows[3]["CreatedDate"] == 1_767_259_800_000 and rows[3]["Owner"]["Name"] == "Person 0"  # type: ignore[index]


def test_deleted_and_updated(sf: Salesforce) -> None:
    gone = sf.restful(
        "sobjects/Opportunity/deleted",
        params={"start": "2026-10-25T00:00:00+00:00", "end": "2026-11-02T00:00:00+00:00"},
    )
    assert [r["id"] for r in gone["deletedRecords"]] == ["006Sm0000099999AAA"]  # type: ignore[index]
    changed = sf.restful(
        "sobjects/Opportunity/updated",
        params={"start": "2026-01-01T00:00:00+00:00", "end": "2026-01-02T00:00:00+00:00"},
    )
    assert len(changed["ids"]) == 14  # type: ignore[index]  # hours 9:30 to 23:30, one of 15 deleted


def test_errors_as_the_client_sorts_them(sf: Salesforce, server: ServerInfo) -> None:
    with pytest.raises(SalesforceMalformedRequest, match="No such column 'Foo' on entity 'Account'"):
        sf.query("SELECT Id, Foo FROM Account")
    stranger = Salesforce(session_id="no", instance=server.host, session=trusting_session(server))
    with pytest.raises(SalesforceExpiredSession, match="Session expired or invalid"):
        stranger.query("SELECT Id FROM Account")


def test_soap_login(server: ServerInfo) -> None:
    session = trusting_session(server)
    sf = Salesforce(
        username=SF_USERNAME,
        password=SF_PASSWORD,
        security_token=SF_SECURITY_TOKEN,
        domain=login_domain(server, "login"),
        session=session,
    )
    assert sf.query("SELECT COUNT() FROM User")["totalSize"] == 3
    with pytest.raises(SalesforceAuthenticationFailed, match="INVALID_LOGIN"):
        SalesforceLogin(SF_USERNAME, "wrong", "", session=session, scratch_url=server.base_url)


def test_password_grant(server: ServerInfo) -> None:
    session_id, instance = SalesforceLogin(
        username=SF_USERNAME,
        password=SF_PASSWORD,
        consumer_key=SF_CLIENT_ID,
        consumer_secret=SF_CLIENT_SECRET,
        domain=login_domain(server),
        session=trusting_session(server),
    )
    assert instance == server.host and session_id.startswith("00D")


def test_jwt_bearer_is_verified_against_the_given_key() -> None:
    right, wrong = (rsa.generate_private_key(65_537, 2_048) for _ in range(2))
    public = right.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    def log_in(server: ServerInfo, key: rsa.RSAPrivateKey) -> Salesforce:
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return Salesforce(
            username=SF_USERNAME,
            consumer_key=SF_CLIENT_ID,
            privatekey=pem.decode(),
            domain=login_domain(server),
            session=trusting_session(server),
        )

    with running_simulator(small_company(), ServerOptions(jwt_public_key=public.decode())) as server:
        assert log_in(server, right).query("SELECT COUNT() FROM User")["totalSize"] == 3
        with pytest.raises(SalesforceAuthenticationFailed, match="invalid assertion"):
            log_in(server, wrong)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"client_id": "x"}, "invalid_client_id"),
        ({"client_secret": "x"}, "invalid_client"),
        ({"grant_type": "x"}, "unsupported_grant_type"),
        ({"grant_type": "password", "username": SF_USERNAME, "password": "x"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
    ],
)
def test_refused_log_ins(server: ServerInfo, change: dict[str, str], error: str) -> None:
    answer = trusting_session(server).post(f"{server.base_url}/services/oauth2/token", data=CLIENT_CREDENTIALS | change)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.json()["error_description"]


def test_refresh_tokens_rotate(server: ServerInfo) -> None:
    url, session = f"{server.base_url}/services/oauth2/token", trusting_session(server)
    form = {
        "grant_type": "refresh_token",
        "client_id": SF_CLIENT_ID,
        "refresh_token": "crmlift-demo-refresh",
    }
    second = session.post(url, data=form).json()["refresh_token"]
    assert session.post(url, data=form | {"refresh_token": second}).status_code == 200
    assert session.post(url, data=form | {"refresh_token": second}).status_code == 400


def test_hubspot_lists_every_page(hs: hubspot.HubSpot) -> None:
    deals = hs.crm.deals.get_all(properties=["dealname", "amount"], associations=["contacts"])
    assert len(deals) == DEALS - DEALS // 50
    assert deals[0].properties["dealname"] == "Angebot 0 süß" and deals[0].properties["amount"] is None
    assert len(deals[0].associations["contacts"].results) == 8
    assert len(hs.crm.deals.get_all(archived=True)) == DEALS // 50
    assert len(hs.crm.objects.get_all("machines")) == 1


def test_hubspot_batch_read_with_history(hs: hubspot.HubSpot) -> None:
    asked = BatchReadInputSimplePublicObjectId(
        inputs=[{"id": "9000000007"}], properties=["dealstage"], properties_with_history=["dealstage"]
    )
    record = hs.crm.deals.batch_api.read(asked).results[0]
    history = record.properties_with_history["dealstage"]
    assert [entry.value for entry in history] == ["won", "new"]  # newest first
    assert history[0].updated_by_user_id == 12


def test_hubspot_search(hs: hubspot.HubSpot) -> None:
    found = hs.crm.deals.search_api.do_search(
        PublicObjectSearchRequest(
            filter_groups=[
                {"filters": [{"propertyName": "amount", "operator": "BETWEEN", "value": "10", "highValue": "55"}]}
            ],
            sorts=[{"propertyName": "amount", "direction": "DESCENDING"}],
            limit=2,
        )
    )  # fmt: skip
    assert (found.total, found.paging.next.after) == (4, "2")
    assert [r.properties["amount"] for r in found.results] == ["50", "30"]


def test_hubspot_associations(hs: hubspot.HubSpot) -> None:
    asked = BatchInputPublicFetchAssociationsBatchRequest(inputs=[{"id": "9000000007"}])
    linked = hs.crm.associations.v4.batch_api.get_page("deals", "contacts", asked)
    assert [to.to_object_id for to in linked.results[0].to] in (["500"], [500])
    page = hs.crm.associations.v4.basic_api.get_page("contacts", "500", "deals")
    kinds = {(t.category, t.type_id, t.label) for link in page.results for t in link.association_types}
    assert kinds == {("HUBSPOT_DEFINED", 4, None), ("USER_DEFINED", 77, "Decision maker")}


def test_hubspot_definitions(hs: hubspot.HubSpot) -> None:
    assert {p.name for p in hs.crm.properties.core_api.get_all("deals").results} >= {"amount", "dealstage"}
    stages = hs.crm.pipelines.pipelines_api.get_all("deals").results[0].stages
    assert [s.metadata["isClosed"] for s in stages] == ["false", "true"]
    assert len(hs.crm.owners.get_all()) == 2 and len(hs.crm.owners.get_all(archived=True)) == 1
    assert [s.name for s in hs.crm.schemas.core_api.get_all().results] == ["machines"]


def test_hubspot_refuses_a_wrong_key(server: ServerInfo) -> None:
    client = hubspot.HubSpot(access_token="no", host=server.base_url, ssl_ca_cert=str(server.ca_file))
    with pytest.raises(ApiException) as refused:
        client.crm.deals.basic_api.get_page()
    assert refused.value.status == 401 and "INVALID_AUTHENTICATION" in refused.value.body


def test_the_certificate_is_not_trusted_by_default(server: ServerInfo) -> None:
    session = requests.Session()
    session.trust_env = False
    with pytest.raises(requests.exceptions.SSLError):
        session.get(f"{server.base_url}/services/data")
