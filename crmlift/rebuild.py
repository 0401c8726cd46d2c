"""The warehouse made again from the landing zone, beside the old one, which serves until the new one is whole.

What no source can tell again is carried over: nightly snapshots, teams, days of use, the history of verdicts, alerts,
messages, findings and the record of runs. Everything else is replayed: every landed run in its order, then every step.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from pathlib import Path

import duckdb

from connectors.landing import LandingZone
from crmlift import pipeline
from crmlift.errors import DataCheckFailure
from crmlift.pipeline import Summary
from crmlift.settings_file import Loaded, load_settings
from crmlift.snapshots import ACCUMULATED
from crmlift.warehouse.store import literal, work_database

log = logging.getLogger(__name__)

CARRIED = (
    *ACCUMULATED, "metrics.kpi_definition", "metrics.kpi_value_superseded", "evaluation.kpi_effect",
    "evaluation.kpi_effect_superseded", "ops.alert",
    "ops.outbox", "ops.data_quality_finding", "ops.run",
)  # fmt: skip
"""Tables whose rows cannot be made again from landed pages."""


def rebuild(*, run_id: str) -> list[tuple[str, Summary]]:
    """Make warehouse.duckdb again from the landing zone and publish it; the summaries by step.

    The old file is held against writers meanwhile and replaced in one step at the end, so whatever is killed when, one
    whole warehouse is there. Raises DataCheckFailure when nothing has landed, and what the steps raise.
    """
    loaded = load_settings()
    if not LandingZone(loaded.places.landing).manifests():
        raise DataCheckFailure(
            "Nothing has landed yet, so there is nothing to make a warehouse from.", where=str(loaded.places.landing),
            saved="The warehouse is as it was.", next_step="crmlift run",
        )  # fmt: skip
    target = loaded.places.warehouse
    fresh = target.with_name(f".{target.name}.{os.getpid()}.rebuilt")
    places = copy(loaded.places)
    places.warehouse = fresh
    beside = replace(loaded, places=places)
    try:
        with _held(target) as old:
            carried = _carry_over(old, fresh)
            done: list[tuple[str, Summary]] = [("carry over", {"run_id": run_id, "rows": carried})]
            done += _replay(beside, run_id)
            os.replace(fresh, target)
    finally:
        for leftover in (fresh, fresh.with_name(fresh.name + ".wal")):
            leftover.unlink(missing_ok=True)
    done.append(("publish", pipeline.publish(run_id=run_id, loaded=loaded)))
    return done


def _replay(beside: Loaded, run_id: str) -> list[tuple[str, Summary]]:
    steps: list[tuple[str, Callable[..., Summary]]] = [
        ("load", pipeline.load), ("transform", pipeline.transform), ("measure", pipeline.measure),
        ("evaluate", pipeline.evaluate),
    ]  # fmt: skip
    return [(name, step(run_id=run_id, loaded=beside)) for name, step in steps]


@contextmanager
def _held(target: Path) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """The old warehouse, closed cleanly once and then open read-only: nobody can write it; None where there is none."""
    if not target.exists():
        yield None
        return
    with work_database(target):
        pass  # its tables are those of this version, and its log is written back into the file
    old = duckdb.connect(str(target), read_only=True)
    try:
        yield old
    finally:
        old.close()


def _carry_over(old: duckdb.DuckDBPyConnection | None, fresh: Path) -> int:
    """Copy what cannot be made again into the new file; the number of rows."""
    with work_database(fresh):
        pass  # makes the tables
    if old is None:
        return 0
    rows = 0
    old.execute(f"attach {literal(str(fresh))} as rebuilt (read_write)")
    for table in CARRIED:
        found = old.execute(f"insert into rebuilt.{table} by name select * from {table}").fetchone()
        rows += int(found[0]) if found else 0
    old.execute("detach rebuilt")
    log.info("event=carry_over rows=%d", rows, extra={"people": f"carried    {rows:,} rows no source can tell again"})
    return rows
