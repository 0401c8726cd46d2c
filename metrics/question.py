"""The two records everything here turns on: a `Question` goes in, a `Verdict` comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Times = npt.NDArray[np.datetime64]

Kind = Literal["sum", "count", "mean", "proportion", "ratio", "duration", "quantile", "nps"]
Better = Literal["higher", "lower"]
Period = Literal["auto", "day", "week", "4 weeks", "month", "quarter", "year"]
AlphaPolicy = Literal["looks", "single"]
VerdictWord = Literal["improved", "worsened", "no_material_change", "inconclusive", "not_comparable"]

ADDITIVE_KINDS = ("sum", "count")
DIVIDED_KINDS = ("mean", "proportion", "ratio", "nps")
CENSORED_KINDS = ("duration", "quantile")


@dataclass(frozen=True)
class Question:
    """Did one KPI × segment × rollout (or wave) change after go-live.

    Rows (arrays of one length, any order), one a deal, ticket, answer, user-week, or a ready-made cell:
      at: local business time, datetime64[s]. unit: codes 0…G−1 of the team (all 0: one series, no teams).
      num, den: what the KPI sums; sums and counts ignore den. nps: num in {−1, 0, 1}, den 1.
      observed: for durations and quantiles False is right-censored at num (competing events may be passed as censored);
      for all other kinds False is "too young to tell" and the row is left out.
      is_stamped: rows that carry a migration stamp (created by the load, not by life).
      groups: segmentation → code of each row's segment (the mix check), group_names: what the codes mean; held: the
      one to hold constant. covariates: rows × k, averaged over a cell (one series only).
    go_live: datetime64[D] per unit code, NaT = never (a control). focus: per unit code, the teams whose effect is
    asked for (one wave); the others only serve for comparison before their own go-live.
    as_of: the data are complete up to here (exclusive). learning_days: left out after each go-live; one number, or one
    per unit code.
    horizon_days: the age at which a row's outcome is final; for durations the restriction time of the mean (0:
    chosen from the data). Rows that young before a go-live are partly exposed, and left out.
    share: for quantiles, which one: 0.5 is the median.
    time_unit_days: length in days of one unit of num, for durations (hours: 1/24). is_time: num of a quantile is a time
    (durations always are), so that one below zero is a mistake.
    min_important_change: relative, e.g. 0.05 (nps: × 100 points); None: never "no material change".
    alpha_policy: `looks` spends alpha over 13, 26 and 52 weeks; `single` is one planned look.
    log: force (True) or forbid (False) the log scale. is_periodic: rows are ready-made periods, not events.
    recorded_from: first day with trustworthy records. pre_start, post_end: limits set by the user (half-open).
    exposure_note: a caveat of the KPI's own, passed through. seed: of the randomisation tests.
    dose: how much each unit code uses what was introduced (a share), NaN unknown; for the association with adoption.
    response_rates: surveys only, the shares of those invited who answered, before and after; None: not known.
    with_check: run the slower second estimator (Callaway–Sant'Anna) beside the first.
    """

    kind: Kind
    better: Better
    at: Times
    unit: Ints
    num: Floats
    den: Floats
    observed: Bools
    go_live: Times
    as_of: np.datetime64
    learning_days: int | Ints = 42
    horizon_days: float = 0.0
    share: float = 0.5
    time_unit_days: float = 1.0
    is_time: bool = True
    period: Period = "auto"
    min_important_change: float | None = None
    alpha: float = 0.05
    alpha_policy: AlphaPolicy = "looks"
    covariates: Floats | None = None
    covariate_names: tuple[str, ...] = ()
    log: bool | None = None
    fiscal_start_month: int = 1
    pre_start: np.datetime64 | None = None
    post_end: np.datetime64 | None = None
    recorded_from: np.datetime64 | None = None
    is_stamped: Bools | None = None
    is_periodic: bool = False
    is_definition_changed: bool = False
    is_rate_missing: bool = False
    groups: Mapping[str, Ints] = field(default_factory=dict)
    group_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    held: str | None = None
    dose: Floats | None = None
    focus: Bools | None = None
    response_rates: tuple[float, float] | None = None
    with_check: bool = True
    exposure_note: str = ""
    unit_names: tuple[str, ...] = ()
    seed: int = 20261123

    @property
    def has_rows(self) -> Bools:
        """Which units have any row."""
        return np.asarray(np.bincount(self.unit, minlength=len(self.go_live)) > 0)

    @property
    def is_duration(self) -> bool:
        """Whether num is the time something took."""
        return self.kind == "duration" or (self.kind == "quantile" and self.is_time)

    @property
    def left_learning(self) -> Times:
        """The first day that counts as after, datetime64[D] per unit code; NaT = never."""
        return np.asarray(self.go_live + np.asarray(self.learning_days).astype("timedelta64[D]"))


@dataclass(frozen=True)
class Verdict:
    """The columns of evaluation.kpi_effect that statistics decide; None is unknown, with the reason beside it.

    Values of sums and counts are totals per week (per period when rows are months, quarters or years) of the teams
    that went live; all others are in the KPI's own unit. effect = post_value − counterfactual_value; *_rel are
    shares of the counterfactual. The interval keeps the error rate of its look (diagnostics["interval_level"]).
    """

    method: str
    look: str
    verdict: VerdictWord
    reason: str | None = None
    pre_start: date | None = None
    pre_end: date | None = None
    post_start: date | None = None
    post_end: date | None = None
    n_pre: int | None = None
    n_post: int | None = None
    pre_value: float | None = None
    post_value: float | None = None
    counterfactual_value: float | None = None
    effect: float | None = None
    effect_ci_low: float | None = None
    effect_ci_high: float | None = None
    effect_rel: float | None = None
    effect_rel_ci_low: float | None = None
    effect_rel_ci_high: float | None = None
    p_value: float | None = None
    q_value: float | None = None
    min_important_change: float | None = None
    mde80: float | None = None
    caveats: tuple[str, ...] = ()
    diagnostics: Mapping[str, Any] = field(default_factory=dict)
