"""A warehouse of an earlier version: tables with another key are made again, and nothing of them is lost."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from crmlift.warehouse.migrate import make_tables
from crmlift.warehouse.store import TABLES, work_database

EARLIER = """
create schema evaluation; create schema config; create schema metrics;
create table evaluation.kpi_effect (
    rollout_id varchar, wave_id varchar, kpi_id varchar, segment_dim varchar, segment_value varchar, as_of date,
    look varchar, verdict varchar, caveats varchar[], definition_version varchar, dropped_since varchar,
    primary key (rollout_id, wave_id, kpi_id, segment_dim, segment_value, as_of, look));
insert into evaluation.kpi_effect values
    ('r', 'all', 'win_rate', 'all', 'all', '2026-10-01', '13w', 'improved', ['few'], 'v1', 'x'),
    ('r', 'all', 'nps', 'all', 'all', '2026-10-01', '13w', 'inconclusive', null, null, null);
create table config.rollout_wave (
    wave_id varchar primary key, rollout_id varchar, scope_type varchar, scope_value varchar,
    go_live_date date, learning_days integer, is_control boolean);
insert into config.rollout_wave values ('w1', 'r', 'team', 'team:a', '2026-01-05', 42, false);
create table config.cost_item (
    cost_id varchar primary key, rollout_id varchar, category varchar, period_start date, period_end date,
    amount_native decimal(18, 2), currency_code varchar, amount_base decimal(18, 2));
insert into config.cost_item (cost_id, amount_base) values ('c', 12.34);
create table metrics.kpi (kpi_id varchar primary key, name_en varchar);
insert into metrics.kpi values ('win_rate', 'Win rate');
"""


def keys(connection: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    found = connection.execute(
        "select unnest(constraint_column_names) from duckdb_constraints() "
        "where constraint_type = 'PRIMARY KEY' and schema_name || '.' || table_name = ?",
        [table],
    )
    return {row[0] for row in found.fetchall()}


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(EARLIER)
    return path


def test_rows_are_kept_under_the_new_key(earlier: Path) -> None:
    with work_database(earlier) as connection:
        assert "definition_version" in keys(connection, "evaluation.kpi_effect")
        assert keys(connection, "config.rollout_wave") == {"rollout_id", "wave_id", "scope_value"}
        kept = connection.execute(
            "select kpi_id, verdict, caveats, definition_version, effect from evaluation.kpi_effect order by kpi_id"
        ).fetchall()
        assert kept == [("nps", "inconclusive", None, "", None), ("win_rate", "improved", ["few"], "v1", None)]
        connection.execute(
            "insert into evaluation.kpi_effect by name select * replace ('v2' as definition_version) "
            "from evaluation.kpi_effect where kpi_id = 'win_rate'"
        )
        connection.execute(
            "insert into config.rollout_wave by name "
            "select * replace ('team:b' as scope_value) from config.rollout_wave"
        )
        assert connection.execute("select kpi_id, name_en, factors from metrics.kpi").fetchall() == [
            ("win_rate", "Win rate", None)
        ]
    with work_database(earlier) as connection:
        assert connection.execute("select count(*) from evaluation.kpi_effect").fetchall() == [(3,)]


def test_nothing_changes_when_rows_collide(earlier: Path, tmp_path: Path) -> None:
    narrower = tmp_path / "tables.sql"
    narrower.write_text(
        "create schema if not exists evaluation; create table if not exists evaluation.kpi_effect "
        "(rollout_id varchar, wave_id varchar, kpi_id varchar, primary key (rollout_id, wave_id));"
    )
    with duckdb.connect(str(earlier)) as connection:
        with pytest.raises(duckdb.ConstraintException):
            make_tables(connection, narrower)
        assert connection.execute("select count(dropped_since) from evaluation.kpi_effect").fetchall() == [(1,)]


def test_a_warehouse_of_today_has_every_declared_key(tmp_path: Path) -> None:
    path = tmp_path / "new.duckdb"
    with work_database(path) as connection:
        before = connection.execute("select table_oid from duckdb_tables() order by 1").fetchall()
        make_tables(connection, TABLES)
        assert connection.execute("select table_oid from duckdb_tables() order by 1").fetchall() == before


def test_a_key_that_is_no_longer_declared_goes_and_the_rows_stay(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create schema core; create table core.opportunity_snapshot (snapshot_date date, opportunity_id varchar, "
            "primary key (snapshot_date, opportunity_id)); "
            "insert into core.opportunity_snapshot values ('2026-10-30', 'sf:1'), ('2026-10-31', 'sf:1')"
        )
    with work_database(path) as connection:
        assert keys(connection, "core.opportunity_snapshot") == set()
        kept = connection.execute("select opportunity_id, status from core.opportunity_snapshot").fetchall()
        assert kept == [("sf:1", None), ("sf:1", None)]


def test_columns_of_money_become_as_wide_as_declared(earlier: Path) -> None:
    with work_database(earlier) as connection:
        connection.execute("update config.cost_item set amount_base = amount_base + 123456789012345678")
        found = connection.execute(
            "select amount_base::varchar, typeof(amount_native) from config.cost_item"
        ).fetchall()
    assert found == [("123456789012345690.34", "DECIMAL(38,2)")]
