"""What customers without a contract will still bring: purchases by BG/NBD, margin of a purchase by Gamma-Gamma.

Fader, Hardie, Lee 2005, "Counting Your Customers" the Easy Way, Marketing Science 24(2), equations (6) and (10); Fader
and Hardie 2013, The Gamma-Gamma Model of Monetary Value, equations (1a) and (5). Frequency counts repeat purchases;
recency (first to last purchase) and age (first purchase to now) are in weeks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from metrics.estimate import Columns, Estimate
from metrics.question import Floats

WEEKS_PER_MONTH = 365.25 / 12 / 7
FITTED, GRADED = 20_000, 2_000
"""Customers (spread evenly over the sorted list) that the fit, and the interval's gradient, look at."""
MAX_CORRELATION = 0.3
MOST_STEPS = 60
SEGMENTS = ("account_segment", "region", "industry")


@dataclass(frozen=True)
class Customers:
    """One entry a customer. frequency: whole numbers. margin: mean of repeat purchases, unused where there are none."""

    frequency: Floats
    recency: Floats
    age: Floats
    margin: Floats

    def of(self, chosen: Any) -> Customers:
        """Some of them."""
        return Customers(self.frequency[chosen], self.recency[chosen], self.age[chosen], self.margin[chosen])


@dataclass(frozen=True)
class Fit:
    """log_params with the covariance of their errors; log_likelihood at the maximum."""

    log_params: Floats
    covariance: Floats
    log_likelihood: float

    @property
    def params(self) -> Floats:
        """r, alpha, a, b of BG/NBD, or p, q, v of Gamma-Gamma."""
        return np.asarray(np.exp(self.log_params))


def bgnbd_log_likelihood(log_params: Floats, customers: Customers) -> float:
    """Equation (6), summed over customers."""
    r, alpha, a, b = np.exp(log_params)
    x, recency, age = customers.frequency, customers.recency, customers.age
    counts = np.arange(x.max(initial=0.0) + 1)  # purchases are few and whole: a logarithm of a gamma for each is enough
    shared = special.gammaln(r + counts) - special.gammaln(r) + r * np.log(alpha)
    shared = (shared + special.betaln(a, b + counts) - special.betaln(a, b))[x.astype(int)]
    alive = -(r + x) * np.log(alpha + age)
    died = np.where(
        x > 0, np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + recency), -np.inf
    )  # fmt: skip
    return float(np.sum(shared + np.logaddexp(alive, died)))


def fit_bgnbd(customers: Customers) -> Fit:
    """Maximum likelihood of r, alpha (weeks), a, b."""
    return _fit(lambda p: bgnbd_log_likelihood(p, customers), np.log([0.5, 10.0, 1.0, 2.0]))


def gamma_gamma_log_likelihood(log_params: Floats, customers: Customers) -> float:
    """Equation (1a) over customers with a repeat purchase."""
    p, q, v = np.exp(log_params)
    x, m = customers.frequency, customers.margin
    return float(
        np.sum(
            special.gammaln(p * x + q) - special.gammaln(p * x) - special.gammaln(q) + q * np.log(v)
            + (p * x - 1) * np.log(m) + p * x * np.log(x) - (p * x + q) * np.log(x * m + v)
        )
    )  # fmt: skip


def fit_gamma_gamma(customers: Customers) -> Fit:
    """Maximum likelihood of p, q, v; customers without a repeat purchase or with no margin are left out."""
    repeated = customers.of((customers.frequency > 0) & (customers.margin > 0))
    scale = float(np.mean(repeated.margin))
    unit = Customers(repeated.frequency, repeated.recency, repeated.age, repeated.margin / scale)
    fit = _fit(lambda p: gamma_gamma_log_likelihood(p, unit), np.log([3.0, 3.0, 2.0]))
    shifted = fit.log_params + np.array([0.0, 0.0, np.log(scale)])
    return Fit(shifted, fit.covariance, fit.log_likelihood - len(unit.margin) * float(np.log(scale)))


def _fit(log_likelihood: Callable[[Floats], float], start: Floats) -> Fit:
    """Newton's method with halved steps; the covariance is the inverse of the curvature at the maximum."""
    at, best = np.asarray(start, dtype=float), -log_likelihood(np.asarray(start, dtype=float))

    def loss(log_params: Floats) -> float:
        found = log_likelihood(np.clip(log_params, -12.0, 12.0))
        return -found if np.isfinite(found) else 1e12

    for _ in range(MOST_STEPS):
        slope, curve = _derivatives(loss, at, best)
        values, vectors = np.linalg.eigh(curve)
        step = -vectors @ ((vectors.T @ slope) / np.maximum(np.abs(values), 1e-4 * np.abs(values).max() + 1e-12))
        step *= min(1.0, 2.0 / float(np.abs(step).max() + 1e-300))
        length, moved = 1.0, loss(at + step)
        while moved > best and length > 1e-6:
            length /= 2
            moved = loss(at + length * step)
        if (moved >= best - 1e-9 * abs(best) and float(np.abs(length * step).max()) < 1e-4) or moved > best:
            break
        at, best = at + length * step, moved
    covariance: Floats = np.asarray(np.linalg.pinv(_derivatives(loss, at, best)[1], hermitian=True), dtype=np.float64)
    return Fit(at, covariance, -best)


def _derivatives(loss: Callable[[Floats], float], at: Floats, here: float, step: float = 1e-3) -> tuple[Floats, Floats]:
    """Gradient and second differences."""
    size = len(at)
    moves = np.eye(size) * step
    up = np.array([loss(at + move) for move in moves])
    down = np.array([loss(at - move) for move in moves])
    curve = np.diag((up + down - 2 * here) / step**2)
    for i in range(size):
        for j in range(i):
            both = loss(at + moves[i] + moves[j]) + loss(at - moves[i] - moves[j])
            curve[i, j] = curve[j, i] = (both - up[i] - down[i] - up[j] - down[j] + 2 * here) / (2 * step**2)
    return (up - down) / (2 * step), curve


def expected_purchases(params: Floats, customers: Customers, weeks: float) -> Floats:
    """Equation (10): repeat purchases of each customer in the next weeks, given what it did."""
    r, alpha, a, b = params
    x, recency, age = customers.frequency, customers.recency, customers.age
    hyper = special.hyp2f1(r + x, b + x, a + b + x - 1, weeks / (alpha + age + weeks))
    growth = 1 - ((alpha + age) / (alpha + age + weeks)) ** (r + x) * hyper
    died = np.where(x > 0, a / (b + np.maximum(x, 1) - 1) * ((alpha + age) / (alpha + recency)) ** (r + x), 0.0)
    return np.asarray((a + b + x - 1) / (a - 1) * growth / (1 + died))


def expected_margin(params: Floats, customers: Customers) -> Floats:
    """Equation (5): margin of a purchase, drawn from a customer's own mean towards everybody's."""
    p, q, v = params
    x, m = customers.frequency, np.where(customers.frequency > 0, customers.margin, 0.0)
    return np.asarray(p * (v + x * m) / (p * x + q - 1))


def lifetime_value(
    purchases: Floats, margins: Floats, customers: Customers, months: int, discount: float, every: int = 1
) -> Floats:
    """Discounted margin of the next months, each customer's; purchases, margins: parameters of the two models."""
    total, before = np.zeros(len(customers.age)), np.zeros(len(customers.age))
    for month in range(every, months + 1, every):
        until = expected_purchases(purchases, customers, month * WEEKS_PER_MONTH)
        total += (until - before) / (1 + discount) ** (month / 12)
        before = until
    return total * expected_margin(margins, customers)


def clv_bgnbd(columns: Columns, params: Mapping[str, Any]) -> list[Estimate]:
    """Mean value of everybody's and of each segment's customers; unknown, with the reason, where no model fits."""
    everybody = Customers(*(columns[name].astype(float) for name in ("frequency", "recency", "age", "mean_margin")))
    n, months, discount = len(everybody.age), int(params["horizon_months"]), float(params["discount_annual"])
    repeated = int(np.sum((everybody.frequency > 0) & (everybody.margin > 0)))
    if n == 0:
        return []
    if n < params["min_customers"] or repeated < params["min_customers"] / 10:
        return [Estimate("all", "all", n, None, reason=f"only {n} customers, {repeated} with a repeat purchase")]
    fitted = everybody.of(_spread(n, FITTED))
    purchases, margins = fit_bgnbd(fitted), fit_gamma_gamma(fitted)
    if reason := _misfit(everybody, purchases, margins):
        return [Estimate("all", "all", n, None, reason=reason)]
    value = lifetime_value(purchases.params, margins.params, everybody, months, discount)
    error = _relative_error(purchases, margins, everybody.of(_spread(n, GRADED)), months, discount)
    groups: list[tuple[str, str, Any]] = [("all", "all", np.ones(n, dtype=bool))]
    for dim in (d for d in SEGMENTS if d in columns):
        names = columns[dim].astype(str)
        groups += [(dim, str(name), names == name) for name in np.unique(names)] if len(np.unique(names)) > 1 else []
    return [_estimate(dim, name, value[chosen], error) for dim, name, chosen in groups]


def _estimate(dim: str, name: str, value: Floats, error: float) -> Estimate:
    mean, n = float(value.mean()), len(value)
    spread = value.std(ddof=1) / np.sqrt(n) / mean if n > 1 and mean > 0 else np.nan
    factor = float(np.exp(1.959963984540054 * np.hypot(error, spread)))
    return Estimate(dim, name, n, mean, mean / factor, mean * factor)


def _misfit(customers: Customers, purchases: Fit, margins: Fit) -> str | None:
    """Why the models must not be believed."""
    if purchases.params[2] <= 1e-4 or abs(purchases.params[2] - 1) < 1e-6 or margins.params[1] <= 1:
        return "the models do not fit these purchases"
    chosen = (customers.frequency > 0) & (customers.margin > 0)
    ranks = [np.unique(v[chosen], return_inverse=True)[1] for v in (customers.frequency, customers.margin)]
    held = float(np.corrcoef(ranks[0], ranks[1])[0, 1]) if all(r.max(initial=0) > 0 for r in ranks) else 0.0
    if abs(held) > MAX_CORRELATION:
        return f"margins hang on how often customers buy (rank correlation {held:.2f}); Gamma-Gamma does not hold"
    return None


def _spread(n: int, most: int) -> Any:
    return np.arange(n) if n <= most else np.unique(np.linspace(0, n - 1, most).astype(int))


def _relative_error(purchases: Fit, margins: Fit, customers: Customers, months: int, discount: float) -> float:
    """Standard error of the log of the mean value, by the delta method over both models' parameters."""

    def level(log_purchases: Floats, log_margins: Floats) -> float:
        found = lifetime_value(np.exp(log_purchases), np.exp(log_margins), customers, months, discount, every=6)
        return float(np.log(found.mean()))

    step, variance = 1e-3, 0.0
    for fit, place in ((purchases, 0), (margins, 1)):
        at = [purchases.log_params, margins.log_params]
        slope = np.empty(len(fit.log_params))
        for i in range(len(slope)):
            moved = np.eye(len(slope))[i] * step
            up, down = list(at), list(at)
            up[place], down[place] = at[place] + moved, at[place] - moved
            slope[i] = (level(*up) - level(*down)) / (2 * step)
        variance += float(slope @ fit.covariance @ slope)
    return float(np.sqrt(max(variance, 0.0)))
