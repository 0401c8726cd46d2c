"""The one place that knows diff-diff: Callaway–Sant'Anna beside our own estimate, and for panels of their own.

Callaway, Sant'Anna 2021, J. Econometrics 225(2). pandas and diff_diff are imported when first used.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from metrics.question import Bools, Floats, Ints

PLACEBOS = 500
MOST_BREAKDOWN = 10.0
"""Where the library stops looking."""


@dataclass(frozen=True)
class LongPanel:
    """One row a unit and period, outcome finite. first: period of the unit's treatment, 0 = never."""

    unit: Ints
    period: Ints
    first: Ints
    outcome: Floats


def callaway_santanna(
    panel: LongPanel, control: str = "never_treated", anticipation: int = 0, is_full: bool = True
) -> dict[str, Any]:
    """Group-time effects and their aggregates, on the scale of the outcome.

    control: never_treated | not_yet_treated. anticipation: periods before `first` that may be affected already.
    is_full: also the group, dynamic and group-time tables. Standard errors are analytic, clustered by unit.
    Raises ValueError when the design gives no estimable effect.
    """
    with _quiet():
        fitted = _fitted(panel, control, anticipation)
        found: dict[str, Any] = {"control": control, "simple": _row(fitted.overall_att, fitted.overall_se)}
        if is_full:
            found |= _tables(fitted, panel)
    return found


def breakdown(panel: LongPanel, control: str, anticipation: int) -> float | None:
    """How far trends may part before the sign of the average effect is in doubt: the largest M at which its interval
    excludes zero when, from one period to the next, they part by M times as much after go-live as at most before.

    MOST_BREAKDOWN: that or more. None: too few periods or units to measure it by. Relative magnitudes of Rambachan,
    Roth 2023, Review of Economic Studies 90(5), on Callaway–Sant'Anna's event times.
    """
    with _quiet():
        from diff_diff import HonestDiD

        try:
            events = _fitted(panel, control, anticipation, base_period="universal").aggregate("event_study")
            after = events.event_time[events.event_time >= -anticipation] >= 0
            model = HonestDiD(method="relative_magnitude", l_vec=after / max(after.sum(), 1))
            found = model.breakdown_value(events)
        except (ValueError, ArithmeticError):
            return None
    return MOST_BREAKDOWN if found is None else round(float(found), 3)


def _fitted(panel: LongPanel, control: str, anticipation: int, base_period: str = "varying") -> Any:
    import pandas as pd
    from diff_diff import CallawaySantAnna

    frame = pd.DataFrame({"unit": panel.unit, "period": panel.period, "first": panel.first, "outcome": panel.outcome})
    model = CallawaySantAnna(
        control_group=control, anticipation=anticipation, allow_unbalanced_panel=True, base_period=base_period
    )
    return model.fit(frame, "outcome", "unit", "period", "first")


def synthetic(outcome: Floats, treated: Bools, after: Bools, seed: int, placebos: int = PLACEBOS) -> dict[str, Any]:
    """Synthetic difference-in-differences of a complete panel (units × periods): estimate, placebo error, weights.

    weights: of the controls that matter, by their row among the controls, largest first. fit_before: root mean square
    of what the weighted controls leave of the treated before.
    """
    with _quiet():
        import pandas as pd
        from diff_diff import SyntheticDiD

        units, periods = outcome.shape
        frame = pd.DataFrame(
            {
                "unit": np.repeat(np.arange(units), periods), "period": np.tile(np.arange(periods), units),
                "outcome": outcome.ravel(), "treated": np.repeat(treated.astype(int), periods),
            }
        )  # fmt: skip
        model = SyntheticDiD(variance_method="placebo", n_bootstrap=placebos, seed=seed)
        fitted = model.fit(frame, "outcome", "treated", "unit", "period", post_periods=np.flatnonzero(after).tolist())
    weights = sorted(((float(w), int(u)) for u, w in fitted.unit_weights.items()), reverse=True)
    return {
        "estimate": float(fitted.att), "error": float(fitted.se), "fit_before": float(fitted.pre_treatment_fit),
        "weights": [{"control": unit, "weight": round(weight, 4)} for weight, unit in weights if weight > 0.01],
    }  # fmt: skip


def _row(estimate: float, error: float) -> dict[str, float]:
    """An estimate with its error and normal 95 % interval."""
    reach = 1.959964 * error
    values = {"estimate": estimate, "error": error, "low": estimate - reach, "high": estimate + reach}
    return {name: round(float(value), 6) for name, value in values.items()}


def _tables(fitted: Any, panel: LongPanel) -> dict[str, Any]:
    """Group-times, groups, event times and the two overall figures built on them."""
    groups, events = fitted.aggregate("group"), fitted.aggregate("event_study")
    cells = {
        f"{int(group)}:{int(period)}": _row(cell["effect"], cell["se"])
        for (group, period), cell in fitted.group_time_effects.items()
        if period >= group and np.isfinite(cell["effect"])
    }
    after = np.flatnonzero(events.event_time >= 0)
    covariance = events.vcov[np.ix_(after, after)]
    sizes = np.array([len(np.unique(panel.unit[panel.first == g])) for g in groups.label])
    share = sizes / sizes.sum()
    return {
        "group_time": cells,
        "dynamic": _row(events.att[after].mean(), np.sqrt(covariance.mean())),
        "event_time": {
            str(int(e)): _row(a, s) for e, a, s in zip(events.event_time, events.att, events.se, strict=True)
        },
        "group": _row(float(share @ groups.att), _group_error(fitted, panel)),
        "groups": {str(int(g)): _row(a, s) for g, a, s in zip(groups.label, groups.att, groups.se, strict=True)},
    }


def _group_error(fitted: Any, panel: LongPanel) -> float:
    """Error of the average over groups, from influence functions without covariates (their eq. 3.9, sec. 4).

    Exact for a balanced panel with never-treated controls; NaN otherwise, as the library offers none.
    """
    units, where = np.unique(panel.unit, return_inverse=True)
    periods, when = np.unique(panel.period, return_inverse=True)
    if len(panel.unit) != len(units) * len(periods) or fitted.control_group != "never_treated":
        return float("nan")
    y = np.empty((len(units), len(periods)))
    y[where, when] = panel.outcome
    first = np.zeros(len(units), dtype=np.int64)
    first[where] = panel.first
    treated = np.isin(first, [int(g) for g, _ in fitted.group_time_effects])
    total, influence, overall = treated.mean(), np.zeros(len(units)), 0.0
    control = first == 0
    parts = []
    for group in np.unique(first[treated]):
        own, base = first == group, int(np.searchsorted(periods, group)) - 1 - fitted.anticipation
        change = y[:, periods >= group].mean(1) - y[:, base]
        effect = change[own].mean() - change[control].mean()
        score = own * (change - change[own].mean()) / own.mean()
        score = score - control * (change - change[control].mean()) / control.mean()
        share = own.mean() / total
        influence += share * score
        overall += share * effect
        parts.append((own, effect))
    for own, effect in parts:
        influence += effect * own / total
    influence -= overall * treated / total
    return float(np.sqrt(np.mean(influence**2) / len(units)))


@contextmanager
def _quiet() -> Iterator[None]:
    """The library warns about design choices made here on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        level = logging.getLogger("diff_diff").level
        logging.getLogger("diff_diff").setLevel(logging.ERROR)
        try:
            yield
        finally:
            logging.getLogger("diff_diff").setLevel(level)
