"""What the recomputed answers share: the clock of the data, local days, filters, an order with unknowns last, plain rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from tests.end_to_end.recomputed_frames import ZONE, Frames

Row = tuple[Any, ...]


def where(found: pd.DataFrame, **values: object) -> pd.DataFrame:
    """Rows whose columns hold these values, or one of them where a list is given."""
    for name, value in values.items():
        found = found[found[name].isin(value if isinstance(value, list) else [value])]
    return found.copy()


def now(frame: Frames) -> pd.Timestamp:
    """The end of the data."""
    return frame("metrics.kpi")["complete_until"].max()


def today(frame: Frames) -> pd.Timestamp:
    """The local day the data end in, which is not over."""
    return now(frame).tz_convert(ZONE).tz_localize(None).normalize()


def local_days(at: pd.Series) -> pd.Series:
    """The local days of instants."""
    return at.dt.tz_convert(ZONE).dt.tz_localize(None).dt.normalize()


def rollout(frame: Frames) -> str:
    """The rollout the documents ask about."""
    return str(frame("config.rollout")["rollout_id"].min())


def verdicts(frame: Frames) -> pd.DataFrame:
    """Current verdicts of the rollout on everybody, the waves together."""
    return where(frame("evaluation.kpi_current"), rollout_id=rollout(frame), wave_id="all", segment_dim="all")


def values(frame: Frames, kpi_id: str | list[str], grain: str, segment_dim: str) -> pd.DataFrame:
    """Values of a KPI for all CRMs together."""
    return where(
        frame("metrics.kpi_value"), kpi_id=kpi_id, period_grain=grain, segment_dim=segment_dim, source_id="all"
    )


def ordered(found: pd.DataFrame, *names: str) -> pd.DataFrame:
    """In the order of columns, unknown ones last; a leading '-' turns one round."""
    for name in reversed(names):
        found = found.sort_values(name.lstrip("-"), ascending=name[0] != "-", na_position="last", kind="stable")
    return found


def plain(value: Any) -> Any:
    """One spelling of what pandas and DuckDB give: instants in UTC, days as text, numbers as floats, unknown as None."""
    if isinstance(value, list | tuple | np.ndarray):
        return tuple(plain(one) for one in value)
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | float | Decimal | np.number):
        return float(value)
    if isinstance(value, datetime):
        at = pd.Timestamp(value)
        return str(at.tz_convert("UTC")) if at.tzinfo else str(at)
    return str(pd.Timestamp(value)) if isinstance(value, date) else value


def plain_rows(found: Sequence[Row]) -> list[Row]:
    """Rows in that spelling."""
    return [tuple(plain(value) for value in row) for row in found]


def answer(found: pd.DataFrame, columns: str) -> list[Row]:
    """The columns of a frame as plain rows."""
    return plain_rows(list(found[columns.split()].astype(object).itertuples(index=False, name=None)))
