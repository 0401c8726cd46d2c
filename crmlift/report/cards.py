"""One KPI as the report shows it: figures written out, the interval and the series drawn, caveats in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from crmlift.report.catalogue import Texts
from crmlift.report.numbers import Scale, day, interval, is_known, month, percent, plain, points, scale_for
from crmlift.report.reading import Series, Wave
from crmlift.report.svg import Line, effect_bar, line_chart
from crmlift.report.verdicts import ScorecardRow
from crmlift.report.wording import SIGNS, caveat_words, change_text, interval_text, reason_words, verdict_word

COMMON_LEVEL = 0.9501


@dataclass(frozen=True)
class Legend:
    """A line's name and its colour class."""

    tone: str
    text: str


@dataclass(frozen=True)
class Card:
    """Everything a template needs of one verdict, as text."""

    row: ScorecardRow
    name: str
    question: str
    sign: str
    verdict: str
    reason: str
    before: str
    after: str
    expected: str
    change: str
    change_points: str
    change_label: str
    interval: str
    bar: Markup
    chart: Markup
    chart_notes: tuple[str, ...]
    legend: tuple[Legend, ...]
    naive: str
    naive_note: str
    caveats: tuple[str, ...]
    smallprint: tuple[str, ...]
    target: str
    target_note: str
    guard: str


def value_scale(row: ScorecardRow, values: Sequence[float | None], texts: Texts) -> Scale:
    """The scale of a verdict's values; sums and counts are totals a week."""
    per = texts("common.per_week") if row.stat_type in ("sum", "count") else ""
    return scale_for(row.unit or "", values, currency=row.currency, locale=texts.locale, per=per)


def make_card(
    row: ScorecardRow, texts: Texts, *, series: Series | None = None, groups: Sequence[Wave] = (),
    names: Mapping[str, str] | None = None, reach: float | None = None,
) -> Card:  # fmt: skip
    """The card of one verdict. names: kpi_id → name, for the guard KPI. reach: half-width of the bar's scale."""
    scale = value_scale(row, (row.pre_value, row.post_value, row.counterfactual_value), texts)
    chart, legend, notes = _chart(row, series, groups, texts)
    guard = (names or {}).get(row.guard_kpi_id or "", "")
    return Card(
        row=row,
        name=row.name(texts.locale),
        question=row.question(texts.locale),
        sign=SIGNS.get(row.verdict, "?"),
        verdict=verdict_word(row, texts),
        reason=reason_words(row, texts),
        before=scale(row.pre_value),
        after=scale(row.post_value),
        expected=scale(row.counterfactual_value),
        change=change_text(row.change, row, texts.locale),
        change_points=_in_points(row, texts),
        change_label=_change_label(row, texts),
        interval=interval_text(row, texts.locale),
        bar=bar(row, texts, reach=reach),
        chart=chart,
        chart_notes=notes,
        legend=legend,
        naive=change_text(row.naive_change, row, texts.locale),
        naive_note=_naive_note(row, texts),
        caveats=tuple(caveat_words(row, texts)),
        smallprint=_smallprint(row, texts),
        target=_target(row, texts),
        target_note=_target_note(row, texts),
        guard=texts("card.guard", kpi=guard) if guard else "",
    )


def reach_of(row: ScorecardRow) -> float:
    """Half-width of a scale on which one effect, its interval and the pale band have room."""
    sizes = [abs(v) for v in (*row.change_interval, row.change, row.important_change) if is_known(v)]
    return 1.15 * max(sizes, default=0.1)


def bar(row: ScorecardRow, texts: Texts, *, reach: float | None = None, is_mirrored: bool = False) -> Markup:
    """The effect drawn as an interval; empty when there is no estimate."""
    low, high = row.change_interval
    if not (is_known(row.change) and is_known(low) and is_known(high)):
        return Markup("")
    locale = texts.locale
    values = {"estimate": change_text(row.change, row, locale), "interval": interval_text(row, locale)}
    band = row.important_change
    desc = (
        texts("effect.desc", band=change_text(band, row, locale).removeprefix("+"), **values) if is_known(band)
        else texts("effect.desc_plain", **values)
    )  # fmt: skip
    return effect_bar(
        row.change, low, high, reach=reach or reach_of(row), band=band, tone=row.verdict,
        title=texts("effect.title", kpi=row.name(locale)), desc=desc, is_mirrored=is_mirrored,
    )  # fmt: skip


def _change_label(row: ScorecardRow, texts: Texts) -> str:
    if row.is_provisional:
        return texts("card.change_provisional")
    return texts("card.change" if row.is_controlled else "card.change_uncontrolled")


def _in_points(row: ScorecardRow, texts: Texts) -> str:
    return points(row.effect, texts.locale) if row.unit == "share" and row.change is not None else ""


def _naive_note(row: ScorecardRow, texts: Texts) -> str:
    if not is_known(row.naive_change):
        return ""
    low, high = row.change_interval
    if row.verdict not in ("improved", "worsened", "no_material_change") or not (is_known(low) and is_known(high)):
        return texts("card.naive_nojudge")
    return texts("card.naive_agrees" if low <= row.naive_change <= high else "card.naive_differs")


def _smallprint(row: ScorecardRow, texts: Texts) -> tuple[str, ...]:
    locale, lines = texts.locale, []
    if row.pre_start and row.pre_end and row.post_start and row.post_end:
        ends = {key: day(getattr(row, key), locale) for key in ("pre_start", "pre_end", "post_start", "post_end")}
        lines.append(texts("card.window", **ends))
    if row.n_pre is not None and row.n_post is not None:
        counts = {"n_pre": plain(row.n_pre, 0, locale), "n_text": plain(row.n_post, 0, locale)}
        lines.append(texts("card.n", n=row.n_post, **counts))
    if row.look:
        look = texts("card.provisional_look") if row.look == "provisional" else texts.or_plain("look", row.look)
        lines.append(texts("card.look", look=look, date=day(row.as_of, locale)))
    level = row.diagnostics.get("interval_level")
    if isinstance(level, float) and level > COMMON_LEVEL:
        lines.append(texts("card.level", level=percent(level, locale, signed=False)))
    if row.change is not None and is_known(row.provisional_effect_rel) and not (row.is_provisional or row.is_in_points):
        tonight = interval(row.provisional_ci_low, row.provisional_ci_high, locale)
        change = percent(row.provisional_effect_rel, locale)
        lines.append(texts("card.tonight", date=day(row.provisional_as_of, locale), change=change, interval=tonight))
    return tuple(lines)


def _target(row: ScorecardRow, texts: Texts) -> str:
    if not is_known(row.target_change_rel):
        return ""
    change = percent(row.target_change_rel, texts.locale, digits=0)
    return texts("goals.by", change=change, date=day(row.target_date, texts.locale)) if row.target_date else change


def _target_note(row: ScorecardRow, texts: Texts) -> str:
    low, high, target = row.effect_rel_ci_low, row.effect_rel_ci_high, row.target_change_rel
    if not (is_known(low) and is_known(high) and is_known(target)):
        return ""
    if low <= target <= high:
        return texts("goals.possible")
    is_beyond = low > target if target >= 0 else high < target
    return texts("goals.reached" if is_beyond else "goals.missed")


def _chart(
    row: ScorecardRow, series: Series | None, groups: Sequence[Wave], texts: Texts
) -> tuple[Markup, tuple[Legend, ...], tuple[str, ...]]:
    if series is None or not series.lines:
        return Markup(""), (), ()
    locale = texts.locale
    values = [value for line in series.lines for _, value in line.points]
    days = [d for line in series.lines for d, _ in line.points]
    unit = "share" if series.is_index else row.unit or ""
    scale = scale_for(unit, values, currency=row.currency, locale=locale)
    shown = [Line(line.tone, [(d, v / scale.divisor) for d, v in line.points]) for line in series.lines]
    period = texts("chart.monthly" if series.grain == "month" else "chart.weekly")
    desc = texts(
        "chart.desc", n=len(series.lines), start=day(min(days), locale), end=day(max(days), locale),
        low=scale(min(values)), high=scale(max(values)),
    )  # fmt: skip
    lives = sorted({wave.go_live for wave in groups if wave.go_live})
    drawn = line_chart(
        shown, marks=lives, number=scale.tick, month=lambda value: month(value, locale), desc=desc,
        title=texts("chart.title", kpi=row.name(locale), period=period),
    )  # fmt: skip
    legend = tuple(Legend(line.tone, texts(f"chart.{line.tone}")) for line in series.lines)
    notes = [period]
    if row.stat_type == "duration":
        notes.append(texts("chart.median"))
    if len(series.lines) == 1:
        legend = ()
    if series.is_index:
        notes.append(texts("chart.index"))
    elif len(series.lines) > 1:
        notes.append(texts("chart.standardised"))
    if lives:
        notes.append(texts("chart.lives", n=len(lives), dates=", ".join(day(live, locale) for live in lives)))
    return drawn, legend, tuple(notes)
