"""Salesforce's addresses: jobs, locators, limits, sessions, batches, errors."""

from __future__ import annotations

import csv
import io

import pytest
import requests

from crmlift.simulator.options import SF_PASSWORD, SF_USERNAME, ServerOptions
from crmlift.simulator.server import ServerInfo, running_simulator
from tests.crmlift.simulator.clients import salesforce_session, trusting_session
from tests.crmlift.simulator.small_company import OPPORTUNITIES, small_company

V = "/services/data/v63.0"
QUERY = "SELECT Id, Name, IsWon, CloseDate, SystemModstamp FROM Opportunity"


def code_of(answer: requests.Response) -> str:
    return str(answer.json()[0]["errorCode"])


def start_job(session: requests.Session, base: str, **body: str) -> dict[str, object]:
    answer = session.post(f"{base}{V}/jobs/query", json={"operation": "queryAll", "query": QUERY} | body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def finish(session: requests.Session, base: str, job_id: object) -> list[str]:
    states = [""]
    while states[-1] not in {"JobComplete", "Failed", "Aborted"}:
        states.append(session.get(f"{base}{V}/jobs/query/{job_id}").json()["state"])
    return states[1:]


def test_a_job_from_beginning_to_end(salesforce: requests.Session, server: ServerInfo) -> None:
    job = start_job(salesforce, server.base_url)
    root = f"{server.base_url}{V}/jobs/query/{job['id']}"
    assert str(job["id"]).startswith("750") and len(str(job["id"])) == 18
    assert (job["state"], job["object"]) == ("UploadComplete", "Opportunity")
    assert code_of(salesforce.get(f"{root}/results")) == "INVALIDJOBSTATE"
    assert finish(salesforce, server.base_url, job["id"]) == ["InProgress", "JobComplete"]
    assert salesforce.get(root).json()["numberRecordsProcessed"] == OPPORTUNITIES
    page = salesforce.get(f"{root}/results", params={"maxRecords": 4_000})
    assert (page.headers["Sforce-NumberOfRecords"], page.headers["Sforce-Locator"] != "null") == ("4000", True)
    last = salesforce.get(f"{root}/results", params={"maxRecords": 4_000, "locator": page.headers["Sforce-Locator"]})
    assert (last.headers["Sforce-NumberOfRecords"], last.headers["Sforce-Locator"]) == ("321", "null")
    rows = list(csv.DictReader(io.StringIO(page.text))) + list(csv.DictReader(io.StringIO(last.text)))
    assert [r["Name"] for r in rows] == [f"Deal {n}" for n in range(OPPORTUNITIES)]
    assert rows[1]["IsWon"] == "true" and rows[1]["CloseDate"] == "2026-01-02"
    assert rows[1]["SystemModstamp"] == "2026-01-01T10:30:00.000Z"
    assert salesforce.delete(root).status_code == 204
    assert salesforce.get(root).status_code == 404


def test_result_pages_lead_to_every_row_in_parallel() -> None:
    with running_simulator(small_company(), ServerOptions(job_polls=0, bulk_page_size=600)) as server:
        session = salesforce_session(server)
        job = start_job(session, server.base_url)
        assert finish(session, server.base_url, job["id"]) == ["JobComplete"]
        url, found = f"{V}/jobs/query/{job['id']}/resultPages", []
        while url:
            answer = session.get(server.base_url + url).json()
            assert len(answer["resultPages"]) <= 5
            found += [page["resultUrl"] for page in answer["resultPages"]]
            url = answer.get("nextRecordUrl", "")
            assert answer["done"] is not bool(url)
        names = [
            row["Name"]
            for page in reversed(found)
            for row in csv.DictReader(io.StringIO(session.get(server.base_url + page).text))
        ]
        assert len(found) == 8 and sorted(names) == sorted(f"Deal {n}" for n in range(OPPORTUNITIES))
        assert session.get(server.base_url + url.replace("v63", "v57")).status_code == 404


def test_dialects(salesforce: requests.Session, server: ServerInfo) -> None:
    job = start_job(salesforce, server.base_url, columnDelimiter="PIPE", lineEnding="CRLF")
    finish(salesforce, server.base_url, job["id"])
    text = salesforce.get(f"{server.base_url}{V}/jobs/query/{job['id']}/results").text
    assert text.startswith('"Id"|"Name"|"IsWon"|"CloseDate"|"SystemModstamp"\r\n')


def test_an_aborted_job_stays_aborted(salesforce: requests.Session, server: ServerInfo) -> None:
    job = start_job(salesforce, server.base_url)
    root = f"{server.base_url}{V}/jobs/query/{job['id']}"
    assert salesforce.patch(root, json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert salesforce.get(root).json()["state"] == "Aborted"
    assert code_of(salesforce.patch(root, json={"state": "Aborted"})) == "INVALIDJOBSTATE"
    listed = salesforce.get(f"{server.base_url}{V}/jobs/query").json()
    assert listed["done"] and job["id"] in [j["id"] for j in listed["records"]]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT COUNT() FROM Account", "API_ERROR"),
        ("SELECT Id FROM Account OFFSET 5", "API_ERROR"),
        ("SELECT FIELDS(STANDARD) FROM Account", "API_ERROR"),
        ("SELECT Nope FROM Account", "INVALID_FIELD"),
        ("SELECT", "MALFORMED_QUERY"),
    ],
)
def test_queries_bulk_refuses(salesforce: requests.Session, server: ServerInfo, query: str, code: str) -> None:
    body = {"operation": "query", "query": query}
    answer = salesforce.post(f"{server.base_url}{V}/jobs/query", json=body)
    assert (answer.status_code, code_of(answer)) == (400, code)


def test_locators_accept_the_query_sent_again(salesforce: requests.Session, server: ServerInfo) -> None:
    first = salesforce.get(f"{server.base_url}{V}/query/", params={"q": QUERY}).json()
    more = salesforce.get(server.base_url + first["nextRecordsUrl"], params={"q": QUERY}).json()
    assert more["totalSize"] == first["totalSize"] == len(first["records"]) + len(more["records"])
    assert more["records"][0]["Id"] not in {r["Id"] for r in first["records"]}
    smaller = salesforce.get(
        f"{server.base_url}{V}/query", params={"q": QUERY}, headers={"Sforce-Query-Options": "batchSize=250"}
    )
    assert len(smaller.json()["records"]) == 250
    gone = salesforce.get(f"{server.base_url}{V}/query/0r8000000000000AAA-2000")
    assert (gone.status_code, code_of(gone)) == (400, "INVALID_QUERY_LOCATOR")


def test_rest_values(salesforce: requests.Session, server: ServerInfo) -> None:
    query = "SELECT Id, Amount, CloseDate, CreatedDate, IsWon FROM Opportunity WHERE Name = 'Deal 2'"
    record = salesforce.get(f"{server.base_url}{V}/query", params={"q": query}).json()["records"][0]
    assert record["attributes"]["url"] == f"{V}/sobjects/Opportunity/{record['Id']}"
    assert (record["Amount"], record["CloseDate"], record["IsWon"]) == (3.0, "2026-01-03", False)
    assert record["CreatedDate"] == "2026-01-01T11:30:00.000+0000"
    single = salesforce.get(f"{server.base_url}{V}/sobjects/Opportunity/{record['Id']}?fields=Amount,Owner.Name")
    assert single.json()["Owner"]["Name"] == "Person 2"
    assert salesforce.get(f"{server.base_url}{V}/sobjects/Opportunity/006x").status_code == 404


def test_composite_batch(salesforce: requests.Session, server: ServerInfo) -> None:
    parts = [
        {"method": "GET", "url": "v63.0/query?q=SELECT+COUNT()+FROM+User"},
        {"method": "GET", "url": "v63.0/sobjects/Nope/describe"},
    ]
    answer = salesforce.post(f"{server.base_url}{V}/composite/batch", json={"batchRequests": parts}).json()
    assert answer["hasErrors"] and [r["statusCode"] for r in answer["results"]] == [200, 404]
    assert answer["results"][0]["result"]["totalSize"] == 3


def test_deleted_log_reaches_back_fifteen_days(salesforce: requests.Session, server: ServerInfo) -> None:
    url = f"{server.base_url}{V}/sobjects/Opportunity/deleted"
    old = salesforce.get(url, params={"start": "2026-10-01T00:00:00Z", "end": "2026-11-02T00:00:00Z"})
    assert (old.status_code, code_of(old)) == (400, "INVALID_REPLICATION_DATE")


def test_usage_is_on_every_answer_and_ends_at_the_limit() -> None:
    with running_simulator(small_company(), ServerOptions(sf_daily_limit=3), is_https=False) as server:
        session = salesforce_session(server)
        answers = [session.get(f"{server.base_url}{V}/limits") for _ in range(4)]
        assert [a.status_code for a in answers] == [200, 200, 200, 403]
        assert answers[-1].json()[0] == {
            "errorCode": "REQUEST_LIMIT_EXCEEDED",
            "message": "TotalRequests Limit exceeded.",
        }
        assert answers[1].headers["Sforce-Limit-Info"].startswith("api-usage=2/3; per-app-api-usage=2/3(appName=")


def test_sessions_expire_and_can_be_renewed() -> None:
    with running_simulator(small_company(), ServerOptions(session_requests=1), is_https=False) as server:
        session = salesforce_session(server)
        assert session.get(f"{server.base_url}{V}/limits").status_code == 200
        expired = session.get(f"{server.base_url}{V}/limits")
        assert (expired.status_code, code_of(expired)) == (401, "INVALID_SESSION_ID")
        assert salesforce_session(server).get(f"{server.base_url}{V}/limits").status_code == 200


def test_bulk1_in_xml_with_csv(salesforce: requests.Session, server: ServerInfo) -> None:
    root, xml = f"{server.base_url}/services/async/59.0/job", {"Content-Type": "application/xml"}
    token = salesforce.headers["Authorization"].split(" ")[1]  # type: ignore[union-attr]
    session = trusting_session(server)
    session.headers["X-SFDC-Session"] = token
    body = (
        "<jobInfo xmlns='x'><operation>query</operation><object>User</object><contentType>CSV</contentType></jobInfo>"
    )
    job = session.post(root, data=body, headers=xml)
    assert job.status_code == 201 and "<state>Open</state>" in job.text
    job_id = job.text.partition("<id>")[2].partition("</id>")[0]
    batch = session.post(f"{root}/{job_id}/batch", data="SELECT Id, Name FROM User", headers=xml).text
    batch_id = batch.partition("<id>")[2].partition("</id>")[0]
    states = [session.get(f"{root}/{job_id}/batch/{batch_id}").text for _ in range(2)]
    assert "<state>Completed</state>" in states[-1]
    listed = session.get(f"{root}/{job_id}/batch/{batch_id}/result").text
    result_id = listed.partition("<result>")[2].partition("</result>")[0]
    text = session.get(f"{root}/{job_id}/batch/{batch_id}/result/{result_id}").text
    assert text.splitlines()[0] == '"Id","Name"' and len(text.splitlines()) == 4
    refused = trusting_session(server).get(f"{root}/{job_id}", headers=xml)
    assert refused.status_code == 400 and "InvalidSessionId" in refused.text


def test_addresses(server: ServerInfo, salesforce: requests.Session) -> None:
    versions = trusting_session(server).get(f"{server.base_url}/services/data").json()
    assert {"version": "59.0", "url": "/services/data/v59.0", "label": "Release 59"} in versions
    assert salesforce.get(f"{server.base_url}/services/oauth2/userinfo").json()["preferred_username"] == SF_USERNAME
    assert salesforce.get(f"{server.base_url}{V}/nope").status_code == 404
    assert salesforce.get(f"{server.base_url}{V}/query", params={"q": "x" * 16_500}).status_code == 414
    assert salesforce.get(f"{server.base_url}{V}/limits").headers["Date"] == "Mon, 02 Nov 2026 00:00:00 GMT"


def test_soap_login_ends_with_version_65(server: ServerInfo) -> None:
    body = f"<e><login><username>{SF_USERNAME}</username><password>{SF_PASSWORD}</password></login></e>"
    old, new = (
        trusting_session(server).post(f"{server.base_url}/services/Soap/u/{v}", data=body) for v in ("64.0", "65.0")
    )
    assert old.status_code == 200 and "<sessionId>" in old.text
    assert new.status_code == 500 and "sf:UNSUPPORTED_API_VERSION" in new.text


def test_gzip_only_when_accepted(salesforce: requests.Session, server: ServerInfo) -> None:
    url = f"{server.base_url}{V}/query"
    packed = salesforce.get(url, params={"q": QUERY})
    plain = salesforce.get(url, params={"q": QUERY}, headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain.headers
    assert packed.json()["records"] == plain.json()["records"]


def test_changed_company_is_served_at_once() -> None:
    company = small_company()
    with running_simulator(company, is_https=False) as server:
        session = salesforce_session(server)
        url, query = f"{server.base_url}{V}/query", {"q": "SELECT COUNT() FROM User"}
        users = company.salesforce["User"].rows
        users.append(users[0] | {"Id": "005Sm9999999999AAA"})
        assert session.get(url, params=query).json()["totalSize"] == 4
        assert session.get(f"{server.base_url}{V}/sobjects/User/005Sm9999999999AAA").status_code == 200
        server.served.set_company(small_company())
        assert session.get(url, params=query).json()["totalSize"] == 3
