"""The unit rows of every KPI on a few records: tests/metrics_kpis/golden/<kpi_id>/ (see tests/golden.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmlift.registry import load_registry
from tests.golden import PARAMETERS, compare, folders, give, warehouse

ROOT = Path(__file__).parent / "golden"
KPIS = {kpi.kpi_id: kpi for kpi in load_registry()}


@pytest.mark.parametrize("folder", folders(ROOT), ids=lambda p: str(p.relative_to(ROOT)))
def test_units(folder: Path) -> None:
    kpi = KPIS[folder.name]
    with warehouse() as connection:
        give(connection, folder)
        compare(connection, kpi.sql, folder, kpi.bound(PARAMETERS))


@pytest.mark.parametrize("kpi_id", [kpi_id for kpi_id, kpi in KPIS.items() if kpi.tree is not None])
def test_no_records_no_units(kpi_id: str) -> None:
    kpi = KPIS[kpi_id]
    with warehouse() as connection:
        assert connection.execute(kpi.sql, kpi.bound(PARAMETERS)).fetchall() == []


def test_every_kpi_has_a_golden_folder() -> None:
    assert {folder.name for folder in folders(ROOT)} == set(KPIS)
