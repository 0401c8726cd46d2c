"""The unit rows of every KPI on a few records: tests/metrics_kpis/golden/<kpi_id>/ (see tests/golden.py).

A composite has no rows of its own: its folder tells the values of its whole months and quarters.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from crmlift.measure import measure
from crmlift.registry import load_registry
from tests.golden import AS_OF, PARAMETERS, compare, folders, give, warehouse

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
        compare(connection, kpi.sql, folder, kpi.bound(PARAMETERS))


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


def test_every_kpi_has_a_golden_folder() -> None:
    assert {folder.name for folder in folders(ROOT)} == set(KPIS)
