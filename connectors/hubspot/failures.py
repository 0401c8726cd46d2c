"""From an answer of HubSpot to a failure with a cure."""

from __future__ import annotations

from typing import Any

import msgspec
import requests

from connectors.errors import (
    AccessRefused,
    BudgetReached,
    CredentialsFailure,
    IncompleteAnswer,
    SourceFailure,
    TransientSourceFailure,
    WholeSourceFailure,
)

KEPT = "Pages landed before are kept."
AGAIN = "run the same command again: it goes on where it was"


class ErrorBody(msgspec.Struct, rename="camel"):
    """The vendor's error answer, as far as it is used."""

    message: str = ""
    category: str = ""
    sub_category: Any = None
    policy_name: str = ""
    context: dict[str, Any] = msgspec.field(default_factory=dict)
    errors: list[dict[str, Any]] = msgspec.field(default_factory=list)

    @classmethod
    def of(cls, response: requests.Response) -> ErrorBody:
        """What the answer says; empty when it says nothing readable."""
        try:
            return msgspec.json.decode(response.content, type=cls)
        except msgspec.DecodeError:
            return cls()

    @property
    def scopes(self) -> list[str]:
        """Scopes the answer asks for."""
        contexts = [self.context, *(e.get("context") or {} for e in self.errors if isinstance(e, dict))]
        names = [n for c in contexts for n in c.get("requiredGranularScopes") or c.get("requiredScopes") or ()]
        return list(dict.fromkeys(map(str, names)))


class ObjectAbsent(SourceFailure):
    """The account has no such object or address."""


class BadRequest(SourceFailure):
    """What was asked for is not given in this way (400)."""


class ScopeMissing(AccessRefused):
    """The token is good, but may not read this."""


def refused(response: requests.Response, where: str) -> SourceFailure | CredentialsFailure:
    """The failure that a final answer (neither success nor a reason to try again) means."""
    body, status = ErrorBody.of(response), response.status_code
    if status == 401:
        return CredentialsFailure(
            "HubSpot refused the token (401).",
            where=where,
            why="It is wrong, expired or revoked.",
            saved=KEPT,
            next_step="create a new key in HubSpot (Settings > Integrations > Service keys), give it as "
            "access_token, then run  crmlift doctor",
        )
    if status == 403:
        scopes = ", ".join(body.scopes)
        return ScopeMissing(
            "HubSpot refused access (403).",
            where=where,
            why=f"The token lacks the scope {scopes}." if scopes else "The token lacks a scope.",
            saved=KEPT,
            next_step="add the scope to the key (HubSpot > Settings > Integrations), then run  crmlift doctor",
        )
    if status == 404 or (status == 400 and "infer object type" in body.message):
        return ObjectAbsent("HubSpot knows no such object (404).", where=where, why=body.message[:200], saved=KEPT)
    return (BadRequest if status == 400 else SourceFailure)(
        f"HubSpot refused the request ({status}).",
        where=where,
        why=" ".join(filter(None, [body.category, body.message[:200]])),
        saved=KEPT,
        next_step="if the API version has ended, set api_version to a newer one; if only this object is refused, leave "
        "it out with exclude",
    )


def day_used_up(where: str) -> BudgetReached:
    """The daily allowance of the account is gone."""
    return BudgetReached(
        "HubSpot's daily allowance of calls is used up (429, DAILY).",
        where=where,
        saved=KEPT,
        next_step="wait until midnight in the account's time zone, then " + AGAIN,
    )


def part_still_failing(attempts: int, where: str) -> IncompleteAnswer:
    """A batch of one object type never came whole."""
    failure = still_failing("part of a batch", attempts, where)
    return IncompleteAnswer(failure.what, where=where, why=failure.why, saved=KEPT, next_step=AGAIN)


def still_failing(reason: str, attempts: int, where: str) -> TransientSourceFailure:
    """Patience ran out."""
    return TransientSourceFailure(
        f"HubSpot kept failing ({reason}).",
        where=where,
        why=f"Tried {attempts} times.",
        saved=KEPT,
        next_step=AGAIN,
    )


def unreachable(host: str, error: Exception) -> SourceFailure:
    """Nobody answered, or not the one expected."""
    if isinstance(error, requests.exceptions.SSLError):
        return WholeSourceFailure(
            f"{host} did not prove its identity: the TLS certificate was refused.",
            where="base_url",
            next_step="check base_url, or set ca_bundle to the authority that signed the certificate",
        )
    return WholeSourceFailure(
        f"{host} cannot be reached.",
        where="base_url",
        why="The name does not resolve, nothing listens there, or the network is closed.",
        next_step="check base_url and the network, then run  crmlift doctor",
    )
