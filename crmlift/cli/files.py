"""What `connectors map` and `connectors check` say about files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from connectors.files.checking import TableReport, check_files
from connectors.files.suggesting import suggest
from crmlift.cli.output import print_table, results
from crmlift.errors import DataCheckFailure

if TYPE_CHECKING:
    from connectors.contract import Connector
    from connectors.files.connector import FilesConnector

SHOWN = 200
HEADER = """# Which column is what; docs/files.md tells all keys.
# Name this file under mapping: of a source of type files.
files:
"""


def write_mapping(file: str, entity: str | None, out: Path | None) -> None:
    """Show a first mapping, or write it; a mapping file that is there gets one more set."""
    found = suggest(file, entity)
    if out is None:
        results().print(HEADER + found.text, markup=False, highlight=False, soft_wrap=True)
        return
    before = out.read_text(encoding="utf-8") if out.exists() else HEADER
    out.write_text(before.rstrip("\n") + "\n" + found.text, encoding="utf-8")
    results().print(f"{out}: {file} as {found.entity}, {found.mapped} columns mapped, {len(found.unmapped)} not.")


def report_files(connector: Connector, source: str) -> None:
    """What was understood of each table, then every bad cell; fails when a row or a file cannot be loaded."""
    reports = check_files(cast("FilesConnector", connector))
    print_table(
        ["set", "entity", "file", "rows", "bad rows", "left out", "repeated ids", "read as"],
        [
            [
                r.set_name, r.entity, r.place, r.rows, r.bad_rows, r.left_out, _repeated(r), "; ".join(_understood(r)),
            ]
            for r in reports
        ],
    )  # fmt: skip
    cells = [problem for report in reports for problem in (*report.problems, *report.unread)]
    if cells:
        print_table(
            ["file", "sheet", "row", "column", "what", "so"],
            [
                [p.file, p.sheet or "", p.row, p.column or "", p.reason, "left empty" if p.is_spare else "row rejected"]
                for p in cells[:SHOWN]
            ],
        )
    _fail(reports, source, f" The first {SHOWN} are shown." if len(cells) > SHOWN else "")


def _fail(reports: list[TableReport], source: str, more: str) -> None:
    """DataCheckFailure when a row or a file cannot be loaded."""
    problems = sum(len(report.problems) for report in reports)
    refused = [report for report in reports if report.refusal]
    doubled = [report for report in reports if report.contradictory_keys]
    if not (problems or refused or doubled):
        return
    said = [f"{problems} cells of source {source} cannot be loaded, {len(refused)} files are refused.{more}"]
    if doubled:
        said.append(f"{sum(r.contradictory_keys for r in doubled)} rows repeat an id with other content.")
    cures = ["mend the cells or the mapping"]
    cures += ["map the column that says when a row was last changed to modified_at"] if doubled else []
    raise DataCheckFailure(
        " ".join(said),
        why="\n".join(f"{report.place}: {report.refusal}" for report in refused),
        saved="The other rows load; a row with such a cell goes to ops.rejected_row, and so do all rows of such an id.",
        next_step=f"{', or '.join(cures)}, then run the same command again",
    )


def _repeated(report: TableReport) -> str:
    if not report.contradictory_keys:
        return str(report.repeated_keys)
    return f"{report.repeated_keys}, {report.contradictory_keys} with other content"


def _understood(report: TableReport) -> list[str]:
    return [f"{what}: {told}" for what, told in (report.detected | report.understood).items()]
