"""Numbers as people write them: which mark is the decimal one is told by the whole column, or asked."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from connectors.files.questions import AmbiguousColumn, Reading

SPACES = " \u00a0\u202f\u2009"
APOSTROPHES = "'’"
CODES = (
    "EUR USD UAH GBP PLN CHF CZK RON SEK NOK DKK JPY CNY INR BRL MXN ARS CAD AUD NZD ZAR TRY HUF BGN KZT GEL MDL ILS "
    "AED RUB SGD HKD KRW"
)
"""Codes of currencies that may stand beside an amount."""
NAMES = {
    "грн": "UAH",
    "руб": "RUB",
    "zł": "PLN",
    "kč": "CZK",
    "€": "EUR",
    "£": "GBP",
    "₴": "UAH",
    "₽": "RUB",
    "₸": "KZT",
}
"""What one currency alone is called."""
_CURRENCY = re.compile(
    rf"\b(?:{'|'.join(CODES.split())})\b|\bгрн\b\.?|\bруб\b\.?|\bzł\b|\bKč\b|\bkr\b\.?|\bFt\b|\blei\b|R\$|US\$|A\$|C\$",
    re.IGNORECASE,
)
_TAIL = re.compile(r"^(.*?)([eE][+-]?\d{1,3})?$")
_NO_CENTS = re.compile(r"(?<=\d)[.,][-–—]{1,2}$")
"""`1.500,-`: a price without cents."""
_PER_CENT = re.compile(r"%|per ?cent|процент|відсот|prozent", re.IGNORECASE)
_PLAIN = re.compile(r"-?\d+")
_ONE_MARK = re.compile(r"-?(\d+)([.,])(\d+)")


class NotANumber(ValueError):
    """The text is no number, or its digits are not grouped as they should be."""


def canonical(text: str, decimal: str, thousands: str) -> str:
    """`1 234,50 €` as `1234.50`. thousands: marks between groups besides blanks and apostrophes. NotANumber else."""
    bare, is_negative, exponent = _bare(text, decimal)
    whole, mark, part = bare.partition(decimal)
    if not re.fullmatch(r"[0-9]*", part) or not (whole or part):
        raise NotANumber(text)
    digits = whole if re.fullmatch(r"[0-9]*", whole) else _ungrouped(whole, thousands)
    if digits is None:
        raise NotANumber(text)
    return f"{'-' if is_negative else ''}{digits or '0'}{'.' + part if mark and part else ''}{exponent}"


def _bare(text: str, decimal: str) -> tuple[str, bool, str]:
    """Digits and marks alone, whether the number is negative, and its exponent."""
    found = without_currency(text).strip(f"{SPACES}\t%")
    is_negative = False
    if found.startswith("(") and found.endswith(")"):
        found, is_negative = found[1:-1], True
    found = found.replace("−", "-").strip(SPACES)
    if no_cents := _NO_CENTS.search(found):
        if no_cents[0][0] != decimal:
            raise NotANumber(text)
        found = found[: no_cents.start()]
    if found.endswith("-"):
        found, is_negative = found[:-1].strip(SPACES), True
    if found[:1] in ("+", "-"):
        is_negative, found = is_negative != found.startswith("-"), found[1:].strip(SPACES)
    match = _TAIL.match(found)
    return (match[1], is_negative, match[2] or "") if match else (found, is_negative, "")


def _ungrouped(whole: str, thousands: str) -> str | None:
    """The digits of a number grouped by one kind of mark, in threes or as in India; None if they are not."""
    for marks in (SPACES, APOSTROPHES, *thousands):
        mark = f"[{re.escape(marks)}]"
        in_threes = rf"[1-9]\d{{0,2}}(?:{mark}\d{{3}})+"
        in_twos = rf"[1-9]\d?(?:{mark}\d{{2}})+{mark}\d{{3}}" if marks == "," else in_threes
        if re.fullmatch(f"{in_threes}|{in_twos}", whole):
            return re.sub(mark, "", whole)
    return None


def without_currency(text: str) -> str:
    """The text without signs, codes and short names of currencies."""
    if text.isascii() and not any(c.isalpha() or c == "$" for c in text):
        return text
    shorter = _CURRENCY.sub("", text)
    return "".join(c for c in shorter if unicodedata.category(c) != "Sc")


def currency_of(text: str) -> str:
    """The currency a cell names: a code where the name stands for one alone, else the sign itself; empty if none."""
    if text.isascii() and not any(c.isalpha() or c == "$" for c in text):
        return ""
    if found := _CURRENCY.search(text):
        word = found[0].rstrip(".")
        return NAMES.get(word.lower(), word.upper())
    sign = next((c for c in text if unicodedata.category(c) == "Sc"), "")
    return NAMES.get(sign, sign)


@dataclass
class NumberEvidence:
    """What the cells of a whole column say about how it is written; examples with the row of their first cell.

    point, comma: cells that are a number only if that is the decimal mark. split: cells that are another number under
    either. fraction: a typed number that is not whole. signed, unsigned: cells with and without %. largest: the
    largest number without %, under either mark.
    """

    is_share: bool = False
    point: tuple[str, int] | None = None
    comma: tuple[str, int] | None = None
    split: tuple[str, int] | None = None
    fraction: tuple[str, int] | None = None
    signed: tuple[str, int] | None = None
    unsigned: tuple[str, int] | None = None
    largest: dict[str, float] = field(default_factory=lambda: {".": 0.0, ",": 0.0})
    currencies: dict[str, tuple[str, int]] = field(default_factory=dict)

    def add(self, text: str, row: int) -> None:
        """Take in a cell of text that is not empty."""
        cell = (text.strip(), row)
        if currency := currency_of(text):
            self.currencies.setdefault(currency, cell)
        if text.rstrip().endswith("%"):
            self.signed = self.signed or cell
        else:
            self._measure(text, cell)
        if _PLAIN.fullmatch(text):
            return
        one = _ONE_MARK.fullmatch(text)
        if one and (len(one[3]) != 3 or len(one[1]) > 3 or one[1].startswith("0")):
            self._vote(one[2], cell)
            return
        as_point, as_comma = _read(text, "."), _read(text, ",")
        if as_point == as_comma:
            return
        if as_point is None or as_comma is None:
            self._vote("." if as_comma is None else ",", cell)
        elif self.split is None:
            self.split = cell

    def add_typed(self, value: float, row: int, *, is_percent: bool) -> None:
        """Take in a number that the file keeps as one."""
        if value != int(value) and self.fraction is None:
            self.fraction = (f"{value:g}", row)
        if is_percent:
            self.signed = self.signed or (f"{value:g}", row)
        else:
            self._measure(repr(value), (f"{value:g}", row))

    def _measure(self, text: str, cell: tuple[str, int]) -> None:
        """Note a number without %; a zero is the same under any scale."""
        if self.unsigned is None and any(digit in text for digit in "123456789"):
            self.unsigned = cell
        if self.is_share:
            values = {mark: abs(float(_read(text, mark) or 0)) for mark in self.largest}
            self.largest = {mark: max(value, values[mark]) for mark, value in self.largest.items()}

    def _vote(self, mark: str, cell: tuple[str, int]) -> None:
        if mark == ".":
            self.point = self.point or cell
        else:
            self.comma = self.comma or cell

    def decimal(self) -> str:
        """The decimal mark; AmbiguousColumn when the column does not tell, or contradicts itself."""
        by_option = (("decimal", "."), ("decimal", ","))
        if self.point and self.comma:
            raise AmbiguousColumn(
                f"one cell needs a decimal point ({_at(self.point)}), another a decimal comma ({_at(self.comma)})",
                [Reading(f"the decimal mark is a {name}", *option)
                 for name, option in zip(("point", "comma"), by_option, strict=True)],
            )  # fmt: skip
        if self.comma and self.fraction:
            raise AmbiguousColumn(
                f"it holds text with a decimal comma ({_at(self.comma)}) beside numbers with a fraction "
                f"({_at(self.fraction)}), which a spreadsheet program may have read with the other mark",
                [Reading(f"{self.fraction[0]} is what was meant", "decimal", ","),
                 Reading("the program changed it: import the original again with this column as text")],
            )  # fmt: skip
        if self.split and not self.point and not self.comma:
            text = self.split[0]
            raise AmbiguousColumn(
                f"nothing tells which mark is the decimal one ({_at(self.split)})",
                [Reading(f"{text} is {float(_read(text, mark) or 0):,.12g}", *option)
                 for mark, option in zip(".,", by_option, strict=True)],
            )  # fmt: skip
        return "," if self.comma else "."

    def scale(self, decimal: str, header: str) -> float:
        """What numbers without % are multiplied by: 1, or 0.01 where they are per cent; AmbiguousColumn when unsure."""
        if self.unsigned is None:
            return 1.0
        says_per_cent = self.is_share and bool(_PER_CENT.search(header))
        if self.signed is None and (not self.is_share or (self.largest[decimal] > 1) == says_per_cent):
            return 0.01 if says_per_cent else 1.0
        if self.signed:
            why = "some cells have a % and others not"
        elif says_per_cent:
            why = "its header says per cent and no share is above 1"
        else:
            why = "shares are above 1, without a %"
        text = self.unsigned[0]
        raise AmbiguousColumn(
            f"{why} ({_at(self.unsigned)})",
            [Reading(f"{text} is {text} %", "scale", "0.01"), Reading(f"{text} is the figure itself", "scale", "1")],
        )

    def refuse_currencies(self) -> None:
        """AmbiguousColumn when cells name several currencies: their amounts cannot be added."""
        if len(self.currencies) > 1:
            cells = [f"{_at(cell)}" for cell in self.currencies.values()]
            raise AmbiguousColumn(
                f"its amounts are in several currencies ({', '.join(cells[:3])})",
                [Reading("put the currency in a column of its own"), Reading("split the file by currency")],
            )


def _read(text: str, decimal: str) -> str | None:
    try:
        return canonical(text, decimal, "," if decimal == "." else ".")
    except NotANumber:
        return None


def _at(cell: tuple[str, int]) -> str:
    return f"{cell[0]!r} in row {cell[1]}"
