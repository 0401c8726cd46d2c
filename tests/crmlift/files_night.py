"""A night over spreadsheets only, for tests: extracted, loaded, transformed, and measured up to the named KPIs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from connectors.landing import LandingZone
from crmlift import config_files, config_tables, sql_runner
from crmlift.data_origin import mark_origins
from crmlift.extract import extract_source
from crmlift.legacy_values import add_legacy_values
from crmlift.measure import measure
from crmlift.places import KPIS, MODELS, ROOT
from crmlift.raw_reading import read_raw
from crmlift.registry import load_registry
from crmlift.settings import Places, Settings
from crmlift.settings_file import Loaded
from crmlift.sql_models import CORE
from crmlift.warehouse.load import load_landed
from crmlift.warehouse.store import work_database

DATA = ROOT.parent / "shared" / "data"
AS_OF = datetime(2026, 11, 2, tzinfo=UTC)
PEOPLE = "Name,Mail,Branch\nOlha,olha@example.com,North\nPetro,petro@example.com,South\n"
USERS = {
    "path": "people.csv",
    "entity": "user",
    "columns": {"id": "Mail", "name": "Name", "email": "Mail", "team": "Branch"},
}


@contextmanager
def night(
    folder: Path, files: Mapping[str, Any], *, kpis: tuple[str, ...] = (), as_of: datetime = AS_OF,
    others: Mapping[str, Mapping[str, Any]] | None = None, **settings: Any,
) -> Iterator[duckdb.DuckDBPyConnection]:  # fmt: skip
    """A night over the source `old` of these files, and others: files of other sources by their id."""
    source = {"type": "files", "path": str(folder), "files": files, "as_of": as_of}
    sources = {"old": source} | {name: {**source, "files": more} for name, more in (others or {}).items()}
    given = {"company": {"currency": "EUR", "timezone": "Europe/Kyiv"}, "sources": sources, **settings}
    loaded = Loaded(Settings.model_validate(given), folder / "crmlift.yml", given, Places(folder / "home"))
    for name in sources:
        extract_source(loaded, name, run_id="r")
    with work_database(loaded.places.warehouse) as connection:
        load_landed(connection, LandingZone(loaded.places.landing).manifests(), run_id="r")
        models = [m for m in sql_runner.load_models(MODELS) if m.layer <= CORE]
        readings = read_raw(connection, models, as_of=as_of)
        config_tables.fill_config(connection, loaded, "r", readings)
        sql_runner.prepare_raw(connection, models, "r")
        bound = {"as_of": as_of, "timezone": "Europe/Kyiv", "base_currency": "EUR", "salt": "pepper"}
        built = sql_runner.build_models(connection, models, bound, sources=readings.sources)
        sql_runner.place_models(connection, built, "r", as_of)
        config_files.convert_costs(connection, "EUR")
        config_files.name_owners(connection, "pepper")
        if kpis:
            wanted = [kpi for kpi in load_registry(KPIS, {}) if kpi.kpi_id in kpis]
            measure(connection, wanted, as_of=as_of, timezone="Europe/Kyiv", run_id="r")
            mark_origins(connection, wanted, "Europe/Kyiv")
            add_legacy_values(connection, "r")
        yield connection


def value(connection: duckdb.DuckDBPyConnection, kpi_id: str, year: int) -> tuple[Any, ...]:
    found = connection.execute(
        "select numerator, denominator, value, n, data_origin from metrics.kpi_value where kpi_id = ? and source_id = 'all' "
        "and segment_dim = 'all' and period_grain = 'year' and period_start = make_date(?, 1, 1)",
        [kpi_id, year],
    ).fetchone()
    assert found is not None
    return found
