"""Nights against small sources and files: what stands in the tables afterwards."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from functools import cache

import pytest

from tests.cases import ROOT, folder_of, numbers_of

pytestmark = pytest.mark.slow

READ_AS_ONE_OF_TWO = r"Either 1\.500 is 1\.5, or 1\.500 is 1,500"
RIGHT: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "01": ([*(f"Deal {n} Web" for n in range(1, 5)), "lead_source deals Web 4"], []),
    "02": ([r"11 deals 1 .*== and with", r"1 companies 701 .*== and with", "hs:11 hs:1", "hs:1 hs:701"], []),
    "03": (
        [
            *(f"hs:1{n}" for n in range(1, 6)), r"hs:2 won 500\.0 2026-03-02", "emails 5 0 5 5 True",
            "deals 1 0 2 2 True", "misfit_value warning deals fleet_size", "misfit_value warning emails hs_hd_ticket_ids",
        ],
        ["reconciliation", r"[1-9]\d* rows rejected"],
    ),
    "04": ([r"measure .* [1-9]\d* kpis, [\d,]+ values", "exit 0"], ["bug", r"kpis, \d\d\d,\d\d\d values"]),
    "06": (["meetings_on_the_deal 3$"], []),
    "08": (
        ["owner: Opportunity Owner", "4 rows inserted", r"Seller One Roof 1500\.0", r"Seller Two Gate 900\.0"],
        [r"\bid: Opportunity Owner"],
    ),
    "09": (["Task 10 10 True"], ["reconciliation (warning|blocking)"]),
    "10": ([r"00001AAAA \S+ \S+ \S+ \S+ True", r"00002AAAA \S+ \S+ \S+ \S+ False"], []),
    "11": (["exit 0 .*exit 0", "deals 1", "meetings 1", "tasks 1"], ["report this"]),
    "12": ([rf"{READ_AS_ONE_OF_TWO}.*check: exit 13", r"== assess .*Either 1\.000 is 1, or 1\.000 is 1,000"], ["rows inserted, [1-9]"]),
    "14": (["check: exit 13", "0 rows inserted.*3 rows rejected", "0 rows inserted.*2 rows rejected"], [r"[1-9]\d* rows inserted"]),
    "15": (
        ["check: exit 13", *[f"{key} None key is repeated with different content" for key in "AB"]],
        [r"[AB] open", r"[1-9]\d* rows inserted"],
    ),
    "17": ([*(f"{n} (won|lost) North" for n in (1, 2, 3)), *(f"{n} (won|lost) South" for n in (4, 5)), "check: exit 0"], []),
    "18": (["check: exit 13", "formula without its value: open the workbook", "2 rows rejected"], [r"[1-9]\d* rows inserted"]),
    "21": (["D1 00123 Mill", "D2 04567 Bakery"], []),
    "23": ([r"path: WE_00D_1\.ZIP/Account\.csv", "0 rows inserted", r"exit 1\d$"], [r"[1-9]\d* rows inserted"]),
    "24": ([r"== too-complicated .*Opportunity: 1 rows.*exit 12.*== no-access .*Opportunity: 1 rows.*exit 12.*== no-describe .*Opportunity: 1 rows.*exit 12"], ["exit 11"]),
    "26": (["X12 won True", "X14 won True", "X4 won True", "3 rows rejected"], ["unknown_status", "bug"]),
    "27": (["id name region", "2 b North"], []),
}  # fmt: skip
"""For each case patterns that its output must hold and patterns that it must not; blanks count as one."""


@cache
def _played(number: str) -> str:
    """What the case prints, output and errors in their order."""
    script = folder_of(f"ingest/{number}") / "run.sh"
    return subprocess.run(
        ["bash", str(script)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, check=False,
        env={**os.environ, "CRM": str(ROOT)},
    ).stdout  # fmt: skip


@pytest.mark.parametrize("number", RIGHT)
def test_what_the_night_loads_is_right_or_asked_about(number: str) -> None:
    told = re.sub(r"\s+", " ", _played(number)).strip()
    wanted, barred = RIGHT[number]
    assert [pattern for pattern in wanted if not re.search(pattern, told)] == [], told
    assert [pattern for pattern in barred if re.search(pattern, told)] == [], told


def test_the_meaning_of_a_row_is_the_same_in_a_small_and_in_a_large_file() -> None:
    small, large = _played("26").split("== large")
    records = [re.findall(r"^ *(X\d+) .*$", half, re.MULTILINE) for half in (small, large)]
    loaded = [re.findall(r"^ *X\d+ +(?:won|lost|open).*$", half, re.MULTILINE) for half in (small, large)]
    assert records[0] == records[1] and len(records[0]) == 6
    assert loaded[0] == loaded[1] and len(loaded[0]) == 3


def test_every_case_has_an_expectation() -> None:
    assert numbers_of("ingest") == RIGHT.keys()
