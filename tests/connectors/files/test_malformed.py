"""Spreadsheets as they come: each loads completely, or is refused with the exact cells; no row is ever unaccounted."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import ExpectedFailure
from connectors.files.checking import check_files
from tests.connectors.files.spreadsheets import HEADER, costs, load, source, text, workbook

GOOD = ("A1", "training", "2026-01-05", "100")
UKRAINIAN = (
    ("Doc", "Item", "From", "Amount", "Примітка"),
    ("A1", "навчання", "05.01.2026", "1 250,50 грн", "Київ, її"),
)
PROTECTED = b"\xd0\xcf\x11\xe0" + bytes(600)


@dataclass(frozen=True)
class Case:
    """A file, how many of its rows load, the cells (row, column) that do not; or what it is refused for."""

    name: str
    content: bytes
    loads: int = 0
    cells: tuple[tuple[int, str | None], ...] = ()
    refused: str = ""
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return self.name.rpartition(" ")[2]


def rows(*more: tuple[Any, ...], delimiter: str = ",") -> bytes:
    return text([HEADER, GOOD, *more], delimiter).encode()


CASES = [
    Case("decimal commas c.csv", text([HEADER, ("A1", "training", "05.01.2026", "1\u00a0250,50 €")], ";").encode(), 1),
    Case("Windows-1251 c.csv", text(UKRAINIAN, ";").encode("cp1251"), 1),
    Case("KOI8-U c.csv", text(UKRAINIAN, ";").encode("koi8-u"), 1),
    Case("UTF-16 with tabs c.csv", text(UKRAINIAN, "\t").encode("utf-16"), 1),
    Case("a byte order mark c.csv", b"\xef\xbb\xbf" + rows(), 1),
    Case(
        "merged title rows c.xlsx",
        workbook({"2026": [("Costs of 2026",), (), HEADER, ("A1", "training", date(2026, 1, 5), 100)]}, merge="A1:D1"), 1,
    ),
    Case(
        "an unrelated and a hidden sheet c.xlsx",
        workbook({"Notes": [("Read me",)], "Old": [HEADER, GOOD], "2026": [HEADER, GOOD, ("A2", *GOOD[1:])]}, hidden=["Old"]), 2,
    ),
    Case("blank rows and columns c.csv", b"Doc,Item,From,Amount,,\n,,,,,\nA1,training,2026-01-05,100,,\n\n,,,,,\n", 1),
    Case("words for a number c.csv", rows(("A2", "training", "2026-01-06", "about 100")), 1, ((3, "Amount"),)),
    Case("a day that is not there c.csv", rows(("A2", "training", "2026-02-31", "5")), 1, ((3, "From"),)),
    Case("an unknown category c.csv", rows(("A2", "trainning", "2026-01-06", "5")), 1, ((3, "Item"),)),
    Case("no key c.csv", rows(("", "training", "2026-01-06", "5")), 1, ((3, "Doc"),)),
    Case("a row too short c.csv", rows(("A2", "training")), 1, ((3, None), (3, "From"))),
    Case("a row too long c.csv", rows(("A2", "training", "2026-01-06", "1", "250")), 1, ((3, None),)),
    Case("wrong grouping c.csv", rows(("A2", "training", "2026-01-06", "12 34 567")), 1, ((3, "Amount"),)),
    Case(
        "two marks in one column c.csv",
        text([HEADER, ("A1", "training", "05.01.2026", "1,5"), ("A2", "training", "06.01.2026", "2,5"),
              ("A3", "training", "07.01.2026", "3.5")], ";").encode(), refused="another a decimal comma",
    ),
    Case(
        "a second header within c.csv", rows(HEADER, ("A2", "training", "2026-01-06", "5")), 2,
        ((3, "Item"), (3, "From"), (3, "Amount")),
    ),
    Case(
        "errors of formulas and a total c.xlsx",
        workbook({"S": [HEADER, GOOD, ("A2", "training", datetime(2026, 1, 6), "#DIV/0!"), ("Total", None, None, 200)]}), 1,
        ((3, "Amount"),),
    ),
    Case("a broken quote c.csv", rows(("A2", '"training', "2026-01-06", "5")), refused="quoted cell is broken"),
    Case("a missing column c.csv", text([HEADER[:3], GOOD[:3]]).encode(), refused="no column 'Amount'"),
    Case("nothing c.csv", b"\n \n", refused="empty"),
    Case("no workbook c.xlsx", rows(), refused="no Excel workbook"),
    Case("a password c.xlsx", PROTECTED, refused="protected by a password"),
    Case("a cut archive c.csv.gz", gzip.compress(rows() * 500)[:-40], refused="cannot be read"),
    Case("no Parquet c.parquet", rows(), refused="no Parquet"),
    Case("no JSON c.jsonl", json.dumps(dict(zip(HEADER, GOOD, strict=True))).encode() + b"\n{]\n", refused="line 2"),
    Case("days or months c.csv", rows().replace(b"2026-01-05", b"05/01/2026"), refused="nothing tells day from month"),
    Case("another encoding c.csv", rows() + "Ї".encode("cp1251"), refused="not text in utf-8", settings={"encoding": "utf-8"}),
]  # fmt: skip


def written(case: Case, folder: Path) -> Path:
    (folder / case.path).write_bytes(case.content)
    return folder


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.rpartition(" ")[0])
def test_a_spreadsheet_loads_or_says_which_cells_do_not(case: Case, tmp_path: Path) -> None:
    connector = costs(written(case, tmp_path), case.path, **case.settings)
    reports = check_files(connector)
    refusals = [report.refusal for report in reports if report.refusal]
    if case.refused:
        assert len(refusals) == 1 and case.refused in refusals[0], refusals
        with pytest.raises(ExpectedFailure, match=case.refused.replace("/", ".")):
            load(connector, tmp_path / "home")
        return
    assert refusals == []
    assert [(p.row, p.column) for r in reports for p in r.problems] == list(case.cells)
    done = load(connector, tmp_path / "home")
    bad = len({row for row, _ in case.cells})
    assert (done.read, done.kept, done.rejected) == (case.loads + bad, case.loads, bad)
    assert len(done.rows) == case.loads and len({record for record, _ in done.reasons}) == bad
    places = {f"row {row}" for row, column in case.cells if column != "Doc"}
    assert {record.rstrip(")").rpartition(", ")[2] for record, _ in done.reasons if record != "?"} == places


def test_there_are_at_least_twenty() -> None:
    assert len({case.name for case in CASES}) >= 20


@pytest.mark.parametrize(
    "name", ["Windows-1251 c.csv", "KOI8-U c.csv", "UTF-16 with tabs c.csv", "decimal commas c.csv"]
)
def test_what_was_meant_is_what_is_read(name: str, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == name)
    [row] = load(costs(written(case, tmp_path), case.path), tmp_path / "home").rows
    assert (row["category"], row["period_start"], float(row["amount"])) == ("training", date(2026, 1, 5), 1250.5)


@pytest.mark.parametrize(
    ("kind", "more", "scores", "bad"),
    [
        ("nps", {}, (0, 10, 11, -1), {"11", "-1"}),
        ("csat", {}, (1, 5, 9, 0), {"9", "0"}),
        ("csat", {"scale_max": {"constant": 10}}, (1, 9, 11), {"11"}),
        ("ces", {}, (7, 8), {"8"}),
        ("pulse", {}, (-3, 100), set()),
        ("pulse", {"scale_min": {"constant": 0}, "scale_max": {"constant": 3}}, (0, 3, 4), {"4"}),
    ],
)
def test_an_answer_off_its_scale_is_a_bad_cell(
    kind: str, more: dict[str, Any], scores: tuple[int, ...], bad: set[str], tmp_path: Path
) -> None:
    lines = [("No", "At", "Score"), *((f"A{n}", "2026-03-02", score) for n, score in enumerate(scores))]
    (tmp_path / "a.csv").write_text(text(lines))
    columns = {"id": "No", "responded_at": "At", "score": "Score", "survey_kind": {"constant": kind}, **more}
    connector = source(tmp_path, {"a": {"path": "a.csv", "entity": "survey_response", "columns": columns}})
    [report] = check_files(connector)
    rows = [n for n, score in enumerate(scores, 2) if str(score) in bad]
    assert [(p.row, p.column) for p in report.problems] == [(row, "Score") for row in rows]
    assert all("off the scale" in p.reason for p in report.problems)
    done = load(connector, tmp_path / "home")
    assert (done.read, done.kept, done.rejected) == (len(scores), len(scores) - len(bad), len(bad))
    assert {field for _, field in done.reasons} <= {"score"}


def test_items_off_their_scale_reject_the_answer_of_their_question_only(tmp_path: Path) -> None:
    items = [f"Q{n}" for n in range(1, 11)]
    rows = [("At", "Fit", *items), ("2026-03-02", 9, *[3] * 9, 6), ("2026-03-02", 4, *[3] * 10)]
    (tmp_path / "a.csv").write_text(text(rows))
    entry = {
        "path": "a.csv", "entity": "survey_response", "columns": {"responded_at": "At"},
        "questions": [{"kind": "sus", "items": items}, {"kind": "nps", "score": "Fit"}],
    }  # fmt: skip
    done = load(source(tmp_path, {"a": entry}), tmp_path / "home")
    assert (done.kept, done.rejected, [field for _, field in done.reasons]) == (3, 1, ["item_10"])


def test_a_cell_a_record_can_do_without_is_left_empty_and_told(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(
        "No,Stage,Sum,Due,Seller\nA,won,10.5,soon,#N/A\nB,won,20.5,2026-03-01,Bo\nTotal,,31,,\n"
    )
    columns = {"id": "No", "status": "Stage", "amount": "Sum", "expected_close": "Due", "owner": "Seller"}
    connector = source(tmp_path, {"d": {"path": "d.csv", "entity": "opportunity", "columns": columns}})
    [report] = check_files(connector)
    assert (report.rows, report.bad_rows, report.left_out, len(report.unread)) == (2, 0, 1, 2)
    done = load(connector, tmp_path / "home")
    assert [(r["id"], r["expected_close"], r["owner"]) for r in done.rows] == [
        ("A", None, None),
        ("B", date(2026, 3, 1), "Bo"),
    ]
    told = {(f.rule_id, f.field): f.message for f in connector.findings()}
    assert "d.csv, row 2 is not a date" in told["unreadable_cell", "expected_close"]
    assert "error of the spreadsheet" in told["unreadable_cell", "owner"]
    assert "1 rows below the records (from row 4 on" in told["footer_rows", "d.csv"]
