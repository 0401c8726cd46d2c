"""`crmlift`: the commands, and how every failure ends.

Exit codes: 0 ok · 1 bug · 2 usage · 10 configuration · 11 credentials · 12 source API · 13 data check failed ·
14 alert firing (only with --exit-on-alert) · 130 interrupted.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated

import typer
from rich.markup import escape

from connectors.errors import ExpectedFailure
from crmlift import __version__
from crmlift.cli import assess, catalogue, connectors, demo, query, setup, simulate, steps
from crmlift.cli.output import errors, say
from crmlift.progress import tell_people

app = typer.Typer(
    name="crmlift",
    help="Did the CRM work, for whom, by how much? Start with  [bold]crmlift demo[/bold]  (no credentials needed) or, "
    "for any spreadsheet,  [bold]crmlift assess FILE.csv --date … --value … --go-live …[/bold]",
    epilog="Exit codes: 0 ok, 1 bug, 2 usage, 10 configuration, 11 credentials, 12 source API, 13 data check, "
    "14 alert firing (with --exit-on-alert), 130 interrupted.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (demo, setup, connectors, steps, catalogue, query, simulate, assess):
    module.register(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"crmlift {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every event to stderr.")] = False,
) -> None:
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s level=%(levelname)s logger=%(name)s %(message)s",
    )
    if not verbose:
        logging.getLogger("crmlift").propagate = False
    tell_people(say)


def run() -> None:
    """The console script: runs a command and turns failures into messages and exit codes."""
    try:
        app()
    except ExpectedFailure as failure:
        errors.print(f"[red]✗[/red] {escape(str(failure))}", soft_wrap=True)
        sys.exit(failure.exit_code)
    except KeyboardInterrupt:
        errors.print("Interrupted. What was committed stays; the same command goes on where it was.")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as problem:
        if os.environ.get("CRMLIFT_DEBUG"):
            raise
        errors.print(
            f"[red]✗[/red] This is a bug in crmlift: {type(problem).__name__}.\n"
            "Next: run it again with CRMLIFT_DEBUG=1 for the trace (it may hold data: read it before you share it)."
        )
        sys.exit(1)


if __name__ == "__main__":
    run()
