"""HubSpot's limits: requests in any ten seconds, requests a day, searches a second."""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from crmlift.simulator.options import HS_PORTAL_ID, RateTier
from crmlift.simulator.responses import json_response

WINDOW_S = 10.0
_DAY_S = 86_400.0


@dataclass(frozen=True)
class Tier:
    """requests in ten seconds, requests a day (None: not counted), searches a second."""

    rolling: int
    daily: int | None
    searches: int


TIERS: dict[RateTier, Tier] = {
    "free": Tier(100, 250_000, 5),
    "professional": Tier(190, 650_000, 5),
    "enterprise": Tier(190, 1_000_000, 5),
    "oauth": Tier(110, None, 5),
}
_UNLIMITED = Tier(1_000_000, 100_000_000, 1_000_000)


class RateLimiter:
    """Counts requests of the portal; with tier None a huge allowance is advertised and nothing refused."""

    def __init__(self, tier: RateTier | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.tier, self._clock = TIERS[tier] if tier else _UNLIMITED, clock
        self._recent: deque[float] = deque()
        self._searches: deque[float] = deque()
        self._day_started, self.used_today = clock(), 0
        self.refused = 0

    def admit(self, *, is_search: bool) -> Response | None:
        """Count one request; the 429 to answer with if it is one too many."""
        now = self._clock()
        if now - self._day_started >= _DAY_S:
            self._day_started, self.used_today = now, 0
        if self.tier.daily is not None and self.used_today >= self.tier.daily:
            return self._refuse("You have reached your daily limit.", "DAILY")
        window, span, most = (
            (self._searches, 1.0, self.tier.searches) if is_search else (self._recent, WINDOW_S, self.tier.rolling)
        )
        while window and now - window[0] >= span:
            window.popleft()
        if len(window) >= most:
            if is_search:
                return self._refuse("You have reached your secondly limit.", "SECONDLY")
            return self._refuse("You have reached your ten_secondly_rolling limit.", "TEN_SECONDLY_ROLLING")
        window.append(now)
        self.used_today += 1
        return None

    def headers(self, *, is_search: bool) -> dict[str, str]:
        """The rate headers; search answers carry none."""
        if is_search:
            return {}
        tier = self.tier
        shown = {
            "X-HubSpot-RateLimit-Max": str(tier.rolling),
            "X-HubSpot-RateLimit-Remaining": str(max(0, tier.rolling - len(self._recent))),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(WINDOW_S * 1000)),
        }
        if tier.daily is not None:
            shown["X-HubSpot-RateLimit-Daily"] = str(tier.daily)
            shown["X-HubSpot-RateLimit-Daily-Remaining"] = str(max(0, tier.daily - self.used_today))
        return shown

    def _refuse(self, message: str, policy: str) -> Response:
        self.refused += 1
        body: dict[str, Any] = {
            "status": "error",
            "message": message,
            "errorType": "RATE_LIMIT",
            "correlationId": str(uuid.uuid4()),
            "policyName": policy,
            "groupName": f"publicapi:private-apps:{HS_PORTAL_ID}",
        }
        return json_response(body, 429)
