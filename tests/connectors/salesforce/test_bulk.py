"""Bulk API 2.0: one header a page, jobs that end badly, the org's budget of jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from connectors.errors import BudgetReached, SourceFailure, TransientSourceFailure
from connectors.salesforce.bulk import BulkQueries, JobGone, with_header
from connectors.salesforce.failures import QueryRefused
from connectors.salesforce.settings import SalesforceSettings


@pytest.mark.parametrize(
    "page",
    [
        b'"Id","Name"\n"1","x"\n',
        b'"1","x"\n',
        b"\xef\xbb\xbfId,Name\n1,x\n",
        b"ID,NAME\r\n1,x\n",
    ],
)
@pytest.mark.parametrize("size", [1, 5, 1000])
def test_a_page_gets_one_header_whether_or_not_it_came_with_one(page: bytes, size: int) -> None:
    chunks = (page[start : start + size] for start in range(0, len(page), size))
    lines = b"".join(with_header(chunks, ("Id", "Name"))).replace(b'"', b"").replace(b"\r", b"").lower().splitlines()
    assert lines == [b"id,name", b"1,x"]


def test_an_empty_page_is_a_header() -> None:
    assert b"".join(with_header(iter([]), ("Id",))) == b'"Id"\n'


class Org:
    """A client whose jobs answer by a script."""

    settings = SalesforceSettings("sf", "https://acme.my.salesforce.com", "client_credentials")

    def __init__(self, *answers: Mapping[str, Any] | Exception, remaining: int = 10_000) -> None:
        self.answers, self.remaining = iter(answers), remaining

    def get(self, path: str, doing: str, body: object = None) -> Any:
        return self

    post = get

    def json(self) -> Mapping[str, Any]:
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def limits(self) -> Mapping[str, Any]:
        return {"DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": self.remaining}}


def queries(org: Org, waits: list[float] | None = None) -> BulkQueries:
    return BulkQueries(org, sleep=(waits if waits is not None else []).append)  # type: ignore[arg-type]


def state(name: str, **more: Any) -> dict[str, Any]:
    return {"id": "750", "state": name, **more}


def test_waiting_ends_with_the_rows_and_grows_patient() -> None:
    waits: list[float] = []
    org = Org(*[state("InProgress")] * 12, state("JobComplete", numberRecordsProcessed=7))
    assert queries(org, waits).wait("750", "reading X") == 7
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (0.1, 20.0)


@pytest.mark.parametrize(
    "ending",
    [state("Aborted"), state("Failed", errorMessage="QUERY_TIMEOUT: too long"), QueryRefused("No such job.")],
)
def test_a_job_that_may_succeed_another_time_is_given_up(ending: Mapping[str, Any] | Exception) -> None:
    with pytest.raises(JobGone):
        queries(Org(state("InProgress"), ending)).wait("750", "reading X")


def test_a_job_that_fails_for_good_says_why() -> None:
    with pytest.raises(SourceFailure, match="INVALID_FIELD: No such column") as caught:
        queries(Org(state("Failed", errorMessage="INVALID_FIELD: No such column"))).wait("750", "reading X")
    assert not isinstance(caught.value, TransientSourceFailure)


def test_a_job_that_never_ends_is_left_to_the_next_run() -> None:
    with pytest.raises(TransientSourceFailure, match="still InProgress after 2 hours"):
        queries(Org(*[state("InProgress")] * 1000)).wait("750", "reading X")


def test_jobs_stop_at_the_budget() -> None:
    bulk = queries(Org(state("UploadComplete"), state("UploadComplete"), remaining=5_001))
    assert bulk.create("SELECT Id FROM X", "reading X") == "750"
    with pytest.raises(BudgetReached, match="50%"):
        bulk.create("SELECT Id FROM X", "reading X")
