"""What a parsed SOQL query is made of. Positions are offsets into the query text, for error messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Union


@dataclass(frozen=True)
class FieldPath:
    """`Amount` or `Owner.Name`; position says where it stands."""

    parts: tuple[str, ...]
    position: int = 0

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True)
class FieldGroup:
    """`FIELDS(ALL | STANDARD | CUSTOM)`."""

    group: str


@dataclass(frozen=True)
class Aggregate:
    """`COUNT(Id) total`; path None stands for `COUNT()`."""

    function: str
    path: FieldPath | None
    alias: str | None


Selected = FieldPath | FieldGroup | Aggregate


@dataclass(frozen=True)
class RelativeDate:
    """`TODAY`, `LAST_N_DAYS:30`."""

    name: str
    n: int | None = None


@dataclass(frozen=True)
class Query:
    """A SELECT."""

    selected: tuple[Selected, ...]
    sobject: str
    sobject_position: int
    where: Condition | None
    group_by: tuple[FieldPath, ...]
    order_by: tuple[Order, ...]
    limit: int | None
    offset: int
    is_all_rows: bool
    text: str

    @property
    def is_aggregate(self) -> bool:
        """Whether rows are counted or grouped rather than returned."""
        return bool(self.group_by) or any(isinstance(item, Aggregate) for item in self.selected)


Literal = str | int | float | bool | date | datetime | None | RelativeDate


@dataclass(frozen=True)
class Comparison:
    """`path operator value`; for IN and INCLUDES the values are a tuple, or a nested query."""

    path: FieldPath
    operator: str
    value: Literal | tuple[Literal, ...] | Query


@dataclass(frozen=True)
class Not:
    """`NOT condition`."""

    condition: Condition


@dataclass(frozen=True)
class Junction:
    """Conditions joined by AND or by OR."""

    word: str
    conditions: tuple[Condition, ...]


Condition = Union[Comparison, Not, Junction]  # noqa: UP007 - a forward reference between dataclasses


@dataclass(frozen=True)
class Order:
    """One ORDER BY term."""

    path: FieldPath
    is_descending: bool
    are_nulls_last: bool
