"""Running a parsed query: which rows, in which order, and what is selected of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crmlift.simulator.salesforce import soql_ast as ast
from crmlift.simulator.salesforce.errors import SalesforceError
from crmlift.simulator.salesforce.soql_fields import (
    ResolvedField,
    Tables,
    find_table,
    resolve,
    unknown_object,
)
from crmlift.simulator.salesforce.soql_parser import parse
from crmlift.simulator.salesforce.soql_where import WhereCompiler
from crmlift.simulator.served import Row, ServedCompany, ServedTable

_OFFSET_LIMIT = 2_000


@dataclass(frozen=True)
class QueryResult:
    """columns: what to encode of each row; count is set for `SELECT COUNT()`; aggregates for grouped queries."""

    table: ServedTable
    columns: tuple[ResolvedField, ...]
    rows: list[Row]
    count: int | None = None
    aggregates: list[dict[str, Any]] | None = None


def run_query(text: str, tables: Tables, now: datetime, *, is_all: bool) -> QueryResult:
    """Parse and run; is_all shows soft-deleted and archived rows too. Raises the error the vendor answers with."""
    return run(parse(text), tables, now, is_all=is_all)


class KeptResults:
    """Results of the last queries, found again while the company stands still: pages and jobs ask the same again."""

    def __init__(self, most: int = 12) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[object, ...], QueryResult] = OrderedDict()

    def run(self, text: str, served: ServedCompany, *, is_all: bool) -> QueryResult:
        """As `run_query`; a company edited in place is seen after `ServedCompany.refresh`."""
        now, tables = served.clock.now(), served.salesforce
        rows = sum(len(table.rows) for table in tables.values())
        key = (text, is_all, now.date(), served.generation, rows)
        result = self._kept.pop(key, None)
        if result is None:
            result = run_query(text, tables, now, is_all=is_all)
        self._kept[key] = result
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return result


def run(query: ast.Query, tables: Tables, now: datetime, *, is_all: bool) -> QueryResult:
    """Run a parsed query."""
    table = find_table(tables, query.sobject)
    if table is None:
        raise unknown_object(query.text, query.sobject_position, query.sobject)
    columns = () if query.is_aggregate else _columns(query, tables, table)
    rows = _matching(query, tables, table, now, is_all or query.is_all_rows)
    first = query.selected[0]
    if isinstance(first, ast.Aggregate) and first.path is None and not query.group_by:
        return QueryResult(table, (), [], count=len(rows))
    if query.is_aggregate:
        return QueryResult(table, (), [], aggregates=_aggregated(query, tables, table, rows))
    if query.offset > _OFFSET_LIMIT:
        raise SalesforceError(400, "NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {_OFFSET_LIMIT}")
    for order in reversed(query.order_by):
        _sort(rows, resolve(tables, table, order.path, query.text).read, order)
    stop = None if query.limit is None else query.offset + query.limit
    return QueryResult(table, columns, rows[query.offset : stop])


def _columns(query: ast.Query, tables: Tables, table: ServedTable) -> tuple[ResolvedField, ...]:
    columns: dict[str, ResolvedField] = {}
    for item in query.selected:
        if isinstance(item, ast.FieldGroup):
            paths = _group_paths(item, query, table)
        else:
            assert isinstance(item, ast.FieldPath)
            paths = [item]
        for path in paths:
            found = resolve(tables, table, path, query.text)
            if found.name in columns and isinstance(item, ast.FieldPath):
                raise SalesforceError(400, "INVALID_FIELD", f"duplicate field selected: {path}")
            columns[found.name] = found
    return tuple(columns.values())


def _group_paths(item: ast.FieldGroup, query: ast.Query, table: ServedTable) -> list[ast.FieldPath]:
    if item.group not in {"ALL", "STANDARD", "CUSTOM"}:
        raise SalesforceError(400, "MALFORMED_QUERY", f"unexpected token: '{item.group}'")
    if item.group != "STANDARD" and (query.limit is None or query.limit > 200):
        raise SalesforceError(400, "MALFORMED_QUERY", "The SOQL FIELDS function must have a LIMIT of at most 200")
    wanted = {"ALL": (True, False), "CUSTOM": (True,), "STANDARD": (False,)}[item.group]
    return [ast.FieldPath((f.name,)) for f in table.table.fields if f.name.endswith("__c") in wanted]


def _matching(query: ast.Query, tables: Tables, table: ServedTable, now: datetime, is_all: bool) -> list[Row]:
    hidden = [name for name in ("IsDeleted", "IsArchived") if name.lower() in table.fields]
    rows = table.rows if is_all or not hidden else [r for r in table.rows if not any(r.get(name) for name in hidden)]
    if query.where is None:
        return list(rows)

    def subquery(nested: ast.Query) -> frozenset[Any]:
        result = run(nested, tables, now, is_all=is_all)
        return frozenset(result.columns[0].read(row) for row in result.rows)

    holds = WhereCompiler(tables, table, query.text, now, subquery).compile(query.where)
    return [row for row in rows if holds(row)]


def _sort(rows: list[Row], read: Callable[[Row], Any], order: ast.Order) -> None:
    """Stable; nulls first unless NULLS LAST, whatever the direction; strings without case."""

    def key(row: Row) -> Any:
        value = read(row)
        return value.lower() if isinstance(value, str) else value

    known = [row for row in rows if read(row) is not None]
    nulls = [row for row in rows if read(row) is None]
    known.sort(key=key, reverse=order.is_descending)
    rows[:] = known + nulls if order.are_nulls_last else nulls + known


def _aggregated(query: ast.Query, tables: Tables, table: ServedTable, rows: list[Row]) -> list[dict[str, Any]]:
    keys = [resolve(tables, table, path, query.text) for path in query.group_by]
    groups: dict[tuple[Any, ...], list[Row]] = {} if keys else {(): rows}
    for row in rows if keys else ():
        groups.setdefault(tuple(key.read(row) for key in keys), []).append(row)
    key_names = [key.name.lower() for key in keys]
    out: list[dict[str, Any]] = []
    for values, members in groups.items():
        record: dict[str, Any] = {}
        for number, item in enumerate(query.selected):
            if isinstance(item, ast.Aggregate):
                read = resolve(tables, table, item.path, query.text).read if item.path else None
                record[item.alias or f"expr{number}"] = _aggregate(item.function, read, members)
                continue
            if str(item).lower() not in key_names:
                message = f"Field must be grouped or aggregated: {item}"
                raise SalesforceError(400, "MALFORMED_QUERY", message)
            position = key_names.index(str(item).lower())
            record[keys[position].field.name] = values[position]
        out.append(record)
    return out[query.offset :][: query.limit]


def _aggregate(function: str, read: Callable[[Row], Any] | None, rows: list[Row]) -> Any:
    if read is None:
        return len(rows)
    values = [v for row in rows if (v := read(row)) is not None]
    if function == "COUNT":
        return len(values)
    if function == "COUNT_DISTINCT":
        return len(set(values))
    if not values:
        return None
    total: dict[str, Callable[[], Any]] = {
        "SUM": lambda: float(sum(values)),
        "AVG": lambda: sum(values) / len(values),
        "MIN": lambda: min(values),
        "MAX": lambda: max(values),
    }
    return total[function]()
