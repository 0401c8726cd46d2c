"""What a model hands back: one value of a segment, with its interval and what stands in its way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

Columns = Mapping[str, npt.NDArray[Any]]
"""Column → values, as the model's SQL selects them; NULL is NaN in numbers and None in text."""


@dataclass(frozen=True)
class Estimate:
    """value, low, high: in the KPI's unit, None is unknown; reason: why, in words. n: units it rests on."""

    segment_dim: str
    segment_value: str
    n: int
    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None
