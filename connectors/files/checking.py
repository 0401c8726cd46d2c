"""Every cell that cannot be loaded, by file, sheet, row and column; read exactly as the extraction reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from connectors.errors import ExpectedFailure
from connectors.files.connector import FilesConnector
from connectors.files.mapping import FileSet
from connectors.files.places import FoundFile
from connectors.files.reading import CellProblem, OpenTable, open_tables, record_id


@dataclass
class TableReport:
    """One table of one set. understood: column → how its cells are read."""

    set_name: str
    entity: str
    place: str
    rows: int = 0
    bad_rows: int = 0
    repeated_keys: int = 0
    detected: dict[str, str] = field(default_factory=dict)
    understood: dict[str, str] = field(default_factory=dict)
    problems: list[CellProblem] = field(default_factory=list)
    refusal: str = ""


def check_files(connector: FilesConnector) -> list[TableReport]:
    """A report on every table of every set; a file that is refused as a whole has a refusal."""
    reports: list[TableReport] = []
    for one in connector.sets:
        files = connector.files_of(one)
        if not files:
            reports.append(
                TableReport(one.name, one.entity.name, ", ".join(one.paths), refusal="There is no such file.")
            )
        for file in files:
            reports += _check_file(one, file, connector.timezone)
    return reports


def _check_file(one: FileSet, file: FoundFile, timezone: str) -> Iterable[TableReport]:
    reports: list[TableReport] = []
    try:
        for opened in open_tables(one, [file], timezone):
            reports.append(_started(one, opened))
            _fill(reports[-1], opened)
    except ExpectedFailure as failure:
        reports.append(TableReport(one.name, one.entity.name, file.name, refusal=str(failure)))
    return reports


def _started(one: FileSet, opened: OpenTable) -> TableReport:
    report = TableReport(one.name, one.entity.name, opened.table.place, detected=dict(opened.table.detected))
    for column in opened.columns:
        shown = column.format
        told = {
            "money": f"decimal {shown.decimal!r}", "number": f"decimal {shown.decimal!r}",
            "share": f"decimal {shown.decimal!r}", "date": shown.date_order, "moment": shown.date_order,
        }.get(column.target.kind)  # fmt: skip
        if column.mapped.source is not None and told:
            scale = f", times {shown.scale:g}" if shown.scale != 1.0 else ""
            report.understood[column.mapped.source] = told + scale + (", last day" if shown.is_last_day else "")
    return report


def _fill(report: TableReport, opened: OpenTable) -> None:
    keys: Counter[str] = Counter()
    for record in opened.records():
        report.rows += 1
        report.problems += record.problems
        report.bad_rows += bool(record.problems)
        key = record_id(opened.one, record.values, Counter())
        if not key:
            source = opened.one.columns["id"].source if "id" in opened.one.columns else None
            told = CellProblem(opened.table.file, opened.table.sheet, record.row, source, "id", "is empty")
            report.problems.append(told)
            report.bad_rows += not record.problems
        elif "id" in opened.one.columns or opened.one.key:
            keys[key] += 1
    report.repeated_keys = sum(count - 1 for count in keys.values())
