"""Requests to HubSpot: built by the official client, sent within the limits, repeated when that can help."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import requests
from hubspot.utils.requests.http_request_builder import Request
from requests.adapters import BaseAdapter
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from connectors.http import TIMEOUT_SECONDS, Backoff, TrustingAdapter, retry_after_seconds
from connectors.hubspot import failures
from connectors.hubspot.limits import Limiter, shared_limiter
from connectors.hubspot.settings import HubspotSecrets, HubspotSource
from connectors.hubspot.tokens import Tokens

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
BACKOFF = Backoff(attempts=8, first_seconds=0.5, cap_seconds=30.0)
UNKNOWN_HOST_ATTEMPTS = 2
POOL_SIZE = 16
_BUSY = frozenset({408, 423, 425, 477, 500, 502, 503, 504, 520, 521, 522, 523, 524})
_DROPPED = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError,
            requests.exceptions.ContentDecodingError)  # fmt: skip


@dataclass(frozen=True)
class Call:
    """One request. is_search: it counts against the search allowance too."""

    method: str
    path: str
    query: Mapping[str, str | int] | None = None
    body: Mapping[str, Any] | None = None
    is_search: bool = False

    @property
    def where(self) -> str:
        """For messages: no ids, no values."""
        return f"{self.method} {self.path}"


class Transport:
    """Sends calls of one account; safe for threads.

    pause: how to wait (tests do not). limiter: None means the one all connectors of the account share.
    adapter: what sends for the session.
    """

    def __init__(
        self,
        source: HubspotSource,
        secrets: HubspotSecrets,
        *,
        pause: Callable[[float], None] = time.sleep,
        limiter: Limiter | None = None,
        adapter: BaseAdapter | None = None,
        backoff: Backoff = BACKOFF,
    ) -> None:
        self._source, self._pause, self._backoff = source, pause, backoff
        self._session = requests.Session()
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, adapter or TrustingAdapter(source.ca_bundle, pool_size=POOL_SIZE))
        self._tokens = Tokens(secrets, self._post_form)
        self._limiter = limiter or shared_limiter((source.base_url, self._tokens.digest), source.rate_limit)
        self._lock = threading.Lock()
        self._has_answered = False
        self._seen_date: tuple[float, datetime] | None = None
        self.calls = 0

    def ask(self, call: Call, answer: type[Answer]) -> Answer:
        """The decoded answer; a body that is cut off or no JSON is asked for again."""
        attempt = 0
        while True:
            attempt += 1
            bearer = self._tokens.bearer()
            response, reason = self._send(call, bearer, attempt)
            if response is not None:
                if response.status_code < 300:
                    try:
                        return msgspec.json.decode(response.content, type=answer)
                    except msgspec.DecodeError as error:
                        reason = f"unreadable answer: {type(error).__name__}"
                elif response.status_code == 401 and attempt < self._backoff.attempts:
                    if not self._tokens.renew_after_refusal(bearer):
                        raise failures.refused(response, call.where)
                    continue
                elif response.status_code != 429 and response.status_code not in _BUSY:
                    raise failures.refused(response, call.where)
            if attempt >= self._backoff.attempts:
                raise failures.still_failing(reason, attempt, call.where)
            self._wait(call, attempt, response, reason)

    def server_time(self, max_age_seconds: float) -> datetime | None:
        """The newest Date header, if an answer came within this many seconds."""
        seen = self._seen_date
        return seen[1] if seen and time.monotonic() - seen[0] <= max_age_seconds else None

    def close(self) -> None:
        """Close connections."""
        self._session.close()

    def _send(self, call: Call, bearer: str, attempt: int) -> tuple[requests.Response | None, str]:
        """One try: the whole answer, or None and why there is none."""
        request = Request(
            {"access_token": bearer, "base_url": self._source.base_url, "user_agent": "crmlift"},
            {"method": call.method, "path": call.path, "qs": call.query, **_body(call)},
        )
        self._limiter.acquire(is_search=call.is_search)
        headers: Mapping[str, str] = {}
        try:
            response = self._request(request.get_method(), request.get_url(), **request.get_options_for_sending())
            headers = response.headers
            return response, f"status {response.status_code}"
        except _DROPPED as error:
            self._check_host(error, attempt)
            return None, type(error).__name__
        finally:
            self._limiter.release(headers, is_search=call.is_search)

    def _request(self, method: str, url: str, **options: Any) -> requests.Response:
        """Send, count, and read the answer whole."""
        with self._lock:
            self.calls += 1
        response = self._session.request(method, url, timeout=TIMEOUT_SECONDS, **options)
        self._has_answered = True
        self._note_date(response.headers)
        return response

    def _post_form(self, form: dict[str, str]) -> requests.Response:
        """Ask for a token; like other calls, but outside the allowance."""
        url = self._source.base_url + self._source.paths.token
        for attempt in range(1, self._backoff.attempts + 1):
            try:
                response = self._request("POST", url, data=form)
                if response.status_code not in _BUSY | {429}:
                    return response
            except _DROPPED as error:
                self._check_host(error, attempt)
            self._pause(self._backoff.delay(attempt))
        raise failures.still_failing("no token", self._backoff.attempts, f"POST {self._source.paths.token}")

    def _check_host(self, error: Exception, attempt: int) -> None:
        """Raise where patience cannot help: a certificate refused, or a host that has never answered."""
        is_hopeless = is_nobody_there(error) and not self._has_answered and attempt >= UNKNOWN_HOST_ATTEMPTS
        if is_hopeless or isinstance(error, requests.exceptions.SSLError):
            raise failures.unreachable(urlsplit(self._source.base_url).netloc, error) from error

    def _wait(self, call: Call, attempt: int, response: requests.Response | None, reason: str) -> None:
        asked = retry_after_seconds(response.headers) if response is not None else None
        delay = self._backoff.delay(attempt, asked)
        if response is not None and response.status_code == 429:
            policy = failures.ErrorBody.of(response)
            if "DAILY" in policy.policy_name.upper() or "daily" in policy.message.lower():
                raise failures.day_used_up(call.where)
            is_secondly = "secondly" in policy.message.lower() and "ten_secondly" not in policy.message.lower()
            if asked is None:
                delay = 1.0 if is_secondly else self._limiter.interval_seconds
            self._limiter.block(delay, is_search=call.is_search and is_secondly)
            delay = 0.0
        log.warning(
            "event=retry system=hubspot call=%s attempt=%d delay_seconds=%.1f reason=%s",
            call.where,
            attempt,
            delay,
            reason,
        )
        if delay:
            self._pause(delay)

    def _note_date(self, headers: Mapping[str, str]) -> None:
        try:
            at = parsedate_to_datetime(headers.get("Date", ""))
        except ValueError:
            return
        self._seen_date = (time.monotonic(), at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC))


def is_nobody_there(error: Exception) -> bool:
    """Whether no connection came about: no such name, nothing listens, no way there."""
    cause = error.args[0] if error.args else None
    return isinstance(error, requests.ConnectTimeout) or isinstance(
        getattr(cause, "reason", None), NewConnectionError | ConnectTimeoutError
    )


def _body(call: Call) -> dict[str, Any]:
    return {"body": dict(call.body)} if call.body is not None else {}
