"""Was it worth the money: return, present value and payback of a rollout from its costs and the judged effects.

Costs are declared. A benefit is what the effect on its KPI brings in a month, times the share of it that the rollout
may claim (triangular between low, mode and high), times a risk adjustment; drawn many times over the effect's interval.
What is told is the median, and the 5th and 95th percentile. After the Total Economic Impact method: the outlay of month
0 is not discounted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from metrics.estimate import Columns, Estimate
from metrics.question import Floats

DRAWS = 4000
SEED = 20261123


@dataclass(frozen=True)
class CashFlow:
    """Costs by month, and the benefits of each draw (rows) by month (columns), undiscounted; items: benefits in it."""

    costs: Floats
    benefits: Floats
    items: int
    discount: Floats


def roi_pct(columns: Columns, params: Mapping[str, Any]) -> list[Estimate]:
    """100 × (present value of benefits − of costs) / present value of costs."""
    return _told(columns, params, lambda flow: 100 * (_present(flow) / float(flow.costs @ flow.discount) - 1))


def npv(columns: Columns, params: Mapping[str, Any]) -> list[Estimate]:
    """Present value of benefits minus costs."""
    return _told(columns, params, lambda flow: _present(flow) - float(flow.costs @ flow.discount))


def payback_months(columns: Columns, params: Mapping[str, Any]) -> list[Estimate]:
    """First month from which the undiscounted sum stays above zero; infinite where it does not within the horizon."""

    def paid_back(flow: CashFlow) -> Floats:
        is_under = np.cumsum(flow.benefits - flow.costs, axis=1) < 0
        last_under = np.where(is_under.any(axis=1), is_under.shape[1] - is_under[:, ::-1].argmax(axis=1), 0)
        return np.where(last_under == is_under.shape[1], np.inf, last_under.astype(float))

    return _told(columns, params, paid_back)


def cash_flow(columns: Columns, params: Mapping[str, Any]) -> CashFlow | str:
    """The flow over the horizon, or why there is none."""
    months = int(params["horizon_months"])
    is_cost = columns["kind"] == "cost"
    judged = ~is_cost & columns["is_judged"].astype(bool)
    if not is_cost.any():
        return "no costs are declared"
    if is_cost.all():
        return "no benefits are declared"
    if not judged.any():
        return "no benefit rests on a KPI with a verdict"
    starts, ends = columns["first_month"].astype(float), columns["last_month"].astype(float)
    grid = np.arange(months)
    share = np.clip(np.minimum(ends[is_cost, None], grid + 1) - np.maximum(starts[is_cost, None], grid), 0, None)
    costs = (columns["cost_base"].astype(float)[is_cost, None] * share / (ends - starts)[is_cost, None]).sum(axis=0)
    runs = np.clip(grid + 1 - starts[judged, None], 0, 1)
    discount = (1 + float(params["discount_annual"])) ** (-grid / 12)
    return CashFlow(costs, _drawn(columns, judged) @ runs, int(judged.sum()), discount)


def _drawn(columns: Columns, judged: Any) -> Floats:
    """What each judged benefit brings in a month, in each draw."""
    rng = np.random.default_rng(SEED)

    def of(name: str) -> Floats:
        return np.asarray(columns[name].astype(float)[judged])

    error = np.nan_to_num((of("monthly_high") - of("monthly_low")) / (2 * 1.959963984540054))
    effect = of("monthly") + error * rng.standard_normal((DRAWS, int(judged.sum())))
    low, mode, high = (np.nan_to_num(of(f"attribution_{end}"), nan=1.0) for end in ("low", "mode", "high"))
    spread = np.maximum(high - low, 1e-12)
    attributed = rng.triangular(low, np.clip(mode, low, low + spread), low + spread, (DRAWS, len(low)))
    return np.asarray(effect * attributed * np.nan_to_num(of("risk_adjustment"), nan=1.0))


def _present(flow: CashFlow) -> Floats:
    return np.asarray(flow.benefits @ flow.discount)


def _told(columns: Columns, params: Mapping[str, Any], value: Callable[[CashFlow], Floats]) -> list[Estimate]:
    if not len(columns["kind"]):
        return []
    flow = cash_flow(columns, params)
    if isinstance(flow, str):
        return [Estimate("all", "all", 0, None, reason=flow)]
    if not flow.costs.sum() > 0:
        return [Estimate("all", "all", flow.items, None, reason="the declared costs are zero")]
    low, middle, high = np.quantile(value(flow), [0.05, 0.5, 0.95], method="higher")
    is_told = bool(np.isfinite(middle))
    reason = None if is_told else "not within the horizon in most draws"
    return [Estimate("all", "all", flow.items, float(middle) if is_told else None, float(low), float(high), reason)]
