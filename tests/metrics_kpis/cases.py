"""Which cases the golden folder of a KPI must hold, and how each is proven.

A case belongs to a KPI when its query could get it wrong: one that looks at `is_deleted` must be given a deleted record.
It is there when taking it away changes the result: a record that is left out anyhow proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
from sqlglot import exp

from crmlift.registry import Kpi
from tests.golden import PARAMETERS, column_types, give

INSTANT = "TIMESTAMP WITH TIME ZONE"
COUNTED_AMOUNT = re.compile(r"(cast|sum|abs|coalesce)\(+(\w+\.)?amount_base")
"""An amount that is counted, not just passed on as a segment's column."""
Tables = Mapping[str, Mapping[str, str]]
"""Given tables: name → column → type."""


@dataclass(frozen=True)
class Case:
    """Something a KPI's golden records must hold.

    instead: column or type → what stands in such columns when the records lack the case.
    """

    name: str
    instead: Mapping[str, str] = field(default_factory=dict)
    timezone: str | None = None


DELETED = Case("deleted", {"is_deleted": "false"})
MERGED = Case("merged", {"is_countable": "true", "merged_into_id": "null"})
REASSIGNED = Case("reassigned owner", {"initial_owner_id": "coalesce(owner_id, initial_owner_id)"})
SECOND_CURRENCY = Case("second currency", {"amount_base": "coalesce(amount_native, amount_base)"})
LAST_SECOND = Case("last second of a period", {INSTANT: "{column} + interval 1 second"})
FIRST_SECOND = Case("first second of a period", {INSTANT: "{column} - interval 1 second"})


def cases(kpi: Kpi, given: Tables) -> Iterator[Case]:
    """The cases that apply to a KPI, besides ordinary records, none at all and censored ones."""
    if "is_deleted" in kpi.sql:
        yield DELETED
    if "is_countable" in kpi.sql or "merged_into_id" in kpi.sql:
        yield MERGED
    if "initial_owner_id" in kpi.sql:
        yield REASSIGNED
    if COUNTED_AMOUNT.search(kpi.sql) and kpi.reads & {"core.opportunity", "config.cost_item"}:
        yield SECOND_CURRENCY
    has_instants = any(kind == INSTANT and name in kpi.sql for kinds in given.values() for name, kind in kinds.items())
    if has_instants or (kpi.is_derived and "$timezone" in kpi.sql):
        # dates are local ones already, and tonight's is the same in Kyiv and in Greenwich
        yield Case("time zone", timezone="UTC" if has_instants else "America/New_York")
    if has_instants and _depends_on_records(kpi, "event_at"):
        yield LAST_SECOND
        yield FIRST_SECOND


def may_be_censored(kpi: Kpi) -> bool:
    """Whether the outcome of a unit may be unknown as yet."""
    return _depends_on_records(kpi, "observed")


def units(kpi: Kpi, sql: str | None = None) -> str:
    """The rows of a KPI's query with the local day the engine counts them on."""
    day = ", cast(timezone($timezone, event_at) as date) as day" if "event_at" in kpi.columns else ""
    return f"select *{day} from ({sql or kpi.sql}) as unit"


def without(case: Case, kpi: Kpi, given: Tables) -> str:
    """The KPI's rows as they are when the given records lack the case."""
    sql = kpi.sql
    for table, kinds in given.items():
        changed = ", ".join(
            f"cast({put.format(column=column)} as {kind}) as {column}"
            for column, kind in kinds.items()
            for name, put in case.instead.items()
            if name in (column, kind) and (name != "amount_base" or "amount_native" in kinds)
        )
        if changed:
            sql = re.sub(rf"\b{re.escape(table)}\b", f"(select * replace ({changed}) from {table})", sql)
    return units(kpi, sql)


def result(
    connection: duckdb.DuckDBPyConnection, kpi: Kpi, query: str, bound: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """What of a KPI's rows a case may change: as all instants move, a duration that still runs changes anyhow."""
    columns = ["unit_id", "day", "owner_id", "den", *(["num"] if kpi.definition.stat_type != "duration" else [])]
    wanted = ", ".join(columns) if "unit_id" in kpi.columns else "*"
    used = {name: value for name, value in bound.items() if f"${name}" in query}
    return connection.execute(f"select {wanted} from ({query}) as r order by all", used).fetchall()


def bound(kpi: Kpi, timezone: str | None = None) -> dict[str, Any]:
    """What a KPI's query and the local day are given."""
    given = {**PARAMETERS, "timezone": timezone or PARAMETERS["timezone"]}
    return {**kpi.bound(given), **({"timezone": given["timezone"]} if "event_at" in kpi.columns else {})}


def missing_cases(connection: duckdb.DuckDBPyConnection, kpi: Kpi, folder: Path) -> list[str]:
    """The cases that apply to a KPI and its golden folder does not hold."""
    given = {table: column_types(connection, table) for table in give(connection, folder)}
    whole = result(connection, kpi, units(kpi), bound(kpi))
    if not whole:
        return ["ordinary"]
    return [
        case.name
        for case in cases(kpi, given)
        if result(connection, kpi, without(case, kpi, given), bound(kpi, case.timezone)) == whole
    ]


def _depends_on_records(kpi: Kpi, column: str) -> bool:
    selected = kpi.tree.selects if kpi.tree is not None else []
    return any(any(s.find_all(exp.Column)) for s in selected if s.alias_or_name == column)
