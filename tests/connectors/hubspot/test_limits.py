"""The limiter against a server that keeps a strict rolling window."""

from collections import deque

import pytest

from connectors.errors import BudgetReached
from connectors.hubspot.limits import Limiter
from tests.connectors.hubspot.fake_account import FakeTime

LATENCY = 0.05


class StrictServer:
    """Counts calls at their arrival in a rolling window; others may use it too."""

    def __init__(self, allowed: int, seconds: float) -> None:
        self.allowed, self.seconds = allowed, seconds
        self.seen: deque[float] = deque()
        self.refused = 0

    def call(self, now: float) -> dict[str, str]:
        while self.seen and self.seen[0] <= now - self.seconds:
            self.seen.popleft()
        if len(self.seen) >= self.allowed:
            self.refused += 1
        self.seen.append(now)
        return {
            "X-HubSpot-RateLimit-Max": str(self.allowed),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(self.seconds * 1000)),
            "X-HubSpot-RateLimit-Remaining": str(max(0, self.allowed - len(self.seen))),
        }


def run(limiter: Limiter, server: StrictServer, time: FakeTime, calls: int, *, is_search: bool = False) -> None:
    for _ in range(calls):
        limiter.acquire(is_search=is_search)
        headers = server.call(time.now + LATENCY / 2)
        time.now += LATENCY
        limiter.release(headers, is_search=is_search)


def test_the_allowance_is_used_up_without_one_refusal():
    time, server = FakeTime(), StrictServer(190, 10.0)
    limiter = Limiter(clock=time.clock, pause=time.pause)
    began = time.now
    run(limiter, server, time, 1900)
    assert server.refused == 0
    assert time.now - began <= 1.05 * (1900 / 190 - 1) * 10 + 10


def test_calls_of_others_are_made_room_for():
    time, server = FakeTime(), StrictServer(100, 10.0)
    limiter = Limiter(clock=time.clock, pause=time.pause)
    for _ in range(300):
        limiter.acquire(is_search=False)
        server.call(time.now)
        headers = server.call(time.now + LATENCY / 2)
        time.now += LATENCY
        limiter.release(headers, is_search=False)
    assert server.refused <= 2


def test_a_share_of_the_allowance():
    time, server = FakeTime(), StrictServer(100, 10.0)
    began = time.now
    run(Limiter(0.5, clock=time.clock, pause=time.pause), server, time, 500)
    assert time.now - began >= (500 / 50 - 1) * 10


def test_searches_have_a_budget_of_their_own():
    time, server = FakeTime(), StrictServer(5, 1.0)
    limiter = Limiter(clock=time.clock, pause=time.pause)
    for _ in range(50):
        limiter.acquire(is_search=True)
        server.call(time.now + LATENCY / 2)
        time.now += LATENCY
        limiter.release({}, is_search=True)
    assert server.refused == 0
    assert time.now - 1000.0 <= 11.5


def test_a_used_up_daily_share_stops_the_run():
    limiter = Limiter(0.9)
    limiter.acquire(is_search=False)
    limiter.release(
        {"X-HubSpot-RateLimit-Daily": "1000", "X-HubSpot-RateLimit-Daily-Remaining": "100"}, is_search=False
    )
    with pytest.raises(BudgetReached):
        limiter.acquire(is_search=False)
