"""Generated tables through every reader: what comes out is the truth, or it is told; never wrong in silence.

Each table goes through `crmlift assess`, `connectors check` and the files source. A reader may read it, ask (with both
readings) or name the cells it cannot read; the answer of one who knows the file must then give the truth.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from connectors.contract import Window
from connectors.errors import ExpectedFailure, SettingsFailure
from connectors.files.checking import check_files
from connectors.files.evidence import Answers
from crmlift.assess import AssessOptions, FileOptions
from crmlift.assess_columns import read_columns
from crmlift.assess_table import AssessTable
from crmlift.errors import UsageFailure
from tests.connectors.files.spreadsheets import source
from tests.tables.generated import Notation, Truth, tables, written

TABLES = 2_000
COLUMNS = {"id": "Deal", "team": "Team", "closed_at": "Closed", "amount": "Amount", "status": {"constant": "won"}}
UNREADABLE = {"formula", "error", "shortened"}
"""Damage after which some cells say nothing: their rows must be told."""
outcomes: Counter[str] = Counter()

Records = dict[str, tuple[str, date, Decimal]]


def meant(rows: Sequence[Truth], how: Notation) -> Records:
    """What a reader should find; merged teams are the first one's."""
    team = {row.deal: rows[0].team if how.damage == "merged" else row.team for row in rows}
    return {row.deal: (team[row.deal], row.day, row.amount) for row in rows}


def by_files(path: Path, answers: Mapping[str, Any]) -> tuple[Records, int]:
    """Records of the files source, and how many rows it rejects and says so."""
    entry = {"path": path.name, "entity": "opportunity", "columns": COLUMNS, **answers}
    connector = source(path.parent, {"deals": entry})
    [report] = check_files(connector)
    if report.refusal:
        raise SettingsFailure(report.refusal)
    schema = connector.schema("opportunity")
    found: Records = {}
    for page in connector.read(schema, Window(None, connector.clock()), None):
        for row in csv.DictReader(io.StringIO(b"".join(page.body).decode())):
            if row["row_problem"] or "✗" in row.values():
                continue
            day = date.fromisoformat((row["closed_date"] or row["closed_at"])[:10])
            found[row["id"]] = (row["team"], day, Decimal(row["amount"]))
    assert len(found) + report.bad_rows == report.rows, report
    return found, report.bad_rows


def by_assess(path: Path, answers: Mapping[str, Any]) -> tuple[Records, int]:
    """The same of `assess`, rows by their order; it refuses what it cannot read."""
    said = Answers(
        decimal=answers.get("decimal"), date_format=answers.get("date_format"), first_year=answers.get("first_year"),
        exchanged_days={"yes": True, "no": False}.get(str(answers.get("exchanged_days"))),
    )  # fmt: skip
    options = AssessOptions(
        date="Closed", value="Amount", unit="Deal", by=("Team",), go_live="2020-01-01", kind="sum", rows="events",
        file=FileOptions(answers=said),
    )  # fmt: skip
    table = AssessTable(path, options.named, options.file)
    try:
        columns = read_columns(table, options)
    except UsageFailure as failure:
        if "all rows" not in failure.what:
            raise
        first = np.nanmin(table.moment("Closed")) + np.timedelta64(1, "D")
        last = np.nanmax(table.moment("Closed"))
        if first > last:
            return {}, -1  # one day only: nothing lies before and after a go-live
        options = AssessOptions(**{**options.__dict__, "go_live": str(first.astype("datetime64[D]"))})
        columns = read_columns(table, options)
    found = {
        str(unit): (str(team), at.astype("datetime64[D]").item(), Decimal(repr(float(num))))
        for unit, team, at, num in zip(columns.unit, columns.segment, columns.at, columns.num, strict=True)
    }
    return found, sum(columns.read_as["left_out"].values())


def tried(name: str, read: Any, path: Path, rows: Sequence[Truth], how: Notation) -> None:
    """Read, or ask and read again with the answer; compare with the truth."""
    truth = meant(rows, how)
    try:
        found, left_out = read(path, {})
        outcomes[f"{name}: read"] += 1
    except (SettingsFailure, UsageFailure) as failure:
        outcomes[f"{name}: asked or refused"] += 1
        assert failure.next_step or "Next:" in str(failure), str(failure)
        try:
            answers = how.answers | (
                {"encoding": how.encoding} if "encoding" in str(failure) and name != "assess" else {}
            )
            found, left_out = read(path, answers)
        except ExpectedFailure as again:
            told = str(again)
            is_known = how.damage in UNREADABLE or "encoding" in told or "exchanged" in told or "year" in told
            assert is_known or (how.container != "csv" and "fraction" in told), told
            outcomes[f"{name}: refused"] += 1
            return
        outcomes[f"{name}: right with the answer"] += 1
    if left_out == -1:
        return
    wrong = {deal: (found[deal], truth.get(deal)) for deal in found if not _is_same(found[deal], truth.get(deal))}
    assert wrong == {}, (name, how)
    missing = len(truth) - len(found)
    assert missing <= left_out, (name, how, missing, left_out)
    assert missing == 0 or how.damage in UNREADABLE, (name, how)


def _is_same(found: tuple[str, date, Decimal], truth: tuple[str, date, Decimal] | None) -> bool:
    return truth is not None and found[:2] == truth[:2] and abs(found[2] - truth[2]) <= abs(truth[2]) * Decimal("1e-12")


@settings(max_examples=TABLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(tables())
def test_no_table_is_read_wrong_in_silence(drawn: tuple[list[Truth], Notation]) -> None:
    rows, how = drawn
    content, ending = written(rows, how)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"deals{ending}"
        path.write_bytes(content)
        tried("files", by_files, path, rows, how)
        tried("assess", by_assess, path, rows, how)


def test_most_tables_are_read_without_a_question(record_property: Any) -> None:
    if not outcomes:
        pytest.skip("runs after the generated tables, in the same process")
    for name, count in sorted(outcomes.items()):
        record_property(name, count)
        print(f"{name}: {count}")
    for name in ("files", "assess"):
        asked, read = outcomes[f"{name}: asked or refused"], outcomes[f"{name}: read"]
        assert read > asked > 0
