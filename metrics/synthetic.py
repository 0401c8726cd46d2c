"""A few teams on one date, and many that never had it: synthetic difference-in-differences.

Arkhangelsky, Athey, Hirshberg, Imbens, Wager 2021, Am. Econ. Rev. 111(12): controls and periods are weighted so that
the weighted controls run parallel to the treated before. The error comes from treating controls that were not
(their algorithm 4), so at least MIN_CONTROLS of them are asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from metrics import did, teams
from metrics.designs import FEW_TEAMS, Design
from metrics.finding import Finding
from metrics.limits import possible
from metrics.panel import Rows, build, slots, spacing
from metrics.question import Question

MIN_CONTROLS = 10
METHOD = "synthetic_did"


def applies(question: Question, design: Design) -> bool:
    """One date, too few treated teams to tell them from chance by themselves, and enough controls to show chance."""
    dates = question.go_live[np.unique(question.unit)]
    controls = int(np.isnat(dates).sum())
    return design.name == "controls" and len(dates) - controls < FEW_TEAMS and controls >= MIN_CONTROLS


def measure(question: Question, rows: Rows, design: Design, level: float) -> Finding | None:
    """The effect on the treated; None when no period is complete for enough controls."""
    length = spacing(question.at) if question.is_periodic else "4 weeks"
    panel = build(question, rows, slots(question, rows.start, rows.end, length))
    treated = np.asarray(panel.after.any(1))
    after_all = np.asarray(panel.after[treated].all(0))
    used = np.asarray(panel.before[treated].all(0)) | after_all
    with np.errstate(divide="ignore", invalid="ignore"):
        value = (panel.num / panel.den)[:, used]
    complete = np.isfinite(value).all(1) & (panel.rows[:, used] > 0).all(1)
    after = after_all[used]
    if (treated & complete).sum() == 0 or (~treated & complete).sum() < MIN_CONTROLS or after.all() or not after.any():
        return None
    beside = teams.measure(question, rows, design, level)
    is_log = teams.is_multiplicative(question, teams.prepare(question, rows, design).cells)
    is_log = is_log and bool((value[complete] > 0).all())
    outcome = np.log(value[complete]) if is_log else value[complete]
    found = did.synthetic(outcome, treated[complete], after, question.seed)
    if not found["error"] > 0:
        return None
    unit = 1.0 if is_log else teams.per_team_factor(question, panel, int((treated & complete).sum()))
    effect, error = unit * found["estimate"], unit * found["error"]
    reach = float(stats.norm.ppf((1 + level) / 2)) * error
    before_cells, after_cells = panel.before & treated[:, None], panel.after
    diagnostics: dict[str, Any] = {
        "teams": len(question.go_live), "teams_treated": int(treated.sum()), "scale": "log" if is_log else "level",
        "value_per": teams.value_per(question, panel), "controls": int((~treated & complete).sum()),
        "control_weights": found["weights"], "fit_before": found["fit_before"],
        "difference_in_differences": beside.theta if isinstance(beside, Finding) else None,
    }  # fmt: skip
    weeks = panel.days() / 7
    return Finding(
        METHOD, is_log, effect, effect - reach, effect + reach,
        float(2 * stats.norm.sf(abs(effect) / error)), error, float("inf"),
        teams.value_of(question, panel, before_cells), teams.value_of(question, panel, after_cells),
        *teams.ends(panel, before_cells), *teams.ends(panel, after_cells),
        int(panel.rows[before_cells].sum()), int(panel.rows[after_cells].sum()),
        float(np.median((before_cells * weeks).sum(1)[treated])),
        float(np.median((after_cells * weeks).sum(1)[treated])), (), diagnostics, possible(question),
    )  # fmt: skip
