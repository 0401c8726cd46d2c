"""What tests of `crmlift assess` share: weekly figures with an effect, and the verdict or the refusal of a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from connectors.errors import ExpectedFailure
from crmlift.assess import AssessOptions, assess_file

WEEKS = 140
FIRST = np.datetime64("2023-01-02")
GO_LIVE = "2025-01-06"
OPTIONS = AssessOptions(date="week", value="sales", go_live=GO_LIVE)
Rows = Sequence[Sequence[Any]]
Written = Callable[..., Path]


def weeks(values: Sequence[float] | None = None) -> list[tuple[str, float]]:
    """A week and its figure, about 1,200 and 30 % more from week 105 on."""
    rng = np.random.default_rng(8)
    made = 1200 * np.exp(rng.normal(0, 0.05, WEEKS)) * np.where(np.arange(WEEKS) >= 105, 1.3, 1.0)
    return [(str(FIRST + 7 * k), float(v)) for k, v in enumerate(made if values is None else values)]


def csv(rows: Rows, header: str = "week,sales", mark: str = ",") -> str:
    return "\n".join([header.replace(",", mark), *(mark.join(map(str, row)) for row in rows)]) + "\n"


def judged(path: Path, options: AssessOptions = OPTIONS, **change: Any) -> dict[str, Any]:
    [verdict] = assess_file(path, replace(options, **change))
    return verdict


def refused(path: Path, options: AssessOptions = OPTIONS, **change: Any) -> str:
    with pytest.raises(ExpectedFailure) as told:
        assess_file(path, replace(options, **change))
    assert told.value.exit_code == 2
    return str(told.value)
