"""Bulk query jobs of both generations: their states and results."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from datetime import datetime

from crmlift.simulator.faults import FaultPlan, JobFate
from crmlift.simulator.salesforce import soql_ast as ast
from crmlift.simulator.salesforce.bulk_results import BlockCache, CsvResult
from crmlift.simulator.salesforce.errors import SalesforceError
from crmlift.simulator.salesforce.org import SalesforceOrg
from crmlift.simulator.salesforce.soql_parser import parse
from crmlift.simulator.salesforce.soql_run import QueryResult

_MOST_JOBS = 10_000
_COMPOUND_TYPES = frozenset({"address", "location", "base64"})


@dataclass
class QueryJob:
    """A query being answered in the background; polls_left counts down with each look at its status."""

    id: str
    operation: str
    text: str
    version: str
    result: QueryResult
    csv: CsvResult
    created_at: datetime
    polls_left: int
    fate: JobFate = "complete"
    state: str = "UploadComplete"
    error_message: str | None = None
    delimiter: str = "COMMA"
    line_ending: str = "LF"
    batch_id: str = ""
    result_id: str = ""

    def look(self) -> None:
        """One look at the status: the job moves on."""
        if self.state not in {"UploadComplete", "InProgress"}:
            return
        if self.polls_left > 0:
            self.polls_left -= 1
            self.state = "InProgress"
        elif self.fate == "complete":
            self.state = "JobComplete"
        else:
            self.state = "Failed" if self.fate == "failed" else "Aborted"
            if self.fate == "failed":
                self.error_message = "InternalServerError: Retriable error while running the query"

    @property
    def rows_done(self) -> int:
        """Rows that can be fetched."""
        return len(self.result.rows) if self.state == "JobComplete" else 0


@dataclass
class JobBook:
    """All jobs of an org."""

    org: SalesforceOrg
    faults: FaultPlan | None
    jobs: OrderedDict[str, QueryJob] = field(default_factory=OrderedDict)
    blocks: BlockCache = field(default_factory=BlockCache)
    pages_served: int = 0
    _seen: Counter[str] = field(default_factory=Counter)

    def create(
        self, operation: str, text: str, version: str, delimiter: str = "COMMA", line_ending: str = "LF"
    ) -> QueryJob:
        """Start a job; raises what the vendor answers for a query Bulk cannot run."""
        if self.org.bulk_query_jobs_used >= _MOST_JOBS:
            raise SalesforceError(
                400, "EXCEEDED_QUOTA", f"Max bulk v2 query jobs ({_MOST_JOBS}) per 24 hrs has been reached"
            )
        _check_bulk(parse(text))
        result = self.org.query(text, is_all=operation == "queryAll")
        _check_columns(result)
        self.org.bulk_query_jobs_used += 1
        self._seen[text] += 1
        polls, fate = self.org.options.job_polls, "complete"
        if self.faults is not None:
            polls, fate = self.faults.job(text, self._seen[text], polls)
        job_id = self.org.new_id("750")
        rows = CsvResult(result.columns, result.rows, self.blocks, delimiter, line_ending)
        job = QueryJob(
            job_id, operation, text, version, result, rows, self.org.now(), polls, fate,  # type: ignore[arg-type]
            delimiter=delimiter, line_ending=line_ending,
        )  # fmt: skip
        self.jobs[job_id] = job
        return job

    def find(self, job_id: str) -> QueryJob:
        """A job by id, 15 or 18 characters; the vendor's 404 when there is none."""
        job = self.jobs.get(job_id) or next((j for j in self.jobs.values() if j.id[:15] == job_id), None)
        if job is None:
            raise SalesforceError(404, "NOT_FOUND", "The requested resource does not exist")
        return job

    def delete(self, job: QueryJob) -> None:
        """Forget a job."""
        del self.jobs[job.id]


def _check_bulk(query: ast.Query) -> None:
    if query.is_aggregate:
        raise SalesforceError(400, "API_ERROR", "Aggregate Relationships not supported in Bulk Query")
    if query.offset:
        raise SalesforceError(400, "API_ERROR", "OFFSET not supported in Bulk Query")
    if any(isinstance(item, ast.FieldGroup) for item in query.selected):
        raise SalesforceError(400, "API_ERROR", "FIELDS() not supported in Bulk Query")


def _check_columns(result: QueryResult) -> None:
    for column in result.columns:
        if column.field.type in _COMPOUND_TYPES:
            raise SalesforceError(400, "API_ERROR", "Selecting compound data not supported in Bulk Query")
