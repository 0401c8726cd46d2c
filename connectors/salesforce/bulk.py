"""Bulk API 2.0 queries: one job, polled to any end, its result pages streamed as bytes."""

from __future__ import annotations

import csv
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests

from connectors.errors import BudgetReached, TransientSourceFailure
from connectors.http_body import unpacked
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.failures import LATER_CODES, RESUME, QueryRefused, query_refused

CHUNK_BYTES = 256 * 1024
PATIENCE_SECONDS = 2 * 3600.0
FIRST_VERSION_WITH_RESULT_PAGES = 58.0
UNSUPPORTED_CODES = frozenset({"INVALIDENTITY", "INVALID_ENTITY", "FUNCTIONALITY_NOT_ENABLED"})

log = logging.getLogger(__name__)

Place = Mapping[str, Any]
"""Where to go on in a job's results: `{"list": address of a list of pages, "done": addresses of
its pages that are read}`, or `{"locator": …}` (None: all read); empty: from the start."""


class BulkUnsupported(Exception):
    """The object cannot be read through Bulk API 2.0; REST can."""


class JobGone(Exception):
    """The job does not exist any more (they live seven days), or it failed; a new one is needed."""


@dataclass(frozen=True)
class ResultBody:
    """The bytes of one result page, asked for when iterated.

    columns: the header row, which is added if absent. opened: a response asked for already, used once.
    promised: what the header of the response said, the newest one.
    """

    client: SalesforceClient
    address: str
    columns: tuple[str, ...]
    doing: str
    opened: list[requests.Response] = field(default_factory=list)
    promised: list[int] = field(default_factory=list)

    def __iter__(self) -> Iterator[bytes]:
        with self.opened.pop() if self.opened else self.open() as response:
            promised = response.headers.get("Sforce-NumberOfRecords", "")
            self.promised[:] = [int(promised)] if promised.isdigit() else []
            yield from with_header(unpacked(response, CHUNK_BYTES), self.columns)

    def rows(self) -> int | None:
        """The records the page's header promises, once its bytes were read; None when it promises none."""
        return self.promised[0] if self.promised else None

    def open(self) -> requests.Response:
        """Ask for the page; its bytes are left on the wire."""
        return self.client.get(self.address, self.doing, headers={"Accept": "text/csv"}, stream=True)


def with_header(chunks: Iterator[bytes], columns: tuple[str, ...]) -> Iterator[bytes]:
    """The chunks with exactly one header row, whether or not the source sent one on this page."""
    start = b""
    for chunk in chunks:
        start += chunk
        if b"\n" in start:
            break
    first_line = start.split(b"\n", maxsplit=1)[0].removeprefix(b"\xef\xbb\xbf")
    names = next(csv.reader([first_line.decode("utf-8", "replace").strip("\r")]), [])
    if [name.casefold() for name in names] != [name.casefold() for name in columns]:
        yield ",".join(f'"{name}"' for name in columns).encode() + b"\n"
    if start:
        yield start.removeprefix(b"\xef\xbb\xbf")
    yield from chunks


class BulkQueries:
    """Query jobs of one org."""

    def __init__(self, client: SalesforceClient, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client, self._sleep = client, sleep
        self._jobs_left: int | None = None

    def create(self, soql: str, doing: str) -> str:
        """Start a job over deleted and archived rows too; its id. BulkUnsupported when the object cannot."""
        self._refuse_beyond_budget()
        job = {
            "operation": "queryAll",
            "query": soql,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        try:
            job_id = str(self._client.post("jobs/query", doing, job).json()["id"])
        except QueryRefused as refusal:
            if refusal.code in UNSUPPORTED_CODES or "not supported by the Bulk API" in refusal.why:
                raise BulkUnsupported(doing) from refusal
            raise
        log.info("bulk_job_created source_id=%s job=%s doing=%r", self._client.settings.source_id, job_id, doing)
        return job_id

    def _refuse_beyond_budget(self) -> None:
        """BudgetReached when the org's daily query jobs are used up to the budget; the limits are asked once."""
        share = self._client.settings.api_budget_share
        if self._jobs_left is None:
            limit = self._client.limits().get("DailyBulkV2QueryJobs") or {"Max": 10_000, "Remaining": 10_000}
            self._jobs_left = int(limit["Remaining"] - limit["Max"] * (1 - share))
        if self._jobs_left <= 0:
            raise BudgetReached(
                f"The budget of {share:.0%} of the org's daily Bulk API jobs is used up.",
                where=self._client.settings.source_id,
                saved="Pages landed before are kept; the next run goes on where this one stopped.",
                next_step=f"run again later, or raise sources.{self._client.settings.source_id}.api_budget_share",
            )
        self._jobs_left -= 1

    def wait(self, job_id: str, doing: str) -> int:
        """Poll until the job is complete; the rows it holds. JobGone when a new job is worth a try."""
        waited_seconds, delay_seconds = 0.0, 0.1
        while True:
            try:
                job = self._client.get(f"jobs/query/{job_id}", doing).json()
            except QueryRefused as refusal:
                raise JobGone("it does not exist any more") from refusal
            state, said = job["state"], str(job.get("errorMessage") or "")[:300]
            if state == "JobComplete":
                return int(job.get("numberRecordsProcessed") or 0)
            if state == "Aborted" or (state == "Failed" and _is_worth_another(said)):
                raise JobGone(f"{state}: {said}" if said else str(state))
            if state == "Failed":
                code = said.partition(":")[0].split(" ")[-1]
                doing = f"{doing}, job {job_id}"
                raise query_refused(code, f"It said {said or 'nothing more'}.", self._client.settings.source_id, doing)
            if waited_seconds >= PATIENCE_SECONDS:
                raise TransientSourceFailure(
                    f"A Bulk API job is still {state} after {waited_seconds / 3600:.0f} hours.",
                    where=f"{self._client.settings.source_id}, {doing}, job {job_id}",
                    saved="The job goes on in Salesforce.",
                    next_step=f"{RESUME}, with the same job",
                )
            self._sleep(delay_seconds)
            waited_seconds += delay_seconds
            delay_seconds = min(delay_seconds * 2, 20.0)

    def pages(
        self, job_id: str, columns: tuple[str, ...], place: Place, doing: str
    ) -> Iterator[tuple[ResultBody, Place]]:
        """Result pages from `place` on, each with the place after it; bodies may be read in parallel."""
        can_list = float(self._client.settings.api_version) >= FIRST_VERSION_WITH_RESULT_PAGES
        if "locator" not in place and can_list:
            try:
                yield from self._listed(job_id, columns, place, doing)
                return
            except _NoLists:
                log.info("result_pages_absent source_id=%s", self._client.settings.source_id)
        yield from self._located(job_id, columns, place, doing)

    def _listed(
        self, job_id: str, columns: tuple[str, ...], place: Place, doing: str
    ) -> Iterator[tuple[ResultBody, Place]]:
        address: str | None = place.get("list") or f"jobs/query/{job_id}/resultPages"
        done = list(place.get("done", ()))
        while address:
            self._client.refuse_beyond_budget()
            try:
                listing = self._client.get(address, doing).json()
            except QueryRefused as refusal:
                if place.get("list") or done:
                    raise JobGone("its results are gone") from refusal
                raise _NoLists from refusal
            for url in (page["resultUrl"] for page in listing["resultPages"]):
                if url not in done:  # lists have been seen to name a page twice, or in another order
                    done.append(url)
                    yield ResultBody(self._client, url, columns, doing), {"list": address, "done": list(done)}
            address = None if listing.get("done", True) else listing.get("nextRecordUrl")
            done, place = [], {"list": address}

    def _located(
        self, job_id: str, columns: tuple[str, ...], place: Place, doing: str
    ) -> Iterator[tuple[ResultBody, Place]]:
        """One page after the other: the header of each tells where the next one starts, its bytes can wait."""
        locator, is_last = place.get("locator"), "locator" in place and place["locator"] is None
        while not is_last:
            self._client.refuse_beyond_budget()
            query = f"?locator={quote(locator, safe='')}" if locator else ""
            body = ResultBody(self._client, f"jobs/query/{job_id}/results{query}", columns, doing)
            try:
                body.opened.append(body.open())
            except QueryRefused as refusal:
                raise JobGone("its results are gone") from refusal
            locator = body.opened[0].headers.get("Sforce-Locator")
            is_last = locator in (None, "", "null")
            yield body, {"locator": None if is_last else locator}


class _NoLists(Exception):
    """The org does not list result pages."""


def _is_worth_another(said: str) -> bool:
    return any(code in said for code in (*LATER_CODES, "InternalServerError", "TIMEOUT", "LOCK"))
