"""Results on stdout, progress on stderr, JSON when asked."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")]

errors = Console(stderr=True, highlight=False)


def results() -> Console:
    """The console of stdout, made late so that tests and pipes see today's stdout; never wraps rows in a pipe."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=240)


def say(level: str, line: str) -> None:
    """A line on stderr for whoever watches; failures in red, but for the one that ends the command (`main.run`)."""
    text = f"[red]{escape(line)}[/red]" if level == "ERROR" else escape(line)
    errors.print(f"  [dim]{datetime.now():%H:%M:%S}[/dim] {text}", soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON document, dates as ISO text, unknown numbers as null."""
    sys.stdout.write(json.dumps(value, default=_plain, ensure_ascii=False, indent=2) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return str(value)


def _cell(value: Any) -> str:
    """As text; numbers with six digits that matter, never fewer than those before the point."""
    if not isinstance(value, float) or not math.isfinite(value):
        return str(value)
    decimals = max(0, 5 - math.floor(math.log10(abs(value)))) if value else 0
    text = f"{value:.{min(decimals, 12)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None) -> None:
    """A plain table; NULL is shown as an em dash, floats are rounded for reading."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*("—" if value is None else escape(_cell(value)) for value in row))
    results().print(table)
