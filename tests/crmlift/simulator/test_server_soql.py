"""SOQL: what it selects, and how it refuses."""

from __future__ import annotations

from datetime import date

import pytest

from crmlift.simulator.salesforce.errors import SalesforceError
from crmlift.simulator.salesforce.soql_ast import RelativeDate
from crmlift.simulator.salesforce.soql_dates import interval
from crmlift.simulator.salesforce.soql_run import QueryResult, run_query
from crmlift.simulator.served import ServedTable
from tests.crmlift.simulator.small_company import AS_OF, OPPORTUNITIES, small_company

TABLES = {name: ServedTable(table, "Id") for name, table in small_company().salesforce.items()}
ROWS = TABLES["Opportunity"].rows
ACCOUNT_7 = f"001Sm{7:010d}AAA"
LIVE = [row for row in ROWS if not row["IsDeleted"]]


def ask(text: str, *, is_all: bool = False) -> QueryResult:
    return run_query(text, TABLES, AS_OF, is_all=is_all)


def names(where: str) -> set[str]:
    return {row["Name"] for row in ask(f"SELECT Name FROM Opportunity WHERE {where}").rows}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("StageName = 'closed WON'", lambda r: r["StageName"] == "Closed Won"),
        ("StageName <> 'Closed Won'", lambda r: r["StageName"] != "Closed Won"),
        ("Amount = null", lambda r: r["Amount"] is None),
        ("Amount != NULL AND Amount < 10.5", lambda r: r["Amount"] is not None and r["Amount"] < 10.5),
        ("Amount >= 6000 OR Name = 'Deal 1'", lambda r: (r["Amount"] or 0) >= 6000 or r["Name"] == "Deal 1"),
        ("NOT (IsWon = true OR Amount > 15)", lambda r: not (r["IsWon"] or (r["Amount"] or 0) > 15)),
        ("Name LIKE 'deal 1_'", lambda r: len(r["Name"]) == 7 and r["Name"].startswith("Deal 1")),
        ("Name LIKE '%99%'", lambda r: "99" in r["Name"]),
        ("Name IN ('Deal 1', 'DEAL 2', 'x')", lambda r: r["Name"] in ("Deal 1", "Deal 2")),
        ("StageName NOT IN ('Closed Won','Closed Lost')", lambda r: r["StageName"] == "Prospecting"),
        ("CloseDate = 2026-01-05", lambda r: r["CloseDate"] == date(2026, 1, 5)),
        (
            "SystemModstamp >= 2026-01-02T00:00:00Z AND SystemModstamp < 2026-01-02T03:00:00+02:00",
            lambda r: "2026-01-02T00:00" <= r["SystemModstamp"].isoformat() < "2026-01-02T01:00",
        ),
        ("CloseDate = LAST_N_DAYS:30", lambda r: r["CloseDate"] >= date(2026, 10, 3)),
        ("CreatedDate < N_MONTHS_AGO:9", lambda r: r["CreatedDate"].month < 2),
        ("Owner.Name = 'Person 1'", lambda r: r["OwnerId"].endswith("1AAA")),
        ("Account.Parent.Name = 'Account 0'", lambda r: r["AccountId"] and "00000000A" not in r["AccountId"]),
        ("AccountId IN (SELECT Id FROM Account WHERE Name = 'Account 7')", lambda r: r["AccountId"] == ACCOUNT_7),
        ("Channels__c INCLUDES ('web;mail', 'phone')", lambda r: r["Channels__c"] is not None),
        ("Channels__c EXCLUDES ('phone')", lambda r: r["Channels__c"] != "phone"),
        (r"Description = 'a \"quoted\", text'", lambda r: r["Description"].startswith("a ")),
        (r"Description = 'two\nlines'", lambda r: "\n" in r["Description"]),
    ],
)  # fmt: skip
def test_where(where: str, expected: object) -> None:
    found = names(where)
    wanted = {row["Name"] for row in LIVE if expected(row)}  # type: ignore[operator]
    assert found == wanted and 0 < len(wanted) < len(LIVE)


def test_deleted_rows_are_hidden_unless_asked_for() -> None:
    assert ask("SELECT COUNT() FROM Opportunity").count == len(LIVE)
    assert ask("SELECT COUNT() FROM Opportunity", is_all=True).count == OPPORTUNITIES
    assert ask("SELECT COUNT() FROM Opportunity ALL ROWS").count == OPPORTUNITIES
    assert ask("SELECT COUNT() FROM Opportunity WHERE IsDeleted = true", is_all=True).count == OPPORTUNITIES // 10


def test_order_limit_offset() -> None:
    rows = ask("SELECT Id FROM Opportunity ORDER BY StageName DESC, Amount ASC NULLS LAST LIMIT 3 OFFSET 1").rows
    prospects = sorted(
        (r for r in LIVE if r["StageName"] == "Prospecting"),
        key=lambda r: (r["Amount"] is None, r["Amount"] or 0),
    )
    assert rows == prospects[1:4]
    assert ask("SELECT Id FROM Opportunity ORDER BY Amount LIMIT 1").rows[0]["Amount"] is None


def test_aggregates() -> None:
    result = ask("SELECT COUNT(Id) n, MAX(Amount), COUNT_DISTINCT(StageName) k FROM Opportunity")
    assert result.aggregates == [{"n": len(LIVE), "expr1": max(r["Amount"] or 0 for r in LIVE), "k": 3}]
    grouped = ask("SELECT StageName, COUNT(Id) n FROM Opportunity GROUP BY StageName").aggregates
    assert grouped is not None and sum(g["n"] for g in grouped) == len(LIVE) and len(grouped) == 3


def test_fields_and_names_are_given_as_declared() -> None:
    result = ask("select id, owner.NAME from opportunity limit 1")
    assert [c.name for c in result.columns] == ["Id", "Owner.Name"]
    assert len(ask("SELECT FIELDS(ALL) FROM Account LIMIT 5").columns) == 8


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("SELECT Nope FROM Account", "INVALID_FIELD", "No such column 'Nope' on entity 'Account'. If you are"),
        ("SELECT Id FROM Account WHERE Nope = 1", "INVALID_FIELD", "No such column 'Nope' on entity 'Account'"),
        ("SELECT Boss.Name FROM Account", "INVALID_FIELD", "Didn't understand relationship 'Boss' in field path"),
        ("SELECT Id FROM Nope", "INVALID_TYPE", "sObject type 'Nope' is not supported"),
        ("SELECT Id, FROM Account", "MALFORMED_QUERY", "unexpected token: 'FROM'"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY", "unexpected token: <EOF>"),
        ("SELECT Id FROM Account WHERE Name = 'a", "MALFORMED_QUERY", "unexpected token"),
        ("SELECT Id FROM Account WHERE Name = 'a' AND Id = 'b' OR Id = 'c'", "MALFORMED_QUERY", "unexpected token: 'OR'"),
        ("SELECT Id FROM Account WHERE CreatedDate > 2026-13-01T00:00:00Z", "MALFORMED_QUERY", "Invalid date"),
        ("SELECT Id FROM Account WHERE CreatedDate > '2026-01-01'", "INVALID_FIELD", "must be of type dateTime and should not be"),
        ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD", "must be of type string and should be enclosed"),
        ("SELECT Id FROM Opportunity WHERE Amount = 'x'", "INVALID_FIELD", "must be of type double"),
        ("SELECT FIELDS(ALL) FROM Account", "MALFORMED_QUERY", "LIMIT of at most 200"),
        ("SELECT Id, Id FROM Account", "INVALID_FIELD", "duplicate field selected: Id"),
        ("SELECT Name, COUNT(Id) FROM Account GROUP BY OwnerId", "MALFORMED_QUERY", "must be grouped or aggregated: Name"),
        ("SELECT Id FROM Account OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset"),
    ],
)  # fmt: skip
def test_refusals(query: str, code: str, message: str) -> None:
    with pytest.raises(SalesforceError) as refused:
        ask(query)
    assert refused.value.code == code and message in refused.value.message


def test_errors_point_at_their_place() -> None:
    with pytest.raises(SalesforceError) as refused:
        ask("SELECT Id, Nope FROM Account")
    lines = refused.value.message.split("\n")
    assert lines[1].index("Nope") == lines[2].index("^") and lines[3] == "ERROR at Row:1:Column:12"


@pytest.mark.parametrize(
    ("name", "n", "first", "after"),
    [
        ("TODAY", None, date(2026, 11, 4), date(2026, 11, 5)),
        ("YESTERDAY", None, date(2026, 11, 3), date(2026, 11, 4)),
        ("THIS_WEEK", None, date(2026, 11, 1), date(2026, 11, 8)),  # from Sunday on
        ("LAST_MONTH", None, date(2026, 10, 1), date(2026, 11, 1)),
        ("NEXT_QUARTER", None, date(2027, 1, 1), date(2027, 4, 1)),
        ("THIS_FISCAL_YEAR", None, date(2026, 1, 1), date(2027, 1, 1)),
        ("LAST_90_DAYS", None, date(2026, 8, 6), date(2026, 11, 5)),
        ("LAST_N_DAYS", 2, date(2026, 11, 2), date(2026, 11, 5)),
        ("NEXT_N_DAYS", 2, date(2026, 11, 5), date(2026, 11, 7)),
        ("N_DAYS_AGO", 2, date(2026, 11, 2), date(2026, 11, 3)),
        ("LAST_N_MONTHS", 3, date(2026, 8, 1), date(2026, 11, 1)),
        ("NEXT_N_WEEKS", 2, date(2026, 11, 8), date(2026, 11, 22)),
        ("N_YEARS_AGO", 1, date(2025, 1, 1), date(2026, 1, 1)),
    ],
)
def test_relative_dates(name: str, n: int | None, first: date, after: date) -> None:
    assert interval(RelativeDate(name, n), date(2026, 11, 4)) == (first, after)


@pytest.mark.parametrize("name", ["SOMEDAY", "LAST_DECADE", "LAST_N_DECADES", "N_AGO"])
def test_unknown_relative_dates(name: str) -> None:
    assert interval(RelativeDate(name, None), date(2026, 11, 4)) is None
    assert interval(RelativeDate(name, 3), date(2026, 11, 4)) is None
