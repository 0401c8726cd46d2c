"""The scorecard in the terminal: what changed, how sure we are, and what a plain before/after would have claimed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crmlift.report.catalogue import Texts, texts_for
from crmlift.report.numbers import day, is_known, scale_for
from crmlift.report.verdicts import ScorecardRow, scorecard_rows
from crmlift.report.wording import SIGNS, change_text, headline, interval_text, verdict_words

__all__ = ["ScorecardRow", "render_scorecard", "scorecard_json", "scorecard_rows"]

STYLES = {"improved": "green", "worsened": "red", "no_material_change": "cyan"}
WIDTH = 100
NARROW = 92
FROZEN = ("13w", "26w", "52w")


def render_scorecard(rows: Sequence[ScorecardRow], console: Console, locale: str = "en") -> None:
    """Print one table a rollout, at most 100 characters wide; signs stand beside the colours.

    Without a terminal it is plain text, 100 characters wide.
    """
    texts = texts_for(locale)
    if not rows:
        console.print(texts("scorecard.empty"))
        return
    found_width = console.width
    if not console.is_terminal:
        console.width = max(found_width, WIDTH)
    try:
        _print(rows, console, texts)
    finally:
        console.width = found_width


def _print(rows: Sequence[ScorecardRow], console: Console, texts: Texts) -> None:
    width = min(WIDTH, console.width)
    for rollout_id, group in groupby(rows, key=lambda row: row.rollout_id):
        members = list(group)
        words = headline(members, texts)
        console.print(Text(f"{words.answer}.", style="bold"), width=width)
        rest = " ".join(filter(None, [f"{words.counts}." if words.counts else "", words.naive]))
        if rest:
            console.print(Text(rest, style="dim"), width=width)
        console.print(_table(rollout_id, members, texts, is_narrow=width < NARROW), width=width)
    legend = texts("scorecard.legend")
    if any(row.is_provisional and is_known(row.change) for row in rows):
        legend += " " + texts("scorecard.legend_provisional")
    console.print(Text(legend, style="dim"), width=width)


def _table(rollout_id: str, rows: Sequence[ScorecardRow], texts: Texts, *, is_narrow: bool) -> Table:
    """The naive claims give way first where the terminal is narrow."""
    as_of = max((row.data_until for row in rows if row.data_until), default=None)
    title = f"{rollout_id} · {_look(rows, texts)}{texts('scorecard.as_of', date=day(as_of, texts.locale))}"
    table = Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
    )  # fmt: skip
    table.add_column("", width=1, no_wrap=True)
    table.add_column(texts("scorecard.kpi"), min_width=12, ratio=5)
    for key in ("before", "after", "change", "interval") + (() if is_narrow else ("naive",)):
        table.add_column(texts(f"scorecard.{key}"), justify="right", no_wrap=True)
    table.add_column(texts("scorecard.verdict"), min_width=16, ratio=6)
    for is_goal, group in groupby(rows, key=lambda row: row.is_goal):
        if any(row.is_goal for row in rows):
            table.add_row("", Text(texts("scorecard.goals" if is_goal else "scorecard.others"), style="bold"))
        for row in group:
            cells = _cells(row, texts)
            table.add_row(*(cells[:6] + cells[7:] if is_narrow else cells))
        table.add_section()
    return table


def _look(rows: Sequence[ScorecardRow], texts: Texts) -> str:
    """The newest planned look and its day; empty before the first."""
    frozen = [row for row in rows if row.look in FROZEN and row.as_of]
    if not frozen:
        return ""
    newest = max(frozen, key=lambda row: str(row.as_of))
    look = texts(f"look.{newest.look}")
    return texts("scorecard.look", look=look, date=day(newest.as_of, texts.locale)) + " · "


def _cells(row: ScorecardRow, texts: Texts) -> list[Text]:
    locale = texts.locale
    per = texts("scorecard.per_week") if row.stat_type in ("sum", "count") else ""
    scale = scale_for(row.unit or "", (row.pre_value, row.post_value), currency=row.currency, locale=locale)
    change, span = change_text(row.change, row, locale), interval_text(row, locale, gap="")
    if row.is_provisional and is_known(row.change):
        change, span = f"({change})", f"({span})"
    style = STYLES.get(row.verdict, "dim")
    return [
        Text(SIGNS.get(row.verdict, "?"), style=style),
        Text(row.name(locale) + per),
        Text(scale(row.pre_value)),
        Text(scale(row.post_value)),
        Text(change, style=style),
        Text(span, style="dim" if row.verdict not in STYLES else ""),
        Text(change_text(row.naive_change, row, locale), style="dim"),
        Text(verdict_words(row, texts), style=style),
    ]


def scorecard_json(rows: Sequence[ScorecardRow]) -> list[dict[str, Any]]:
    """One object a verdict, with the published names."""
    return [row.to_json() for row in rows]
