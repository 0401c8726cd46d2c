"""Figures people brought from before the CRM as the time before an effect, where our own records do not reach back.

The brought periods stand before each go-live and our own values of the same KPI, grain and segment after it: one
question of ready-made periods, judged like any other. What cannot be compared is refused, in words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from crmlift.legacy_values import ORIGIN
from metrics.gates import MIN_WEEKS_BEFORE
from metrics.question import ADDITIVE_KINDS, Ints, Period, Question, Times, Verdict

if TYPE_CHECKING:
    from crmlift.questions import Kpi, Scope

POINT_ONLY = "point_only"
SEGMENT_OF = {"u.team_id": "team", "t.region": "region"}
"""Column of the scope → the segmentation whose figures fit it."""
BROUGHT = "The time before is told by figures brought along, not by records."
ADJUSTED = "They were adjusted to our definition by whoever brought them."
WITHOUT_N = "Some of them say not how many cases they are from: a point comparison only."
REFUSED = "The figures brought along from before cannot be compared: {why}."
DISTRIBUTION = "Figures from before tell no distribution of times; they stand in legacy_comparison only."

_CELLS = """
with brought as (
    select v.*, l.comparability
    from metrics.kpi_value as v
    inner join config.legacy_kpi_period as l
        on l.kpi_id = v.kpi_id and l.period_start = v.period_start and l.period_end = v.period_end
        and l.segment_key = case when v.segment_dim in ('all', 'team') then v.segment_value
            else v.segment_dim || ':' || v.segment_value end
    where v.kpi_id = $kpi and v.data_origin = $origin and v.status <> 'not_comparable' and v.value is not null
        and v.segment_dim = $dim and v.segment_value in (select unnest($members))
        and v.period_grain in ('week', 'month', 'quarter', 'year')
),

chosen as (
    select period_grain from brought group by period_grain
    order by sum(period_end - period_start) desc, period_grain limit 1
),

ours as (
    select * from metrics.kpi_value
    where kpi_id = $kpi and data_origin <> $origin and source_id = 'all' and segment_dim = $dim and is_mature
        and segment_value in (select segment_value from brought) and numerator is not null
)
select period_grain, period_start, period_end, segment_value, value, numerator, denominator, n, comparability, true
from brought where period_grain in (from chosen)
union all
select period_grain, period_start, period_end, segment_value, value, numerator, denominator, n, 'same', false
from ours where period_grain in (from chosen)
order by all
"""


@dataclass(frozen=True)
class Before:
    """What stands before. question: None where the brought figures are of no use. ends: of the question's periods.

    notes: what to tell beside the verdict. is_point: a figure without its number of cases is among them.
    by_member: the figures are of single teams or regions, not of everybody.
    """

    question: Question | None = None
    ends: Times | None = None
    notes: tuple[str, ...] = ()
    is_point: bool = False
    by_member: bool = False

    def as_known(self, q: Question, end: np.datetime64) -> Question:
        """A question of these rows with the periods that are over at `end`."""
        if self.ends is None:
            return q
        kept = self.ends <= end
        return replace(q, at=q.at[kept], unit=q.unit[kept], num=q.num[kept], den=q.den[kept], observed=q.observed[kept])

    def told(self, verdict: Verdict) -> Verdict:
        """The verdict with the notes; never more than inconclusive from a point, described where nothing is judged."""
        verdict = replace(verdict, caveats=(*self.notes, *verdict.caveats))
        if self.question is None:
            return verdict
        if verdict.pre_value is None and "naive_pre" in verdict.diagnostics:
            known = verdict.diagnostics
            verdict = replace(verdict, pre_value=known["naive_pre"], post_value=known["naive_post"])
        if self.is_point and verdict.verdict in ("improved", "worsened", "no_material_change"):
            return replace(verdict, verdict="inconclusive", reason=POINT_ONLY)
        return verdict


def brought_kpis(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """The KPIs somebody brought figures of."""
    return frozenset(k for (k,) in connection.execute("select kpi_id from config.legacy_kpi_period").fetchall())


def before(connection: duckdb.DuckDBPyConnection, kpi: Kpi, scope: Scope, own: Question) -> Before | None:
    """The brought figures as the time before; None where our own records reach back far enough, or further."""
    weeks = _weeks_before(own)
    if weeks >= MIN_WEEKS_BEFORE:
        return None
    if kpi.kind == "duration":
        return Before(notes=(DISTRIBUTION,))
    for place in _places(scope):
        found = _found(connection, kpi, own, place)
        if found is not None and found.question is not None and _weeks_before(found.question) > weeks:
            return found
    why = connection.execute(
        "select min(reason) from metrics.kpi_value where kpi_id = ? and data_origin = ? and status = 'not_comparable'",
        [kpi.kpi_id, ORIGIN],
    ).fetchone()
    return Before(notes=(REFUSED.format(why=why[0]),)) if why and why[0] else None


@dataclass(frozen=True)
class _Place:
    """Whom figures are of: a segmentation, its members in code order, when each went live, how long it learns."""

    dim: str
    members: tuple[str, ...]
    go_live: Times
    learning_days: Ints


def _places(scope: Scope) -> list[_Place]:
    """Single teams or regions first; then everybody, live from the first date and learning until the last has."""
    places = []
    if scope.column in SEGMENT_OF:
        places.append(_Place(SEGMENT_OF[scope.column], scope.keys, scope.go_live, scope.learning_days))
    is_live = ~np.isnat(scope.go_live)
    if is_live.any():
        first = scope.go_live[is_live].min()
        learnt = (scope.go_live + scope.learning_days.astype("timedelta64[D]"))[is_live].max()
        days = np.array([(learnt - first).astype(int)], dtype=np.int64)
        places.append(_Place("all", ("all",), np.array([first]), days))
    return places


def _found(connection: duckdb.DuckDBPyConnection, kpi: Kpi, own: Question, place: _Place) -> Before | None:
    given = {"kpi": kpi.kpi_id, "dim": place.dim, "members": list(place.members), "origin": ORIGIN}
    cells = [_Cell(*row) for row in connection.execute(_CELLS, given).fetchall()]
    code = {member: number for number, member in enumerate(place.members)}
    told = {c.member: max(b.end for b in cells if b.is_brought and b.member == c.member) for c in cells}
    used = [c for c in cells if c.stands(place.go_live[code[c.member]], told[c.member])]
    brought = [c for c in used if c.is_brought]
    if not brought or len(brought) == len(used):
        return None
    usual = float(np.median([c.denominator or 1.0 for c in used if not c.is_brought]))
    pairs = np.array([c.num_den(kpi.kind, usual) for c in used], dtype=float)
    question = replace(
        own, at=np.array([c.start for c in used], dtype="datetime64[s]"), num=pairs[:, 0], den=pairs[:, 1],
        unit=np.array([code[c.member] for c in used], dtype=np.int64), observed=np.ones(len(used), dtype=bool),
        go_live=place.go_live, learning_days=place.learning_days, is_periodic=True, groups={}, group_names={},
        exposure_note="", period=cells[0].grain, unit_names=place.members,
        dose=own.dose if place.dim != "all" else None,
    )  # fmt: skip
    is_point = any(c.n is None for c in brought)
    notes = [BROUGHT]
    notes += [ADJUSTED] if any(c.comparability == "adjusted" for c in brought) else []
    notes += [WITHOUT_N] if is_point else []
    ends = np.array([c.end for c in used], dtype="datetime64[D]")
    return Before(question, ends, tuple(notes), is_point, place.dim != "all")


@dataclass(frozen=True)
class _Cell:
    """One period of one member, brought or ours."""

    grain: Period
    start: date
    end: date
    member: str
    value: float
    numerator: float | None
    denominator: float | None
    n: int | None
    comparability: str
    is_brought: bool

    def stands(self, go_live: np.datetime64, told: date) -> bool:
        """Brought ones before the member's go-live, ours from it on; of who never goes live from where brought end."""
        if np.isnat(go_live):
            return self.is_brought or self.start >= told
        return bool(np.datetime64(self.end) <= go_live if self.is_brought else np.datetime64(self.start) >= go_live)

    def num_den(self, kind: str, usual: float) -> tuple[float, float]:
        """What a period adds; a brought one that says not how much it weighs weighs as much as ours usually do."""
        if not self.is_brought:
            return float(self.numerator or 0.0), float(self.denominator or 1.0)
        if kind in ADDITIVE_KINDS:
            return self.value, 1.0
        weight = float(self.denominator or self.n or usual)
        return self.value * weight / (100 if kind == "nps" else 1), weight


def _weeks_before(question: Question) -> float:
    """Weeks before their go-live in which those who go live have records; ready-made periods count by their length."""
    day = question.at.astype("datetime64[D]")
    early = day < question.go_live[question.unit]
    if question.is_periodic:
        length = {"week": 7, "month": 30.4, "quarter": 91.3, "year": 365.2}[question.period]
        return len(np.unique(day[early])) * length / 7
    return float(len(np.unique(day[early].astype("datetime64[W]"))))
