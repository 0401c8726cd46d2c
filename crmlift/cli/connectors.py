"""`connectors`: the sources of `crmlift.yml`, whether they let us in, and what they hold."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connectors.errors import ExpectedFailure
from crmlift.cli.output import Json, print_json, print_table, results
from crmlift.errors import ConfigurationFailure, DataCheckFailure
from crmlift.settings_file import Loaded, load_settings, source_secrets

if TYPE_CHECKING:
    from connectors.conformance import Result
    from connectors.contract import Connector

connectors_app = typer.Typer(no_args_is_help=True, help="The sources of crmlift.yml: list, check, look inside.")
Source = Annotated[str, typer.Argument(help="Id of a source, as in  crmlift connectors list.")]


@connectors_app.command("list")
def list_sources(as_json: Json = False) -> None:
    """The sources of the settings file and their types."""
    sources = load_settings().settings.sources
    rows = [{"source_id": name, "type": source.type} for name, source in sources.items()]
    if as_json:
        print_json(rows)
    else:
        print_table(["source", "type"], [list(row.values()) for row in rows])


@connectors_app.command("check")
def check(
    source: Source,
    conformance: Annotated[
        bool, typer.Option("--conformance", help="Prove that its connector keeps the contract.")
    ] = False,
    stream: Annotated[list[str] | None, typer.Option(help="With --conformance: only this stream; repeatable.")] = None,
    rows: Annotated[
        int, typer.Option(min=1, help="With --conformance: read at most so many records a stream.")
    ] = 20_000,
    as_json: Json = False,
) -> None:
    """Prove that a source lets us in, and of files name every bad cell; or prove its connector, at length."""
    loaded = load_settings()
    if not conformance:
        connector = _opened(loaded, source)
        results().print(connector.check())
        if connector.system == "files":
            from crmlift.cli.files import report_files

            report_files(connector, source)
        else:
            _report_kept_back(connector)
        return
    found = _conformance(loaded, source, tuple(stream or ()), rows)
    if as_json:
        print_json([asdict(result) for result in found])
    else:
        _print_conformance(found)
    failed = sum(result.outcome == "failed" for result in found)
    if failed:
        raise DataCheckFailure(
            f"{failed} conformance checks failed.", where=source,
            next_step="mend the connector; docs/connectors.md says what the engine relies on",
        )  # fmt: skip


@connectors_app.command("schema")
def schema(
    source: Source,
    stream: Annotated[str | None, typer.Argument(help="One stream; without it all streams are listed.")] = None,
    as_json: Json = False,
) -> None:
    """The streams a source holds, or the fields of one of them."""
    connector = _opened(load_settings(), source)
    if stream is None:
        names = connector.streams()
        if as_json:
            print_json(names)
        else:
            print_table(["stream"], [[name] for name in names])
        return
    shape = connector.schema(stream)
    if as_json:
        print_json(shape.to_json())
    else:
        print_table(["field", "type", "in the source", "label"], [
            [field.name, field.type.value, field.source_type, field.label] for field in shape.fields
        ])  # fmt: skip


@connectors_app.command("map")
def map_file(
    file: Annotated[str, typer.Argument(help="A spreadsheet or export: path or address.")],
    entity: Annotated[str | None, typer.Option(help="What it is, e.g. opportunity or cost_item; else guessed.")] = None,
    out: Annotated[Path | None, typer.Option(help="Mapping file to write, or to add to; else it is shown.")] = None,
) -> None:
    """Write a first mapping of a file from its header and sample, to be read and mended by hand."""
    from crmlift.cli.files import write_mapping

    write_mapping(file, entity, out)


def _conformance(loaded: Loaded, source: str, streams: tuple[str, ...], rows: int) -> list[Result]:
    from connectors.conformance import Subject, Trial

    _opened(loaded, source).close()
    secrets = source_secrets(source, loaded.settings.sources[source].type)
    subject = Subject(
        open=lambda: _opened(loaded, source), streams=streams, rows=rows, resumes=3,
        secrets=tuple(secret for name, secret in secrets.items() if "id" not in name),
    )  # fmt: skip
    with Trial(subject) as trial:
        return list(trial.all_results())


def _report_kept_back(connector: Connector) -> None:
    """What the source lacks or does not show, line by line; the first failure when it keeps a stream back."""
    failures = []
    for stream in connector.streams():
        try:
            connector.schema(stream)
        except ExpectedFailure as failure:
            if failure.stops_source:
                raise
            failures.append(failure)
            results().print(f"✗ {stream}: {failure.what} {failure.why}", soft_wrap=True, markup=False)
    for finding in connector.findings():
        results().print(f"– {finding.message}", soft_wrap=True, markup=False)
    if failures:
        raise failures[0]


def _print_conformance(found: list[Result]) -> None:
    """One line a check; streams are named where they differ."""
    rows = []
    for name in dict.fromkeys(result.check for result in found):
        of_check = [result for result in found if result.check == name]
        for outcome in ("failed", "passed", "not applicable"):
            same = [result for result in of_check if result.outcome == outcome]
            details = dict.fromkeys(f"{r.stream}: {r.detail}" if r.stream else r.detail for r in same if r.detail)
            shown = list(details) if outcome == "failed" else list(details)[:2]
            if same:
                count = f"{len(same)} streams" if same[0].stream else ""
                rows.append([name, outcome, count, "; ".join(filter(None, shown))])
    print_table(["check", "outcome", "of", "detail"], rows)
    totals = [f"{sum(r.outcome == o for r in found)} {o}" for o in ("passed", "failed", "not applicable")]
    results().print(", ".join(totals))


def _opened(loaded: Loaded, source: str) -> Connector:
    from crmlift.extract import open_source

    if source not in loaded.settings.sources:
        raise ConfigurationFailure(
            f"There is no source {source!r} in the settings.",
            next_step=f"use one of: {', '.join(loaded.settings.sources) or 'none is set up yet, see  crmlift init'}",
        )
    return open_source(loaded, source)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(connectors_app, name="connectors", rich_help_panel="Start")
