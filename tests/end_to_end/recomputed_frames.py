"""The published core tables as pandas frames, and the rows a KPI is made of."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pandas as pd

ZONE = "Europe/Kyiv"
AS_OF = pd.Timestamp("2026-11-02", tz="UTC")
Frames = Callable[[str], pd.DataFrame]


def reader(connection: duckdb.DuckDBPyConnection) -> Frames:
    """Reads published tables, each once."""
    read: dict[str, pd.DataFrame] = {}

    def frame(name: str) -> pd.DataFrame:
        if name not in read:
            read[name] = connection.execute(f"select * from {name}").df()
            for column in read[name].select_dtypes("datetimetz"):
                read[name][column] = read[name][column].dt.tz_convert("UTC").astype("datetime64[us, UTC]")
        return read[name].copy()

    return frame


def rows(frame: pd.DataFrame, at: str, num: object, den: object = 1.0, observed: object = True) -> pd.DataFrame:
    return pd.DataFrame(
        {"at": frame[at], "team": frame["team_id"], "num": num, "den": den, "observed": observed}, index=frame.index
    )


def days(count: float) -> pd.Timedelta:
    return pd.Timedelta(days=count)
