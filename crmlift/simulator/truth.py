"""What really happened: the planted effects, and what they made of this sample (same draws, effects switched off)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from crmlift.simulator.clock import DAY, Flags, Index, Numbers, Times
from crmlift.simulator.deals import Deals
from crmlift.simulator.leads import Leads
from crmlift.simulator.marketing import Marketing
from crmlift.simulator.sales import Sales
from crmlift.simulator.sales_activities import TODO, Activities, is_logged_share
from crmlift.simulator.service import simulate_cases
from crmlift.simulator.world import World

COHORT_DAYS = 180
RESTRICTED_DAYS = {"lead_response_minutes": 1, "first_response_minutes": 1, "resolution_hours": 30}
WITHOUT_EFFECT = ("avg_deal_size", "sales_cycle_days", "lead_conversion_rate")


def planted(world: World) -> dict[str, float]:
    """KPI id → planted relative effect. More wins of the same deals raise four KPIs by the same share."""
    effects = world.scenario.effects
    win = effects.get("win_rate", 0.0)
    out = {k: win for k in ("win_rate", "cohort_win_rate", "won_deals", "won_revenue")}
    out |= {k: effects.get(k, 0.0) for k in ("lead_response_minutes", "first_response_minutes", "resolution_hours")}
    return out | dict.fromkeys(WITHOUT_EFFECT, 0.0)


def truth(world: World, sales: Sales, activities: Activities, marketing: Marketing, at: int) -> dict[str, Any]:
    """What was planted and what came of it, for units after learning in treated teams.

    effects: planted on each case's own time or chance. paired: realised medians, shares and sums. restricted_mean:
    realised change of the mean time up to RESTRICTED_DAYS, cases that never end included: what the evaluation
    estimates for durations, and smaller than the planted change wherever some cases never end.
    """
    return {
        "effects": planted(world),
        "paired": _paired(world, sales, marketing, at),
        "restricted_mean": _restricted_means(world, sales, marketing, at),
        "recording": _recording(world, sales, activities, at),
    }


def _learned(world: World, team: Index, event: Times, at: int) -> Flags:
    return (event >= world.learned[team]) & (event <= at)


def _relative(observed: float, without: float) -> float | None:
    return float(observed) / float(without) - 1 if without else None


def _paired(world: World, sales: Sales, marketing: Marketing, at: int) -> dict[str, float | None]:
    both = (sales.deals, marketing.renewals.deals)
    leads = (sales.leads, marketing.contacts.leads)
    out = _outcomes(world, both, at) | {"lead_response_minutes": _response(world, leads, at)}
    for kpi_id, (team, is_valid, created, took, would_take) in _requests(world, marketing).items():
        known = _learned(world, team, created, at) & is_valid
        known &= (created + would_take <= at) & (created + took <= at)
        out[kpi_id] = _medians(took[known], would_take[known])
    return out | {"sales_cycle_days": 0.0, "lead_conversion_rate": 0.0}


def _restricted_means(world: World, sales: Sales, marketing: Marketing, at: int) -> dict[str, float | None]:
    leads = (sales.leads, marketing.contacts.leads)
    entered = _joined(leads, "entered")
    cases = _requests(world, marketing) | {
        "lead_response_minutes": (
            _joined(leads, "team"), _joined(leads, "is_valid"), entered, _joined(leads, "touched") - entered,
            _joined(leads, "would_be_touched") - entered,
        ),
    }  # fmt: skip
    out: dict[str, float | None] = {}
    for kpi_id, (team, is_valid, start, took, would_take) in cases.items():
        limit = RESTRICTED_DAYS[kpi_id] * DAY
        chosen = _learned(world, team, start, at - limit) & is_valid
        with_it, without = (np.minimum(time[chosen], limit).astype(float) for time in (took, would_take))
        out[kpi_id] = _relative(float(with_it.mean()), float(without.mean())) if chosen.any() else None
    return out


def _requests(world: World, marketing: Marketing) -> dict[str, tuple[Index, Flags, Times, Times, Times]]:
    """Tickets and cases: team, whether they count, creation, the time each KPI measures, and it without an effect."""
    both = (marketing.tickets, simulate_cases(world))
    created = np.concatenate([part.existence.created for part in both])
    same = (_joined(both, "team"), _joined(both, "is_valid"), created)
    return {
        "first_response_minutes": (
            *same,
            _joined(both, "replied") - created,
            _joined(both, "would_be_replied") - created,
        ),
        "resolution_hours": (*same, _joined(both, "closed") - created, _joined(both, "would_be_closed") - created),
    }


def _joined(parts: Sequence[Any], name: str) -> Any:
    return np.concatenate([getattr(part, name) for part in parts])


def _medians(observed: Times, without: Times) -> float | None:
    return _relative(float(np.median(observed)), float(np.median(without))) if len(observed) else None


def _response(world: World, leads: tuple[Leads, ...], at: int) -> float | None:
    observed, without = [], []
    for part in leads:
        known = _learned(world, part.team, part.entered, at) & part.is_valid
        known &= (part.would_be_touched <= at) & (part.touched <= at)
        observed.append((part.touched - part.entered)[known])
        without.append((part.would_be_touched - part.entered)[known])
    return _medians(np.concatenate(observed), np.concatenate(without))


def _outcomes(world: World, parts: tuple[Deals, ...], at: int) -> dict[str, float | None]:
    sums: dict[str, Numbers] = {k: np.zeros(2) for k in ("deals", "revenue", "sized", "cohort")}
    for deals in parts:
        closed = _learned(world, deals.team, deals.closed, at) & deals.is_valid
        ripe = _learned(world, deals.team, deals.created, at - COHORT_DAYS * DAY) & deals.is_valid
        ripe &= deals.closed < deals.created + COHORT_DAYS * DAY
        amount = np.nan_to_num(deals.amount)
        for column, is_won in enumerate((deals.is_won, deals.would_win)):
            sums["deals"][column] += (is_won & closed).sum()
            sums["revenue"][column] += amount[is_won & closed].sum()
            sums["sized"][column] += (is_won & closed & (amount > 0)).sum()
            sums["cohort"][column] += (is_won & ripe).sum()
    won = _relative(*sums["deals"])
    size = sums["revenue"] / np.maximum(sums["sized"], 1)
    return {
        "won_deals": won,
        "win_rate": won,
        "won_revenue": _relative(*sums["revenue"]),
        "avg_deal_size": _relative(*size),
        "cohort_win_rate": _relative(*sums["cohort"]),
    }


def _recording(world: World, sales: Sales, activities: Activities, at: int) -> dict[str, float | None]:
    """Share of won deals with two or more human activities before closing, before go-live and after learning."""
    deals = sales.deals
    counts = np.zeros(len(deals.team), dtype=np.int64)
    logged = (activities.deal >= 0) & activities.is_human & (activities.kind != TODO)
    logged &= (activities.existence.created <= at) & (activities.at <= deals.closed[activities.deal])
    np.add.at(counts, activities.deal[logged], 1)
    won = deals.is_won & (deals.closed <= at) & deals.is_valid
    before = won & (deals.closed < world.go_live[deals.team])
    after = won & (deals.closed >= world.learned[deals.team])
    return {
        "logged_share_before": world.scenario.logging_before,
        "logged_share_after": float(is_logged_share(world, np.array([world.wave_teams["w1"][0]]), np.array([at]))[0]),
        "activity_capture_rate_before": float((counts[before] >= 2).mean()) if before.any() else None,
        "activity_capture_rate_after": float((counts[after] >= 2).mean()) if after.any() else None,
    }
