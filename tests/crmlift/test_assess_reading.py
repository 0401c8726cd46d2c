"""What `crmlift assess` makes of a file: read, told in one line, or asked; never guessed."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

from connectors.files.evidence import Answers
from crmlift.assess import FileOptions, read_as_line
from tests.crmlift.assessing import FIRST, WEEKS, Written, csv, judged, refused, weeks


def marked(value: float, thousands: str, decimal: str, digits: int) -> str:
    text = f"{value:,.{digits}f}".translate(str.maketrans(",.", thousands + decimal))
    return f'"{text}"'


@pytest.mark.parametrize(
    ("thousands", "decimal", "digits", "mark"),
    [(",", ".", 2, ","), (".", ",", 2, ";"), ("\u00a0", ",", 1, ";"), ("'", ".", 1, ",")],
)
def test_grouped_figures_are_the_plain_ones(
    thousands: str, decimal: str, digits: int, mark: str, written: Written
) -> None:
    rows = [(day, marked(value, thousands, decimal, digits)) for day, value in weeks()]
    verdict = judged(written(csv(rows, mark=mark)))
    plain = judged(written(csv([(day, round(value, digits)) for day, value in weeks()])))
    assert verdict["effect_rel"] == pytest.approx(plain["effect_rel"], rel=1e-9)
    assert 1100 < verdict["pre_value"] < 1300
    assert verdict["read_as"]["numbers"]["sales"] == f"decimal {'point' if decimal == '.' else 'comma'}"


def test_whole_thousands_are_asked_about_and_the_answer_decides(written: Written) -> None:
    path = written(csv([(day, marked(value, ".", ",", 0)) for day, value in weeks()]))
    told = refused(path)
    assert "Either 1." in told and told.endswith("Next: add  --decimal .  or  --decimal ,")
    comma = judged(path, file=FileOptions(answers=Answers(decimal=",")))
    assert 1100 < comma["pre_value"] < 1300
    point = judged(path, file=FileOptions(answers=Answers(decimal=".")))
    assert 1.1 < point["pre_value"] < 1.3


def test_a_workbook_a_parquet_file_and_utf_16_are_the_same_table(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [(day, round(value, 2)) for day, value in weeks()]
    plain = judged(written(csv(rows)))
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Sales of all weeks"])
    sheet.append(["week", "sales"])
    for day, value in rows:
        sheet.append([date.fromisoformat(day), value])
    sheet.append(["Total", sum(value for _, value in rows)])
    book.save(tmp_path / "a.xlsx")
    days, values = [date.fromisoformat(day) for day, _ in rows], [value for _, value in rows]
    pq.write_table(pa.table({"week": days, "sales": values}), tmp_path / "a.parquet")
    utf16 = written(csv(rows, mark="\t").encode("utf-16"), "b.csv")
    others = [tmp_path / "a.xlsx", tmp_path / "a.parquet", utf16]
    for path in others:
        verdict = judged(path)
        assert {k: verdict[k] for k in plain if k != "read_as"} == {k: plain[k] for k in plain if k != "read_as"}
    for path in others:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
        assert judged(Path("-"))["effect"] == plain["effect"]
    left_out = judged(tmp_path / "a.xlsx")["read_as"]["left_out"]
    assert left_out == {"below the table (totals, notes)": 1}
    below = csv(rows) + "Grand Total,99\n\nMade by the finance department\n"
    assert judged(written(below))["read_as"]["left_out"] == {"below the table (totals, notes)": 2}


def test_the_line_says_how_the_file_was_read(written: Written) -> None:
    rows = [*[(day, round(v, 2)) for day, v in weeks()][:-1], ("", 5), ("2025-09-01", "")]
    verdict = judged(written(csv(rows)))
    line = read_as_line(verdict["read_as"])
    assert line.startswith("Read as: 141 rows (figures of weeks) from 2023-01-02 to ")
    for part in ("dates year first", "decimal point", "2 rows left out (1 without a date, 1 without a value)", "no gaps",
                 "higher is better (--better lower if not)"):  # fmt: skip
        assert part in line
    json.dumps(verdict["read_as"], allow_nan=False)


def answers(scores: Sequence[Sequence[int]]) -> str:
    """Answers to how likely one would recommend, a few a week."""
    return csv([(FIRST + 7 * k + place, score) for k, some in enumerate(scores) for place, score in enumerate(some)])


def test_answers_of_0_to_10_are_counted_as_an_nps_counts_them(written: Written) -> None:
    rng = np.random.default_rng(2)
    some = [rng.choice([9, 3] if k < 105 else [8, 6], 6).tolist() for k in range(WEEKS)]
    raw = judged(written(answers(some)), kind="nps")
    codes = [[1 if s >= 9 else 0 if s >= 7 else -1 for s in each] for each in some]
    coded = judged(written(answers(codes)), kind="nps")
    assert raw["effect"] == coded["effect"] < 0
    assert raw["verdict"] == "worsened" and -100 <= raw["post_value"] <= 100
    assert "9 and 10 count +1" in read_as_line(raw["read_as"])


def test_only_0_and_1_may_be_answers_or_codes(written: Written) -> None:
    path = written(answers(np.random.default_rng(3).integers(0, 2, (WEEKS, 4)).tolist()))
    assert "--nps-scale 0-10  or  --nps-scale coded" in refused(path, kind="nps")
    assert judged(path, kind="nps", nps_scale="coded")["pre_value"] > 0
    assert "answers of 0 to 10" in judged(path, kind="nps", nps_scale="0-10")["read_as"]["values"]


@pytest.mark.parametrize(
    ("values", "change", "words"),
    [
        ([9, 11] * 70, {"kind": "nps"}, "not a whole number from 0 to 10"),
        ([35.5, -20.25] * 70, {"kind": "nps"}, "--kind mean"),
        ([35, 20] * 70, {"kind": "proportion"}, "--scale 0.01"),
        ([0.35, 1.2] * 70, {"kind": "proportion"}, "--scale"),
        ([2.5, 3] * 70, {"kind": "count"}, "no counts"),
        ([5] * 140, {"min_important": 5.0}, "0.05 for 5 %"),
        ([5] * 140, {"min_important": 0.0}, "between 0 and 1"),
        ([5] * 140, {"learning_days": -30}, "from 0 to 730"),
        ([5] * 140, {"as_of": "2020-01-01"}, "before all rows"),
        ([5] * 140, {"scale": -1.0}, "--scale cannot be -1"),
        ([5] * 140, {"gaps": "maybe"}, "zero, unknown"),
        ([5] * 140, {"rows": "figures"}, "events, periods"),
        ([5] * 140, {"kind": "duration"}, "--better lower or --better higher"),
    ],
)
def test_values_and_options_out_of_range_are_refused_with_their_meaning(
    values: list[float], change: dict[str, Any], words: str, written: Written
) -> None:
    assert words in refused(written(csv(weeks(values))), **change)


def test_per_cents_become_shares_when_told(written: Written) -> None:
    path = written(csv(weeks([35, 20] * 70)))
    assert judged(path, kind="proportion", scale=0.01)["pre_value"] == pytest.approx(0.275, abs=0.01)


def test_a_part_that_exceeds_its_whole_is_no_proportion(written: Written) -> None:
    path = written(csv([(day, 7, 5) for day, _ in weeks()], "week,won,all"))
    told = refused(path, value="won", denominator="all", kind="proportion")
    assert "won is sometimes more than all" in told


def test_times_of_different_zones_need_a_zone(written: Written) -> None:
    rows = [(f"{FIRST + k}T23:30{'+01:00' if k % 2 else '+02:00'}", 1) for k in range(800)]
    path = written(csv(rows))
    assert "--timezone Europe/Kyiv" in refused(path, value=None)
    assert judged(path, value=None, file=FileOptions(timezone="Europe/Kyiv"))["n_pre"] > 600


def test_columns_of_one_name_are_asked_about(written: Written) -> None:
    path = written(csv([(day, v, 2 * v) for day, v in weeks()], "week,sales,sales"))
    assert "'sales (1)', 'sales (2)'" in refused(path)
    assert judged(path, value="sales (2)")["pre_value"] > 2000


def test_a_workbook_of_two_such_sheets_asks_which(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for sheet in (book.active, book.create_sheet("Copy")):
        assert sheet is not None
        sheet.append(["week", "sales"])
        for day, value in weeks():
            sheet.append([date.fromisoformat(day), value])
    book.save(tmp_path / "a.xlsx")
    assert "--sheet: 'Sheet', 'Copy'" in refused(tmp_path / "a.xlsx")
    assert judged(tmp_path / "a.xlsx", file=FileOptions(sheet="Copy"))["verdict"] == "improved"


def test_an_error_of_the_spreadsheet_is_named_with_its_row(written: Written) -> None:
    rows: list[tuple[str, Any]] = [*weeks()]
    rows[3] = (rows[3][0], "#DIV/0!")
    told = refused(written(csv(rows)))
    assert "1 cells that are not a number" in told and "row 5 is an error of the spreadsheet" in told


def test_a_word_for_nothing_can_be_named(written: Written) -> None:
    rows: list[tuple[str, Any]] = [*weeks()]
    rows[3] = (rows[3][0], "closed")
    path = written(csv(rows))
    assert "--missing" in refused(path)
    verdict = judged(path, file=FileOptions(missing=("closed",)))
    assert verdict["read_as"]["left_out"] == {"without a value": 1}
