"""What the simulated company keeps in spreadsheets reads without a complaint, and tells what was planted."""

from __future__ import annotations

import csv
from pathlib import Path
from statistics import mean

import pytest

from connectors.files.checking import check_files
from connectors.files.connector import FilesConnector, open_files
from crmlift.simulator.build import build_company, world_of
from crmlift.simulator.clock import DEFAULT_AS_OF
from crmlift.simulator.spreadsheet_surveys import SUS, employee_survey
from crmlift.simulator.spreadsheets import write_spreadsheets


def test_every_cell_is_understood_by_the_mapping_beside_it(tmp_path: Path) -> None:
    write_spreadsheets(build_company("known"), world_of("known", 7, "small"), tmp_path)
    settings = {"path": str(tmp_path), "mapping": str(tmp_path / "mapping.yml"), "timezone": "Europe/Kyiv"}
    connector = open_files("sheets", settings, {})
    assert isinstance(connector, FilesConnector)
    reports = check_files(connector)
    assert [report for report in reports if report.problems or report.refusal or report.repeated_keys] == []
    rows = {report.set_name: report.rows for report in reports}
    assert min(rows.values()) >= 3 and rows["quotas"] == 24 * 9
    costs = next(report for report in reports if report.set_name == "costs")
    assert costs.detected == {"encoding": "cp1251", "delimiter": ";", "header": "row 3"}
    assert costs.understood["По"] == "day first, last day"


def sus(rows: list[dict[str, str]]) -> float:
    scores = [
        2.5 * sum(int(r[q]) - 1 if place % 2 == 0 else 5 - int(r[q]) for place, q in enumerate(SUS))
        for r in rows
        if all(r[q] for q in SUS)
    ]
    return mean(scores)


@pytest.mark.parametrize(("company", "gain"), [("known", 12.0), ("null", 0.0)])
def test_employees_like_it_better_where_the_rollout_did_something(company: str, gain: float, tmp_path: Path) -> None:
    world = world_of(company, 7, "small")
    employee_survey(world, DEFAULT_AS_OF, tmp_path)
    with (tmp_path / "employee_survey.csv").open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    live = {world.teams[t] for teams in world.wave_teams.values() for t in teams}
    learned = [r for r in rows if r["Round"] >= "2026-05" and r["Which branch do you work in?"] in live]
    before = [r for r in rows if r["Round"] < "2026"]
    assert abs(sus(learned) - sus(before) - gain) < 6, (sus(learned), sus(before))
    assert any(not r["Email Address"] for r in rows)
