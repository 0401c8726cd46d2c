"""What requests to the simulated Pipedrive account share: records made when first asked for, tokens, the budget."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from starlette.requests import Request

from crmlift.simulator.options import PD_API_TOKEN, PD_REFRESH_TOKEN, ServerOptions
from crmlift.simulator.pipedrive import deals, shapes
from crmlift.simulator.served import ServedCompany

Row = dict[str, Any]
WINDOW_SECONDS = 2.0
REQUESTS_A_WINDOW = 160
_NO_LIMIT = 1_000_000


class PipedriveError(Exception):
    """An answer `{success: false, error, code}` with its HTTP status."""

    def __init__(self, status: int, error: str, code: str = "") -> None:
        super().__init__(error)
        self.status, self.error, self.code = status, error, code


class PipedriveAccount:
    """The state behind /v1 and /api/v2."""

    def __init__(self, served: ServedCompany, options: ServerOptions) -> None:
        self.served, self._refused = served, options.refused
        self.tokens = {PD_API_TOKEN}
        self.refresh_tokens = {PD_REFRESH_TOKEN}
        self.allowed = REQUESTS_A_WINDOW if options.rate_limits else _NO_LIMIT
        self._recent: deque[float] = deque()
        self._made: dict[str, Any] = {}
        self._generation = -1

    def records(self, name: str) -> list[Row]:
        """Records of a kind, in the order of their ids; the 403 of one that is kept back for good."""
        if name in self._refused:
            raise PipedriveError(403, "Scope and URL mismatch")
        made: list[Row] = self._once(name, lambda: sorted(_MAKERS[name](self), key=lambda row: row["id"]))
        return made

    @property
    def deals(self) -> deals.Deals:
        """The deals with their course."""
        made: deals.Deals = self._once("all deals", lambda: deals.Deals(self.served.company))
        return made

    def admit(self) -> int:
        """Count a request; requests left in these two seconds, −1 if it is one too many."""
        now = time.monotonic()
        while self._recent and now - self._recent[0] >= WINDOW_SECONDS:
            self._recent.popleft()
        if len(self._recent) >= self.allowed:
            return -1
        self._recent.append(now)
        return self.allowed - len(self._recent)

    def renew(self, refresh_token: str) -> tuple[str, str]:
        """A new access token, and the refresh token that replaces the used one."""
        if refresh_token not in self.refresh_tokens:
            raise PipedriveError(400, "Invalid grant: refresh token is invalid")
        access, fresh = f"v1u:{secrets.token_urlsafe(24)}", secrets.token_urlsafe(24)
        self.tokens.add(access)
        self.refresh_tokens.add(fresh)
        return access, fresh

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        if self._generation != self.served.generation:
            self._made, self._generation = {}, self.served.generation
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]


_MAKERS: dict[str, Callable[[PipedriveAccount], list[Row]]] = {
    "users": lambda a: shapes.users(a.served.company),
    "roles": lambda a: shapes.roles(a.served.company),
    "pipelines": lambda a: deals.pipelines(a.served.company),
    "stages": lambda a: deals.stages(a.served.company),
    "deals": lambda a: a.deals.all(),
    "persons": lambda a: shapes.persons(a.served.company),
    "organizations": lambda a: shapes.organizations(a.served.company),
    "activities": lambda a: shapes.activities(a.served.company),
    "products": lambda a: shapes.products(a.served.company),
    "leads": lambda a: shapes.leads(a.served.company, is_archived=False),
    "leads/archived": lambda a: shapes.leads(a.served.company, is_archived=True),
}
LISTED = frozenset(_MAKERS)


def account_of(request: Request) -> PipedriveAccount:
    """The account the request is for."""
    account = request.app.state.pipedrive
    assert isinstance(account, PipedriveAccount)
    return account
