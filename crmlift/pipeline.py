"""The steps of a night, each short, idempotent and safe to repeat; the DAG and every step command call these.

Each step takes the run's id, opens what it needs (the work database is closed again between steps), records itself in
ops.run and returns a small JSON-able summary. Failures are ExpectedFailure with an exit code.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any

import duckdb

from connectors.errors import ExpectedFailure
from connectors.landing import LandingZone
from crmlift import alerts as alerting
from crmlift import config_files, config_tables, legacy_values, quality, registry, sql_runner
from crmlift import evaluate as evaluation
from crmlift import measure as measuring
from crmlift.completeness import end_of_data, note_ends
from crmlift.data_origin import mark_origins
from crmlift.derived import write_models
from crmlift.errors import ConfigurationFailure
from crmlift.extract import extract_source, refuse_unread
from crmlift.places import KPIS, MODELS
from crmlift.raw_published import raw_tables
from crmlift.raw_reading import read_raw
from crmlift.refusals import ExtractResult, PartlyRead
from crmlift.report import write_report
from crmlift.settings_file import Loaded, load_settings, salt
from crmlift.snapshots import append_snapshots
from crmlift.sql_models import CORE, EVALUATION
from crmlift.warehouse.beside import drop_unfinished
from crmlift.warehouse.load import load_landed
from crmlift.warehouse.publish import publish as publish_copy
from crmlift.warehouse.store import published, transaction, work_database

log = logging.getLogger(__name__)

Summary = dict[str, Any]


def new_run_id() -> str:
    """An id for a run started by hand; sorts by time."""
    return datetime.now(UTC).strftime("manual-%Y%m%dT%H%M%S.%fZ")


def source_ids() -> list[str]:
    """Ids of the configured sources."""
    found = sorted(load_settings().settings.sources)
    if not found:
        raise ConfigurationFailure(
            "No source is configured.",
            next_step="add one under sources: in crmlift.yml; crmlift init shows how",
        )
    return found


@contextmanager
def _step(loaded: Loaded, run_id: str, name: str) -> Iterator[tuple[duckdb.DuckDBPyConnection, Summary]]:
    """A connection to the work database for one step that records how it went."""
    started, began = datetime.now(UTC), time.monotonic()
    summary: Summary = {"run_id": run_id}
    with work_database(loaded.places.warehouse) as connection:
        drop_unfinished(connection)
        try:
            yield connection, summary
        except Exception as problem:
            told = str(problem) if isinstance(problem, ExpectedFailure) else type(problem).__name__
            _record(connection, run_id, name, started, "failed", told)
            raise
        _record(connection, run_id, name, started, "success", None)
    summary["seconds"] = round(time.monotonic() - began, 2)
    told = ", ".join(f"{value:,} {key}" for key, value in summary.items() if isinstance(value, int))
    log.info(
        "event=step step=%s run_id=%s seconds=%.2f", name, run_id, summary["seconds"],
        extra={"people": f"{name:<10} {summary['seconds']:5.1f} s  {told.replace('_', ' ')}"},
    )  # fmt: skip


def _record(
    connection: duckdb.DuckDBPyConnection,
    run_id: str,
    step: str,
    started: datetime,
    state: str,
    error: str | None,
) -> None:
    connection.execute(
        "insert or replace into ops.run (run_id, step, source_id, object, started_at, finished_at, state, error) "
        "values (?, ?, '', '', ?, now(), ?, ?)",
        [run_id, step, started, state, error],
    )


def extract(
    source_id: str,
    *,
    run_id: str,
    full: bool = False,
    secrets: Mapping[str, str] | None = None,
) -> Summary:
    """Land what changed in one source. PartlyRead when some of its streams could not be read."""
    loaded = load_settings()
    if source_id not in loaded.settings.sources:
        raise ConfigurationFailure(
            f"There is no source {source_id!r} in the settings.",
            next_step=f"choose from: {', '.join(source_ids())}",
        )
    began = time.monotonic()
    done = extract_source(loaded, source_id, run_id=run_id, full=full, secrets=secrets)
    return {**summary_of(done, run_id), "seconds": round(time.monotonic() - began, 2)}


def summary_of(done: ExtractResult, run_id: str) -> Summary:
    """What an extraction gave, as its step tells it."""
    return {"run_id": run_id, **asdict(done)}


def extract_what_can_be(source_id: str, *, run_id: str, secrets: Mapping[str, str] | None = None) -> Summary:
    """As `extract`; that some streams could not be read is told in `refused` and `exit_code`, for the night goes on."""
    try:
        return extract(source_id, run_id=run_id, secrets=secrets)
    except PartlyRead as partly:
        return {**summary_of(partly.done, run_id), "refused": str(partly), "exit_code": partly.exit_code}


def load(*, run_id: str, loaded: Loaded | None = None, is_night: bool = False) -> Summary:
    """Bring every landed run the ledger does not know into the raw tables.

    is_night: refuse when a source was never read; the looks of a night over a part of the data would stay.
    """
    loaded = loaded or load_settings()
    if is_night:
        refuse_unread(loaded)
    with _step(loaded, run_id, "load") as (connection, summary):
        manifests = LandingZone(loaded.places.landing).manifests()
        results = load_landed(connection, manifests, run_id=run_id)
        summary["manifests"] = len(results)
        for name in (
            "rows_read", "rows_inserted", "rows_updated", "rows_unchanged", "rows_deleted", "rows_rejected",
            "rows_repeated", "values_unread",
        ):  # fmt: skip
            summary[name] = sum(getattr(result, name) for result in results)
    return summary


def transform(*, run_id: str, loaded: Loaded | None = None) -> Summary:
    """Rebuild staging and core from the raw tables; all core tables change places at once."""
    loaded = loaded or load_settings()
    with _step(loaded, run_id, "transform") as (connection, summary):
        models = sql_runner.load_models(MODELS)
        bound = parameters(connection, loaded)
        with transaction(connection):
            readings = read_raw(connection, models, as_of=bound["as_of"], run_id=run_id)
            config_tables.fill_config(connection, loaded, run_id, readings)
            sql_runner.prepare_raw(connection, models, run_id)
        wanted = [m for m in models if m.layer <= CORE]
        built = sql_runner.build_models(connection, wanted, bound, sources=readings.sources)
        with transaction(connection):
            sql_runner.place_models(connection, built, run_id, bound["as_of"])
            config_files.convert_costs(connection, loaded.settings.company.currency)
            config_files.name_owners(connection, salt(loaded.places))
            summary["models"] = len(built.results)
            summary["rows"] = sum(result.rows or 0 for result in built.results)
            summary["snapshots"] = append_snapshots(
                connection, as_of=end_of_data(connection), timezone=loaded.settings.company.timezone
            )
    return summary


def parameters(connection: duckdb.DuckDBPyConnection, loaded: Loaded) -> Summary:
    """The values every SQL file may bind: $as_of, $timezone, $base_currency, $salt."""
    company = loaded.settings.company
    return {
        "as_of": end_of_data(connection),
        "timezone": company.timezone,
        "base_currency": company.currency,
        "salt": salt(loaded.places),
    }


def measure(*, run_id: str, loaded: Loaded | None = None) -> Summary:
    """Compute every KPI for every grain and segment, and check the data's quality."""
    loaded = loaded or load_settings()
    with _step(loaded, run_id, "measure") as (connection, summary):
        kpis = registry.load_registry(KPIS, loaded.settings.kpis)
        as_of, timezone = end_of_data(connection), loaded.settings.company.timezone
        measured = measuring.measure_units(connection, kpis, as_of=as_of, timezone=timezone)
        with transaction(connection):
            done = measuring.measure_values(connection, kpis, measured, run_id=run_id)
            mark_origins(connection, kpis, timezone)
            note_ends(connection, kpis, as_of=as_of, timezone=timezone)
            legacy_values.add_legacy_values(connection, run_id)
            summary["findings"] = quality.check_quality(connection, as_of=as_of, run_id=run_id, kpis=kpis)
        summary |= {"kpis": len(kpis), "values": done.values, "as_of": as_of.isoformat()}
    return summary


def evaluate(*, run_id: str, loaded: Loaded | None = None) -> Summary:
    """Judge every KPI of every rollout and rebuild the tables people query."""
    loaded = loaded or load_settings()
    with _step(loaded, run_id, "evaluate") as (connection, summary):
        models = sql_runner.load_models(MODELS)
        with transaction(connection):
            summary["effects"] = evaluation.evaluate(
                connection, loaded.settings, as_of=end_of_data(connection), run_id=run_id
            )
            late = [m for m in models if m.layer == EVALUATION]
            bound = parameters(connection, loaded)
            sql_runner.run_models(connection, late, bound, run_id)
            kpis = registry.load_registry(KPIS, loaded.settings.kpis)
            write_models(connection, [k for k in kpis if k.definition.after == "evaluate"], bound, run_id)
    return summary


def detect(*, run_id: str) -> Summary:
    """Run the alert rules; incidents and the messages about them commit together."""
    loaded = load_settings()
    with _step(loaded, run_id, "alert") as (connection, summary):
        with transaction(connection):
            found = alerting.detect(
                connection, as_of=end_of_data(connection), run_id=run_id, settings=loaded.settings.alerts
            )
        summary["alerts"] = len(found)
    return summary


def publish(*, run_id: str, loaded: Loaded | None = None) -> Summary:
    """Put a finished copy in the place of analytics.duckdb.

    The step is recorded before the copy is made, so that the copy says of itself that it is complete.
    """
    loaded = loaded or load_settings()
    with _step(loaded, run_id, "publish") as (connection, summary):
        _record(connection, run_id, "publish", datetime.now(UTC), "success", None)
        names = loaded.settings.privacy.publish_user_names
        done = publish_copy(connection, loaded.places.analytics, with_user_names=names, raw=raw_tables(loaded))
        summary |= {"path": str(done.path), "tables": done.tables, "bytes": done.bytes}
    return summary


def send(*, run_id: str) -> Summary:
    """Send what is in the outbox; what was sent is never sent again."""
    loaded = load_settings()
    with _step(loaded, run_id, "send") as (connection, summary):
        summary["sent"] = alerting.send(connection, loaded.settings.alerts.channels, folder=loaded.places.alerts)
    return summary


def report(*, run_id: str) -> Summary:
    """Write the report from the published file."""
    loaded = load_settings()
    page = write_report(loaded.places.analytics, loaded.places.report, locale=loaded.settings.company.locale)
    return {"run_id": run_id, "path": str(page)}


def run(*, run_id: str, full: bool = False) -> list[tuple[str, Summary]]:
    """All steps in order, as the DAG does them; the summaries by step.

    A source that cannot be read does not stop the others: its data stay those of the night before, and its failure is
    raised when all else is done. The same holds for one stream of a source.
    """
    done: list[tuple[str, Summary]] = []
    failures: list[ExpectedFailure] = []
    for source_id in source_ids():
        try:
            done.append((f"extract {source_id}", extract(source_id, run_id=run_id, full=full)))
        except ExpectedFailure as failure:
            failures.append(failure)
            if isinstance(failure, PartlyRead):
                done.append((f"extract {source_id}", summary_of(failure.done, run_id)))
    for other in failures[1:]:  # the first is raised
        log.error("%s", other)
    if failures and not done:
        raise failures[0]
    steps: list[tuple[str, Callable[..., Summary]]] = [
        ("load", partial(load, is_night=True)), ("transform", transform), ("measure", measure), ("evaluate", evaluate),
        ("alert", detect), ("publish", publish), ("send", send), ("report", report),
    ]  # fmt: skip
    for name, step in steps:
        done.append((name, step(run_id=run_id)))
    if failures:
        raise failures[0]
    return done


def latest_run(loaded: Loaded) -> str | None:
    """The id of the newest published run."""
    with published(loaded.places.analytics) as connection:
        found = connection.execute("select run_id from ops.run order by finished_at desc limit 1").fetchone()
    return found[0] if found else None
