"""Which rule watches which KPI: the `alert:` block of the registry, with the limits all rules share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from crmlift.registry import Kpi

Template = Literal["prop_drop", "mean_shift", "dur_up", "sum_seasonal", "level"]
TEMPLATES: tuple[Template, ...] = ("prop_drop", "mean_shift", "dur_up", "sum_seasonal", "level")
PARAMETERS: Mapping[Template, frozenset[str]] = {
    "prop_drop": frozenset({"k", "min_abs", "min_n"}),
    "mean_shift": frozenset({"k", "min_rel", "min_abs", "min_n"}),
    "dur_up": frozenset({"k", "min_rel", "min_n"}),
    "sum_seasonal": frozenset({"k", "z"}),
    "level": frozenset({"warn", "crit", "consecutive"}),
}
"""What each template understands; `level` needs both of its lines."""


@dataclass(frozen=True)
class Limits:
    """What all rules share.

    false_discovery_rate: among the night's KPIs. clear_above: an incident resolves when its p-value is at least this.
    cool_down_days: a KPI that drops again this soon reopens its incident without a new message. seasonal_history:
    comparable periods the median is taken of. min_history: fewer than this cannot be scored. pooled_days: days whose
    evidence is added up. min_daily_events: a sum with fewer events on a median day is watched by week.
    stale_after_hours: a source read up to longer ago than this mutes its KPIs. adapt_after_days: an incident older than
    this counts as the new normal.
    """

    false_discovery_rate: float = 0.01
    clear_above: float = 0.05
    cool_down_days: int = 7
    seasonal_history: int = 8
    min_history: int = 5
    pooled_days: int = 3
    min_daily_events: float = 5.0
    stale_after_hours: float = 30.0
    adapt_after_days: int = 56


@dataclass(frozen=True)
class Rule:
    """One KPI's rule. params: of the template, see reference of alert templates in docs (k, min_abs, min_rel, z, …)."""

    kpi_id: str
    template: Template
    stat_type: str
    direction: str
    params: Mapping[str, float] = field(default_factory=dict)

    @property
    def bad_sign(self) -> int:
        """+1 when a rise is bad, −1 when a fall is."""
        return 1 if self.direction == "lower" else -1

    def param(self, name: str, default: float) -> float:
        """A parameter of the template."""
        return float(self.params.get(name, default))


def wrong_rule(alert: Mapping[str, Any], stat_type: str) -> list[str]:
    """What is wrong with an `alert:` block; a rule that could not be read would never fire."""
    template = next((t for t in TEMPLATES if t == alert.get("template")), None)
    if template is None:
        known = ", ".join((*TEMPLATES, "none"))
        return [] if alert.get("template") == "none" else [f"its alert has no template of {known}"]
    given = {name: value for name, value in alert.items() if name != "template"}
    problems = [
        f"its alert gives {name}, which {template} does not know" for name in given if name not in PARAMETERS[template]
    ]
    problems += [
        f"its alert's {n} is no number"
        for n, v in given.items()
        if isinstance(v, bool) or not isinstance(v, int | float)
    ]
    if template == "level":
        problems += [f"its alert needs {name}" for name in ("warn", "crit") if name not in given]
    if (template == "dur_up") != (stat_type == "duration") and template != "level":
        problems.append(f"its alert {template} does not suit a {stat_type}")
    return problems


def rules_of(kpis: Iterable[Kpi]) -> list[Rule]:
    """The rules the registry asks for; KPIs with template `none` or one that needs goals have none."""
    found = []
    for kpi in kpis:
        block: Mapping[str, Any] = kpi.definition.alert
        template = next((t for t in TEMPLATES if t == block.get("template")), None)
        if template is not None:
            params = {k: float(v) for k, v in block.items() if k != "template"}
            found.append(Rule(kpi.kpi_id, template, kpi.definition.stat_type, kpi.definition.direction, params))
    return found
