"""Figures as people read them: the unit chosen once for a group of values, sensible rounding, unknown as a dash."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeGuard

UNKNOWN = "—"
MINUS = "−"
NBSP = "\u00a0"
SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "UAH": "₴", "PLN": "zł"}
MONTHS = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "uk": ("січ", "лют", "бер", "кві", "тра", "чер", "лип", "сер", "вер", "жов", "лис", "гру"),
}
WORDS = {
    "en": {"min": "min", "h": "h", "d": "d", "k": "k", "m": "M", "bn": "bn", "pts": "points", "pp": "pp"},
    "uk": {"min": "хв", "h": "год", "d": "дн.", "k": "тис.", "m": "млн", "bn": "млрд", "pts": "балів", "pp": "в. п."},
}
MINUTES_PER = {"minutes": 1.0, "hours": 60.0, "days": 1440.0}


def is_known(value: float | None) -> TypeGuard[float]:
    """False for NULL and for anything that is not a finite number."""
    return value is not None and math.isfinite(value)


def plain(value: float, digits: int, locale: str) -> str:
    """1234.5 → "1,234.5", or "1 234,5" in Ukrainian (no-break space); a real minus sign."""
    text = f"{abs(value):,.{digits}f}"
    sign = MINUS if value < 0 and any(c in "123456789" for c in text) else ""
    if locale == "uk":
        text = text.replace(",", NBSP).replace(".", ",")
    return sign + text


def digits_for(size: float) -> int:
    """Decimals that leave about three significant figures."""
    return 0 if size >= 100 else 1 if size >= 10 else 2


@dataclass(frozen=True)
class Scale:
    """How one KPI's values are written: divided by `divisor`, `digits` decimals, between `prefix` and `suffix`."""

    divisor: float
    digits: int
    prefix: str
    suffix: str
    locale: str

    def __call__(self, value: float | None, *, signed: bool = False) -> str:
        """The value in words and figures; a dash when it is unknown."""
        if not is_known(value):
            return UNKNOWN
        body = plain(value / self.divisor, self.digits, self.locale)
        sign = "" if body.startswith(MINUS) else "+" if signed else ""
        minus, body = (MINUS, body[1:]) if body.startswith(MINUS) else ("", body)
        return f"{sign}{minus}{self.prefix}{body}{self.suffix}"

    def tick(self, value: float, digits: int) -> str:
        """An axis label of a value already in the displayed unit."""
        return replace(self, divisor=1.0, digits=digits)(value)


def scale_for(
    unit: str, values: Iterable[float | None], *, currency: str = "EUR", locale: str = "en", per: str = ""
) -> Scale:
    """One scale for values shown side by side, so that before and after have the same unit.

    unit: as in metrics.kpi. per: appended to the unit, " / week".
    """
    size = max((abs(v) for v in values if is_known(v)), default=0.0)
    words = WORDS[locale]
    if unit == "share":
        return Scale(0.01, 1 if size < 0.995 else 0, "", f"{NBSP}%{per}", locale)
    if unit == "percent":
        return Scale(1.0, digits_for(size), "", f"{NBSP}%{per}", locale)
    if unit.startswith("base_currency"):
        return _money(size, currency, locale, per)
    if unit in MINUTES_PER:
        minutes = size * MINUTES_PER[unit]
        word, length = ("min", 1.0) if minutes < 120 else ("h", 60.0) if minutes < 2880 else ("d", 1440.0)
        divisor = length / MINUTES_PER[unit]
        return Scale(divisor, min(1, digits_for(size / divisor)), "", f"{NBSP}{words[word]}{per}", locale)
    suffix = f"{NBSP}{words['pts']}" if unit.startswith("points") else ""
    return Scale(1.0, digits_for(size), "", f"{suffix}{per}", locale)


def _money(size: float, currency: str, locale: str, per: str) -> Scale:
    symbol = SYMBOLS.get(currency, currency)
    divisor, word = next(
        ((d, w) for d, w in ((1e9, "bn"), (1e6, "m"), (1e4, "k")) if size >= d), (1.0, "")
    )  # fmt: skip
    divisor = 1e3 if word == "k" else divisor
    short = WORDS[locale][word] if word else ""
    digits = digits_for(size / divisor) if word else 0
    if locale == "uk":
        return Scale(divisor, digits, "", f"{NBSP}{short}{NBSP if short else ''}{symbol}{per}", locale)
    prefix = symbol if len(symbol) == 1 else f"{symbol}{NBSP}"
    return Scale(divisor, digits, prefix, f"{short}{per}", locale)


def percent(share: float | None, locale: str, *, signed: bool = True, digits: int | None = None) -> str:
    """A relative change: 0.123 → "+12.3 %"; beyond ±1000 % only the order matters."""
    if not is_known(share):
        return UNKNOWN
    if abs(share) > 10:
        return f"{'>' if share > 0 else '<'}{NBSP}{plain(math.copysign(1000, share), 0, locale)}{NBSP}%"
    places = (0 if abs(share) >= 0.995 else 1) if digits is None else digits
    body = plain(share * 100, places, locale)
    return f"{'+' if signed and not body.startswith(MINUS) else ''}{body}{NBSP}%"


def interval(low: float | None, high: float | None, locale: str, *, gap: str = NBSP) -> str:
    """An interval of relative changes: "+2.1 … +9.8 %"; a dash when an end is unknown."""
    if not (is_known(low) and is_known(high)):
        return UNKNOWN
    first, last = percent(low, locale), percent(high, locale)
    return f"{first.removesuffix(f'{NBSP}%')}{gap}…{gap}{last}"


def points(share: float | None, locale: str) -> str:
    """A difference of two shares: 0.021 → "+2.1 pp"."""
    if not is_known(share):
        return UNKNOWN
    body = plain(share * 100, 1, locale)
    return f"{'' if body.startswith(MINUS) else '+'}{body}{NBSP}{WORDS[locale]['pp']}"


def day(value: date | None, locale: str) -> str:
    """2026-11-02 → "2 Nov 2026"."""
    return UNKNOWN if value is None else f"{value.day}{NBSP}{MONTHS[locale][value.month - 1]}{NBSP}{value.year}"


def month(value: date, locale: str) -> str:
    """2026-11-02 → "Nov 2026"."""
    return f"{MONTHS[locale][value.month - 1]}{NBSP}{value.year}"
