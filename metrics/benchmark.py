"""How far KPIs are from what the market is said to do, turned so that more is better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from metrics.estimate import Columns, Estimate


def benchmark_gap(columns: Columns, params: Mapping[str, Any]) -> list[Estimate]:
    """(value − benchmark) / |benchmark| of each KPI, and the plain mean of all that are known."""
    if not len(columns["kpi_id"]):
        return []
    benchmark, sign = columns["benchmark"].astype(float), columns["sign"].astype(float)
    value, low, high = (
        sign * (columns[name].astype(float) - benchmark) / np.abs(benchmark) for name in ("value", "ci_low", "ci_high")
    )
    estimates = [
        Estimate(
            "benchmarked_kpi", str(kpi_id), int(columns["n"][i]), float(value[i]) if np.isfinite(value[i]) else None,
            float(min(low[i], high[i])), float(max(low[i], high[i])),
            None if np.isfinite(value[i]) else "no final quarter of the KPI",
        )
        for i, kpi_id in enumerate(columns["kpi_id"])
    ]  # fmt: skip
    known = value[np.isfinite(value)]
    if not len(known):
        return [Estimate("all", "all", 0, None, reason="no final quarter of any KPI with a benchmark"), *estimates]
    half = np.abs(high - low)[np.isfinite(value)] / 2
    error = float(np.sqrt(np.sum(half**2))) / len(known) if np.isfinite(half).all() else np.nan
    mean = float(known.mean())
    return [Estimate("all", "all", len(known), mean, mean - error, mean + error), *estimates]
