"""Verdicts as they are published in `evaluation.kpi_current`, with the KPI's name and its goal beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

import duckdb

from crmlift.report.numbers import is_known

VERDICTS = ("improved", "worsened", "no_material_change", "inconclusive", "not_comparable")
CONTROLLED = ("imputation", "callaway", "synthetic")
ALL = "all"

QUERY = """
with latest as (
    select * from evaluation.kpi_current
    qualify row_number() over (
        partition by rollout_id, wave_id, kpi_id, segment_dim, segment_value order by as_of desc nulls last) = 1),
goal as (
    select * from config.goal_target
    qualify row_number() over (partition by rollout_id, kpi_id order by weight desc, goal_id) = 1)
select
    e.rollout_id, e.wave_id, e.kpi_id, e.segment_dim, e.segment_value, e.as_of, e.look, e.verdict, e.reason, e.method,
    k.name_en, k.name_uk, k.question_en, k.question_uk, k.family, k.unit, k.stat_type, k.direction, k.guard_kpi_id,
    k.formula, coalesce(r.base_currency, 'EUR') as currency,
    g.goal_id, g.statement as goal_statement, g.goal_family, g.target_change_rel, g.target_date,
    g.weight as goal_weight,
    e.pre_value, e.post_value, e.counterfactual_value, e.effect_rel, e.effect_rel_ci_low, e.effect_rel_ci_high,
    e.effect, e.effect_ci_low, e.effect_ci_high, e.p_value, e.q_value, e.mde80, e.min_important_change,
    e.caveats, e.diagnostics, e.n_pre, e.n_post, e.pre_start, e.pre_end, e.post_start, e.post_end,
    e.provisional_as_of, e.provisional_effect_rel, e.provisional_ci_low, e.provisional_ci_high,
    e.provisional_verdict, e.naive_change_rel
from latest as e
left join metrics.kpi as k on k.kpi_id = e.kpi_id
left join config.rollout as r on r.rollout_id = e.rollout_id
left join goal as g on g.rollout_id = e.rollout_id and g.kpi_id = e.kpi_id
order by e.rollout_id, g.goal_id is null, g.weight desc nulls last, k.family nulls last, e.kpi_id,
    e.wave_id <> 'all', e.wave_id, e.segment_dim <> 'all', e.segment_dim, e.segment_value
"""


@dataclass(frozen=True)
class ScorecardRow:
    """One line of `evaluation.kpi_current`. Unknown is None. *_rel are shares of the counterfactual.

    provisional_*: tonight's estimate, which has no error guarantee. naive_change_rel: what subtracting the two plain
    averages would claim. currency: the rollout's base currency.
    """

    rollout_id: str
    wave_id: str
    kpi_id: str
    segment_dim: str
    segment_value: str
    as_of: date | None
    look: str | None
    verdict: str
    reason: str | None
    method: str | None
    name_en: str | None
    name_uk: str | None
    question_en: str | None
    question_uk: str | None
    family: str | None
    unit: str | None
    stat_type: str | None
    direction: str | None
    guard_kpi_id: str | None
    formula: str | None
    currency: str
    goal_id: str | None
    goal_statement: str | None
    goal_family: str | None
    target_change_rel: float | None
    target_date: date | None
    goal_weight: float | None
    pre_value: float | None
    post_value: float | None
    counterfactual_value: float | None
    effect_rel: float | None
    effect_rel_ci_low: float | None
    effect_rel_ci_high: float | None
    effect: float | None
    effect_ci_low: float | None
    effect_ci_high: float | None
    p_value: float | None
    q_value: float | None
    mde80: float | None
    min_important_change: float | None
    caveats: tuple[str, ...]
    diagnostics: Mapping[str, Any]
    n_pre: int | None
    n_post: int | None
    pre_start: date | None
    pre_end: date | None
    post_start: date | None
    post_end: date | None
    provisional_as_of: date | None
    provisional_effect_rel: float | None
    provisional_ci_low: float | None
    provisional_ci_high: float | None
    provisional_verdict: str | None
    naive_change_rel: float | None

    @property
    def is_goal(self) -> bool:
        """Whether a goal was set on this KPI before the rollout."""
        return self.goal_id is not None

    @property
    def is_pooled(self) -> bool:
        """Whether it speaks of all waves and everybody."""
        return self.wave_id == ALL and self.segment_dim == ALL

    @property
    def is_controlled(self) -> bool:
        """Whether teams that had not gone live yet were the comparison, so that one may speak of an effect."""
        return any(word in (self.method or "").lower() for word in CONTROLLED)

    @property
    def is_provisional(self) -> bool:
        """Whether tonight's estimate is all there is to show: no planned look has been reached."""
        return self.look == "provisional" or (not is_known(self.effect_rel) and is_known(self.provisional_effect_rel))

    @property
    def is_in_points(self) -> bool:
        """Whether changes are told in points, or in the KPI's unit: what lies around zero has no percentage."""
        return self.stat_type == "nps" or self.diagnostics.get("relative_reason") is not None

    @property
    def change(self) -> float | None:
        """The change to show, relative (points where that means nothing): frozen, else tonight's; None where it is not
        comparable.
        """
        if self.verdict == "not_comparable":
            return None
        if self.is_in_points:
            return self.effect
        return self.effect_rel if is_known(self.effect_rel) else self.provisional_effect_rel

    @property
    def change_interval(self) -> tuple[float | None, float | None]:
        """The interval that belongs to `change`."""
        if self.change is None:
            return None, None
        if self.is_in_points:
            return self.effect_ci_low, self.effect_ci_high
        if is_known(self.effect_rel):
            return self.effect_rel_ci_low, self.effect_rel_ci_high
        return self.provisional_ci_low, self.provisional_ci_high

    @property
    def naive_change(self) -> float | None:
        """What subtracting plain averages would claim, in the unit of `change`."""
        if not self.is_in_points:
            return self.naive_change_rel
        before, after = self.diagnostics.get("naive_pre"), self.diagnostics.get("naive_post")
        return None if before is None or after is None else self._per_point * (float(after) - float(before))

    @property
    def important_change(self) -> float | None:
        """The smallest change that matters, in the unit of `change`."""
        if self.min_important_change is None or (self.is_in_points and self.stat_type != "nps"):
            return None
        return self._per_point * self.min_important_change

    @property
    def _per_point(self) -> float:
        """What one of the KPI's own sums is worth in the figures people see."""
        return 100.0 if self.stat_type == "nps" else 1.0

    @property
    def data_until(self) -> date | None:
        """The day tonight's data reach to; the verdict itself may have been frozen earlier."""
        return max((day for day in (self.as_of, self.provisional_as_of) if day), default=None)

    def name(self, locale: str) -> str:
        """The KPI's name, its id when the registry has none."""
        return (self.name_uk if locale == "uk" else None) or self.name_en or self.kpi_id

    def question(self, locale: str) -> str:
        """The question the KPI answers, empty when the registry has none."""
        return (self.question_uk if locale == "uk" else None) or self.question_en or ""

    def to_json(self) -> dict[str, Any]:
        """Names and values as published, dates as ISO text."""
        return {key: v.isoformat() if isinstance(v, date) else v for key, v in asdict(self).items()}


def scorecard_rows(
    connection: duckdb.DuckDBPyConnection, *, rollout_id: str | None = None, is_pooled_only: bool = True
) -> list[ScorecardRow]:
    """The newest verdicts: goal KPIs first (by weight), then by family and id; pooled over waves before each wave.

    is_pooled_only: only the answer for everybody, without waves and segments.
    """
    cursor = connection.execute(QUERY)
    names = [column[0] for column in cursor.description or ()]
    rows = [_row(names, values) for values in cursor.fetchall()]
    return [
        row
        for row in rows
        if (rollout_id is None or row.rollout_id == rollout_id) and (row.is_pooled or not is_pooled_only)
    ]


def _row(names: Sequence[str], values: Sequence[Any]) -> ScorecardRow:
    given = dict(zip(names, values, strict=True))
    given["caveats"] = tuple(given["caveats"] or ())
    given["diagnostics"] = json.loads(given["diagnostics"]) if given["diagnostics"] else {}
    for name, value in given.items():
        if isinstance(value, float) and not is_known(value):
            given[name] = None
    return ScorecardRow(**{field.name: given[field.name] for field in fields(ScorecardRow)})
