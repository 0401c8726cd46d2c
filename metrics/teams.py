"""Many teams: the pooled effect of their go-lives, its interval, and everything that could speak against it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from scipy import special

from metrics import staggered
from metrics.designs import Design
from metrics.finding import NOTHING_LEFT, Finding, Unmeasured, day
from metrics.limits import possible
from metrics.panel import Panel, Rows, blocks, build, first_go_live, slot_length, slots, states
from metrics.question import ADDITIVE_KINDS, Bools, Floats, Ints, Question
from metrics.randomisation import invert
from metrics.staggered import Cells

MAX_BLOCK_DAYS = 91.0
FLAT = 1e-7
QUARTER_DAYS = 91
MIN_PLACEBO_DAYS = 91.0


@dataclass(frozen=True)
class Setting:
    """A panel ready for estimation: all the cells (of every team) and which teams' effect is asked for."""

    panel: Panel
    cells: Cells
    first_slot: Ints
    focus: Bools
    min_untreated: int


def is_multiplicative(question: Question, cells: Cells) -> bool:
    """Effects as ratios, unless values may be negative or the user said they are differences already.

    Asked of blocks, not of days: pseudo-observations of a duration may add up to less than nothing on a single day.
    """
    if question.kind == "nps" or question.log is False:
        return False
    if question.log is None and question.is_periodic and question.kind == "mean":
        return False
    return bool((cells.num[cells.before | cells.after] >= 0).all())


def prepare(question: Question, rows: Rows, design: Design) -> Setting:
    """Build the panel and join it to blocks."""
    length = question.period if question.period != "auto" and question.is_periodic else slot_length(question, rows)
    panel = build(question, rows, slots(question, rows.start, rows.end, length))
    cells, first = blocks(panel, True, _max_days(question))
    cells = replace(cells, multiplicative=is_multiplicative(question, cells))
    focus = np.ones(len(question.go_live), bool) if question.focus is None else question.focus
    return Setting(panel, cells, first, focus & ~np.isnat(question.go_live), design.min_untreated)


def _max_days(question: Question) -> float | None:
    """How long a block may be; sums and counts lose nothing by long ones."""
    return None if question.kind in ADDITIVE_KINDS else MAX_BLOCK_DAYS


def asked(setting: Setting) -> Bools:
    """The cells whose effect is asked for."""
    return staggered.usable_after(setting.cells, setting.min_untreated) & setting.focus[:, None]


def point(setting: Setting) -> tuple[float, float, float]:
    """Effect, standard error and degrees of freedom over the cells asked for; NaN when there are none."""
    usable = asked(setting)
    if not usable.any():
        return float("nan"), float("nan"), float("nan")
    weight, after = setting.cells.before.astype(float)[None], usable.astype(float)[None]
    effect = float(staggered.effects(setting.cells, weight, after)[0][0])
    error, df = staggered.jackknife_error(effect, staggered.leave_one_out(setting.cells, usable))
    return effect, error, df


def measure(question: Question, rows: Rows, design: Design, level: float) -> Finding | Unmeasured:
    """The pooled effect, or why there is none."""
    setting = prepare(question, rows, design)
    usable = asked(setting)
    if not usable.any():
        return _unusable(setting)
    if not setting.cells.num[usable].any() and setting.cells.num[setting.cells.before].any():
        return Unmeasured(NOTHING_LEFT, "Only zeros were recorded after the go-live.")
    effect, error, df = point(setting)
    if not np.isfinite(effect) or not (np.isfinite(error) or design.is_randomised):
        return Unmeasured("one_team", "The estimate hangs on a single team; without it there is none.")
    if max(abs(effect), error) <= FLAT * (1.0 if setting.cells.multiplicative else _size(setting)):
        return finding(question, setting, design, (0.0, 0.0, 0.0, float("nan"), 0.0, df), {})
    reach = float(special.stdtrit(df, (1 + level) / 2)) * error
    low, high = effect - reach, effect + reach
    p_value = float(2 * special.stdtr(df, -abs(effect) / error)) if error > 0 else float("nan")
    diagnostics: dict[str, Any] = {"jackknife": {"estimate": effect, "error": error, "df": df, "p_value": p_value}}
    if design.is_randomised:
        schedule = _schedule(setting)
        found = invert(
            replace(setting.cells, after=setting.cells.after & setting.focus[:, None]),
            effect, schedule, setting.min_untreated, level, question.seed,
        )  # fmt: skip
        low, high, p_value = found.low, found.high, found.p_value
        diagnostics["randomisation"] = {"draws": found.draws, "p_value": p_value}
    return finding(question, setting, design, (effect, low, high, p_value, error, df), diagnostics)


def _unusable(setting: Setting) -> Unmeasured:
    """Why no cell after go-live can be used."""
    after = setting.cells.after & setting.focus[:, None]
    if not after.any():
        words = "Nothing was recorded after the learning window of the teams that went live."
        return Unmeasured("nothing_after", words)
    if not setting.cells.before[after.any(1)].any():
        return Unmeasured("nothing_before", "Nothing was recorded before the go-live of the teams that went live.")
    words = f"At no time after a go-live were {setting.min_untreated} teams still untouched to compare with."
    return Unmeasured("none_untouched", words)


def _size(setting: Setting) -> float:
    """How large the figures are, for what counts as rounding."""
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.abs(setting.cells.num / setting.cells.den)
    return float(np.nanmax(value[np.isfinite(value)], initial=FLAT))


def _schedule(setting: Setting) -> Ints:
    """Teams with the same states at all times (and all asked for, or not) may exchange their dates freely."""
    state = np.column_stack([setting.cells.before, setting.cells.after, setting.focus])
    return np.unique(state, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def finding(
    question: Question, setting: Setting, design: Design, numbers: tuple[float, ...], extra: dict[str, Any]
) -> Finding:
    """Values, spans and counts of the cells that were compared."""
    effect, low, high, p_value, error, df = numbers
    panel, usable = setting.panel, asked(setting)
    treated = np.asarray(usable.any(1))
    before, after = sides(setting)
    pre_value, post_value = levels(question, setting)
    method = ("imputation_" + ("ratio" if setting.cells.multiplicative else "difference")) + (
        "_randomised" if design.is_randomised else ""
    )
    diagnostics = {
        "teams": len(question.go_live),
        "teams_treated": int(treated.sum()),
        "blocks": int(setting.cells.num.shape[1]),
        "scale": "log" if setting.cells.multiplicative else "level",
        "value_per": value_per(question, panel),
        "leave_one_team_out": _range(staggered.leave_one_out(setting.cells, usable)),
        **extra,
    }
    if question.is_periodic and any((missing := _missing(question, setting)).values()):
        diagnostics["missing_periods"] = missing
    weeks = panel.days() / 7
    return Finding(
        method, setting.cells.multiplicative, effect * unit_of(question, setting), low * unit_of(question, setting),
        high * unit_of(question, setting), p_value, error * unit_of(question, setting), df, pre_value, post_value,
        *ends(panel, before), *ends(panel, after),
        int(panel.rows[before].sum()), int(panel.rows[after].sum()),
        float(np.median((before * weeks).sum(1)[treated])), float(np.median((after * weeks).sum(1)[treated])),
        (), diagnostics, possible(question),
    )  # fmt: skip


def _missing(question: Question, setting: Setting) -> dict[str, int]:
    """Ready-made figures that are absent between the first and the last of each unit: before, after, of controls."""
    has_row = setting.panel.rows > 0
    inside = np.maximum.accumulate(has_row, 1) & np.maximum.accumulate(has_row[:, ::-1], 1)[:, ::-1]
    absent = inside & ~has_row
    is_early = setting.panel.edges[None, :-1] < question.go_live[:, None]
    asked_for = setting.focus[:, None]
    return {
        "before": int((absent & asked_for & is_early).sum()), "after": int((absent & asked_for & ~is_early).sum()),
        "controls": int((absent & ~asked_for).sum()),
    }  # fmt: skip


def sides(setting: Setting) -> tuple[Bools, Bools]:
    """The slots (G, P) before and after of the teams whose effect is estimated, at the times that are compared."""
    usable = asked(setting)
    treated = np.asarray(usable.any(1))
    return setting.panel.before & treated[:, None], _spread_out(setting, usable) & setting.panel.after


def levels(question: Question, setting: Setting) -> tuple[float, float]:
    """What the KPI was before and after, in the unit people see."""
    before, after = sides(setting)
    return value_of(question, setting.panel, before), value_of(question, setting.panel, after)


def unit_of(question: Question, setting: Setting) -> float:
    """Differences of sums are made per day and team; everything is told per week (or period) and all teams."""
    if setting.cells.multiplicative:
        return 1.0
    return per_team_factor(question, setting.panel, int(setting.focus.sum()))


def per_team_factor(question: Question, panel: Panel, teams: int) -> float:
    """Factor from num/den of a team's cell to the value people see of so many teams."""
    if question.kind == "nps":
        return 100.0
    if question.kind not in ADDITIVE_KINDS:
        return 1.0
    return teams * (7.0 if value_per(question, panel) == "week" else float(np.median(panel.days())))


def value_per(question: Question, panel: Panel) -> str:
    """`week`, `month` …: what a sum is told per; empty for all other kinds."""
    if question.kind not in ADDITIVE_KINDS:
        return ""
    length = float(np.median(panel.days()))
    return "week" if length <= 28 else "month" if length < 45 else "quarter" if length < 200 else "year"


def value_of(question: Question, panel: Panel, cells: Bools) -> float:
    """The KPI over some cells: Σnum/Σden, sums per week (or period) of all the teams in them."""
    den = panel.den[cells].sum()
    if den <= 0:
        return float("nan")
    return float(panel.num[cells].sum() / den) * per_team_factor(question, panel, int(cells.any(1).sum()))


def _spread_out(setting: Setting, cells: Bools) -> Bools:
    """Block marks (G, B) back to slots (G, P)."""
    lengths = np.diff(np.r_[setting.first_slot, setting.panel.num.shape[1]])
    return np.repeat(cells, lengths, axis=1)


def ends(panel: Panel, cells: Bools) -> tuple[date | None, date | None]:
    """First day and day after the last of some cells."""
    used = np.flatnonzero(cells.any(0))
    return (day(panel.edges[used[0]]), day(panel.edges[used[-1] + 1])) if len(used) else (None, None)


def _range(values: Floats) -> dict[str, float]:
    """Smallest and largest."""
    known = values[np.isfinite(values)]
    return {"low": float(known.min()), "high": float(known.max())} if len(known) else {}


def placebo(question: Question, rows: Rows, design: Design) -> dict[str, Any]:
    """Go-lives moved into the past, true ones and the quarter before them cut off: nothing should be found.

    detectable: what each date would have found four times in five, on the estimate's scale; a test that can see little
    says little by finding nothing (Roth 2022, Am. Econ. Rev. Insights 4(3)).
    """
    found = [_moved(question, rows, design, shift, QUARTER_DAYS) for shift in (2 * QUARTER_DAYS, 3 * QUARTER_DAYS)]
    made = [each for each in found if each is not None]
    return {
        "p_values": [each["p_value"] for each in made],
        "estimates": [each["estimate"] for each in made],
        "detectable": [each["detectable"] for each in made],
        "rejected": sum(each["p_value"] < 0.05 for each in made),
    }


def quarter_before(question: Question, rows: Rows, design: Design) -> dict[str, float] | None:
    """The 13 weeks before go-live against all before; teams picked for a bad quarter show here. None: too short."""
    return _moved(question, rows, design, QUARTER_DAYS, 0)


def _moved(question: Question, rows: Rows, design: Design, shift: int, cut: int) -> dict[str, float] | None:
    """The effect of dates moved by `shift` days on cells that end `cut` days before any true exposure."""
    go_live = first_go_live(question)
    if (go_live - rows.start).astype(float) - rows.exposed_days - shift < MIN_PLACEBO_DAYS:
        return None
    moved = replace(question, go_live=question.go_live - np.timedelta64(shift, "D"), learning_days=0)
    setting = prepare(moved, rows, design)
    early = replace(rows, exposed_days=rows.exposed_days + cut)
    untouched, _ = states(question, early, setting.panel.edges)
    panel = replace(setting.panel, before=setting.panel.before & untouched, after=setting.panel.after & untouched)
    cells, first = blocks(panel, setting.cells.multiplicative, _max_days(question))
    effect, error, df = point(replace(setting, panel=panel, cells=cells, first_slot=first))
    if not np.isfinite(effect) or not error > 0:
        return None
    p_value = float(2 * special.stdtr(df, -abs(effect) / error))
    detectable = float(special.stdtrit(df, 0.975) + special.stdtrit(df, 0.8)) * error
    figures = {"estimate": effect, "error": error, "p_value": p_value, "detectable": detectable}
    return {name: round(value, 5) for name, value in figures.items()}
