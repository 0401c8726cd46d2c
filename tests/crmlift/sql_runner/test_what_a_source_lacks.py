"""Tables and columns that a source does not give are added empty, and said once."""

from __future__ import annotations

from pathlib import Path

import duckdb

from crmlift.places import MODELS
from crmlift.sql_runner import load_models, prepare_raw, run_models
from tests.crmlift.sql_runner.bench import PARAMETERS, Write, rows

STAGED = """
reads: [raw_salesforce.Deal, raw_salesforce.Extra?]
grain: [id]
native: {Id: varchar, Amount: 'decimal(18,4)', Note__c: varchar?}
"""
STAGED_SQL = "select Id as id from raw_salesforce.Deal union all select Id from raw_salesforce.Extra"


def findings(connection: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return rows(
        connection,
        "select rule_id, severity, object, field, source_id, state from ops.data_quality_finding order by all",
    )


def test_what_a_source_lacks_is_added_empty_and_said_once(
    write: Write, tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    write("1_staging/deal", STAGED_SQL, STAGED)
    models = load_models(tmp_path)
    connection.execute(
        "create schema raw_salesforce; create table raw_salesforce.\"Deal\" as select '1' as Id, 'sf' as _source_id"
    )
    for run in ("r1", "r2"):
        prepare_raw(connection, models, run)
        assert findings(connection) == [
            ("missing_field", "info", "Deal", "Note__c", "sf", "open"),
            ("missing_field", "warning", "Deal", "Amount", "sf", "open"),
            ("missing_object", "info", "Extra", None, "sf", "open"),
        ]
    run_models(connection, models, PARAMETERS, "r2")
    assert rows(connection, "select id from staging.deal") == [("1",)]
    connection.execute('update raw_salesforce."Deal" set Amount = 5')
    prepare_raw(connection, models, "r3")
    assert ("missing_field", "warning", "Deal", "Amount", "sf", "resolved") in findings(connection)
    write("1_staging/deal", STAGED_SQL, STAGED.replace("Note__c", "Later__c: varchar?, Note__c"))
    prepare_raw(connection, load_models(tmp_path), "r4")  # by then this table is there, empty
    assert rows(connection, 'select Later__c from raw_salesforce."Extra"') == []


def test_what_a_connector_said_is_not_said_twice(
    write: Write, tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    write("1_staging/deal", STAGED_SQL, STAGED)
    connection.execute(
        "create schema raw_salesforce; create table raw_salesforce.\"Deal\" as select '1' as Id, 'sf' as _source_id; "
        "insert into ops.data_quality_finding (finding_id, rule_id, severity, object, source_id, message, state) "
        "values ('source:sf:missing_object:Extra:', 'missing_object', 'info', 'Extra', 'sf', 'Hidden.', 'open')"
    )
    prepare_raw(connection, load_models(tmp_path), "r1")
    assert rows(connection, "select message, affected_kpis from ops.data_quality_finding where object = 'Extra'") == [
        ("Hidden.", [])
    ]


def test_what_a_connector_said_names_the_kpis_that_are_made_from_it(connection: duckdb.DuckDBPyConnection) -> None:
    said = [
        ("unread_object", "Opportunity", None, "sf"), ("unread_object", "Visit__c", None, "sf"),
        ("unread_object", "Product2", None, "hs"), ("archived_not_listed", "meetings", None, "hs"),
        ("missing_association", "calls_associations", "deals", "hs"), ("missing_field", "Opportunity", "Amount", "sf"),
        ("missing_field", "Opportunity", "Weather__c", "sf"), ("schema_grew", "deals", None, "pd"),
    ]  # fmt: skip
    connection.execute(
        "create schema raw_salesforce; create table raw_salesforce.\"Account\" as select '1' as Id, 'sf' as _source_id; "
        "create schema raw_hubspot; create table raw_hubspot.contacts as select '1' as id, 'hs' as _source_id"
    )
    connection.executemany(
        "insert into ops.data_quality_finding (finding_id, rule_id, severity, object, field, source_id, state) values "
        "('source:' || $4 || $1 || $2 || coalesce($3, ''), $1, 'info', $2, $3, $4, 'open')", said,
    )  # fmt: skip
    prepare_raw(connection, load_models(MODELS), "r1")
    found = {
        (rule, name, field): (severity, set(kpis))
        for rule, name, field, severity, kpis in rows(
            connection,
            "select rule_id, object, field, severity, affected_kpis from ops.data_quality_finding "
            "where starts_with(finding_id, 'source:')",
        )
    }
    severity, kpis = found["unread_object", "Opportunity", None]
    assert severity == "warning" and {"win_rate", "won_revenue"} <= kpis
    assert found["unread_object", "Visit__c", None] == ("info", set())
    assert found["unread_object", "Product2", None] == ("info", set()), "HubSpot has no such table"
    severity, kpis = found["archived_not_listed", "meetings", None]
    assert severity == "info" and kpis
    assert found["missing_association", "calls_associations", "deals"][1]
    assert found["missing_field", "Opportunity", "Amount"][0] == "warning"
    assert found["missing_field", "Opportunity", "Weather__c"] == ("info", set())
    assert found["schema_grew", "deals", None][0] == "info"


def test_sources_without_data_lack_nothing(write: Write, tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    write("1_staging/deal", STAGED_SQL, STAGED)
    prepare_raw(connection, load_models(tmp_path), "r1")
    assert findings(connection) == []
    assert rows(connection, 'select count(*) from raw_salesforce."Extra"') == [(0,)]
