"""Storms: they come, they are the same for a seed, and whoever repeats a request gets through."""

from __future__ import annotations

import csv
import io
from collections import Counter

import pytest
import requests

from crmlift.simulator.faults import STORMS, FaultPlan
from crmlift.simulator.options import HS_SERVICE_KEY, ServerOptions
from crmlift.simulator.server import ServerInfo, running_simulator
from tests.crmlift.simulator.clients import CLIENT_CREDENTIALS, trusting_session
from tests.crmlift.simulator.small_company import DEALS, OPPORTUNITIES, small_company

KINDS = frozenset({"errors", "limits", "drops", "truncated", "expired"})
V = "/services/data/v63.0"


def test_a_plan_is_the_same_for_a_seed_and_another_for_another() -> None:
    def run(seed: int) -> list[str | None]:
        plan = FaultPlan("all", seed, 0.3)
        return [plan.request(f"GET /{n % 40}", KINDS) for n in range(400)]

    assert run(1) == run(1) != run(2)
    assert set(run(1)) == {None, *KINDS}


@pytest.mark.parametrize("storm", sorted(STORMS))
def test_a_storm_spares_most_requests_and_every_third_try(storm: str) -> None:
    plan = FaultPlan(storm, 5, 0.2)
    outcomes = [[plan.request(f"GET /{n}", KINDS) for _ in range(3)] for n in range(2_000)]
    failed = sum(fault is not None for tries in outcomes for fault in tries)
    assert failed <= 6_000 * 0.2 * 1.1
    assert all(None in tries for tries in outcomes)
    assert (failed > 0) == (storm not in {"slow", "failed", "shuffled", "skewed"})


def test_jobs_fail_only_so_often() -> None:
    plan = FaultPlan("all", 3, 0.3)
    fates = {text: [plan.job(text, n, 1)[1] for n in (1, 2, 3)] for text in map(str, range(200))}
    assert {fate for tries in fates.values() for fate in tries} == {"complete", "failed", "aborted"}
    assert all(tries[2] == "complete" for tries in fates.values())
    assert max(plan.job(str(n), 1, 1)[0] for n in range(200)) == 7


def test_an_unknown_storm_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="errors, limits, drops"):
        FaultPlan("hail", 1, 0.1)


class Stubborn:
    """Repeats whatever fails, logs in again when the session is gone, and counts what it met."""

    def __init__(self, server: ServerInfo) -> None:
        self.server, self.met = server, Counter[str]()
        self.session = trusting_session(server)
        self.token = ""

    def __call__(self, method: str, url: str, **arguments: object) -> requests.Response:
        for _ in range(20):
            if url.startswith("/services/data/") and not self.token:
                self.log_in()
            bearer = self.token if url.startswith("/services/") else HS_SERVICE_KEY
            headers = {"Authorization": f"Bearer {bearer}"}
            try:
                answer = self.session.request(method, self.server.base_url + url, headers=headers, **arguments)  # type: ignore[arg-type]
            except requests.exceptions.RequestException as problem:
                self.met[type(problem).__name__] += 1
                continue
            if answer.status_code < 400:
                return answer
            self.met[str(answer.status_code)] += 1
            if answer.status_code == 401:
                self.token = ""
        raise AssertionError(f"{method} {url} never succeeded")

    def log_in(self) -> None:
        self.token = self("POST", "/services/oauth2/token", data=CLIENT_CREDENTIALS).json()["access_token"]


def read_opportunities(ask: Stubborn) -> tuple[list[str], int]:
    """Names by Bulk, and jobs it took."""
    jobs, state = 0, ""
    while state != "JobComplete":
        jobs += 1
        body = {"operation": "queryAll", "query": "SELECT Id, Name FROM Opportunity"}
        job = ask("POST", f"{V}/jobs/query", json=body).json()["id"]
        state = ""
        while state not in {"JobComplete", "Failed", "Aborted"}:
            state = ask("GET", f"{V}/jobs/query/{job}").json()["state"]
    rows: list[str] = []
    locator = ""
    while locator != "null":
        parameters = {"maxRecords": "500"} | ({"locator": locator} if locator else {})
        page = ask("GET", f"{V}/jobs/query/{job}/results", params=parameters)
        found = [row["Name"] for row in csv.DictReader(io.StringIO(page.text))]
        if len(found) != int(page.headers["Sforce-NumberOfRecords"]):
            ask.met["truncated"] += 1
            continue
        rows += found
        locator = page.headers["Sforce-Locator"]
    return rows, jobs


def read_deals(ask: Stubborn) -> list[str]:
    ids: list[str] = []
    after = "0"
    while after:
        parameters = {"limit": "50", "after": after, "properties": "dealname"}
        page = ask("GET", "/crm/v3/objects/deals", params=parameters).json()
        ids += [record["id"] for record in page["results"]]
        after = page.get("paging", {}).get("next", {}).get("after", "")
    return ids


@pytest.mark.parametrize("storm", sorted(STORMS))
def test_whoever_repeats_gets_everything(storm: str) -> None:
    options = ServerOptions(faults=storm, fault_seed=11, fault_share=0.25, job_polls=0)
    with running_simulator(small_company(), options, is_https=False) as server:
        ask = Stubborn(server)
        names, jobs = read_opportunities(ask)
        deals = read_deals(ask)
        assert names == [f"Deal {n}" for n in range(OPPORTUNITIES)]
        assert len(deals) == len(set(deals)) == DEALS - DEALS // 50
        assert server.faults is not None
        if storm not in {"slow", "failed", "shuffled", "skewed"}:  # these refuse nothing
            assert ask.met and server.faults.counts
        if storm == "drops":
            assert set(ask.met) <= {"ChunkedEncodingError", "ConnectionError"}
        if storm == "expired":
            assert set(ask.met) == {"401"}
        if storm == "limits":
            assert set(ask.met) == {"403", "429"}
        assert jobs == 1 or storm in {"failed", "all"}
