"""One stream over one window, in stages: the changed records, then what is gone. Each page says how to go on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.contract import Checkpoint, Page, PageFormat, PageKind, StreamSchema, Window
from connectors.errors import IncompleteAnswer, SourceFailure
from connectors.salesforce import rest, soql
from connectors.salesforce.bulk import BulkQueries, BulkUnsupported, JobGone
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.deletes import deleted_ids
from connectors.salesforce.failures import QueryRefused

JOBS = 3
"""Jobs to start for one query before giving up."""

log = logging.getLogger(__name__)

Position = Mapping[str, Any]
"""A checkpoint: `stage`, and inside a query `way` with `next` (rest) or `job` and `place` (bulk)."""

Pages = Generator[Page, None, None]


@dataclass(frozen=True)
class Query:
    """One query of a stage. columns: its header. total: its rows, None if unknown. following: the stage after it."""

    stage: str
    following: str
    soql: str
    kind: PageKind
    columns: tuple[str, ...]
    total: int | None


def formulas_are_due(window: Window, every_days: int) -> bool:
    """Whether the window reaches over the end of a period: each end lies in some window, so none is missed."""
    if window.since is None or not every_days:
        return False
    period_seconds = every_days * 86_400
    return window.since.timestamp() // period_seconds != window.until.timestamp() // period_seconds


class Reading:
    """The pages of one stream.

    keeps_deletion_log: whether Salesforce logs deletions of the object. has_formulas: whether it has fields that move
    without a stamp. on_untold_deletes: told when neither the log nor the Ids can be had.
    """

    def __init__(
        self,
        client: SalesforceClient,
        bulk: BulkQueries,
        schema: StreamSchema,
        window: Window,
        *,
        keeps_deletion_log: bool,
        has_formulas: bool = False,
        on_untold_deletes: Callable[[SourceFailure], None] = lambda refusal: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client, self._schema, self._window, self._sleep = client, schema, window, sleep
        self._settings, self._keeps_deletion_log = client.settings, keeps_deletion_log
        self._bulk, self._on_untold_deletes = bulk, on_untold_deletes
        is_refresh = has_formulas and formulas_are_due(window, client.settings.formula_refresh_days)
        self._asked = Window(None, window.until) if is_refresh else window
        self._doing = f"reading {schema.stream}"

    def pages(self, checkpoint: Checkpoint | None) -> Iterator[Page]:
        """All pages after `checkpoint`: records, then deletes or keys."""
        position: Position = checkpoint or {"stage": "records"}
        if position["stage"] == "records":
            yield from self._query(self._records_query, position)
            position = {"stage": "deletes"}
        if position["stage"] == "deletes":
            position = yield from self._deletes()
        if position["stage"] == "keys":
            yield from self._keys(position)

    def _keys(self, position: Position) -> Pages:
        """All Ids; they count only whole, so a refusal is passed over before the first of them only."""
        has_some = "way" in position
        try:
            for page in self._query(self._keys_query, position):
                has_some |= bool(page.body)
                yield page
        except QueryRefused as refusal:
            if has_some:
                raise
            self._on_untold_deletes(refusal)
            yield self._progress("end")

    def _records_query(self, is_fresh: bool) -> Query:
        return Query(
            "records",
            "deletes",
            soql.records(self._schema, self._asked),
            PageKind.UPSERT,
            tuple(field.name for field in self._schema.fields),
            self._count(soql.changed_count(self._schema, self._asked)) if is_fresh else None,
        )

    def _keys_query(self, is_fresh: bool) -> Query:
        total = self._count(soql.count(self._schema)) if is_fresh else None
        return Query("keys", "end", soql.keys(self._schema), PageKind.KEYS, ("Id",), total)

    def _count(self, counting: str) -> int | None:
        """The rows a query will give, deleted ones included; None when the org cannot count them in time."""
        self._client.refuse_beyond_budget()
        try:
            return self._client.count(counting, f"counting {self._schema.stream}")
        except SourceFailure as failure:
            log.info("count_failed stream=%s reason=%r", self._schema.stream, failure.what)
            return None

    def _query(self, make: Callable[[bool], Query], position: Position) -> Pages:
        query = make("way" not in position)
        if query.total == 0 and query.kind is PageKind.UPSERT:
            yield self._progress(query.following)
            return
        is_small = query.total is not None and query.total <= self._settings.bulk_threshold_rows
        way = position.get("way") or ("rest" if is_small and rest.fits(query.soql) else "bulk")
        if way == "bulk":
            try:
                yield from self._by_bulk(query, position)
            except BulkUnsupported:
                log.info("bulk_unsupported stream=%s", self._schema.stream)
                way, position = "rest", {}
        if way == "rest":
            yield from self._by_rest(query, position)
        yield self._progress(query.following)

    def _by_rest(self, query: Query, position: Position) -> Pages:
        for page in rest.pages(self._client, query.soql, position.get("next"), self._doing):
            after = {"stage": query.stage, "way": "rest", "next": page.next_path}
            yield Page(
                stream=self._schema.stream,
                format=PageFormat.JSONL,
                body=(page.lines,),
                rows=page.rows,
                kind=query.kind,
                checkpoint=after if page.next_path else {"stage": query.following},
            )

    def _by_bulk(self, query: Query, position: Position) -> Pages:
        job, place = position.get("job"), position.get("place", {})
        reason = ""
        for attempt in range(JOBS):
            if job is None:
                self._sleep(float(attempt))
                job = self._bulk.create(query.soql, self._doing)
                yield self._progress(query.stage, way="bulk", job=job, place={})
            try:
                self._bulk.wait(job, self._doing)
                for body, after in self._bulk.pages(job, query.columns, place, self._doing):
                    yield Page(
                        stream=self._schema.stream,
                        format=PageFormat.CSV,
                        body=body,
                        rows=body.rows,
                        kind=query.kind,
                        checkpoint={"stage": query.stage, "way": "bulk", "job": job, "place": after},
                    )
                return
            except JobGone as gone:
                reason = str(gone)
                log.warning("bulk_job_gone stream=%s job=%s reason=%r", self._schema.stream, job, reason)
                job, place = None, {}
        raise IncompleteAnswer(
            f"{JOBS} Bulk API jobs for one query came to nothing.",
            where=f"{self._settings.source_id}, {self._doing}",
            why=f"The last one: {reason}.",
            saved="Pages landed before are kept.",
            next_step="see whether someone aborts jobs under Setup > Bulk Data Load Jobs, then run again",
        )

    def _deletes(self) -> Generator[Page, None, Position]:
        """Ids from the deletion log, or the next stage when it does not cover the window.

        Not asked for histories and log-ins: Salesforce purges them by age, and what was known stays known.
        """
        is_told = self._keeps_deletion_log and not self._schema.keeps_history
        if self._window.since is None or self._schema.is_snapshot or not is_told:
            yield self._progress("end")
            return {"stage": "end"}
        self._client.refuse_beyond_budget()
        found = deleted_ids(self._client, self._schema, self._window)
        if found is None:
            yield self._progress("keys")
            return {"stage": "keys"}
        lines, rows = found
        yield Page(
            stream=self._schema.stream,
            format=PageFormat.JSONL,
            body=(lines,) if rows else (),
            rows=rows,
            kind=PageKind.DELETE,
            checkpoint={"stage": "end"},
        )
        return {"stage": "end"}

    def _progress(self, stage: str, **more: Any) -> Page:
        return Page(self._schema.stream, PageFormat.CSV, checkpoint={"stage": stage, **more})
