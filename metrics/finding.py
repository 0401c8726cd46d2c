"""What every design hands over to the verdict: one estimate with its interval, on the scale it was made on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from scipy import special


@dataclass(frozen=True)
class Finding:
    """theta: log ratio (multiplicative) or difference in the KPI's unit, with its interval; error: standard error.

    df: degrees of freedom of the interval (inf: normal). Values are in the KPI's own unit; spans are half-open.
    """

    method: str
    multiplicative: bool
    theta: float
    low: float
    high: float
    p_value: float
    error: float
    df: float
    pre_value: float
    post_value: float
    pre_start: date | None = None
    pre_end: date | None = None
    post_start: date | None = None
    post_end: date | None = None
    n_pre: int = 0
    n_post: int = 0
    weeks_before: float = 0.0
    weeks_after: float = 0.0
    caveats: tuple[str, ...] = ()
    diagnostics: Mapping[str, Any] = field(default_factory=dict)

    def counterfactual(self) -> float:
        """What the value after go-live was to be expected to be."""
        return self.post_value / float(np.exp(self.theta)) if self.multiplicative else self.post_value - self.theta

    def change(self, theta: float) -> float:
        """The absolute effect at a point of the scale."""
        if self.multiplicative:
            return self.post_value * (1.0 - float(np.exp(-theta)))
        return theta

    def relative(self, theta: float) -> float | None:
        """The relative effect at a point of the scale; None when the expected value gives no meaningful base."""
        if self.multiplicative:
            return float(np.exp(theta)) - 1.0
        base = abs(self.counterfactual())
        return theta / base if base > 1e-12 else None

    def smallest_detectable(self, alpha: float, power: float = 0.8) -> float | None:
        """The relative change that would be found with the given power (Bloom 1995, Evaluation Review 19(5))."""
        if not np.isfinite(self.error):
            return None
        reach = float(special.stdtrit(self.df, 1 - alpha / 2) + special.stdtrit(self.df, power)) * self.error
        found = self.relative(reach)
        return found if found is not None and np.isfinite(found) else None


def day(value: np.datetime64) -> date:
    """A numpy day as a date."""
    return value.astype("datetime64[D]").item()  # type: ignore[no-any-return]
