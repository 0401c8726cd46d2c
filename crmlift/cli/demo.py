"""`crmlift demo`: the whole job, no credentials."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from crmlift.cli.output import errors
from crmlift.settings_file import home_directory, load_settings


def demo(
    company: Annotated[
        str, typer.Option(help="known: effects we planted; null: a rollout that changed nothing.")
    ] = "known",
    seed: Annotated[int, typer.Option(help="Another seed, another company of the same kind.")] = 7,
    size: Annotated[str, typer.Option(help="small, medium or large.")] = "small",
    out: Annotated[
        Path | None, typer.Option(help="Where everything goes; CRMLIFT_HOME or ./data if not given.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="The simulated present; a later one on a second run brings changes.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Serve the CSV files of a folder as Salesforce instead of a made-up company.")
    ] = None,
    direct: Annotated[bool, typer.Option("--direct", help="The same steps without Airflow.")] = False,
) -> None:
    """Simulated Salesforce and HubSpot → the whole nightly DAG → tables, scorecard and report."""
    from crmlift.cli.scorecard import show_scorecard
    from crmlift.demo import DemoSpec, run_demo

    spec = DemoSpec(company, seed, size, as_of, (out or home_directory()).absolute(), data)
    os.environ["CRMLIFT_HOME"] = str(spec.home)
    errors.print("[bold]crmlift demo[/bold]")
    run_demo(spec, with_airflow=not direct)
    show_scorecard(load_settings())


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Start")(demo)
