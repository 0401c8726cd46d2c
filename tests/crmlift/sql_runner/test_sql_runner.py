"""The runner of models: order, layers, grain, checks, findings, what is missing in a source."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from crmlift import sql_runner
from crmlift.errors import ConfigurationFailure, DataCheckFailure
from crmlift.places import MODELS
from crmlift.sql_runner import check_models, lineage, load_models, run_models
from crmlift.warehouse.store import transaction
from tests.crmlift.sql_runner.bench import PARAMETERS, Write, rows


def test_models_run_in_the_order_of_what_they_read(
    write: Write, tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    write("2_core/a_last", "select id from core.b_first")
    write("2_core/b_first", "select 1 as id")
    models = load_models(tmp_path)
    seen: list[tuple[str, int, int]] = []
    results = run_models(connection, models, PARAMETERS, "r", lambda *told: seen.append(told))
    assert [(r.name, r.rows) for r in results] == [("core.b_first", 1), ("core.a_last", 1)]
    assert seen == [("core.b_first", 0, 2), ("core.a_last", 1, 2)]


def test_a_circle_is_named(write: Write, tmp_path: Path) -> None:
    write("2_core/a", "select id from core.b")
    write("2_core/b", "select id from core.c")
    write("2_core/c", "select id from core.a")
    with pytest.raises(ConfigurationFailure, match=r"core.a → core.b → core.c → core.a"):
        load_models(tmp_path)


@pytest.mark.parametrize(
    ("name", "sql", "yml", "problem"),
    [
        ("2_core/a", "select id from metrics.kpi", None, "reads metrics.kpi, a later layer"),
        ("2_core/a", "select Id as id from raw_salesforce.User", None, "only staging reads raw tables"),
        ("1_staging/a", "select Id as id from raw_salesforce.User", None, "does not declare"),
        ("2_core/a", "select id from core.nobody", None, "core.nobody, which no model makes"),
        ("2_core/a", "select 1 as id, 2 as more", None, "column more is not described"),
        ("2_core/a", "select 1 as id", "grain: [id]\ncolumns: {id: Key, gone: Old}\n", "gone, which is not selected"),
        ("2_core/a", "select 1 as id", "grain: [other]\ncolumns: {id: Key}\n", "grain column other is not selected"),
        ("2_core/a", "select 1 as id", "columns: {id: Key}\n", "declares no grain"),
        ("2_core/a", "select * from config.setting", "grain: [name]\n", "selects *"),
        ("1_staging/a", "select $as_of as id", None, "a view takes no parameters (as_of)"),
    ],
)
def test_check_models_names_the_mistake(
    write: Write, tmp_path: Path, name: str, sql: str, yml: str | None, problem: str
) -> None:
    write(name, sql, *([yml] if yml else []))
    assert problem in "\n".join(check_models(load_models(tmp_path)))


@pytest.mark.parametrize(
    ("sql", "yml", "said"),
    [
        ("select from where", "grain: [id]", "cannot be parsed"),
        ("drop table core.team", "grain: [id]", "one plain SELECT"),
        ("select 1 as id", "grain: [id]\nsurprise: 1\n", "surprise"),
        ("select 1 as id", "grain: [id\n", "not valid YAML"),
    ],
)
def test_files_that_cannot_be_used_say_where(write: Write, tmp_path: Path, sql: str, yml: str, said: str) -> None:
    write("2_core/a", sql, yml)
    with pytest.raises(ConfigurationFailure, match=said) as caught:
        load_models(tmp_path)
    assert "2_core" in str(caught.value)


@pytest.mark.parametrize(
    ("sql", "samples"),
    [
        ("select unnest(['x', 'x', 'y']) as id", "x ×2"),
        ("select unnest(['x', null]) as id", "NULL ×1"),
    ],
)
def test_a_broken_grain_fails_and_keeps_the_old_table(
    write: Write, tmp_path: Path, connection: duckdb.DuckDBPyConnection, sql: str, samples: str
) -> None:
    connection.execute("create table core.a as select 'old' as id")
    write("2_core/a", sql)
    with (
        pytest.raises(DataCheckFailure, match=r"core\.a breaks its check grain: 1 key") as caught,
        transaction(connection),
    ):
        run_models(connection, load_models(tmp_path), PARAMETERS, "r")
    assert caught.value.exit_code == 13
    assert samples in str(caught.value)
    assert rows(connection, "from core.a") == [("old",)]
    assert rows(connection, "select count(*) from duckdb_tables() where table_name like '\\_\\_%' escape '\\'") == [
        (0,)
    ]


def test_a_fail_check_names_count_and_keys(write: Write, tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    yml = "grain: [id]\ncolumns: {id: Key}\nchecks: [{name: small, failing_rows: id > 2}]\n"
    write("2_core/a", "select unnest([1, 2, 3, 4]) as id", yml)
    with pytest.raises(DataCheckFailure, match="breaks its check small: 2 rows") as caught:
        run_models(connection, load_models(tmp_path), PARAMETERS, "r")
    assert "3, 4" in str(caught.value)


def test_rows_are_accounted_for(write: Write, tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    yml = "grain: [id]\ncolumns: {id: Key}\nchecks: [{name: all, rows_equal: (select 3), where: id > 0}]\n"
    write("2_core/a", "select unnest([0, 1, 2]) as id", yml)
    with pytest.raises(DataCheckFailure, match="2 rows instead of 3"):
        run_models(connection, load_models(tmp_path), PARAMETERS, "r")


def test_a_warning_becomes_a_finding_and_resolves(
    write: Write, tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    yml = "grain: [id]\ncolumns: {id: Key}\nchecks: [{name: small, level: warn, failing_rows: id > 2, field: id}]\n"
    query = "select rule_id, severity, object, field, failing_rows, total_rows, sample_ids, state from ops.data_quality_finding"
    write("2_core/a", "select unnest([1, 3]) as id", yml)
    results = run_models(connection, load_models(tmp_path), PARAMETERS, "r1")
    assert results[0].warnings == ("small",)
    assert rows(connection, query) == [("a.small", "warning", "core.a", "id", 1, 2, ["3"], "open")]
    run_models(connection, load_models(tmp_path), PARAMETERS, "r2")
    assert len(rows(connection, query)) == 1
    write("2_core/a", "select unnest([1, 2]) as id", yml)
    run_models(connection, load_models(tmp_path), PARAMETERS, "r3")
    assert rows(connection, "select state, run_id from ops.data_quality_finding") == [("resolved", "r3")]


def test_columns_are_described_in_the_database(
    write: Write, tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    write(
        "2_core/a",
        "select 1 as id, 2 as won",
        "grain: [id]\ndescription: It's a table\ncolumns:\n  id: Key\n  won: Worth [EUR]\n",
    )
    run_models(connection, load_models(tmp_path), PARAMETERS, "r")
    assert rows(connection, "select comment from duckdb_tables() where table_name = 'a'") == [("It's a table",)]
    assert rows(connection, "select comment from duckdb_columns() where table_name = 'a'") == [
        ("Key",),
        ("Worth [EUR]",),
    ]


def test_each_model_gets_only_the_parameters_it_uses(
    write: Write, tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    write("2_core/a", "select cast(timezone($timezone, $as_of) as varchar) as id")
    run_models(connection, load_models(tmp_path), {**PARAMETERS, "salt": "unused"}, "r")
    assert rows(connection, "from core.a") == [("2026-11-02 02:00:00",)]
    write("2_core/a", "select $wish as id")
    with pytest.raises(ConfigurationFailure, match="wish"):
        run_models(connection, load_models(tmp_path), PARAMETERS, "r")


def test_later_models_read_what_was_built_and_not_what_it_will_replace(
    write: Write, tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    write("2_core/deal", "select 1 as id")
    write("2_core/deal_line", "select id from core.deal")
    write("2_core/told", "-- like core.deal\nselect a.id, 'core.deal' as name from core.deal as a inner join core.deal_line using (id)",
          "grain: [id]\ncolumns: {id: Key, name: Table}\n")  # fmt: skip
    run_models(connection, load_models(tmp_path), PARAMETERS, "r1")
    write("2_core/deal", "select 2 as id")
    built = sql_runner.build_models(connection, load_models(tmp_path), PARAMETERS)
    assert rows(connection, "from core.told") == [(1, "core.deal")]
    sql_runner.place_models(connection, built, "r2", None)
    assert rows(connection, "from core.told") == [(2, "core.deal")]
    assert rows(connection, "from core.deal_line") == [(2,)]


def test_no_table_is_replaced_when_the_check_of_one_fails(
    write: Write, tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    write("2_core/a", "select 1 as id")
    write("2_core/b", "select id from core.a")
    run_models(connection, load_models(tmp_path), PARAMETERS, "r1")
    write("2_core/a", "select 2 as id")
    write("2_core/b", "select null::integer as id from core.a")
    with pytest.raises(DataCheckFailure, match=r"as they were before"):
        run_models(connection, load_models(tmp_path), PARAMETERS, "r2")
    assert rows(connection, "from core.a") == [(1,)]


def test_a_missing_column_is_a_failure_with_the_file(
    write: Write, tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    write("2_core/a", "select nothing as id from config.setting")
    with pytest.raises(ConfigurationFailure, match=r"core.a could not be built.*a.sql") as caught:
        run_models(connection, load_models(tmp_path), PARAMETERS, "r")
    assert "nothing" in str(caught.value)


def test_lineage_goes_down_to_the_raw_tables(write: Write, tmp_path: Path) -> None:
    write("1_staging/a", "select Id as id from raw_salesforce.User", "grain: [id]\nreads: raw_salesforce.User\n")
    write("2_core/b", "select id from staging.a")
    tree = lineage(load_models(tmp_path), "core.b")
    assert tree.names() == {"core.b", "staging.a", "raw_salesforce.User"}
    assert tree.sources[0].sources[0].name == "raw_salesforce.User"


def test_the_shipped_models_are_sound() -> None:
    models = load_models(MODELS)
    assert check_models(models) == []
    assert {m.name for m in models} >= {"core.opportunity", "core.lead", "core.ticket", "metrics.kpi_value"}
