"""The report: one HTML file that needs nothing else, written from the published tables."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

import crmlift
from crmlift.errors import WarehouseFailure
from crmlift.report import reading, sections
from crmlift.report.cards import Card, bar, make_card, reach_of
from crmlift.report.catalogue import Texts, texts_for
from crmlift.report.numbers import NBSP, UNKNOWN, day, percent, plain
from crmlift.report.values import newest_values
from crmlift.report.verdicts import VERDICTS, ScorecardRow, scorecard_rows
from crmlift.report.wording import SIGNS, Headline, headline
from crmlift.warehouse.store import published

TEMPLATES = Path(__file__).with_name("templates")
FOREST_REACH_MAX = 0.6


@dataclass(frozen=True)
class RolloutView:
    """One rollout's part of the page."""

    name: str
    headline: Headline
    counts: tuple[tuple[str, str, str, int], ...]
    goals: tuple[Card, ...]
    cards: tuple[Card, ...]
    forest: tuple[tuple[Card, Markup], ...]
    reach: str
    waves: sections.Grid
    teams: sections.Grid
    unjudged: list[tuple[str, str]]
    methods: list[str]


def write_report(analytics_path: Path, out_dir: Path, *, locale: str = "en") -> Path:
    """Render the published tables into `out_dir/index.html`; the old file stays until the new one is whole.

    Raises WarehouseFailure when nothing is published yet or the folder cannot be written.
    """
    with published(analytics_path) as connection:
        html = render(connection, locale=locale)
    target = out_dir / "index.html"
    fresh = out_dir / f".index.html.{os.getpid()}.new"
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        with fresh.open("w", encoding="utf-8") as file:
            file.write(html)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, target)
    except OSError as problem:
        with suppress(OSError):
            fresh.unlink()
        raise WarehouseFailure(
            "The report could not be written.", where=str(target), why=f"{problem.strerror}.",
            saved="An earlier report stays in place.",
            next_step="free space or mend the permissions, then  crmlift report",
        ) from None  # fmt: skip
    return target


def render(connection: duckdb.DuckDBPyConnection, *, locale: str = "en") -> str:
    """The page as text; the same tables always give the same page."""
    texts = texts_for(locale)
    rows = scorecard_rows(connection, is_pooled_only=False)
    registry = reading.kpis(connection)
    teams = reading.team_names(connection)
    names = reading.rollout_names(connection)
    ids = list(dict.fromkeys(row.rollout_id for row in rows))
    rollouts = [_rollout(connection, i, names.get(i, i), rows, registry, teams, texts) for i in ids]
    open_alerts, resolved = reading.alerts(connection)
    findings, notes = reading.findings(connection)
    currency = next((row.currency for row in rows), "EUR")
    by_id = {kpi.kpi_id: kpi for kpi in registry}
    environment = _environment(texts)
    return environment.get_template("report.html.j2").render(
        t=texts,
        strong=lambda key: _strong(texts, key),
        locale=texts.locale,
        company=reading.company_name(connection),
        as_of=day(reading.data_until(connection, rows), texts.locale),
        rollouts=rollouts,
        alerts=sections.alert_views(open_alerts, by_id, teams, currency, texts),
        resolved=resolved,
        sources=reading.sources(connection),
        findings=findings,
        notes=notes,
        kpi_names={kpi.kpi_id: kpi.name(texts.locale) for kpi in registry},
        empty=headline([], texts),
        has_rollout=bool(names),
        values=[] if rollouts else newest_values(connection, texts),
        run=reading.run_id(connection) or UNKNOWN,
        version=crmlift.__version__,
        definitions=reading.definition_versions(connection),
    )


def _environment(texts: Texts) -> Environment:
    """Templates with everything escaped; a name a template misspells is an error, not an empty place."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["day"] = lambda value: day(value, texts.locale)
    environment.filters["number"] = lambda value: plain(value, 0, texts.locale)
    environment.filters["share"] = lambda value: percent(value, texts.locale, signed=False)
    return environment


def _rollout(
    connection: duckdb.DuckDBPyConnection, rollout_id: str, name: str, all_rows: Sequence[ScorecardRow],
    registry: Sequence[reading.Kpi], team_names: dict[str, str], texts: Texts,
) -> RolloutView:  # fmt: skip
    rows = [row for row in all_rows if row.rollout_id == rollout_id]
    pooled = [row for row in rows if row.is_pooled]
    groups = reading.waves(connection, rollout_id)
    kpi_names = {kpi.kpi_id: kpi.name(texts.locale) for kpi in registry}
    cards = tuple(
        make_card(
            row, texts, groups=groups, names=kpi_names,
            series=reading.series(connection, row.kpi_id, row.stat_type or "", groups),
        )
        for row in pooled
    )  # fmt: skip
    drawn = [card for card in cards if card.bar and not card.row.is_in_points]
    reach = min(FOREST_REACH_MAX, max((reach_of(card.row) for card in drawn), default=0.1))
    return RolloutView(
        name=name,
        headline=headline(pooled, texts),
        counts=_counts([row for row in pooled if row.is_goal] or pooled, texts),
        goals=tuple(card for card in cards if card.row.is_goal),
        cards=cards,
        forest=tuple(
            (card, bar(card.row, texts, reach=reach, is_mirrored=card.row.direction == "lower")) for card in drawn
        ),
        reach=percent(reach, texts.locale, signed=False, digits=0),
        waves=sections.wave_grid(rows, groups, texts),
        teams=sections.team_grid(connection, rows, groups, team_names, texts),
        unjudged=sections.unjudged(rows, registry, texts),
        methods=sections.method_notes(rows, texts),
    )


def _counts(rows: Sequence[ScorecardRow], texts: Texts) -> tuple[tuple[str, str, str, int], ...]:
    """(verdict, sign, word, how many) for each verdict, in a fixed order."""
    words = {v: texts(f"verdict.{v}") for v in VERDICTS}
    return tuple((v, SIGNS[v], words[v], sum(row.verdict == v for row in rows)) for v in VERDICTS)


def _strong(texts: Texts, key: str) -> Markup:
    """A catalogue text with **strong** words, everything else escaped; no line break inside "20 %"."""
    marked = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", str(escape(texts(key))))
    return Markup(re.sub(r"(\d) %", rf"\1{NBSP}%", marked))
