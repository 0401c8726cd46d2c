"""Every cell that cannot be loaded, by file, sheet, row and column; read exactly as the extraction reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from connectors.errors import ExpectedFailure
from connectors.files.connector import FilesConnector
from connectors.files.evidence import format_words
from connectors.files.mapping import FileSet
from connectors.files.places import FoundFile
from connectors.files.reading import CellProblem, OpenTable, Record, open_tables, record_id


@dataclass
class TableReport:
    """One table of one set.

    understood: column → how its cells are read. problems: cells and rows that reject their row. unread: cells that rows
    are loaded without. left_out: rows below the records. repeated_keys: rows that say again what another row of the
    same id says. contradictory_keys: rows of an id that another row, here or in a file before, gives other content.
    """

    set_name: str
    entity: str
    place: str
    rows: int = 0
    bad_rows: int = 0
    repeated_keys: int = 0
    contradictory_keys: int = 0
    left_out: int = 0
    detected: dict[str, str] = field(default_factory=dict)
    understood: dict[str, str] = field(default_factory=dict)
    problems: list[CellProblem] = field(default_factory=list)
    unread: list[CellProblem] = field(default_factory=list)
    refusal: str = ""


def check_files(connector: FilesConnector) -> list[TableReport]:
    """A report on every table of every set; a file that is refused as a whole has a refusal."""
    reports: list[TableReport] = []
    seen: dict[str, dict[str, int]] = {}
    for one in connector.sets:
        files = connector.files_of(one)
        if not files:
            reports.append(
                TableReport(one.name, one.entity.name, ", ".join(one.paths), refusal="There is no such file.")
            )
        reports += _check_set(one, files, connector.timezone, seen.setdefault(one.entity.name, {}))
    return reports


def _check_set(one: FileSet, files: list[FoundFile], timezone: str, keys: dict[str, int]) -> Iterable[TableReport]:
    reports: list[TableReport] = []
    together: dict[str, list[FoundFile]] = {}
    for file in files:
        together.setdefault(file.archive or file.name, []).append(file)
    for name, members in together.items():
        try:
            for opened in open_tables(one, members, timezone):
                reports.append(_started(one, opened))
                _fill(reports[-1], opened, keys)
        except ExpectedFailure as failure:
            reports.append(TableReport(one.name, one.entity.name, name, refusal=str(failure)))
    return reports


def _started(one: FileSet, opened: OpenTable) -> TableReport:
    report = TableReport(one.name, one.entity.name, opened.table.place, detected=dict(opened.table.detected))
    for column in opened.columns:
        told = format_words(column.format)
        if column.mapped.source is not None and told:
            report.understood[column.mapped.source] = told
    return report


def _fill(report: TableReport, opened: OpenTable, keys: dict[str, int]) -> None:
    for record in opened.records():
        report.rows += 1
        report.problems += record.problems
        report.unread += record.unread
        report.bad_rows += bool(record.problems)
        key = record_id(opened.one, record.values, Counter())
        if not key and not any(problem.target == "id" for problem in record.problems):
            source = opened.one.columns["id"].source if "id" in opened.one.columns else None
            told = CellProblem(opened.table.file, opened.table.sheet, record.row, source, "id", "is empty")
            report.problems.append(told)
            report.bad_rows += not record.problems
        elif key and ("id" in opened.one.columns or opened.one.key) and not record.problems:
            _compare(report, opened.one, key, record, keys)
    report.left_out = len(opened.table.left_out)


def _compare(report: TableReport, one: FileSet, key: str, record: Record, keys: dict[str, int]) -> None:
    """Note a row whose id was met before, with the same content or with another."""
    content = hash(tuple(sorted((k, v) for k, v in record.values.items() if k != "source_file")))
    if key not in keys:
        keys[key] = content
    elif keys[key] == content or "modified_at" in one.columns:
        report.repeated_keys += 1
    else:
        report.contradictory_keys += 1
