"""`crmlift assess`: an honest verdict on any table, no CRM needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crmlift.cli.output import Json, print_json

FILE = "How the file is written: answers when it can be read in two ways"
ROWS = "What the rows are"


def _as_written(text: str) -> typer.models.OptionInfo:
    return typer.Option(help=text, rich_help_panel=FILE)  # type: ignore[no-any-return]


def assess(
    file: Annotated[
        Path, typer.Argument(help="CSV, Excel, Parquet or JSON lines with a header; - reads what is piped in.")
    ],
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
        str | None,
        typer.Option(help="mean, sum, count, proportion, ratio, duration, quantile or nps (answers of 0 to 10)."),
    ] = None,
    quantile: Annotated[
        float | None,
        typer.Option(help="Judge a quantile of the values instead: 0.5 is the median, 0.9 the slowest tenth."),
    ] = None,
    period: Annotated[str, typer.Option(help="auto, day, week, month, quarter or year.")] = "auto",
    better: Annotated[
        str | None, typer.Option(help="higher or lower; higher if not given, but a time must say it.")
    ] = None,
    learning_days: Annotated[
        int | None,
        typer.Option(help="Days after go-live to leave out; if not given 42 for events, days and weeks, else 0."),
    ] = None,
    min_important: Annotated[
        float | None, typer.Option(help="Smallest relative change that matters, e.g. 0.05 for 5 %.")
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
    rows: Annotated[
        str | None,
        typer.Option(
            help="events (each row happened once) or periods (each row is the figure of a day, week, month …).",
            rich_help_panel=ROWS,
        ),
    ] = None,
    gaps: Annotated[
        str | None,
        typer.Option(help="What a period without a row means: zero or unknown.", rich_help_panel=ROWS),
    ] = None,
    scale: Annotated[
        float | None, typer.Option(help="What values are multiplied by: 0.01 for per cent.", rich_help_panel=ROWS)
    ] = None,
    nps_scale: Annotated[
        str | None,
        typer.Option(help="With --kind nps: 0-10 (answers) or coded (-1, 0, 1).", rich_help_panel=ROWS),
    ] = None,
    sheet: Annotated[str | None, _as_written("Sheet of an Excel workbook.")] = None,
    decimal: Annotated[str | None, _as_written("Decimal mark: . or ,")] = None,
    date_format: Annotated[
        str | None, _as_written("DD/MM/YYYY, MM/DD/YYYY, YY/MM/DD, excel, excel-1904 or a pattern such as %d %b %Y.")
    ] = None,
    first_year: Annotated[
        int | None, _as_written("Years of two digits lie in the hundred years from this one.")
    ] = None,
    exchanged_days: Annotated[
        str | None,
        _as_written("yes if a spreadsheet program exchanged day and month of dates up to the 12th, else no."),
    ] = None,
    timezone: Annotated[str | None, _as_written("Zone to tell times in, such as Europe/Kyiv.")] = None,
    missing: Annotated[str | None, _as_written("Further words for an empty cell, comma separated.")] = None,
    encoding: Annotated[str | None, _as_written("Such as utf-8 or cp1251.")] = None,
    delimiter: Annotated[str | None, _as_written("Between the columns of a text file: , ; | or tab.")] = None,
    header_row: Annotated[int | None, _as_written("Row with the names of the columns, counted from 1.")] = None,
    as_json: Json = False,
) -> None:
    """Did FILE's number change after go-live, beyond season, growth and noise? One planned look.

    Example: crmlift assess deals.csv --date created --value amount --go-live 2026-03-02
    """
    from connectors.files.evidence import Answers
    from crmlift.assess import AssessOptions, FileOptions, assess_file, explain, read_as_line
    from crmlift.assess_options import checked_answers

    answers: Answers = checked_answers(decimal, date_format, first_year, exchanged_days)
    options = AssessOptions(
        date=date, value=value, go_live=go_live, unit=unit, go_live_column=go_live_column, treated=treated, end=end,
        denominator=denominator, kind=kind, quantile=quantile, period=period, better=better,
        learning_days=learning_days, min_important=min_important, covariates=_names(covariates), by=_names(by),
        mix=_names(mix), log=log, as_of=as_of, rows=rows, gaps=gaps, scale=scale, nps_scale=nps_scale,
        file=FileOptions(sheet, encoding, delimiter, header_row, _names(missing), timezone, answers),
    )  # fmt: skip
    verdicts = assess_file(file, options)
    if as_json:
        print_json(verdicts[0] if len(verdicts) == 1 else verdicts)
        return
    typer.echo(read_as_line(verdicts[0]["read_as"]))
    for verdict in verdicts:
        typer.echo(explain(verdict))


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Try")(assess)
