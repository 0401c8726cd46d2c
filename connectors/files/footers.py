"""What stands below the rows of a report and is none: totals, the date of the export, a copyright."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from connectors.files.special import is_filled

Row = tuple[int, Sequence[Any]]

_TOTAL = re.compile(
    r"((grand |sub|overall |report )?totals?|sum|count|average|всього|усього|разом|загалом|підсумок|сума|итого|всего"
    r"|сумма|gesamt|summe|gesamtsumme|total général|suma|razem|łącznie|totale|totaal)"
    r"( ?[:=(].*|:)?",
    re.IGNORECASE,
)
MIN_COLUMNS = 3


def is_total(text: str) -> bool:
    """Whether a cell is the label of a row of totals, and nothing else."""
    return bool(_TOTAL.fullmatch(text.strip()))


def is_footer(cells: Sequence[Any], width: int) -> bool:
    """Whether a row below all others is no record: a total, or a single cell where records have several."""
    filled = [cell for cell in cells if is_filled(cell)]
    if width >= MIN_COLUMNS and len(filled) == 1:
        return True
    return len(filled) < width and isinstance(filled[0], str) and is_total(filled[0])


def without_footer(rows: Iterator[Row], width: int, left_out: list[int]) -> Iterator[Row]:
    """The rows without those at the end that are no records; their numbers are put into `left_out`."""
    held: list[Row] = []
    for row in rows:
        if is_footer(row[1], width):
            held.append(row)
            continue
        if held:
            yield from held
            held = []
        yield row
    left_out[:] = [number for number, _ in held]
