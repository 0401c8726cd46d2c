"""SOQL text to tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass

from crmlift.simulator.salesforce.errors import SalesforceError

_PATTERN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<datetime>\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:?\d\d))
    | (?P<date>\d{4}-\d\d-\d\d)
    | (?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
    | (?P<operator><=|>=|!=|<>|=|<|>|\(|\)|,|:)
    """,
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "N": "\n", "r": "\r", "R": "\r", "t": "\t", "T": "\t", "b": "\b", "f": "\f"}


@dataclass(frozen=True)
class Token:
    """kind: datetime, date, number, string, name, operator or end."""

    kind: str
    text: str
    position: int


def tokenise(text: str) -> list[Token]:
    """All tokens and an `end` one; a character SOQL does not know raises MALFORMED_QUERY."""
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        match = _PATTERN.match(text, at)
        if match is None:
            raise malformed(text, at, f"unexpected token: '{text[at]}'")
        if match.lastgroup != "space":
            tokens.append(Token(str(match.lastgroup), match.group(), at))
        at = match.end()
    tokens.append(Token("end", "<EOF>", len(text)))
    return tokens


def unquote(text: str) -> str:
    """The value of a string literal."""
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m.group(1), m.group(1)), text[1:-1], flags=re.DOTALL)


def located(text: str, position: int, message: str) -> str:
    """The message under the piece of the query it is about, as Salesforce words it."""
    before = text.rfind("\n", 0, position) + 1
    row, column = text.count("\n", 0, position) + 1, position - before + 1
    end = text.find("\n", position)
    line = text[before : end if end >= 0 else len(text)]
    start = max(0, column - 41)
    snippet = line[start : start + 80]
    return f"\n{snippet}\n{' ' * (column - 1 - start)}^\nERROR at Row:{row}:Column:{column}\n{message}"


def malformed(text: str, position: int, message: str) -> SalesforceError:
    """MALFORMED_QUERY at a position."""
    return SalesforceError(400, "MALFORMED_QUERY", located(text, position, message))
