"""Two gates before any verdict: is the comparison fair at all, and is there enough to compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from metrics.finding import Finding, Unmeasured
from metrics.panel import Rows, first_go_live
from metrics.question import Question
from metrics.stamps import stamped

MAX_STAMPED = 0.10
MIN_WEEKS_BEFORE, MIN_WEEKS_AFTER, MIN_EVENTS = 26.0, 8.0, 30
PLACEBO_ALPHA = 0.005
HARDLY = 0.05


@dataclass(frozen=True)
class Bar:
    """What stands in the way. code: `reason` of the verdict. words: for people."""

    code: str
    words: str


def comparability(question: Question, rows: Rows) -> list[Bar]:
    """Gate 0: why before and after cannot be compared; empty when they can."""
    bars = []
    if question.is_definition_changed:
        bars.append(
            Bar("definition_changed", "The KPI is not counted the same way before and after: its definition changed.")
        )
    if question.is_rate_missing:
        bars.append(Bar("missing_rates", "Exchange rates are missing, so amounts cannot be compared."))
    share = stamped_share(question, rows)
    if share > MAX_STAMPED:
        words = f"{share:.0%} of the records carry the date of a data migration instead of their own."
        bars.append(Bar("migration_stamps", words))
    if not np.isnat(first_go_live(question)) and len(rows.day):
        bars += _recorded_before(question, rows)
    return bars


def stamped_share(question: Question, rows: Rows) -> float:
    """Share of the rows that carry a migration stamp."""
    return float(stamped(question)[rows.picked].mean()) if len(rows.picked) else 0.0


def _recorded_before(question: Question, rows: Rows) -> list[Bar]:
    """Missing is not zero: without a value before there is nothing to compare with."""
    go_live = question.go_live[rows.unit]
    treated = ~np.isnat(go_live)
    before, after = treated & (rows.day < go_live), treated & (rows.day >= go_live)
    if after.any() and not before.any():
        return [Bar("nothing_recorded_before", "Nothing was recorded before the go-live; missing is not zero.")]
    is_amount = question.kind in ("count", "sum", "mean", "ratio")
    if is_amount and after.any() and not rows.num[before].any() and rows.num[after].any():
        return [Bar("nothing_recorded_before", "Only zeros were recorded before the go-live; missing is not zero.")]
    return []


def hardly_recorded(question: Question, finding: Finding) -> Bar | None:
    """Gate 0: less than a twentieth of today's figure before; that is new recording, not a change of what is done."""
    if question.kind not in ("count", "sum", "proportion", "ratio"):
        return None
    if not 0 <= finding.pre_value < HARDLY * finding.post_value:
        return None
    return Bar("hardly_recorded_before", "Hardly anything was recorded before the go-live; missing is not zero.")


def restless(placebo: Mapping[str, Any]) -> Bar | None:
    """Gate 0, last part: placebo dates find effects more than twice as often as they may, and not by chance."""
    p_values = placebo.get("p_values") or []
    if not p_values:
        return None
    rejected = sum(p < 0.05 for p in p_values) / len(p_values)
    if rejected > 0.10 and min(p_values) * len(p_values) < PLACEBO_ALPHA:
        words = "Dates on which nothing went live show changes too; this history is too restless to compare with."
        return Bar("placebo", words)
    return None


def amount(question: Question, finding: Finding | Unmeasured, rows: Rows) -> list[str]:
    """Gate 1: why there is not enough to judge by; empty when there is."""
    if isinstance(finding, Unmeasured):
        return [*_few_records(question, *_recorded(question, rows)), finding.words]
    words = []
    if finding.weeks_before < MIN_WEEKS_BEFORE:
        words.append(f"Only {finding.weeks_before:.0f} weeks before the go-live; {MIN_WEEKS_BEFORE:.0f} are needed.")
    if finding.weeks_after < MIN_WEEKS_AFTER:
        aged = " with outcomes old enough to count" if question.horizon_days >= 7 else ""
        words.append(
            f"Only {finding.weeks_after:.0f} weeks after the learning window{aged}; {MIN_WEEKS_AFTER:.0f} are needed."
        )
    return words + _few_records(question, finding.n_pre, finding.n_post)


def _recorded(question: Question, rows: Rows) -> tuple[int, int]:
    """Records of the units asked about before their go-live, and after their learning window."""
    asked = np.full(len(rows.day), True) if question.focus is None else question.focus[rows.unit]
    before = rows.day < question.go_live[rows.unit]
    return int((asked & before).sum()), int((asked & (rows.day >= question.left_learning[rows.unit])).sum())


def _few_records(question: Question, before: int, after: int) -> list[str]:
    """Which side has too few; of figures of whole periods the number of rows says nothing."""
    if question.is_periodic and not are_answers(question):
        return []
    return [
        f"Only {n} record{'' if n == 1 else 's'} {side} the go-live; {MIN_EVENTS} are needed."
        for side, n in (("before", before), ("after", after))
        if n < MIN_EVENTS
    ]


def are_answers(question: Question) -> bool:
    """Whether rows that come at even distances are single answers or outcomes, not the figures of whole periods."""
    values = {"nps": (-1.0, 0.0, 1.0), "proportion": (0.0, 1.0)}.get(question.kind)
    return values is not None and bool(np.isin(question.num, values).all() and (question.den == 1).all())
