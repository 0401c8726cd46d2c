"""`init`, `doctor` and `config`: from nothing to a configured, reachable source."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from connectors.errors import ExpectedFailure
from crmlift.cli.output import Json, print_json, print_table, results
from crmlift.errors import ConfigurationFailure
from crmlift.settings import Settings
from crmlift.settings_file import Loaded, load_settings, provenance, salt
from crmlift.warehouse.store import published, work_database

TEMPLATE = Path(__file__).parent.parent / "settings_template.yml"
FREE_BYTES_WANTED = 1 << 30

config_app = typer.Typer(no_args_is_help=True, help="Look at the settings.")


def init(
    path: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("crmlift.yml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a commented settings file to start from."""
    if path.exists() and not force:
        raise ConfigurationFailure(
            f"{path} is there already; it was left as it is.",
            next_step=f"crmlift init {path} --force  replaces it",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")
    results().print(f"Wrote {path}\n\nNext: edit it, set the secrets it names in the environment, then  crmlift doctor")


@config_app.command("show")
def show(as_json: Json = False) -> None:
    """Every setting in force, and where it comes from."""
    rows = [{"name": name, "value": value, "from": origin} for name, value, origin in provenance(load_settings())]
    if as_json:
        print_json(rows)
    else:
        print_table(["setting", "value", "from"], [list(row.values()) for row in rows])


@config_app.command("schema")
def schema() -> None:
    """The JSON Schema of crmlift.yml, for editors."""
    typer.echo(json.dumps(Settings.model_json_schema(), indent=2))


@dataclass(frozen=True)
class Check:
    """One line of the doctor's findings."""

    name: str
    is_ok: bool
    detail: str
    exit_code: int = 0


def doctor(
    only: Annotated[str | None, typer.Option("--only", help="Check one source only.")] = None,
    as_json: Json = False,
) -> None:
    """Check settings, places, and that each source can be reached and lets us in."""
    checks = list(_checks(load_settings(), only))
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        print_table(["", "check", ""], [["✓" if c.is_ok else "✗", c.name, c.detail] for c in checks])
    failed = [check.exit_code for check in checks if not check.is_ok]
    if failed:
        raise typer.Exit(failed[0])


def _checks(loaded: Loaded, only: str | None) -> Iterator[Check]:
    sources = loaded.settings.sources
    if only is not None and only not in sources:
        raise ConfigurationFailure(
            f"There is no source {only!r} in the settings.",
            next_step=f"choose from: {', '.join(sources) or 'none'}",
        )
    yield Check("settings", True, str(loaded.path))
    if only is None:
        yield from _place_checks(loaded)
        if not sources:
            yield Check("sources", False, "none is configured: add one under sources:", 10)
    for source_id in [only] if only else sources:
        yield _source_check(loaded, source_id)


def _place_checks(loaded: Loaded) -> Iterator[Check]:
    home = loaded.places.home
    try:
        salt(loaded.places)
        free = shutil.disk_usage(home).free
        detail = f"{home}, {free / (1 << 30):.1f} GiB free"
        yield Check("home", free >= FREE_BYTES_WANTED, detail, 10)
    except OSError as problem:
        yield Check("home", False, f"{home} cannot be written: {problem.strerror}", 10)
        return
    try:
        with work_database(loaded.places.warehouse):
            yield Check("work database", True, str(loaded.places.warehouse))
    except ExpectedFailure as problem:
        yield Check("work database", False, str(problem), problem.exit_code)
    if loaded.places.analytics.exists():
        with published(loaded.places.analytics) as connection:
            found = connection.execute("select max(as_of) from evaluation.kpi_effect").fetchone()
        yield Check("published file", True, f"{loaded.places.analytics}, judged as of {found[0] if found else None}")


def _source_check(loaded: Loaded, source_id: str) -> Check:
    from crmlift.extract import open_source

    source = loaded.settings.sources[source_id]
    name = f"source {source_id} ({source.type})"
    try:
        connector = open_source(loaded, source_id)
        try:
            return Check(name, True, connector.check())
        finally:
            connector.close()
    except ExpectedFailure as problem:
        return Check(name, False, str(problem), problem.exit_code)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel="Start")(init)
    app.command(rich_help_panel="Start")(doctor)
    app.add_typer(config_app, name="config", rich_help_panel="Start")
