"""Proof that every cell of a large CSV file means what the load makes of it, without being understood first.

The patterns take less than what people write: only what has one reading, which is the reading of `cells`. A column that
does not fit is read cell by cell; so the size of a file never decides what a row means.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from connectors.contract import FieldType
from connectors.files.entities import Target
from connectors.files.footers import is_total

if TYPE_CHECKING:
    import pyarrow as pa

MOST_WORDS = 100_000
"""Columns with fewer different cells are proved by those alone."""
_DAY = r"(19|20|21)\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_TIME = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|[+-](0\d|1[0-4]):?[0-5]\d)"
_NUMBER = r"-?\d{1,14}(\.\d+)?"
PATTERNS: Mapping[str, tuple[tuple[str, FieldType], ...]] = {
    "boolean": (("true|false|True|False|TRUE|FALSE", FieldType.BOOLEAN),),
    "date": ((_DAY, FieldType.DATE),),
    "moment": ((_DAY, FieldType.DATE), (rf"{_DAY}[T ]{_TIME}", FieldType.TIMESTAMP)),
    "instant": ((rf"{_DAY}[T ]{_TIME}", FieldType.TIMESTAMP),),
    "integer": ((r"-?\d{1,15}", FieldType.INTEGER),),
    "money": ((_NUMBER, FieldType.DECIMAL),),
    "number": ((_NUMBER, FieldType.NUMBER),),
    "share": ((r"0(\.\d+)?|1(\.0+)?", FieldType.NUMBER),),
}
_SPLIT = r"-?[1-9]\d{0,2}\.\d{3}"
"""1.500: another number where a point stands between thousands."""
_DECIDED = r"-?(\d+\.(\d{1,2}|\d{4,})|0\.\d{3}|\d{4,}\.\d{3})"
_DOUBTFUL_TEXT = r"^[\s\x{00A0}]|[\s\x{00A0}]$|^#|^[+-]?\d([.,]\d+)?[eE]\+\d{2,3}$|^\d{16,}$|^\d+\.0$"
"""Text that is trimmed, or may be more or less than its characters."""


class ColumnProof:
    """Takes in the cells of one column piece by piece, then says the type the load can give them.

    needed: whether an empty cell rejects the row. is_key: whether it is the id of the rows.
    """

    def __init__(self, target: Target, *, needed: bool, is_key: bool) -> None:
        self._target, self._needed, self._is_key = target, needed, is_key
        self._possible = [kind for _, kind in PATTERNS.get(target.kind, ((".*", FieldType.TEXT),))]
        self._is_split = self._is_decided = False

    def add(self, cells: pa.Array) -> bool:
        """Whether the column may still pass."""
        import pyarrow.compute as pc

        distinct = pc.unique(cells)
        if self._needed and pc.any(pc.equal(distinct, "")).as_py():
            return False
        if self._target.kind == "text":
            return self._add_text(distinct)
        if self._target.words is not None:
            words = {choice.lower() for choice in self._target.choices} | ({""} - ({""} if self._needed else set()))
            return len(distinct) <= MOST_WORDS and {cell.lower() for cell in distinct.to_pylist()} <= words
        self._possible = [
            kind for kind in self._possible if _all(distinct, self._pattern(kind)) and _are_days(distinct, self._target)
        ]
        if self._target.kind in ("money", "number"):
            self._is_split = self._is_split or _any(distinct, f"^({_SPLIT})$")
            self._is_decided = self._is_decided or _any(distinct, f"^({_DECIDED})$")
        return bool(self._possible)

    def _add_text(self, distinct: pa.Array) -> bool:
        if _any(distinct, _DOUBTFUL_TEXT):
            return False
        return not self._is_key or not any(map(is_total, _short(distinct)))

    def _pattern(self, kind: FieldType) -> str:
        return next(pattern for pattern, each in PATTERNS[self._target.kind] if each is kind)

    @property
    def type(self) -> FieldType | None:
        """The type of the whole column; None when it must be understood."""
        if self._is_split and not self._is_decided:
            return None
        return self._possible[0] if self._possible else None


def read_piece(piece: bytes, header: Sequence[str]) -> pa.Table:
    """Rows of a piece of CSV, all cells as text. Raises pyarrow.ArrowInvalid where a row has another width."""
    import pyarrow as pa
    from pyarrow import csv

    return csv.read_csv(
        io.BytesIO(piece),
        csv.ReadOptions(column_names=list(header), block_size=8 * 1024 * 1024),
        csv.ParseOptions(newlines_in_values=b'"' in piece),
        csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False),
    )


def _all(cells: pa.Array, pattern: str) -> bool:
    import pyarrow.compute as pc

    return bool(pc.all(pc.match_substring_regex(cells, f"^({pattern})?$")).as_py())


def _any(cells: pa.Array, pattern: str) -> bool:
    import pyarrow.compute as pc

    return bool(pc.any(pc.match_substring_regex(cells, pattern)).as_py())


def _are_days(cells: pa.Array, target: Target) -> bool:
    """Whether the days of dates and instants are in the calendar: no 30 February."""
    if target.kind not in ("date", "moment", "instant"):
        return True
    import pyarrow as pa
    import pyarrow.compute as pc

    days = pc.utf8_slice_codeunits(pc.filter(cells, pc.not_equal(cells, "")), 0, 10)
    try:
        pc.cast(pc.unique(days), pa.date32())
    except pa.ArrowInvalid:
        return False
    return True


def _short(cells: pa.Array) -> list[Any]:
    """The cells that begin with a letter and are short enough to be the label of a total."""
    import pyarrow.compute as pc

    kept = pc.filter(cells, pc.match_substring_regex(cells, r"^\p{L}[^\d]{2,30}$"))
    return list(kept.to_pylist())
