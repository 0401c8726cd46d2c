"""Named storms of faults, deterministic from a seed and bounded: a repeated request succeeds in the end.

A request is known by its method, path, query and body. Whether its n-th attempt fails is drawn from the seed, and
after two failures in a row the next attempt passes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.types import Scope

JobFate = Literal["complete", "failed", "aborted"]

STORMS: dict[str, tuple[str, ...]] = {
    "errors": ("errors",),
    "limits": ("limits",),
    "drops": ("drops",),
    "truncated": ("truncated",),
    "expired": ("expired",),
    "slow": ("slow",),
    "failed": ("failed",),
    "shuffled": ("shuffled",),
    "skewed": ("skewed",),
    "all": ("errors", "limits", "drops", "truncated", "expired", "slow", "failed", "shuffled", "skewed"),
}
_REQUEST_FAULTS = ("errors", "limits", "drops", "truncated", "expired", "shuffled")
_MOST_FAILURES_IN_A_ROW = 2
_MOST_SLOW_POLLS = 6
_MOST_SKEW_SECONDS = 240


@dataclass
class FaultPlan:
    """What goes wrong with which request or job."""

    storm: str
    seed: int
    share: float
    _attempts: Counter[str] = field(default_factory=Counter)
    _in_a_row: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        if self.storm not in STORMS:
            raise ValueError(f"no storm named {self.storm!r}; there are: {', '.join(STORMS)}")
        self.kinds = STORMS[self.storm]
        self._request_kinds = tuple(kind for kind in self.kinds if kind in _REQUEST_FAULTS)

    def request(self, key: str, possible: frozenset[str]) -> str | None:
        """The fault this attempt of a request meets, None for none."""
        kinds = [kind for kind in self._request_kinds if kind in possible]
        self._attempts[key] += 1
        number = self._draw(key, self._attempts[key])
        if not kinds or number >= self.share or self._in_a_row[key] >= _MOST_FAILURES_IN_A_ROW:
            self._in_a_row[key] = 0
            return None
        self._in_a_row[key] += 1
        kind = kinds[int(number / self.share * len(kinds))]
        self.counts[kind] += 1
        return kind

    def choice(self, key: str, options: int) -> int:
        """A draw among options for details of a fault (which status)."""
        return int(self._draw(f"choice:{key}", self._attempts[key]) * options)

    def job(self, text: str, occurrence: int, polls: int) -> tuple[int, JobFate]:
        """Status answers before a job ends, and how it ends; from its third try on a query succeeds."""
        number = self._draw(f"job:{text}", occurrence)
        fate: JobFate = "complete"
        if "failed" in self.kinds and occurrence <= _MOST_FAILURES_IN_A_ROW and number < 2 * self.share:
            fate = "failed" if number < self.share else "aborted"
            self.counts[fate] += 1
        if "slow" in self.kinds:
            polls += int(self._draw(f"slow:{text}", occurrence) * (_MOST_SLOW_POLLS + 1))
        return polls, fate

    def skew_seconds(self, key: str) -> float:
        """How far the clock of the machine that answers is off."""
        if "skewed" not in self.kinds:
            return 0.0
        return (2 * self._draw(f"skew:{key}", self._attempts[key]) - 1) * _MOST_SKEW_SECONDS

    def _draw(self, key: str, attempt: int) -> float:
        digest = hashlib.blake2b(f"{self.seed}\0{key}\0{attempt}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64


def mark(scope: Scope, fault: str | None) -> None:
    """Tell the handlers which fault the request meets."""
    scope["crmlift.fault"] = fault


def is_truncated(scope: Scope) -> bool:
    """Whether this request's CSV is to be cut."""
    fault: Any = scope.get("crmlift.fault")
    return bool(fault == "truncated")


def is_shuffled(scope: Scope) -> bool:
    """Whether this request's list of pages comes in another order, one page twice."""
    fault: Any = scope.get("crmlift.fault")
    return bool(fault == "shuffled")


def has_expiring_session(scope: Scope) -> bool:
    """Whether this request finds its session expired."""
    fault: Any = scope.get("crmlift.fault")
    return bool(fault == "expired")
