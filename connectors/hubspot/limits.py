"""The account's rate limits: as many calls as allowed, none too many, shared by all connectors of a process.

Every call takes a place in each budget it counts against; the place is free again one interval after the
answer came. The server saw the call earlier, so by then its own window has forgotten it. What the headers say
was used beyond ours (other processes, other apps) takes places too.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from connectors.errors import BudgetReached

FIRST_GUESS = 100
FIRST_INTERVAL_SECONDS = 10.0
SEARCHES_PER_SECOND = 5
HIGHEST_TIER = 10_000
_IN_FLIGHT_POLL_SECONDS = 0.01


@dataclass
class Budget:
    """Calls allowed in a rolling interval; not safe for threads by itself."""

    allowed: int
    seconds: float
    share: float = 1.0
    in_flight: int = 0
    done: deque[float] = field(default_factory=deque)

    @property
    def usable(self) -> int:
        """Calls we may make in one interval."""
        return max(1, int(self.allowed * self.share))

    def wait_seconds(self, now: float) -> float:
        """How long until a call may go: 0 when at once."""
        while self.done and self.done[0] <= now - self.seconds:
            self.done.popleft()
        if self.in_flight + len(self.done) < self.usable:
            return 0.0
        return self.done[0] + self.seconds - now if self.done else _IN_FLIGHT_POLL_SECONDS

    def finish(self, now: float, remaining: int | None) -> None:
        """A call was answered; `remaining` is what the server says is left of its interval."""
        self.in_flight -= 1
        self.done.append(now)
        if remaining is not None:
            used_by_others = self.allowed - remaining - self.in_flight - len(self.done)
            self.done.extend([now] * max(0, used_by_others))


class Limiter:
    """Lets calls through within the 10-second, the search and the daily allowance of one account."""

    def __init__(
        self,
        share: float = 1.0,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.share = share
        self._clock, self._pause, self._lock = clock, pause, threading.Lock()
        self._calls = Budget(FIRST_GUESS, FIRST_INTERVAL_SECONDS, share)
        self._searches = Budget(SEARCHES_PER_SECOND, 1.0, share)
        self._blocked_until = {True: 0.0, False: 0.0}
        self._daily: tuple[int, int] | None = None

    def acquire(self, *, is_search: bool) -> None:
        """Wait for a place. Raises BudgetReached when the day's share is used up."""
        while True:
            with self._lock:
                self._check_daily()
                now = self._clock()
                wait = max(self._blocked_until[is_search] - now, self._blocked_until[False] - now, 0.0)
                for budget in self._budgets(is_search):
                    wait = max(wait, budget.wait_seconds(now))
                if wait <= 0:
                    for budget in self._budgets(is_search):
                        budget.in_flight += 1
                    return
            self._pause(wait)

    def release(self, headers: Mapping[str, str], *, is_search: bool) -> None:
        """Note an answer (or a failure, with no headers) and what it says about the limits."""
        with self._lock:
            remaining = self._learn(headers)
            now = self._clock()
            self._calls.finish(now, remaining)
            if is_search:
                self._searches.finish(now, None)

    def block(self, seconds: float, *, is_search: bool) -> None:
        """No calls (or no searches) for a while: the server said 429."""
        with self._lock:
            until = self._clock() + seconds
            self._blocked_until[is_search] = max(self._blocked_until[is_search], until)

    @property
    def interval_seconds(self) -> float:
        """Length of the rolling interval."""
        return self._calls.seconds

    def _budgets(self, is_search: bool) -> tuple[Budget, ...]:
        return (self._calls, self._searches) if is_search else (self._calls,)

    def _learn(self, headers: Mapping[str, str]) -> int | None:
        allowed, remaining = _number(headers, "Max"), _number(headers, "Remaining")
        interval_ms = _number(headers, "Interval-Milliseconds")
        if allowed:
            self._calls.allowed = allowed
            is_real = allowed <= HIGHEST_TIER  # else no limits are kept, those of searches neither
            self._searches.allowed = SEARCHES_PER_SECOND if is_real else allowed
        if interval_ms:
            self._calls.seconds = interval_ms / 1000
        daily, left = _number(headers, "Daily"), _number(headers, "Daily-Remaining")
        if daily and left is not None:
            self._daily = (daily, left)
        return remaining if allowed else None

    def _check_daily(self) -> None:
        if self._daily is None:
            return
        allowed, left = self._daily
        if self.share < 1 and left <= round(allowed * (1 - self.share)):
            self._daily = None
            raise BudgetReached(
                f"The share of HubSpot's daily calls is used up ({allowed - left:,} of {allowed:,} gone).",
                where="rate_limit",
                saved="Pages landed before are kept.",
                next_step="run the same command tomorrow, or raise rate_limit; it goes on where it was",
            )


def _number(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(f"X-HubSpot-RateLimit-{name}", "")
    return int(value) if value.isdigit() else None


_shared: dict[tuple[str, str], Limiter] = {}
_shared_lock = threading.Lock()


def shared_limiter(account: tuple[str, str], share: float) -> Limiter:
    """The limiter of an account, known by its address and a digest of its credentials; one a process."""
    with _shared_lock:
        limiter = _shared.setdefault(account, Limiter(share))
        limiter.share = share
        limiter._calls.share = limiter._searches.share = share
        return limiter
