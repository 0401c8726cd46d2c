"""A company without any drop: false incidents are as rare whatever month its fiscal year begins in."""

from __future__ import annotations

import contextlib
import importlib.util
import io
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from crmlift.alerts.evidence import Sums
from crmlift.alerts.rules import Limits
from crmlift.alerts.seasonal import seasonal_signal
from tests.cases import folder_of

pytestmark = pytest.mark.slow

FIRST_NIGHT, YEAR = 500, 365
MOST_A_YEAR = 1.2


@pytest.mark.parametrize("month", [1, 2, 3])
def test_quarters_follow_the_fiscal_year(month: int) -> None:
    incidents, nights = 0, 0
    for seed in range(3):
        days, counts = _company(folder_of("analysis/17") / "check.py").deals(seed, month)
        is_open = False
        for night in range(FIRST_NIGHT, len(days)):
            is_bad = _is_bad(days[:night], counts[:night], days[night], month)
            incidents += is_bad and not is_open
            is_open, nights = is_bad, nights + 1
    assert incidents / (nights / YEAR) <= MOST_A_YEAR


@cache
def _company(script: Path) -> ModuleType:
    """The script as a module: it plays its company once when it is read."""
    found = importlib.util.spec_from_file_location("check", script)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    with contextlib.redirect_stdout(io.StringIO()):
        found.loader.exec_module(module)
    return module


def _is_bad(days: list[date], counts: np.ndarray, before: date, month: int) -> bool:
    def read(grain: str, end: date) -> Sums:
        starts = [day if grain == "day" else day - timedelta(days=day.weekday()) for day in days]
        known: dict[date, float] = {}
        for start, count in zip(starts, counts, strict=True):
            if start < end:
                known[start] = known.get(start, 0.0) + count
        sums = np.array([known[start] for start in sorted(known)])
        return Sums(sorted(known), sums, sums, 0.0)

    found = seasonal_signal(
        read, before=before, free=frozenset(), limits=Limits(), bad_sign=-1, excluded=lambda day: False,
        fiscal_year_start=month,
    )  # fmt: skip
    return found is not None and found.z >= 3 and found.p_value < 0.001
