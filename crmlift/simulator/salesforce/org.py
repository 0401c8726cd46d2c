"""What the requests to the simulated org share: tables, sessions, usage, query cursors, jobs."""

from __future__ import annotations

import base64
import hashlib
import itertools
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request

from crmlift.simulator.options import SF_ORG_ID, SF_REFRESH_TOKEN, ServerOptions
from crmlift.simulator.salesforce.errors import too_complicated
from crmlift.simulator.salesforce.records import RecordEncoder
from crmlift.simulator.salesforce.soql_run import KeptResults, QueryResult
from crmlift.simulator.served import Row, ServedCompany, ServedTable

_MOST_CURSORS = 500
_MOST_SESSIONS = 2_000
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass
class Session:
    """A log-in; requests_left None: lives for ever."""

    requests_left: int | None


@dataclass(frozen=True)
class Cursor:
    """The rest of a REST query's result."""

    rows: list[Row]
    encoder: RecordEncoder
    page_size: int


class SalesforceOrg:
    """The state behind `/services`."""

    def __init__(self, served: ServedCompany, options: ServerOptions) -> None:
        self.served, self.options = served, options
        self.sessions: OrderedDict[str, Session] = OrderedDict()
        self.refresh_tokens = {SF_REFRESH_TOKEN}
        self.cursors: OrderedDict[str, Cursor] = OrderedDict()
        self._results = KeptResults()
        self.requests_used = 0
        self.bulk_query_jobs_used = 0
        self._numbers = itertools.count(1)
        digest = hashlib.sha256(f"{served.company.name}:{served.company.seed}".encode()).hexdigest()
        self._salt = digest[:8]

    @property
    def tables(self) -> dict[str, ServedTable]:
        """Objects by name."""
        return self.served.salesforce

    def now(self) -> datetime:
        """The simulated present."""
        return self.served.clock.now()

    def query(self, text: str, *, is_all: bool) -> QueryResult:
        """Run a query; is_all shows soft-deleted and archived rows too."""
        result = self._results.run(text, self.served, is_all=is_all)
        if result.table.name in self.options.refused:
            raise too_complicated()
        return result

    def new_id(self, prefix: str) -> str:
        """A fresh 18-character id with this key prefix."""
        number, tail = next(self._numbers), ""
        while number:
            number, digit = divmod(number, 62)
            tail = _ALPHABET[digit] + tail
        return f"{prefix}Sm{tail.rjust(10, '0')}AAA"

    def open_session(self) -> str:
        """A new session id in the vendor's form `<org id>!<secret>`."""
        secret = base64.urlsafe_b64encode(secrets.token_bytes(48)).decode().replace("-", ".")
        token = f"{SF_ORG_ID[:15]}!AQ{secret}"
        self.sessions[token] = Session(self.options.session_requests)
        while len(self.sessions) > _MOST_SESSIONS:
            self.sessions.popitem(last=False)
        return token

    def use_session(self, token: str) -> bool:
        """Whether the session is alive; a dying one is forgotten."""
        session = self.sessions.get(token)
        if session is None:
            return False
        if session.requests_left is not None:
            session.requests_left -= 1
            if session.requests_left < 0:
                del self.sessions[token]
                return False
        return True

    def end_session(self, token: str) -> None:
        """Log out."""
        self.sessions.pop(token, None)

    def rotate_refresh_token(self, used: str) -> str:
        """The refresh token that replaces the used one. The well-known one stays valid for the next process."""
        if used != SF_REFRESH_TOKEN:
            self.refresh_tokens.discard(used)
        fresh = f"5Aep{secrets.token_urlsafe(24)}"
        self.refresh_tokens.add(fresh)
        return fresh

    def keep_cursor(self, cursor: Cursor) -> str:
        """Store a query's result and return its locator (18 characters, prefix 0r8)."""
        locator = self.new_id("0r8")
        self.cursors[locator] = cursor
        while len(self.cursors) > _MOST_CURSORS:
            self.cursors.popitem(last=False)
        return locator

    def limit_info(self) -> str:
        """The `Sforce-Limit-Info` header."""
        used, most = self.requests_used, self.options.sf_daily_limit
        return f"api-usage={used}/{most}; per-app-api-usage={used}/{most}(appName=crmlift)"


def org_of(request: Request) -> SalesforceOrg:
    """The org the request is for."""
    org = request.app.state.salesforce
    assert isinstance(org, SalesforceOrg)
    return org


def version_of(request: Request) -> str:
    """`v59.0` from the path."""
    return str(request.path_params["version"])
