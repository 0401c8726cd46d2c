"""The unit rows of every KPI on a few records: tests/metrics_kpis/golden/<kpi_id>/ (see tests/golden.py).

Which cases a folder must hold follows from the KPI's query (see tests/metrics_kpis/cases.py).

A composite has no rows of its own: its folder tells the values of its whole months and quarters.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from crmlift.measure import measure
from crmlift.registry import CONTRACT, load_registry
from tests.golden import AS_OF, PARAMETERS, compare, folders, give, warehouse
from tests.metrics_kpis.cases import bound, may_be_censored, missing_cases, units

ROOT = Path(__file__).parent / "golden"
KPIS = {kpi.kpi_id: kpi for kpi in load_registry()}
COMPOSITES = [kpi_id for kpi_id, kpi in KPIS.items() if kpi.tree is None]
VALUES = (
    "select period_grain || ' ' || period_start || ' ' || segment_dim || ' ' || segment_value as cell, value, n, status, "
    "reason, is_mature from metrics.kpi_value where kpi_id = $kpi"
)


@pytest.mark.parametrize(
    "folder", [f for f in folders(ROOT) if f.name not in COMPOSITES], ids=lambda p: str(p.relative_to(ROOT))
)
def test_units(folder: Path) -> None:
    kpi = KPIS[folder.name]
    with warehouse() as connection:
        give(connection, folder)
        compare(connection, units(kpi), folder, bound(kpi))


@pytest.mark.parametrize("kpi_id", COMPOSITES)
def test_values_of_composites(kpi_id: str) -> None:
    kpi = KPIS[kpi_id]
    with warehouse() as connection:
        give(connection, ROOT / kpi_id)
        measure(connection, [*kpi.parts.values(), kpi], as_of=AS_OF, timezone="Europe/Kyiv", run_id="golden")
        compare(connection, VALUES, ROOT / kpi_id, {"kpi": kpi_id})


@pytest.mark.parametrize("kpi_id", [kpi_id for kpi_id, kpi in KPIS.items() if kpi.tree is not None])
def test_no_records_no_units(kpi_id: str) -> None:
    kpi = KPIS[kpi_id]
    with warehouse() as connection:
        assert connection.execute(kpi.sql, kpi.bound(PARAMETERS)).fetchall() == []


@pytest.mark.parametrize("kpi_id", [kpi_id for kpi_id, kpi in KPIS.items() if kpi.tree is not None])
def test_the_folder_holds_every_case_that_applies(kpi_id: str) -> None:
    """A new KPI fails here until its records show what its query leaves out, where its periods end, and so on."""
    with warehouse() as connection:
        assert missing_cases(connection, KPIS[kpi_id], ROOT / kpi_id) == []


@pytest.mark.parametrize("kpi_id", [kpi_id for kpi_id, kpi in KPIS.items() if not kpi.is_derived])
def test_the_folder_tells_the_whole_unit(kpi_id: str) -> None:
    header, *lines = csv.reader((ROOT / kpi_id / "expect.csv").open(encoding="utf-8", newline=""))
    assert {*CONTRACT, "day"} <= set(header)
    observed = {line[header.index("observed")] for line in lines}
    assert observed == ({"true", "false"} if may_be_censored(KPIS[kpi_id]) else {"true"})


def test_every_kpi_has_a_golden_folder() -> None:
    assert {folder.name for folder in folders(ROOT)} == set(KPIS)
