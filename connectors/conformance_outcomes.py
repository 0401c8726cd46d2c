"""How a check of `connectors.conformance` ends: it returns a word for people, or raises one of these."""

from __future__ import annotations


class NotMet(Exception):
    """The contract is not kept; the message says how."""


class NotApplicable(Exception):
    """The check cannot be made; the message says why."""


def require(is_met: bool, otherwise: str) -> None:
    """NotMet with these words unless it is met."""
    if not is_met:
        raise NotMet(otherwise)
