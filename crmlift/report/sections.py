"""The tables of the report below the cards: waves, teams, alerts, what was not judged, methods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from crmlift.report.catalogue import Texts
from crmlift.report.numbers import UNKNOWN, day, percent, scale_for
from crmlift.report.reading import ADDITIVE, DIVIDED, AlertLine, Kpi, Wave
from crmlift.report.verdicts import ScorecardRow
from crmlift.report.wording import SIGNS, change_text, interval_text, reason_words, verdict_word

MAX_COLUMNS = 6


@dataclass(frozen=True)
class Cell:
    """A table cell: text, a smaller second line, the colour class of a verdict, and what it means in words."""

    text: str
    detail: str = ""
    tone: str = ""
    label: str = ""


@dataclass(frozen=True)
class Grid:
    """A table with a heading a column and a row: (row heading, its note, cells)."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[Cell, ...]], ...]


@dataclass(frozen=True)
class AlertView:
    """An alert in words."""

    kpi: str
    where: str
    period: str
    observed: str
    expected: str
    state: str
    tone: str
    why: str


def wave_grid(rows: Sequence[ScorecardRow], groups: Sequence[Wave], texts: Texts) -> Grid:
    """Waves × goal KPIs (all KPIs without goals): effect and interval of each wave's own verdict."""
    by_wave = [row for row in rows if row.wave_id != "all" and row.segment_dim == "all"]
    wanted = [row for row in by_wave if row.is_goal] or by_wave
    ids = list(dict.fromkeys(row.kpi_id for row in wanted))[:MAX_COLUMNS]
    found = {(row.wave_id, row.kpi_id): row for row in by_wave}
    names = {row.kpi_id: row.name(texts.locale) for row in by_wave}
    lines = []
    for wave in groups:
        cells = tuple(_wave_cell(found.get((wave.wave_id, kpi_id)), texts) for kpi_id in ids)
        if any(cell.text != UNKNOWN or cell.detail for cell in cells):
            lines.append((wave.wave_id, day(wave.go_live, texts.locale), cells))
    return Grid(tuple(names[i] for i in ids), tuple(lines))


def _wave_cell(row: ScorecardRow | None, texts: Texts) -> Cell:
    if row is None:
        return Cell(UNKNOWN)
    words = verdict_word(row, texts)
    change = change_text(row.change, row, texts.locale)
    detail = interval_text(row, texts.locale)
    if change == UNKNOWN:
        return Cell(f"{SIGNS.get(row.verdict, '?')} {words}", reason_words(row, texts), row.verdict, words)
    return Cell(f"{SIGNS.get(row.verdict, '?')} {change}", detail, row.verdict, words)


def team_grid(
    connection: duckdb.DuckDBPyConnection, rows: Sequence[ScorecardRow], groups: Sequence[Wave],
    names: Mapping[str, str], texts: Texts,
) -> Grid:  # fmt: skip
    """Teams × goal KPIs that roll up from teams: plain before and after around each team's own go-live."""
    pooled = [row for row in rows if row.is_pooled and row.stat_type in ADDITIVE + DIVIDED]
    wanted = ([row for row in pooled if row.is_goal] or pooled)[:MAX_COLUMNS]
    values = {row.kpi_id: _team_values(connection, row) for row in wanted}
    lines = []
    for wave in groups:
        for team in wave.members:
            cells = []
            for row in wanted:
                before, after = values[row.kpi_id].get(team, (None, None))
                per = texts("common.per_week") if row.stat_type in ADDITIVE else ""
                scale = scale_for(row.unit or "", (before, after), currency=row.currency, locale=texts.locale, per=per)
                change = None if not before or after is None else after / before - 1
                cells.append(Cell(percent(change, texts.locale), f"{scale(before)} → {scale(after)}"))
            note = day(wave.go_live, texts.locale) if wave.go_live else texts("teams.not_live")
            if wave.go_live and any(cell.text != UNKNOWN for cell in cells):
                lines.append((names.get(team, team), note, tuple(cells)))
    return Grid(tuple(row.name(texts.locale) for row in wanted), tuple(lines))


TEAM_VALUES = """
with week as (
    select distinct period_start, period_end from metrics.kpi_value
    where kpi_id = $1 and period_grain = 'week' and segment_dim = 'all' and is_mature),
weekly as (
    select w.scope_value as team, v.numerator, v.denominator,
        week.period_start >= w.go_live_date - 364 and week.period_end <= w.go_live_date as is_before,
        week.period_start >= w.go_live_date + coalesce(w.learning_days, 0) as is_after
    from config.rollout_wave as w cross join week
    left join metrics.kpi_value as v on v.kpi_id = $1 and v.period_grain = 'week' and v.segment_dim = 'team'
        and v.segment_value = w.scope_value and v.period_start = week.period_start
    where w.rollout_id = $2)
select team, sum(numerator) filter (where is_before), sum(denominator) filter (where is_before),
    count(*) filter (where is_before), sum(numerator) filter (where is_after),
    sum(denominator) filter (where is_after), count(*) filter (where is_after)
from weekly group by team
"""


def _team_values(
    connection: duckdb.DuckDBPyConnection, row: ScorecardRow
) -> dict[str, tuple[float | None, float | None]]:
    """Team → (weekly value in the year before go-live, weekly value after the learning window)."""
    factor = 100.0 if row.stat_type == "nps" else 1.0
    is_sum = row.stat_type in ADDITIVE
    found = connection.execute(
        TEAM_VALUES,
        [row.kpi_id, row.rollout_id],
    ).fetchall()

    def value(num: float | None, den: float | None, weeks: int) -> float | None:
        below = float(weeks) if is_sum else den
        return None if num is None or not below else factor * num / below

    return {team: (value(*found_row[:3]), value(*found_row[3:])) for team, *found_row in found}


def alert_views(
    lines: Sequence[AlertLine], registry: Mapping[str, Kpi], names: Mapping[str, str], currency: str, texts: Texts
) -> list[AlertView]:
    """Alerts in words, values in their KPI's unit."""
    views = []
    for line in lines:
        kpi = registry.get(line.kpi_id)
        scale = scale_for(
            (kpi.unit if kpi else "") or "", (line.observed, line.expected), currency=currency, locale=texts.locale
        )  # fmt: skip
        state = texts.or_plain("alert_state", line.state)
        if line.state == "open" and line.severity:
            state = f"{state}, {texts.or_plain('severity', line.severity)}"
        views.append(
            AlertView(
                kpi=kpi.name(texts.locale) if kpi else line.kpi_id,
                where="" if line.segment_value == "all" else names.get(line.segment_value, line.segment_value),
                period=day(line.period_start, texts.locale),
                observed=scale(line.observed),
                expected=scale(line.expected),
                state=state,
                tone="worsened" if line.state == "open" else "inconclusive",
                why=line.reason or "",
            )
        )
    return views


def unjudged(rows: Sequence[ScorecardRow], registry: Sequence[Kpi], texts: Texts) -> list[tuple[str, str]]:
    """(KPI, why) for every KPI of the registry without a verdict."""
    pooled = {row.kpi_id: row for row in rows if row.is_pooled}
    out = []
    for kpi in registry:
        row = pooled.get(kpi.kpi_id)
        if row is None:
            is_stock = (kpi.stat_type or "").startswith("snapshot")
            plain = texts("unjudged.stock" if is_stock else "unjudged.not_evaluated")
            why = texts.or_plain("reason", kpi.no_effect) if kpi.no_effect else plain
            out.append((kpi.name(texts.locale), why))
        elif row.verdict in ("inconclusive", "not_comparable"):
            words = reason_words(row, texts)
            out.append(
                (kpi.name(texts.locale), f"{verdict_word(row, texts)}: {words}" if words else verdict_word(row, texts))
            )
    return out


def method_notes(rows: Sequence[ScorecardRow], texts: Texts) -> list[str]:
    """How many KPIs were judged by which method."""
    count = Counter(row.method or "none" for row in rows if row.is_pooled)
    return [texts("method.note", n=n, method=texts.or_plain("method", m)) for m, n in count.most_common()]
