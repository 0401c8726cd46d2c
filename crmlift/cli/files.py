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
    """What was understood of each table, then every bad cell; fails when there is one."""
    reports = check_files(cast("FilesConnector", connector))
    print_table(
        ["set", "entity", "file", "rows", "bad rows", "repeated keys", "read as"],
        [
            [r.set_name, r.entity, r.place, r.rows, r.bad_rows, r.repeated_keys, "; ".join(_understood(r))]
            for r in reports
        ],
    )
    problems = [problem for report in reports for problem in report.problems]
    if problems:
        print_table(
            ["file", "sheet", "row", "column", "what"],
            [[p.file, p.sheet or "", p.row, p.column or "", p.reason] for p in problems[:SHOWN]],
        )
    refused = [report for report in reports if report.refusal]
    if problems or refused:
        more = f" The first {SHOWN} are shown." if len(problems) > SHOWN else ""
        raise DataCheckFailure(
            f"{len(problems)} cells of source {source} cannot be loaded, {len(refused)} files are refused.{more}",
            why="\n".join(f"{report.place}: {report.refusal}" for report in refused),
            saved="The other rows load; a row with such a cell goes to ops.rejected_row.",
            next_step="mend the cells or the mapping, then run the same command again",
        )


def _understood(report: TableReport) -> list[str]:
    return [f"{what}: {told}" for what, told in (report.detected | report.understood).items()]
