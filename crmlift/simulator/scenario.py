"""The companies that can be simulated: same life, different effect of the rollout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crmlift.errors import UsageFailure


@dataclass(frozen=True)
class Scenario:
    """What the rollout did to a company.

    effects: KPI id → relative effect on its mechanism from the end of a team's learning window on (−0.35: the time
    falls by 35 %); KPIs that are absent have none. dip: relative worsening while a team
    learns (0.2: times 20 % longer).
    logging_before, logging_after: share of the sellers' talks that gets logged before and after a team's go-live.
    """

    name: str
    summary: str
    effects: Mapping[str, float] = field(default_factory=dict)
    dip: float = 0.0
    logging_before: float = 0.28
    logging_after: float = 0.28


@dataclass(frozen=True)
class Wave:
    """Teams that go live on one day; `go_live` is a local date (ISO)."""

    id: str
    go_live: str
    teams: int


WAVES = (Wave("w1", "2025-10-06", 6), Wave("w2", "2025-11-17", 6), Wave("w3", "2026-01-05", 6))
CONTROL_TEAMS = 6
LEARNING_DAYS = 42

SIZES: Mapping[str, int] = {"small": 1, "medium": 5, "large": 20}
"""People and volumes as multiples of the small company; the teams stay the same."""

COMPANIES: Mapping[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "known",
            "a rollout in three waves of teams that shortened answers and handling and won more deals",
            effects={
                "lead_response_minutes": -0.35,
                "first_response_minutes": -0.30,
                "resolution_hours": -0.25,
                "win_rate": 0.20,
            },
            dip=0.2,
            logging_after=0.95,
        ),
        Scenario("null", "the same company after a rollout that changed nothing"),
    )
}


def scenario_named(name: str) -> Scenario:
    """The scenario; UsageFailure lists the names if there is none."""
    if name not in COMPANIES:
        raise UsageFailure(
            f"There is no simulated company called {name!r}.",
            why="Known are: " + ", ".join(f"{s.name} ({s.summary})" for s in COMPANIES.values()) + ".",
            next_step=f"choose one of them, for example  crmlift simulate --company {next(iter(COMPANIES))}",
        )
    return COMPANIES[name]


def scale_named(size: str) -> int:
    """How many times the small company; UsageFailure lists the sizes if there is no such one."""
    if size not in SIZES:
        raise UsageFailure(
            f"There is no company size called {size!r}.",
            why=f"Known are: {', '.join(SIZES)}.",
            next_step="choose one of them, for example  crmlift simulate --size small",
        )
    return SIZES[size]
