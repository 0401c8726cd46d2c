"""One go-live date and no teams to compare with: the series against its own history (`series.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from metrics import quasi, series
from metrics.finding import Finding, day
from metrics.panel import Panel, Rows, build, slots, spacing
from metrics.question import ADDITIVE_KINDS, Bools, Floats, Ints, Question, Times
from metrics.seasons import YEAR_DAYS, calendar_terms

MIN_ROWS_A_SLOT = 8
MIN_NOISE = 1e-3
DETECTABLE = 2.8
"""Errors from zero of an effect that a 5 % test finds four times in five."""


@dataclass(frozen=True)
class Line:
    """The company's one series: value per slot; before, after: which slots count on which side.

    likelihood: of counts and shares, which may be zero in a slot; empty: the logarithm, or the value, is regressed.
    """

    edges: Times
    value: Floats
    num: Floats
    den: Floats
    rows: Floats
    before: Bools
    after: Bools
    log: bool
    value_per: str
    likelihood: str = ""


def line_of(question: Question, rows: Rows) -> Line:
    """Sum the teams asked about into one series, in the finest slots that are not mostly empty."""
    lengths = [question.period] if question.period != "auto" else _candidates(question)
    line = None
    for length in lengths:
        edges = slots(question, rows.start, rows.end, "week" if length == "day" else length)
        if len(edges) < 3:
            continue
        line = _read(question, build(question, rows, edges), length)
        used = line.before | line.after
        is_simple = question.log is False or (line.log and bool((line.value[used] > 0).all()))
        if is_simple and question.kind != "quantile":
            break
        if used.any() and line.rows[used].mean() >= _rows_needed(question):
            break
    if line is None:
        edges = np.array([rows.start, max(rows.end, rows.start + 1)])
        line = _read(question, build(question, rows, edges), "week")
    return line


def _rows_needed(question: Question) -> float:
    """Rows a slot should have on average; for a quantile, as many on either side of it."""
    return MIN_ROWS_A_SLOT / min(question.share, 1 - question.share) if question.kind == "quantile" else MIN_ROWS_A_SLOT


def _candidates(question: Question) -> list[str]:
    """Slot lengths to try, finest first."""
    return [spacing(question.at)] if question.is_periodic else ["week", "4 weeks"]


def _read(question: Question, panel: Panel, length: str) -> Line:
    """One series out of the teams asked about; on the log scale when that is possible and not forbidden."""
    asked = ~np.isnat(question.go_live)
    if question.focus is not None:
        asked &= question.focus
    num, den, rows = panel.num[asked].sum(0), panel.den[asked].sum(0), panel.rows[asked].sum(0)
    per, value_per = 1.0, ""
    if question.kind in ADDITIVE_KINDS:
        value_per = "week" if length in ("day", "week", "4 weeks") else length
        den = panel.days() if value_per == "week" else np.ones(len(panel.edges) - 1)
        per = 7.0 if value_per == "week" else 1.0
    elif question.kind == "nps":
        per = 100.0
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(den > 0, per * num / den, np.nan)
    has_rows = rows > 0 if question.kind not in ADDITIVE_KINDS or question.is_periodic else np.ones(len(num), bool)
    before = _joint(panel.before[asked]) & has_rows & np.isfinite(value)
    after = _joint(panel.after[asked]) & has_rows & np.isfinite(value)
    used = before | after
    likelihood = _likelihood(question, num, value, before, after)
    possible = question.kind != "nps" and bool(used.any()) and bool((value[used] > 0).all())
    log = (possible or bool(likelihood)) and question.log is not False
    return Line(panel.edges, value, num * per, den, rows, before, after, log, value_per, likelihood if log else "")


def _likelihood(question: Question, num: Floats, value: Floats, before: Bools, after: Bools) -> str:
    """That of counts and of shares; empty when the kind has none or a side has nothing to take a ratio of."""
    sides = bool(num[before].any() and num[after].any())
    is_share = question.kind == "proportion"
    is_possible = bool((num[before | after] >= 0).all()) and not (is_share and bool((value[before | after] > 1).any()))
    return quasi.NAMES.get(question.kind, "") if sides and is_possible else ""


def _joint(marks: Bools) -> Bools:
    """Slots in which every team that has begun is on this side; none between the first and the last go-live."""
    has_any = marks.any(1)
    return np.asarray(marks[has_any].all(0) if has_any.any() else np.zeros(marks.shape[1], dtype=bool))


def design(question: Question, rows: Rows, line: Line, used: Bools) -> tuple[Floats, tuple[str, ...]]:
    """Columns of the regression but for the step, of full rank, and their kinds: level, trend, calendar, covariates."""
    middle = (line.edges[:-1].astype(float) + line.edges[1:].astype(float)) / 2
    trend = (middle - middle.mean()) / YEAR_DAYS
    calendar, kinds = calendar_terms(line.edges, question.fiscal_start_month)
    parts, kinds = [np.ones((len(trend), 1)), trend[:, None], calendar], ("level", "trend", *kinds)
    if question.covariates is not None:
        parts.append(_covariates(question, rows, line))
        kinds += ("covariate",) * parts[-1].shape[1]
    x = np.column_stack(parts)[used]
    kept: list[int] = []
    for column in range(x.shape[1]):
        trial = x[:, [*kept, column]]
        if np.linalg.matrix_rank(trial, tol=1e-8 * np.sqrt(len(trial))) == len(kept) + 1:
            kept.append(column)
    return np.asarray(x[:, kept]), tuple(kinds[column] for column in kept)


def _covariates(question: Question, rows: Rows, line: Line) -> Floats:
    """Covariates averaged over each slot, logged when the outcome is and they can be, centred and scaled."""
    assert question.covariates is not None
    place = np.searchsorted(line.edges, rows.day, side="right") - 1
    inside = (place >= 0) & (place < len(line.value))
    count = np.bincount(place[inside], minlength=len(line.value))
    columns = []
    for column in question.covariates[rows.picked].T:
        total = np.bincount(place[inside], weights=column[inside], minlength=len(line.value))
        mean = total / np.maximum(count, 1)
        if line.log and (mean[count > 0] > 0).all():
            mean = np.log(np.where(count > 0, mean, 1.0))
        centre, spread = mean[count > 0].mean(), mean[count > 0].std()
        columns.append((mean - centre) / (spread if spread > 0 else 1.0))
    return np.column_stack(columns)


@dataclass(frozen=True)
class Regression:
    """A regression ready to fit: outcome, columns but for the step and their kinds, step, places of the slots.

    weight: how much each slot tells, on average 1. likelihood: the one y and weight come from; empty: y is the value.
    """

    line: Line
    used: Bools
    y: Floats
    x: Floats
    kinds: tuple[str, ...]
    step: Floats
    places: Ints
    weight: Floats
    likelihood: str = ""


def regression(question: Question, rows: Rows) -> Regression | None:
    """The regression for a question; None when there is not enough to fit it."""
    line = line_of(question, rows)
    used = line.before | line.after
    if line.before.sum() < 3 or not line.after.any():
        return None
    (x, kinds), places = design(question, rows, line, used), np.flatnonzero(used)
    step = line.after[used].astype(float)
    if not is_estimable(x, kinds, step):
        return None
    y, weight, likelihood, line = _outcome(line, used, np.column_stack([x, step]))
    if float(np.std(y)) == 0.0:
        return None
    return Regression(line, used, y, x, kinds, step, places, weight, likelihood)


def _outcome(line: Line, used: Bools, x: Floats) -> tuple[Floats, Floats, str, Line]:
    """What to regress and each slot's weight: by the likelihood of counts and shares, else log or level, all alike."""
    value, alike = line.value[used], np.ones(int(used.sum()))
    if line.likelihood:
        made = quasi.working(line.num[used], line.den[used], x, line.likelihood == quasi.NAMES["proportion"])
        if made is not None:
            return *made, line.likelihood, line
        line = replace(line, log=bool((value > 0).all()), likelihood="")
    return np.log(value) if line.log else value, alike, "", line


def posterior(made: Regression) -> series.Posterior:
    """What is known of the step."""
    return _fit(made, np.ones(len(made.y), bool), np.column_stack([made.x, made.step]), made.kinds)


def _fit(made: Regression, kept: Bools, x: Floats, kinds: tuple[str, ...]) -> series.Posterior:
    """The step (last column of x) in some of the slots."""
    root = np.sqrt(made.weight[kept])
    y, x, places = made.y[kept] * root, x * root[:, None], made.places[kept]
    noise = max(series.residual_spread(y, x), MIN_NOISE) if made.line.log else series.USUAL_NOISE
    weeks = float(np.median(np.diff(made.line.edges).astype(float))) / 7 if made.line.log else 1.0
    return series.fit(y, x, (*kinds, "step"), tuple(int(p) for p in places), noise, weeks)


def point(question: Question, rows: Rows) -> tuple[float, float]:
    """Estimate and standard error alone; NaN when they cannot be made."""
    made = regression(question, rows)
    if made is None:
        return float("nan"), float("nan")
    found = posterior(made)
    return found.centre, found.spread


def is_estimable(x: Floats, kinds: Sequence[str], step: Floats) -> bool:
    """Whether the step can be told from the columns nothing is known of beforehand, with observations to spare."""
    flat = np.column_stack([x[:, [kind in series.FLAT for kind in kinds]], step])
    return bool(len(flat) > flat.shape[1] + 3 and np.linalg.matrix_rank(flat) == flat.shape[1])


def measure(question: Question, rows: Rows, level: float) -> Finding | None:
    """The effect of the go-live on the series; None when there is not enough to fit the model."""
    made = regression(question, rows)
    if made is None:
        return None
    line, found = made.line, posterior(made)
    low, high = found.interval(level)
    diagnostics = {
        "period": f"{np.median(np.diff(line.edges).astype(float)):.0f} days",
        "scale": "log" if line.log else "level",
        "likelihood": made.likelihood or "normal",
        "value_per": line.value_per,
        "autocorrelation": round(found.rho, 3),
        "drift_step": round(found.drift, 3),
        "placebo": placebo(made, line.before[made.used], int(line.after.sum())),
        "series": _series_table(line),
    }
    years = float((line.edges[np.flatnonzero(line.before)[-1] + 1] - line.edges[0]).astype(float)) / YEAR_DAYS
    caveats: tuple[str, ...] = (
        ()
        if years >= 2
        else ("Fewer than two full years before the go-live: season and effect are hard to tell apart.",)
    )
    if np.isnat(question.go_live).any():
        caveats += ("The teams that did not go live are too few to compare with, and are left out.",)
    return Finding(
        "series_averaged", line.log, found.centre, low, high, found.p_value(), found.spread, float(found.df),
        *levels(line),
        day(line.edges[np.flatnonzero(line.before)[0]]), day(line.edges[np.flatnonzero(line.before)[-1] + 1]),
        day(line.edges[np.flatnonzero(line.after)[0]]), day(line.edges[np.flatnonzero(line.after)[-1] + 1]),
        int(line.rows[line.before].sum()), int(line.rows[line.after].sum()),
        _weeks(line, line.before), _weeks(line, line.after), caveats, diagnostics,
    )  # fmt: skip


def levels(line: Line) -> tuple[float, float]:
    """What the KPI was before and after, in the unit people see."""
    before, after = (float(line.num[side].sum() / line.den[side].sum()) for side in (line.before, line.after))
    return before, after


def _weeks(line: Line, side: Bools) -> float:
    """Weeks covered by the slots of a side."""
    return float(np.diff(line.edges).astype(float)[side].sum()) / 7


def placebo(made: Regression, before: Bools, after_slots: int) -> dict[str, object]:
    """The same test at dates on which nothing went live, inside the period before; how often it finds something."""
    seen = np.flatnonzero(before)
    n = len(seen)
    window = max(4, min(after_slots, n // 4))
    found, detectable = [], []
    for share in (0.45, 0.55, 0.65, 0.75):
        cut = int(n * share)
        kept = np.zeros(len(before), dtype=bool)
        kept[seen[: cut + window]] = True
        x, step = made.x[kept], (np.arange(int(kept.sum())) >= cut).astype(float)
        some = [0, *np.flatnonzero(np.ptp(x, axis=0) > 0)]
        kinds = tuple(made.kinds[column] for column in some)
        if not is_estimable(x[:, some], kinds, step) or float(np.std(made.y[kept])) == 0.0:
            continue
        moved = _fit(made, kept, np.column_stack([x[:, some], step]), kinds)
        found.append(moved.p_value())
        detectable.append(round(DETECTABLE * moved.spread, 5))
    return {
        "p_values": [round(p, 4) for p in found],
        "rejected": sum(p < 0.05 for p in found),
        "detectable": detectable,
    }


def _series_table(line: Line) -> list[dict[str, object]]:
    """The series itself, for a chart: day, value, side."""
    side = np.where(line.after, "after", np.where(line.before, "before", "left out"))
    return [
        {"start": str(e), "value": None if not np.isfinite(v) else round(float(v), 6), "side": str(s)}
        for e, v, s in zip(line.edges[:-1], line.value, side, strict=True)
    ]
