"""What the conformance checks do not ask: custom fields, OAuth, what is hidden, limits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from connectors.contract import FieldType, PageKind, Window
from connectors.errors import AccessRefused, BudgetReached, CredentialsFailure, SchemaChanged
from connectors.http import Backoff
from connectors.pipedrive.client import PipedriveClient
from connectors.pipedrive.connector import PipedriveConnector
from connectors.pipedrive.reading import is_due
from connectors.pipedrive.settings import PipedriveSettings
from connectors.reading_back import read_pages
from crmlift.simulator.options import PD_API_TOKEN, PD_CLIENT_ID, PD_CLIENT_SECRET, PD_REFRESH_TOKEN, ServerOptions
from crmlift.simulator.pipedrive.account import PipedriveError
from crmlift.simulator.pipedrive.fields import TYPE_KEY, WORTH_KEY
from crmlift.simulator.server import ServerInfo, running_simulator
from tests.crmlift.simulator.small_company import AS_OF, small_company

HASTY = Backoff(attempts=3, first_seconds=0.0, cap_seconds=0.0, patience_seconds=0.0)


@pytest.fixture(scope="module")
def server() -> Iterator[ServerInfo]:
    company = small_company()
    company.salesforce["Opportunity"].rows = company.salesforce["Opportunity"].rows[:60]
    company.salesforce["Opportunity"].rows[3]["SystemModstamp"] = AS_OF - timedelta(days=90)
    with running_simulator(company, ServerOptions(rate_limits="free"), is_https=False) as info:
        yield info


@pytest.fixture(autouse=True)
def _calm(server: ServerInfo) -> None:
    account(server).allowed = 1_000_000


def account(server: ServerInfo) -> Any:
    return server.app.state.pipedrive


def connect(server: ServerInfo, secrets: dict[str, str] | None = None, **settings: Any) -> PipedriveConnector:
    given = {"base_url": server.base_url, "token_url": f"{server.base_url}/oauth/token", **settings}
    return PipedriveConnector(
        "pd", given, secrets or {"api_token": PD_API_TOKEN}, sleep=settings.pop("sleep", lambda s: None), backoff=HASTY
    )


def rows(connector: PipedriveConnector, stream: str) -> list[dict[str, Any]]:
    schema = connector.schema(stream)
    return [dict(row) for row in read_pages(connector, schema, Window(None, AS_OF), None, 10_000).rows(stream)]


def test_custom_fields_bear_their_key_or_the_name_they_are_given(server: ServerInfo) -> None:
    fields = {f.name: f for f in connect(server).schema("deals").fields}
    assert fields["deal_type"].path == ("custom_fields", TYPE_KEY) and fields["deal_type"].label == "Deal type"
    assert fields[WORTH_KEY].type is FieldType.DECIMAL and fields[WORTH_KEY].path[-1] == "value"
    assert fields[f"{WORTH_KEY}_currency"].path[-1] == "currency"
    named = connect(server, custom_fields={"deals": {"worth": WORTH_KEY, "kind": "deal TYPE", "absent": "No such"}})
    names = {f.name for f in named.schema("deals").fields}
    assert {"worth", "worth_currency", "kind"} < names and "deal_type" not in names
    assert [(f.field, f.rule_id) for f in named.findings()] == [("absent", "missing_field")]
    options = [r for r in rows(named, "field_options") if r["code"] == TYPE_KEY]
    assert {r.get("option_label") for r in options} == {None, "New Business", "Existing Business", "Duplicate"}


def test_an_oauth_token_is_renewed_when_it_ends(server: ServerInfo) -> None:
    app = {"client_id": PD_CLIENT_ID, "client_secret": PD_CLIENT_SECRET, "refresh_token": PD_REFRESH_TOKEN}
    connector = connect(server, app)
    before = len(rows(connector, "deals"))
    account(server).tokens = {PD_API_TOKEN}
    assert len(rows(connector, "deals")) == before > 0
    with pytest.raises(CredentialsFailure, match="renew"):
        connect(server, app | {"client_secret": "wrong"}).check()
    with pytest.raises(CredentialsFailure, match="api_token"):
        connect(server, {"client_id": "only"})


def test_what_may_not_be_seen_is_a_finding(server: ServerInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(name: str) -> list[dict[str, Any]]:
        if name == "leads":
            raise PipedriveError(403, "Scope and URL mismatch")
        return real(name)

    real = account(server).records
    monkeypatch.setattr(account(server), "records", forbidden)
    connector = connect(server, exclude=["act*"])
    assert not {"leads", "activities"} & set(connector.streams())
    assert [(f.object, f.rule_id) for f in connector.findings()] == [("leads", "missing_object")]


def test_a_stream_that_is_forbidden_is_not_a_refused_token(server: ServerInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(name: str) -> list[dict[str, Any]]:
        if name in {"organizations", "roles"}:
            raise PipedriveError(403 if name == "organizations" else 401, "no")
        return real(name)

    real = account(server).records
    monkeypatch.setattr(account(server), "records", forbidden)
    connector = connect(server)
    with pytest.raises(CredentialsFailure):
        connector.streams()
    with pytest.raises(AccessRefused) as refusal:
        rows(connector, "organizations")
    assert refusal.value.is_refusal and refusal.value.exit_code == 12


@pytest.mark.parametrize(("path", "child"), [("/flow", "deals_flow"), ("/deals/products", "deals_products")])
def test_deals_are_read_without_what_beside_them_is_refused(
    server: ServerInfo, monkeypatch: pytest.MonkeyPatch, path: str, child: str
) -> None:
    connector = connect(server)
    real = connector._client.get

    def get(asked: str, doing: str, **more: Any) -> Any:
        if asked.endswith(path):
            raise AccessRefused("Pipedrive refused access (403).")
        return real(asked, doing, **more)

    monkeypatch.setattr(connector._client, "get", get)
    assert child in {each.stream for each in connector.schema("deals").children}
    with pytest.raises(SchemaChanged):
        rows(connector, "deals")
    assert len(rows(connector, "deals")) == 54  # the others were deleted long ago
    assert child not in {each.stream for each in connector.schema("deals").children}
    assert [(f.rule_id, f.object) for f in connector.findings()] == [("missing_object", child)]


def test_a_read_over_the_end_of_a_period_brings_the_products_of_all_deals_and_goes_on_anywhere(
    server: ServerInfo,
) -> None:
    connector = connect(server)
    schema, window = connector.schema("deals"), Window(AS_OF - timedelta(days=8), AS_OF)
    whole = read_pages(connector, schema, window, None, 10_000)

    def asked(pages: Any) -> list[str]:
        return [row["deal_id"] for page in pages if page.kind is PageKind.PARENTS for row in page.rows]

    assert len(asked(whole.pages)) == len(set(asked(whole.pages))) == 54
    for number, page in enumerate(whole.pages, start=1):
        if page.checkpoint:
            rest = read_pages(connector, schema, window, page.checkpoint, 10_000)
            assert asked([*whole.pages[:number], *rest.pages]) == asked(whole.pages)
    assert whole.pages[-1].checkpoint["phase"] == "done"


def test_an_empty_allowance_is_waited_for_and_an_empty_day_is_not(server: ServerInfo) -> None:
    rests: list[float] = []
    account(server).allowed = len(account(server)._recent) + 3
    secrets = {"api_token": PD_API_TOKEN}
    settings = PipedriveSettings(base_url=server.base_url)
    client = PipedriveClient(
        "pd", settings, secrets, sleep=lambda s: rests.append(s) or account(server)._recent.clear()
    )
    for _ in range(5):
        client.get("/v1/users/me", "asking")
    assert rests == [2.0]
    response = client.get("/v1/users/me", "asking")
    response.status_code, response.headers["X-Daily-RateLimit-Token-Remaining"] = 429, "0"
    assert isinstance(client._refused(response, "asking"), BudgetReached)


def test_reconciling_falls_into_one_window_of_each_period() -> None:
    days = [Window(AS_OF + timedelta(days=n), AS_OF + timedelta(days=n + 1)) for n in range(28)]
    assert sum(is_due(window, 7) for window in days) == 4
    assert not any(is_due(window, 0) for window in days) and not is_due(Window(None, AS_OF), 7)
