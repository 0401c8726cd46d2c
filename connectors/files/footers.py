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
    return not text[:1].isdigit() and bool(_TOTAL.fullmatch(text.strip()))


def is_footer(cells: Sequence[Any], width: int, *, has_words: bool, is_apart: bool = False) -> bool:
    """Whether a row below all others is no record: a total, or a single cell where records have several.

    has_words: whether the first cells of records are words too; then a whole row that begins with one may be a record.
    is_apart: whether empty rows stand above it.
    """
    filled = (cell for cell in cells if is_filled(cell))
    first, second = next(filled), next(filled, None)
    if second is None and width >= (2 if is_apart else MIN_COLUMNS):
        return True
    if not (isinstance(first, str) and is_total(first)):
        return False
    return not has_words or 2 + sum(1 for _ in filled) - (second is None) < width


def without_footer(rows: Iterator[Row], width: int, left_out: list[int]) -> Iterator[Row]:
    """The rows without those at the end that are no records; their numbers are put into `left_out`."""
    held: list[Row] = []
    has_words, last = False, 0
    for row in rows:
        is_apart, last = last > 0 and row[0] > last + 1, row[0]
        if is_footer(row[1], width, has_words=has_words, is_apart=is_apart):
            held.append(row)
            continue
        if held:
            yield from held
            held = []
        first = row[1][0] if row[1] else None
        has_words = has_words or (isinstance(first, str) and not any(map(str.isdigit, first)))
        yield row
    left_out[:] = [number for number, _ in held]
