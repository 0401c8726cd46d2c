"""Published results, reproduced; the data lie beside the repository."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from metrics.did import LongPanel, breakdown, callaway_santanna
from metrics.staggered import Cells, estimate

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "published_results"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the published data sets are not beside the repository")


@pytest.fixture(scope="module", name="found")
def _found() -> dict[str, dict[str, dict[str, float]]]:
    return callaway_santanna(minimum_wage())


def minimum_wage() -> LongPanel:
    with (DATA / "mpdta.csv").open() as file:
        rows = list(csv.DictReader(file))
    return LongPanel(
        *(np.array([int(float(row[name])) for row in rows]) for name in ("countyreal", "year", "first.treat")),
        np.array([float(row["lemp"]) for row in rows]),
    )


@pytest.mark.parametrize(
    ("cell", "value"),
    [("2004:2004", -0.0105), ("2004:2005", -0.0704), ("2004:2006", -0.1373), ("2004:2007", -0.1008),
     ("2006:2006", -0.0046), ("2006:2007", -0.0412), ("2007:2007", -0.0261)],
)  # fmt: skip
def test_minimum_wage_group_times(found: dict[str, dict[str, dict[str, float]]], cell: str, value: float) -> None:
    assert found["group_time"][cell]["estimate"] == pytest.approx(value, abs=5e-5)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [("dynamic", -0.0772, 0.0203), ("simple", -0.0400, 0.0120), ("group", -0.0310, 0.0124)],
)
def test_minimum_wage_aggregates(found: dict[str, dict[str, float]], name: str, value: float, error: float) -> None:
    assert found[name]["estimate"] == pytest.approx(value, abs=5e-5)
    assert found[name]["error"] == pytest.approx(error, rel=0.1)


def test_minimum_wage_breakdown() -> None:
    """Between what the largest and the second largest difference before would give; the unit does not matter."""
    panel = minimum_wage()
    found = breakdown(panel, "never_treated", 0)
    assert found is not None and 0.45 < found < 0.8
    assert found == breakdown(replace(panel, outcome=-1000 * panel.outcome), "never_treated", 0)
    assert breakdown(replace(panel, outcome=np.ones(len(panel.unit))), "never_treated", 0) in (None, 0.0)


def test_proposition_99_difference_in_differences() -> None:
    with (DATA / "california_prop99.csv").open() as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    states, years = sorted({r["State"] for r in rows}), sorted({r["Year"] for r in rows})
    packs = np.empty((len(states), len(years)))
    for row in rows:
        packs[states.index(row["State"]), years.index(row["Year"])] = float(row["PacksPerCapita"])
    after = np.zeros(packs.shape, dtype=bool)
    after[states.index("California"), [int(y) >= 1989 for y in years]] = True
    found = estimate(Cells(packs, np.ones(packs.shape), ~after, after, multiplicative=False), 2)
    assert found.effect == pytest.approx(-27.35, abs=0.005)
