"""What an org refuses for good: one object, one field, the counting, the Ids; and what is still read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from connectors.contract import PageKind
from connectors.errors import CredentialsFailure, SchemaChanged, SourceFailure
from connectors.salesforce.connector import SalesforceConnector
from connectors.salesforce.failures import QueryRefused, failure_of
from crmlift.simulator.company import SimField
from crmlift.simulator.options import ServerOptions
from crmlift.simulator.server import ServerInfo, running_simulator
from tests.connectors.salesforce.orgs import connect, extract, zone_at
from tests.crmlift.simulator.small_company import AS_OF, small_company

Refusal = tuple[int, str, str]


def answer(status: int, code: str, message: str) -> requests.Response:
    """An error as Salesforce words it."""
    response = requests.Response()
    response.status_code = status
    response._content = f'[{{"errorCode": "{code}", "message": "{message}"}}]'.encode()
    return response


def refusing(connector: SalesforceConnector, test: Callable[[str], bool], refusal: Refusal) -> SalesforceConnector:
    """The connector, of which some requests are answered by a refusal."""
    adapter = connector._client.adapter
    real = adapter.send

    def send(request, *args, **kwargs):  # type: ignore[no-untyped-def]
        body = (request.body or b"").decode() if isinstance(request.body, bytes) else str(request.body or "")
        asked = requests.utils.unquote(f"{request.method} {request.path_url} {body}").replace("+", " ")
        return answer(*refusal) if test(asked) else real(request, *args, **kwargs)

    adapter.send = send  # type: ignore[method-assign]
    return connector


@pytest.mark.parametrize(
    ("status", "code", "is_login"),
    [
        (401, "INVALID_SESSION_ID", True),
        (403, "API_DISABLED_FOR_ORG", True),
        (403, "INSUFFICIENT_ACCESS", False),
        (400, "INSUFFICIENT_ACCESS_OR_READONLY", False),
        (404, "NOT_FOUND", False),
        (400, "QUERY_TOO_COMPLICATED", False),
        (400, "EXCEEDED_ID_LIMIT", False),
    ],
)
def test_a_refused_object_is_not_a_refused_log_in(status: int, code: str, is_login: bool) -> None:
    failure = failure_of(answer(status, code, "no."), "sf", "reading Visit__c")
    assert isinstance(failure, CredentialsFailure) is is_login
    assert failure.stops_source is is_login and failure.exit_code == (11 if is_login else 12)
    assert f"{code}: no." in failure.why and "reading Visit__c" in failure.where


@pytest.mark.parametrize("way", [{"bulk_threshold_rows": 0}, {}])
def test_an_object_too_complicated_to_query_is_that_objects_own_failure(tmp_path: Path, way: dict[str, int]) -> None:
    with running_simulator(small_company(), ServerOptions(refused=("Account",))) as server:
        connector = connect(server, **way)
        assert "Account" in connector.streams() and connector.schema("Account").fields
        with pytest.raises(QueryRefused, match="QUERY_TOO_COMPLICATED") as refusal:
            extract(connector, zone_at(tmp_path), "Account")
        assert not refusal.value.stops_source
        assert extract(connector, zone_at(tmp_path), "User").rows == 3


@pytest.mark.parametrize("way", [{"bulk_threshold_rows": 0}, {}])
def test_a_field_that_is_listed_and_cannot_be_queried_is_left_out(
    server: ServerInfo, tmp_path: Path, way: dict[str, int]
) -> None:
    refusal = (400, "INVALID_FIELD", "No such column 'Amount' on entity 'Opportunity'. Use the describe call")
    connector = refusing(connect(server, **way), lambda asked: "Amount" in asked, refusal)
    with pytest.raises(SchemaChanged):
        extract(connector, zone_at(tmp_path), "Opportunity")
    manifest = extract(connector, zone_at(tmp_path), "Opportunity")
    assert "Amount" not in {field.name for field in manifest.schema.fields} and manifest.rows > 4000
    (finding,) = [f for f in connector.findings() if (f.object, f.field) == ("Opportunity", "Amount")]
    assert finding.rule_id == "missing_field" and "refuses to read it" in finding.message


def test_a_bulk_job_that_fails_over_a_field_says_which(server: ServerInfo, tmp_path: Path) -> None:
    connector = connect(server, bulk_threshold_rows=0)
    said = "INVALID_FIELD: Amount, Name ERROR at Row:1:Column:8 No such column 'Amount' on entity 'Opportunity'."
    real = connector._client.get

    def get(path, doing, **kwargs):  # type: ignore[no-untyped-def]
        response = real(path, doing, **kwargs)
        if "jobs/query/" in path and "result" not in path and "Amount" in {f.name for f in schema.fields}:
            response._content = response.content.replace(
                b'"JobComplete"', b'"Failed","errorMessage":"%s"' % said.encode()
            )
        return response

    schema = connector.schema("Opportunity")
    connector._client.get = get  # type: ignore[method-assign]
    with pytest.raises(SchemaChanged, match="No such column"):
        extract(connector, zone_at(tmp_path), "Opportunity")


def test_the_key_cannot_be_left_out(server: ServerInfo, tmp_path: Path) -> None:
    refusal = (400, "INVALID_FIELD", "No such column 'Id' on entity 'Account'.")
    connector = refusing(connect(server), lambda asked: "SELECT Id" in asked, refusal)
    with pytest.raises(QueryRefused):
        extract(connector, zone_at(tmp_path), "Account")


def test_without_a_count_the_object_is_read_and_the_missing_proof_told(server: ServerInfo, tmp_path: Path) -> None:
    refusal = (400, "OPERATION_TOO_LARGE", "exceeded 100000 distinct ids")
    connector = refusing(connect(server), lambda asked: "COUNT()" in asked, refusal)
    manifest = extract(connector, zone_at(tmp_path), "Account")
    assert (manifest.rows, manifest.source_count) == (20, None)
    assert [(f.rule_id, f.object) for f in connector.findings() if f.rule_id == "not_counted"] == [
        ("not_counted", "Account")
    ]


def test_without_log_and_ids_the_records_are_read_and_deletions_told_as_unknown(
    server: ServerInfo, tmp_path: Path
) -> None:
    refused = (403, "INSUFFICIENT_ACCESS", "no right on deleted records")
    connector = refusing(
        connect(server), lambda asked: "/deleted/" in asked or "SELECT Id FROM" in asked or "COUNT() FROM Account " in asked,
        refused,
    )  # fmt: skip
    manifest = extract(connector, zone_at(tmp_path), "Account", since=AS_OF - timedelta(days=400))
    assert manifest.rows == 20 and not [part for part in manifest.parts if part.kind is PageKind.KEYS]
    assert ("deletions_not_listed", "Account") in {(f.rule_id, f.object) for f in connector.findings()}


def test_ids_that_break_off_are_not_taken_for_all(server: ServerInfo, tmp_path: Path) -> None:
    """Rows that a half-read list does not name would be marked deleted."""
    seen: list[str] = []

    def later_pages(asked: str) -> bool:
        seen.extend([asked] if "SELECT Id FROM" in asked else [])
        return bool(seen) and "/query/0r8" in asked

    connector = refusing(connect(server, bulk_threshold_rows=10_000), later_pages, (400, "INVALID_TYPE", "gone"))
    with pytest.raises(SourceFailure):
        extract(connector, zone_at(tmp_path), "Opportunity", since=AS_OF - timedelta(days=16))


def test_activities_of_the_archive_are_counted_as_they_are_read(tmp_path: Path) -> None:
    company = small_company()
    table = company.salesforce["Opportunity"]
    table.fields = [*table.fields, SimField("IsArchived", "boolean")]  # type: ignore[assignment]
    for number, row in enumerate(table.rows):
        row["IsArchived"] = number % 3 == 0
    live = sum(not row["IsDeleted"] for row in table.rows)
    with running_simulator(company) as server:
        connector = connect(server)
        assert extract(connector, zone_at(tmp_path), "Opportunity").source_count == live
        visible = connector._client.get("query/", "as people see it", params={"q": "SELECT COUNT() FROM Opportunity"})
        assert visible.json()["totalSize"] < live, "the interface people query hides the archive"


def test_rows_born_after_the_window_are_not_missed_in_the_table(tmp_path: Path) -> None:
    company = small_company()
    with running_simulator(company) as server:
        connector, zone = connect(server), zone_at(tmp_path)
        schema = connector.schema("Account")
        for row in company.salesforce["Account"].rows[:4]:
            row["CreatedDate"] = row["SystemModstamp"] = AS_OF + timedelta(minutes=1)
        server.served.refresh()
        manifest = extract(connector, zone, "Account")
        assert (manifest.rows, manifest.source_count) == (16, 16)
        assert schema.deleted_field == "IsDeleted"


def test_a_history_is_never_asked_what_is_gone(tmp_path: Path) -> None:
    company = small_company()
    history = company.salesforce["Account"]
    history.name, company.salesforce["AccountHistory"] = "AccountHistory", history
    with running_simulator(company) as server:
        connector = connect(server)
        assert connector.schema("AccountHistory").keeps_history and not connector.schema("Opportunity").keeps_history
        manifest = extract(connector, zone_at(tmp_path), "AccountHistory", since=AS_OF - timedelta(days=400))
        assert {part.kind for part in manifest.parts} == {PageKind.UPSERT}
