"""Salesforce writes one id in two forms: 15 characters in reports and formulas, 18 in its API.

The last three of 18 say which of the 15 are capital letters: one for each five, whose capitals are the bits of a
number, the first the lowest (as CASESAFEID in Salesforce's formulas makes them).
"""

from __future__ import annotations

SHORT_ID = "(001|003|005|006|00G|00Q|00T|00U|01t|02s|500|701)[0-9A-Za-z]{12}"
"""A pattern: ids of the objects core knows, by the three characters all ids of an object begin with."""
_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def is_short_id(text: str) -> str:
    """SQL: whether a text is the short form of an id; NULL where there is none."""
    return f"(strlen({text}) = 15 and regexp_full_match({text}, '{SHORT_ID}'))"


def whole_id(text: str) -> str:
    """SQL: the id of 18 characters that one of 15 stands for; any other text as it is."""
    check = " || ".join(_check_digit(text, first) for first in (1, 6, 11))
    return f"case when {is_short_id(text)} then {text} || {check} else {text} end"


def _check_digit(text: str, first: int) -> str:
    bits = " + ".join(
        f"case when substr({text}, {first + place}, 1) between 'A' and 'Z' then {2**place} else 0 end"
        for place in range(5)
    )
    return f"substr('{_DIGITS}', 1 + {bits}, 1)"
