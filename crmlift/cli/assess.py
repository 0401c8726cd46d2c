"""`crmlift assess`: an honest verdict on any CSV, no CRM needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crmlift.cli.output import Json, print_json


def assess(
    file: Annotated[Path, typer.Argument(help="CSV with a header; rows are events or already periods.")],
    date: Annotated[str, typer.Option(help="Column with the date (or year).")],
    value: Annotated[
        str | None, typer.Option(help="Column with the number; each row counts as 1 if not given.")
    ] = None,
    go_live: Annotated[str | None, typer.Option(help="Date of the change, the same for all.")] = None,
    unit: Annotated[str | None, typer.Option(help="Column with the team, region or person.")] = None,
    go_live_column: Annotated[
        str | None, typer.Option(help="Column with each unit's own date; empty or 0: never.")
    ] = None,
    treated: Annotated[
        str | None, typer.Option(help="Column with 1 in the rows of a unit that has changed already, else 0.")
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(help="Column with the end: the value is the time from date to end; empty is still open."),
    ] = None,
    denominator: Annotated[str | None, typer.Option(help="Column to divide by.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="mean, sum, count, proportion, ratio, duration, quantile or nps.")
    ] = None,
    quantile: Annotated[
        float | None,
        typer.Option(help="Judge a quantile of the values instead: 0.5 is the median, 0.9 the slowest tenth."),
    ] = None,
    period: Annotated[str, typer.Option(help="auto, day, week, month, quarter or year.")] = "auto",
    better: Annotated[str, typer.Option(help="higher or lower.")] = "higher",
    learning_days: Annotated[
        int | None,
        typer.Option(help="Days after go-live to leave out; if not given 42 for events, days and weeks, else 0."),
    ] = None,
    min_important: Annotated[
        float | None, typer.Option(help="Smallest relative change that matters, e.g. 0.05.")
    ] = None,
    covariates: Annotated[str | None, typer.Option(help="Columns to adjust for, comma separated.")] = None,
    by: Annotated[str | None, typer.Option(help="Columns to judge separately by, comma separated.")] = None,
    mix: Annotated[
        str | None,
        typer.Option(
            help="Columns whose shifting shares must not pass for a change (type, channel …), comma separated."
        ),
    ] = None,
    log: Annotated[bool, typer.Option("--log", help="Model the logarithm: effects are relative.")] = False,
    as_of: Annotated[
        str | None, typer.Option(help="The data are complete up to here; the last date if not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Did FILE's number change after go-live, beyond season, growth and noise? One planned look.

    Example: crmlift assess deals.csv --date created --value amount --go-live 2026-03-02
    """
    from crmlift.assess import AssessOptions, assess_file, explain

    options = AssessOptions(
        date=date, value=value, go_live=go_live, unit=unit, go_live_column=go_live_column, treated=treated, end=end,
        denominator=denominator, kind=kind, quantile=quantile, period=period, better=better,
        learning_days=learning_days, min_important=min_important, covariates=_names(covariates), by=_names(by),
        mix=_names(mix), log=log, as_of=as_of,
    )  # fmt: skip
    verdicts = assess_file(file, options)
    if as_json:
        print_json(verdicts[0] if len(verdicts) == 1 else verdicts)
        return
    for verdict in verdicts:
        typer.echo(explain(verdict))


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Try")(assess)
