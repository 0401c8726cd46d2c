"""`crmlift query`: SQL on the published file."""

from __future__ import annotations

import csv
import sys
from typing import Annotated

import duckdb
import typer

from crmlift.cli.output import Json, print_json, print_table
from crmlift.errors import UsageFailure
from crmlift.settings_file import load_settings
from crmlift.warehouse.store import published

MAX_ROWS_SHOWN = 1000


def query(
    sql: Annotated[str, typer.Argument(help='One statement, e.g. "select * from evaluation.kpi_current".')],
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a header.")] = False,
) -> None:
    """Run SQL on the published tables (read-only, at any moment; a running night is not disturbed)."""
    with published(load_settings(must_exist=False).places.analytics) as connection:
        try:
            found = connection.execute(sql)
        except duckdb.Error as problem:
            raise UsageFailure(
                "DuckDB could not run that.", why=str(problem),
                next_step='crmlift query "show all tables"  lists the tables; only reading is possible here',
            ) from None  # fmt: skip
        columns = [description[0] for description in found.description or ()]
        if as_csv:
            writer = csv.writer(sys.stdout)
            writer.writerow(columns)
            while rows := found.fetchmany(10_000):
                writer.writerows(rows)
        elif as_json:
            print_json([dict(zip(columns, row, strict=True)) for row in found.fetchall()])
        else:
            rows = found.fetchmany(MAX_ROWS_SHOWN + 1)
            print_table(columns, rows[:MAX_ROWS_SHOWN])
            if len(rows) > MAX_ROWS_SHOWN:
                typer.echo(f"… the first {MAX_ROWS_SHOWN} rows; --csv or --json prints all", err=True)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Look")(query)
