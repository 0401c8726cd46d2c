"""Cells that are more than their value: what a spreadsheet program did to them is part of what they mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

_WRITTEN = """
#DIV/0! #N/A #NAME? #NULL! #NUM! #REF! #VALUE! #GETTING_DATA #SPILL! #CALC! #FIELD! #BLOCKED! #CONNECT! #BUSY!
#UNKNOWN! #EXTERNAL! #PYTHON! #ERROR! #NV #WERT! #BEZUG! #ZAHL! #ÜBERLAUF! #NOM? #VALEUR! #NOMBRE! #¿NOMBRE?
#¡REF! #¡VALOR! #¡NUM! #¡DIV/0! #VALOR! #NOME? #NÚM! #ARG! #NAZWA? #ADR! #LICZBA! #ДЕЛ/0! #ЗНАЧ! #ССЫЛКА!
#ИМЯ? #ЧИСЛО! #ПУСТО! #Н/Д #ДІЛ/0! #ПОСИЛАННЯ! #ІМ'Я?
"""
EXCEL_ERRORS = frozenset(_WRITTEN.split())
"""What cells of broken formulas show, as Excel, LibreOffice and Google write it in the languages met most."""


@dataclass(frozen=True)
class Unreadable:
    """A cell that holds something no program kept a value for. reason: completes "the cell …"."""

    reason: str


@dataclass(frozen=True)
class Merged:
    """The value of a cell that is merged over several rows. place: `B2:B4`."""

    value: Any
    place: str


@dataclass(frozen=True)
class Formatted:
    """A number whose format shows more than its digits: 123 with the format 00000 is seen as 00123.

    shown: empty where the format is not understood.
    """

    value: float
    shown: str


class Percent(float):
    """A number with a format of per cent: 0.12, shown as 12 %."""


def is_error(text: str) -> bool:
    """Whether a text is the mark of a broken formula."""
    return text.startswith("#") and text.strip().upper() in EXCEL_ERRORS


def is_filled(cell: Any) -> bool:
    """Whether a cell holds anything."""
    if isinstance(cell, str):
        return bool(cell.strip())
    if isinstance(cell, Merged):
        return is_filled(cell.value)
    is_nan = isinstance(cell, float) and math.isnan(cell)  # nothing, in Parquet files of some programs
    return cell is not None and not is_nan
