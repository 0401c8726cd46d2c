"""What every design hands over to the verdict: one estimate with its interval, on the scale it was made on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from scipy import special

ANY = (-np.inf, np.inf)
MOVES_P = 0.02
NEAR_ZERO, NOTHING_LEFT = "base_near_zero", "nothing_left"


@dataclass(frozen=True)
class Unmeasured:
    """Why there is no estimate. code: for machines. words: for people."""

    code: str
    words: str


@dataclass(frozen=True)
class Part:
    """The effect in a part of the time after, on the finding's scale. start, end: None where teams differ in them."""

    theta: float
    low: float
    high: float
    weeks: float
    start: date | None = None
    end: date | None = None

    @property
    def is_sure(self) -> bool:
        """Whether it can be told from none."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Path:
    """early, late: first and last third. p_value: of both being the same. average: over the whole time after, when the
    estimate the path is of takes for granted that they are.
    """

    early: Part
    late: Part
    p_value: float
    average: tuple[float, float, float, float, float] | None = None

    @property
    def moves(self) -> bool:
        """Whether the effect is not the same all the time."""
        return self.p_value < MOVES_P

    @property
    def shape(self) -> str:
        """steady, fading, reversing, growing or changing."""
        if not self.moves:
            return "steady"
        if self.early.theta * self.late.theta < 0 and self.early.is_sure and self.late.is_sure:
            return "reversing"
        if abs(self.late.theta) < abs(self.early.theta):
            return "fading"
        return "growing" if self.late.is_sure else "changing"


@dataclass(frozen=True)
class Finding:
    """theta: log ratio (multiplicative) or difference in the KPI's unit, with its interval; error: standard error.

    df: degrees of freedom of the interval (inf: normal). Values are in the KPI's own unit; spans are half-open.
    limits: what a value can be at all. ratios: the relative change and its ends where the scale cannot give them.
    path: whether the effect is the same all the time, where that was looked at.
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
    limits: tuple[float, float] = ANY
    ratios: Mapping[float, float] | None = None
    path: Path | None = None

    @property
    def is_flat(self) -> bool:
        """Whether nothing ever moved."""
        return self.low == self.high == 0.0

    @property
    def has_path(self) -> bool:
        """Whether it makes sense to ask how the effect went; not of a flat line or a fall to nothing."""
        return self.ratios is None and not self.is_flat

    def counterfactual(self) -> float:
        """What the value after go-live was to be expected to be."""
        return self.expected(self.theta)

    def expected(self, theta: float) -> float:
        """The same at a point of the scale, within what a value can be."""
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            raw = self.post_value / np.exp(theta) if self.multiplicative else self.post_value - theta
        return float(np.clip(raw, *self.limits))

    def change(self, theta: float) -> float:
        """The absolute effect at a point of the scale."""
        return self.post_value - self.expected(theta)

    @property
    def is_base_near_zero(self) -> bool:
        """Whether what was to be expected cannot be told from zero, so that no share of it means anything.

        The value after is what was seen, so the interval of the effect is that of the expected value too; relative to
        each end of it the shares are those of Fieller 1954, J. R. Stat. Soc. B 16(2), for a perfectly shared error.
        """
        if self.multiplicative or self.ratios is not None:
            return False
        ends = [self.post_value - end for end in (self.low, self.high)]
        return not (np.isfinite(ends).all() and min(ends) * max(ends) > 0)

    def change_of(self, theta: float) -> float:
        """A difference on the scale as a share of what was to be expected, which is not itself in doubt."""
        return float(np.expm1(theta)) if self.multiplicative else theta / max(abs(self.counterfactual()), 1e-12)

    def relative(self, theta: float) -> float | None:
        """The relative effect at a point of the scale; None when the expected value gives no meaningful base."""
        if self.ratios is not None:
            return self.ratios.get(theta)
        base = self.expected(theta)
        if self.is_base_near_zero or base == 0:
            return None
        return float(np.sign(base)) * (self.post_value / base - 1)

    def relative_ends(self) -> tuple[float | None, float | None]:
        """The interval of the relative effect; a figure that turned negative has its ends the other way round."""
        low, high = self.relative(self.low), self.relative(self.high)
        return (high, low) if low is not None and high is not None and high < low else (low, high)

    def smallest_detectable(self, alpha: float, power: float = 0.8) -> dict[str, float | None]:
        """`rise` and `fall`, the relative changes that would be found with the given power (Bloom 1995, Evaluation
        Review 19(5)); None where no possible one is so large, or nothing is known of errors. `unit`: in the KPI's unit.
        """
        base = self.counterfactual()
        if not (np.isfinite(self.error) and self.error > 0 and np.isfinite(base)) or self.ratios is not None:
            return {"rise": None, "fall": None, "unit": None}
        reach = float(special.stdtrit(self.df, 1 - alpha / 2) + special.stdtrit(self.df, power)) * self.error
        if self.multiplicative:
            up, down = base * float(np.expm1(reach)), -base * float(np.expm1(-reach))
        else:
            up = down = reach
        rise, fall = (
            size / abs(base) if not self.is_base_near_zero and base != 0 and np.isfinite(size) else None
            for size in (up, down)
        )
        lowest, highest = self.limits
        return {
            "rise": rise if base + up <= highest else None,
            "fall": fall if base - down >= lowest else None,
            "unit": reach if not self.multiplicative and (base + up <= highest or base - down >= lowest) else None,
        }


def day(value: np.datetime64) -> date:
    """A numpy day as a date."""
    return value.astype("datetime64[D]").item()  # type: ignore[no-any-return]
