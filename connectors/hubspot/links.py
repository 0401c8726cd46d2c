"""Links between records: those of the records just read, and those of others, which change without a stamp.

A link made or taken away later moves no record's time of change, so links are read again on a schedule. That costs a
hundredth of a call a record to have its id, and a thousandth a pair of object types. Where all records cost few calls
they are asked about in every run. Of more records a run asks about those changed lately and goes on with a round over
all ids that takes `every_days`; where it stopped is told by the run's last checkpoint.

Links are asked for from the side that owns the stream. The other side often has fewer records, but names the links by
other type ids, and what was taken away would show only when all of it has been read.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.contract import Checkpoint, Page, PageKind, Window
from connectors.errors import SourceFailure
from connectors.hubspot.changes import Chunk, changed
from connectors.hubspot.listing import Listing
from connectors.hubspot.object_api import ASSOCIATION_INPUTS, LIST_LIMIT, ObjectApi
from connectors.hubspot.records import association_rows, rows_page
from connectors.hubspot.schemas import ASSOCIATIONS

log = logging.getLogger(__name__)

CALLS_A_DAY = 500
"""What reading all links of a stream again may cost a day without being spread over several."""
LEAST_CALLS = 50
RECENT = timedelta(days=30)
ROUND, NEWER = "round", "newer"


class Links:
    """Links of an object type to those it is paired with. on_refused: told of a pair that may not be read."""

    def __init__(
        self, api: ObjectApi, pool: ThreadPoolExecutor, on_refused: Callable[[str, SourceFailure], None]
    ) -> None:
        self._api, self._pool, self._on_refused = api, pool, on_refused
        self._pairs = dict(api.wanted.pairs or {})
        self.stream = f"{api.wanted.stream}_{ASSOCIATIONS}"

    def __bool__(self) -> bool:
        return bool(self._pairs)

    @property
    def calls_a_record(self) -> float:
        """What listing a record's id and asking for its links costs."""
        return 1 / LIST_LIMIT + len(self._pairs) / ASSOCIATION_INPUTS

    def page(self, ids: Sequence[str]) -> Page:
        """All links of these records, side by side by pair, in a fixed order."""
        futures = {
            name: self._pool.submit(self._api.associations, to_type, ids) for name, to_type in self._pairs.items()
        }
        rows: list[dict[str, object]] = []
        for name, future in futures.items():
            try:
                rows += association_rows(name, future.result())
            except SourceFailure as refusal:
                if not refusal.is_refusal:
                    raise
                self._on_refused(name, refusal)
        return rows_page(self.stream, rows)

    def parents_page(self, ids: Sequence[str]) -> Page:
        """Says that these records have no other links than those in the run."""
        return Page.of_rows(self.stream, [{"from_id": i} for i in ids], kind=PageKind.PARENTS)


@dataclass(frozen=True)
class Plan:
    """What one run asks about: everything, or `quota` records of the round and those changed since `recent_since`."""

    is_whole: bool
    quota: int
    recent_since: datetime | None = None


class LinkRefresh:
    """The links of records that were not read in this run."""

    def __init__(self, api: ObjectApi, pool: ThreadPoolExecutor, links: Links, window: Window, every_days: int) -> None:
        self._api, self._pool, self._links, self._window = api, pool, links, window
        self._every_days = every_days

    def plan(self) -> Plan:
        """By the number of records, and the days since the last run."""
        since, total = self._window.since, self._api.total()
        assert since is not None
        days = (self._window.until - since) / timedelta(days=1)
        affordable = int(max(LEAST_CALLS, CALLS_A_DAY * days) / self._links.calls_a_record)
        if total <= affordable:
            return Plan(is_whole=True, quota=total)
        quota = max(affordable, math.ceil(total * days / self._every_days))
        found = self._api.search_changed(self._window.until - RECENT, since, "0").total
        span = RECENT * min(1.0, quota / max(found, 1))
        log.info("event=links_round stream=%s records=%d quota=%d", self._links.stream, total, quota)
        return Plan(is_whole=False, quota=quota, recent_since=self._window.until - span)

    def chunks(self, plan: Plan, position: Checkpoint) -> Iterator[tuple[Chunk, Checkpoint]]:
        """Ids to ask about, each with the position after them: `step`, `after`, `left` of the quota."""
        step = position.get("step") or (ROUND if plan.is_whole else NEWER)
        if step == NEWER:
            assert plan.recent_since is not None and self._window.since is not None
            start = min(plan.recent_since, self._window.since)
            for chunk in changed(self._api, start, self._window.since, str(position.get("after") or "0")):
                done = {"step": ROUND, "after": position.get("round"), "left": plan.quota}
                yield chunk, {"step": NEWER, "after": chunk.after} if chunk.after else done
            position = {"after": position.get("round")}
        left = int(position.get("left") or plan.quota)
        for records, cursor in Listing(self._api, self._pool, is_archived=False, ids_only=True).chunks(
            position.get("after")
        ):
            left -= len(records)
            is_over = cursor is None or (left <= 0 and not plan.is_whole)
            yield Chunk(cursor, ids=[r.id for r in records]), {
                "step": None if is_over else ROUND, "after": cursor, "left": left,
            }  # fmt: skip
            if is_over:
                return
