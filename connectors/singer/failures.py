"""What a tap's end means: its exit code, and its last words without secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from connectors.errors import (
    AccessRefused,
    CredentialsFailure,
    ExpectedFailure,
    IncompleteAnswer,
    SourceFailure,
    TransientSourceFailure,
)

_NO_LOGIN = re.compile(r"(?i)\b401\b|unauthori[sz]ed|invalid[_ ](grant|token|credential|api.?key)")
_NO_ACCESS = re.compile(r"(?i)\b403\b|forbidden")
_BUSY = re.compile(
    r"(?i)\b(429|500|502|503|504)\b|timed?[ _]?out|connection ?(reset|refused|aborted|error)|rate.?limit"
)
_TELLING = re.compile(
    r"(?i)((?:bearer|basic)\s+|(?:token|secret|passw(?:or)?d|passphrase|api_?key|client_id)[\"']?\s*[=:]\s*[\"']?)[^\s&\"',}]+"
)
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
KEPT = "What was landed up to the tap's last state is kept."
AGAIN = "run the same command again: the tap goes on from its last state"


class Redactor:
    """Takes secrets out of what a tap says: those it was given, line by line, what looks like one, and e-mails."""

    def __init__(self, secrets: Iterable[str]) -> None:
        given = {piece for secret in secrets for piece in (secret, *secret.splitlines())}
        written = {form for piece in given for form in (piece, json.dumps(piece)[1:-1], quote(piece, safe=""))}
        self._secrets = sorted({form for form in written if len(form) > 3}, key=len, reverse=True)

    def clean(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return _ADDRESS.sub("***", _USER_INFO.sub("***", _TELLING.sub(r"\1***", text)))


def ended_badly(
    tap: str, source_id: str, code: int, said: Sequence[str], *, is_discovery: bool = False
) -> ExpectedFailure:
    """The failure behind an exit code that is not 0. A run of one stream that is forbidden is not a refused log-in."""
    last = " / ".join(line.strip()[:300] for line in list(said)[-3:] if line.strip())
    why = f"It said: {last}" if last else "It said nothing."
    if code < 0:
        return IncompleteAnswer(
            f"The tap {tap} was killed (signal {-code}).", where=source_id, why=why, saved=KEPT, next_step=AGAIN
        )
    kind: type[SourceFailure | CredentialsFailure] = SourceFailure
    next_step = f"mend the cause, then {AGAIN}"
    if _NO_LOGIN.search(last) or (is_discovery and _NO_ACCESS.search(last)):
        kind, next_step = CredentialsFailure, "check the credentials in its config, then run  crmlift doctor"
    elif _NO_ACCESS.search(last):
        kind, next_step = (
            AccessRefused,
            f"give it the right to read the stream or leave it out with exclude, then {AGAIN}",
        )
    elif _BUSY.search(last):
        kind, next_step = TransientSourceFailure, AGAIN
    return kind(
        f"The tap {tap} ended with exit code {code}.", where=source_id, why=why, saved=KEPT, next_step=next_step
    )
