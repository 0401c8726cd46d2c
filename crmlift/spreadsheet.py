"""A CSV somebody exported, read as it is: any separator, decimal commas, dates as people write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from crmlift.errors import UsageFailure

DATE_FORMATS = ("%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%Y-%m", "%Y/%m/%d", "%Y%m%d", "%b %Y", "%B %Y")
SLASHED = {"day first": "%d/%m/%Y", "month first": "%m/%d/%Y"}
NEVER = ("", "0", "never", "none", "null", "na", "nan", "inf", "n/a", "-")


class Spreadsheet:
    """One CSV file in a private in-memory database; columns are read on demand. Close it after use."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise UsageFailure(
                f"There is no file {path}.", next_step="check the path; crmlift assess reads one CSV file"
            )
        self.path = path
        self._database = duckdb.connect(":memory:")
        self._database.execute("set enable_progress_bar = false")
        try:
            self._database.execute(
                "create table rows as select row_number() over () as _line, * "
                "from read_csv(?, all_varchar = true, header = true, ignore_errors = false)",
                [str(path)],
            )
        except duckdb.Error as error:
            self._database.close()
            raise UsageFailure(
                f"{path.name} could not be read as a CSV file with a header.",
                why=str(error).splitlines()[0][:300],
                next_step="save it as CSV (UTF-8, one header row, comma, semicolon or tab between the columns)",
            ) from error
        described = self._database.execute("describe rows").fetchall()
        self.columns = tuple(str(row[0]) for row in described if row[0] != "_line")

    def close(self) -> None:
        """Let go of the memory."""
        self._database.close()

    def require(self, wanted: Mapping[str, str | None]) -> None:
        """Fail when a named column is not there. wanted: option → column."""
        missing = {option: name for option, name in wanted.items() if name and name not in self.columns}
        if missing:
            options = ", ".join(f"{option} {name}" for option, name in missing.items())
            raise UsageFailure(
                f"{self.path.name} has no column for {options}.",
                why=f"It has: {', '.join(self.columns)}.",
                next_step="use one of these names, spelled exactly so",
            )

    def text(self, column: str) -> npt.NDArray[Any]:
        """The column as text, empty cells as ''."""
        return np.asarray(self._column(f"coalesce(trim({_quoted(column)}), '')")).astype(str)

    def number(self, column: str) -> npt.NDArray[np.float64]:
        """The column as numbers, empty cells as NaN; decimal commas are understood when every cell fits."""
        raw = f"nullif(trim({_quoted(column)}), '')"
        point = f"try_cast({raw} as double)"
        comma = f"try_cast(replace(replace(replace({raw}, ' ', ''), '.', ''), ',', '.') as double)"
        flag = f"case when lower({raw}) in ('true', 'yes') then 1.0 when lower({raw}) in ('false', 'no') then 0.0 end"
        for reading in (point, comma, flag):
            if self._count(f"{raw} is not null and lower({raw}) not in ('nan', 'na') and ({reading}) is null") == 0:
                values = self._column(f"coalesce({reading}, 'nan'::double)")
                return np.asarray(values, dtype=np.float64)
        raise self._unreadable(column, f"{raw} is not null and {point} is null", "a number", "12.5 or 12,5")

    def day(self, column: str) -> npt.NDArray[np.datetime64]:
        """The column as local instants (datetime64[s]), empty cells as NaT; whole years mean the first of January."""
        return self._dates(column, ())

    def day_or_never(self, column: str) -> npt.NDArray[np.datetime64]:
        """The same, reading 0, `never` and the like as no date."""
        return self._dates(column, NEVER)

    def _dates(self, column: str, never: Iterable[str]) -> npt.NDArray[np.datetime64]:
        words = ", ".join(f"'{word}'" for word in ("", *never))
        cell = f"trim({_quoted(column)})"
        raw = f"(case when lower({cell}) not in ({words}) then {cell} end)"
        is_year = f"regexp_full_match({raw}, '[12][0-9]{{3}}([.]0)?')"
        year = f"case when {is_year} then make_timestamp(left({raw}, 4)::int, 1, 1, 0, 0, 0) end"
        readings = [year, f"try_cast({raw} as timestamp)"]
        readings += [f"try_strptime({raw}, '{pattern}')" for pattern in DATE_FORMATS]
        for reading in readings:
            if self._count(f"{raw} is not null and ({reading}) is null") == 0:
                return self._instants(reading)
        slashed = [
            f"try_strptime({raw}, '{pattern}')"
            for pattern in SLASHED.values()
            if self._count(f"{raw} is not null and try_strptime({raw}, '{pattern}') is null") == 0
        ]
        if len(slashed) == 1:
            return self._instants(slashed[0])
        if len(slashed) > 1:
            raise UsageFailure(
                f"Column {column} of {self.path.name} may mean day/month or month/day.",
                next_step="write the dates as 2026-03-02 (year-month-day)",
            )
        raise self._unreadable(column, f"{raw} is not null and {readings[1]} is null", "a date", "2026-03-02 or 2026")

    def _instants(self, reading: str) -> npt.NDArray[np.datetime64]:
        values = self._column(f"({reading})::timestamp_s")
        filled = np.ma.filled(np.ma.asarray(values), np.datetime64("NaT", "s"))
        return np.asarray(filled).astype("datetime64[s]")

    def _column(self, expression: str) -> Any:
        return self._database.execute(f"select {expression} as value from rows order by _line").fetchnumpy()["value"]

    def _count(self, condition: str) -> int:
        found = self._database.execute(f"select count(*) from rows where {condition}").fetchone()
        return int(found[0]) if found else 0

    def _unreadable(self, column: str, condition: str, wanted: str, example: str) -> UsageFailure:
        found = self._database.execute(f"select count(*), min(_line) from rows where {condition}").fetchone()
        count, line = found if found else (0, 0)
        return UsageFailure(
            f"Column {column} of {self.path.name} holds {count} cells that are not {wanted}.",
            where=f"the first in data row {line}",
            next_step=f"write {example}, or leave the cell empty",
        )


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'
