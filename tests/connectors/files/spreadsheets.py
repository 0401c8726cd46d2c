"""Spreadsheets for tests, the source that reads them, and what became of their rows."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl

from connectors.contract import Window
from connectors.files.connector import FilesConnector, open_files
from connectors.landing import LandingZone
from crmlift.warehouse.load import load_landed
from crmlift.warehouse.store import work_database

COSTS = {"id": "Doc", "category": "Item", "period_start": "From", "amount": "Amount"}
HEADER = ("Doc", "Item", "From", "Amount")


def source(folder: Path, files: Mapping[str, Any], **settings: Any) -> FilesConnector:
    """A files source below a folder."""
    given = {"type": "files", "path": str(folder), "files": files, **settings}
    connector = open_files("sheets", given, {})
    assert isinstance(connector, FilesConnector)
    return connector


def costs(folder: Path, path: str, **more: Any) -> FilesConnector:
    """A source of one set of costs."""
    return source(folder, {"costs": {"path": path, "entity": "cost_item", "columns": COSTS, **more}})


def text(rows: Sequence[Sequence[Any]], delimiter: str = ",") -> str:
    """Rows as a CSV without quotes."""
    return "".join(delimiter.join(map(str, row)) + "\n" for row in rows)


def workbook(sheets: Mapping[str, Sequence[Sequence[Any]]], merge: str = "", hidden: Sequence[str] = ()) -> bytes:
    """An Excel file; merge: a range of the first sheet."""
    book = openpyxl.Workbook()
    del book["Sheet"]
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        if name in hidden:
            sheet.sheet_state = "hidden"
    if merge:
        book.worksheets[0].merge_cells(merge)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@dataclass(frozen=True)
class Loaded:
    """What a load made of a source's files."""

    read: int
    kept: int
    rejected: int
    deleted: int
    rows: list[dict[str, Any]]
    reasons: list[tuple[str, str]]


def load(connector: FilesConnector, home: Path, run_id: str = "r1") -> Loaded:
    """Land and load all streams; rows are the live ones of the first stream's table."""
    zone = LandingZone(home / "landing")
    for stream in connector.streams():
        schema = connector.schema(stream)
        writer = zone.begin(schema, "sheets", run_id, Window(None, connector.clock()))
        writer.write_all(connector.read(schema, writer.window, writer.checkpoint))
        writer.commit(connector.count(schema))
    with work_database(home / "warehouse.duckdb") as connection:
        results = load_landed(connection, zone.manifests(), run_id=run_id)
        table = f"raw_files.{connector.streams()[0]}"
        found = connection.execute(f"select * from {table} where not _deleted order by id")
        names = [column[0] for column in found.description or []]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        reasons = connection.execute(
            "select record_id, field from ops.rejected_row where run_id = ? order by all", [run_id]
        ).fetchall()
    return Loaded(
        sum(r.rows_read for r in results),
        sum(r.rows_inserted + r.rows_updated + r.rows_unchanged for r in results),
        sum(r.rows_rejected for r in results),
        sum(r.rows_deleted for r in results),
        rows,
        reasons,
    )
