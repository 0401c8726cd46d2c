"""HubSpot's limits as the simulator enforces them."""

from __future__ import annotations

from crmlift.simulator.hubspot.rate_limits import RateLimiter
from crmlift.simulator.options import ServerOptions
from crmlift.simulator.server import running_simulator
from tests.crmlift.simulator.clients import trusting_session
from tests.crmlift.simulator.small_company import small_company


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def refusal(limiter: RateLimiter, *, is_search: bool = False) -> str:
    answer = limiter.admit(is_search=is_search)
    return "" if answer is None else bytes(answer.body).decode()


def test_the_rolling_limit_counts_any_ten_seconds() -> None:
    clock = Clock()
    limiter = RateLimiter("oauth", clock)
    assert all(not refusal(limiter) for _ in range(110))
    assert "TEN_SECONDLY_ROLLING" in refusal(limiter)
    assert "X-HubSpot-RateLimit-Daily" not in limiter.headers(is_search=False)
    clock.now = 9.99
    assert refusal(limiter)
    clock.now = 10.0
    assert not refusal(limiter)
    assert limiter.headers(is_search=False)["X-HubSpot-RateLimit-Remaining"] == "109"


def test_searches_have_a_limit_of_their_own() -> None:
    clock = Clock()
    limiter = RateLimiter("professional", clock)
    assert all(not refusal(limiter, is_search=True) for _ in range(5))
    assert "secondly limit" in refusal(limiter, is_search=True)
    assert not refusal(limiter) and limiter.headers(is_search=True) == {}
    clock.now = 1.0
    assert not refusal(limiter, is_search=True)


def test_the_daily_limit() -> None:
    clock = Clock()
    limiter = RateLimiter("free", clock)
    limiter.used_today = 249_999
    assert not refusal(limiter)
    assert "DAILY" in refusal(limiter)
    clock.now = 86_400.0
    assert not refusal(limiter)


def test_limits_over_http() -> None:
    with running_simulator(small_company(), ServerOptions(rate_limits="free"), is_https=False) as server:
        session = trusting_session(server)
        session.headers["Authorization"] = "Bearer pat-crmlift-demo"
        url = f"{server.base_url}/crm/v3/objects/contacts?limit=1"
        answers = [session.get(url) for _ in range(101)]
        assert [a.status_code for a in answers] == [200] * 100 + [429]
        assert answers[4].headers["X-HubSpot-RateLimit-Remaining"] == "95"
        assert answers[-1].json()["errorType"] == "RATE_LIMIT"
