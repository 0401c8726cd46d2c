"""A few teams on one date, and many that never had it: synthetic difference-in-differences.

Arkhangelsky, Athey, Hirshberg, Imbens, Wager 2021, Am. Econ. Rev. 111(12): controls and periods are weighted so that
the weighted controls run parallel to the treated before. The error comes from treating controls that were not
(their algorithm 4), so at least MIN_CONTROLS of them are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special, stats

from metrics import did, teams
from metrics.designs import FEW_TEAMS, Design
from metrics.finding import Finding, Part, Path, day
from metrics.limits import possible
from metrics.panel import Panel, Rows, build, slots, spacing, states
from metrics.path import MIN_PART_DAYS, MIN_PART_SLOTS, PARTS
from metrics.question import Bools, Floats, Question

MIN_CONTROLS = 10
METHOD = "synthetic_did"
PATH_PLACEBOS = 200


@dataclass(frozen=True)
class Ready:
    """A complete panel. outcome: (units, periods), logs where is_log; treated: of its units; after: of its periods.

    unit: from its differences to the KPI's unit. members: units of the question in it that went live. used: slots.
    """

    panel: Panel
    outcome: Floats
    treated: Bools
    after: Bools
    is_log: bool
    unit: float
    members: Bools
    used: Bools


def applies(question: Question, design: Design) -> bool:
    """One date, too few treated teams to tell them from chance by themselves, and enough controls to show chance."""
    dates = question.go_live[question.has_rows]
    controls = int(np.isnat(dates).sum())
    return design.name == "controls" and len(dates) - controls < FEW_TEAMS and controls >= MIN_CONTROLS


def ready(question: Question, rows: Rows, design: Design) -> Ready | None:
    """The panel of units with a record in every period, but for those left out; None when too few are complete."""
    length = spacing(question.at) if question.is_periodic else "4 weeks"
    panel = build(question, rows, slots(question, rows.start, rows.end, length))
    before, after = states(question, rows, panel.edges)
    live = np.asarray(after.any(1))
    after_all = np.asarray(after[live].all(0))
    used = np.asarray(before[live].all(0)) | after_all
    with np.errstate(divide="ignore", invalid="ignore"):
        value = (panel.num / panel.den)[:, used]
    complete = np.isfinite(value).all(1) & (panel.rows[:, used] > 0).all(1)
    after_used = after_all[used]
    members = live & complete
    if not members.any() or (~live & complete).sum() < MIN_CONTROLS or after_used.all() or not after_used.any():
        return None
    is_log = teams.is_multiplicative(question, teams.prepare(question, rows, design).cells)
    is_log = is_log and bool((value[complete] > 0).all())
    outcome = np.log(value[complete]) if is_log else value[complete]
    unit = 1.0 if is_log else teams.per_team_factor(question, panel, int(members.sum()))
    return Ready(panel, outcome, live[complete], after_used, is_log, unit, members, used)


def measure(question: Question, rows: Rows, design: Design, level: float) -> Finding | None:
    """The effect on the treated; None when no period is complete for enough controls."""
    made = ready(question, rows, design)
    if made is None:
        return None
    beside = teams.measure(question, rows, design, level)
    found = did.synthetic(made.outcome, made.treated, made.after, question.seed)
    if not found["error"] > 0:
        return None
    panel = made.panel
    effect, error = made.unit * found["estimate"], made.unit * found["error"]
    reach = float(stats.norm.ppf((1 + level) / 2)) * error
    before_cells, after_cells = (side & made.members[:, None] for side in (panel.before, panel.after))
    diagnostics: dict[str, Any] = {
        "teams": len(question.go_live), "teams_treated": int(made.members.sum()),
        "scale": "log" if made.is_log else "level", "value_per": teams.value_per(question, panel),
        "controls": int((~made.treated).sum()), "control_weights": found["weights"], "fit_before": found["fit_before"],
        "difference_in_differences": beside.theta if isinstance(beside, Finding) else None,
    }  # fmt: skip
    weeks = panel.days() / 7
    return Finding(
        METHOD, made.is_log, effect, effect - reach, effect + reach,
        float(2 * stats.norm.sf(abs(effect) / error)), error, float("inf"),
        teams.value_of(question, panel, before_cells), teams.value_of(question, panel, after_cells),
        *teams.ends(panel, before_cells), *teams.ends(panel, after_cells),
        int(panel.rows[before_cells].sum()), int(panel.rows[after_cells].sum()),
        float(np.median((before_cells * weeks).sum(1)[made.members])),
        float(np.median((after_cells * weeks).sum(1)[made.members])), (), diagnostics, possible(question),
    )  # fmt: skip


def path_of(question: Question, rows: Rows, design: Design, level: float) -> Path | None:
    """The first third of the time after against the last, each estimated by itself; None when they are too short.

    The two share what the controls did before, so the error of their difference is at most that of independent ones.
    """
    made = ready(question, rows, design)
    if made is None:
        return None
    parts = np.array_split(np.flatnonzero(made.after), PARTS)
    days = float(np.median(made.panel.days()))
    if len(parts[-1]) < MIN_PART_SLOTS or len(parts[-1]) * days < MIN_PART_DAYS:
        return None
    edges, places = made.panel.edges, np.flatnonzero(made.used)
    reach, ends, errors = float(special.ndtri((1 + level) / 2)), [], []
    for part in (parts[0], parts[-1]):
        kept = ~made.after
        kept[part] = True
        found = did.synthetic(
            made.outcome[:, kept], made.treated, made.after[kept], question.seed, placebos=PATH_PLACEBOS
        )
        theta, error = made.unit * found["estimate"], made.unit * found["error"]
        dates = day(edges[places[part[0]]]), day(edges[places[part[-1]] + 1])
        ends.append(Part(theta, theta - reach * error, theta + reach * error, len(part) * days / 7, *dates))
        errors.append(error)
    apart = ends[1].theta - ends[0].theta
    return Path(ends[0], ends[1], float(2 * stats.norm.sf(abs(apart) / max(float(np.hypot(*errors)), 1e-12))))
