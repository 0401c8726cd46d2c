"""Patience with a source: when to send a request again, how long to wait, and when to give up."""

from __future__ import annotations

import logging
import random
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.ssl_ import create_urllib3_context

from connectors.errors import SettingsFailure, SourceFailure, TransientSourceFailure, WholeSourceFailure

BUSY_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
TIMEOUT_SECONDS = (10.0, 120.0)
BROKEN = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
"""A connection that was not made, or broke while the answer was read."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Backoff:
    """Exponential back-off with jitter.

    attempts: sends in all. first_seconds: the wait after the first failure; doubles up to cap_seconds. A
    wait the source asks for (Retry-After) is obeyed up to patience_seconds.
    """

    attempts: int = 6
    first_seconds: float = 1.0
    cap_seconds: float = 60.0
    patience_seconds: float = 300.0

    def delay(self, attempt: int, retry_after_seconds: float | None = None) -> float:
        """Seconds to wait after failure number `attempt` (1 = the first)."""
        if retry_after_seconds is not None:
            return min(retry_after_seconds, self.patience_seconds) + random.uniform(0, 0.25)
        ceiling = min(self.first_seconds * 2.0 ** (attempt - 1), self.cap_seconds)
        return float(random.uniform(ceiling / 2, ceiling))


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """The wait a Retry-After header asks for, as seconds or as an HTTP date; None without a usable one."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        return max(float(value), 0.0)
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max((at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds(), 0.0)


def is_busy_status(response: requests.Response) -> bool:
    """The default test: the status says that a later try may succeed."""
    return response.status_code in BUSY_STATUSES


class TrustingAdapter(HTTPAdapter):
    """A requests adapter that trusts the authorities of `ca_bundle` besides those everybody trusts."""

    def __init__(self, ca_bundle: str | None = None, *, pool_size: int = 16) -> None:
        self._trust: dict[str, Any] = {}
        if ca_bundle is not None:
            context = create_urllib3_context()
            context.load_default_certs()
            try:
                context.load_verify_locations(ca_bundle)
            except (OSError, ssl.SSLError) as error:
                raise SettingsFailure(
                    "The certificate file cannot be used.",
                    where=f"ca_bundle {ca_bundle}",
                    why=f"{type(error).__name__}: it holds no certificates in PEM form, or cannot be read.",
                    next_step="set ca_bundle to a PEM file, or leave it out",
                ) from error
            self._trust = {"ssl_context": context}
        super().__init__(pool_maxsize=pool_size)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        """Connections to the host itself."""
        super().init_poolmanager(connections, maxsize, block, **options, **self._trust)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Connections to the host through a proxy."""
        return super().proxy_manager_for(proxy, **options, **self._trust)


class PatientAdapter(TrustingAdapter):
    """A requests adapter that counts, waits and sends again; mount it and every client of the session is
    patient.

    setting: the setting that holds the address, for the message when nobody answers. is_busy: whether a
    response means "later". A host that has never answered is given up soon (a typing mistake), one that
    has is waited for.
    """

    def __init__(
        self,
        *,
        system: str,
        setting: str,
        ca_bundle: str | None = None,
        backoff: Backoff | None = None,
        is_busy: Callable[[requests.Response], bool] = is_busy_status,
        sleep: Callable[[float], None] = time.sleep,
        pool_size: int = 16,
    ) -> None:
        super().__init__(ca_bundle, pool_size=pool_size)
        self._system, self._setting = system, setting
        self._backoff, self._is_busy, self._sleep = backoff or Backoff(), is_busy, sleep
        self._lock = threading.Lock()
        self._has_answered = False
        self.calls = 0

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send, again and again within the policy; the last busy response is returned as it is."""
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = TIMEOUT_SECONDS
        attempt = 0
        while True:
            attempt += 1
            with self._lock:
                self.calls += 1
            wait_seconds = None
            try:
                response = super().send(request, *args, **kwargs)
                self._has_answered = True
                if not kwargs.get("stream"):
                    _ = response.content
                if not self._is_busy(response):
                    return response
                if attempt >= self._backoff.attempts:
                    return response
                wait_seconds = retry_after_seconds(response.headers)
                reason = f"status {response.status_code}"
                response.close()
            except BROKEN as error:
                reason = type(error).__name__
                limit = self._backoff.attempts if self._has_answered else 2
                if attempt >= limit or isinstance(error, requests.exceptions.SSLError):
                    raise self._unreachable(request, error) from error
            delay_seconds = self._backoff.delay(attempt, wait_seconds)
            log.warning(
                "request_retry system=%s attempt=%d delay_seconds=%.1f reason=%s",
                self._system,
                attempt,
                delay_seconds,
                reason,
            )
            self._sleep(delay_seconds)

    def _unreachable(self, request: requests.PreparedRequest, error: Exception) -> SourceFailure:
        host = urlsplit(request.url or "").netloc
        if isinstance(error, requests.exceptions.SSLError):
            return WholeSourceFailure(
                f"{host} did not prove its identity: the TLS certificate was refused.",
                where=self._system,
                next_step=f"check {self._setting}, or set ca_bundle to the authority behind the certificate",
            )
        if self._has_answered:
            return TransientSourceFailure(
                f"{host} stopped answering.",
                where=self._system,
                why=f"{type(error).__name__} after {self._backoff.attempts} attempts.",
                saved="Pages landed before are kept.",
                next_step="run the same command again: it goes on where it was",
            )
        return WholeSourceFailure(
            f"{host} cannot be reached.",
            where=self._system,
            why="The name does not resolve, nothing listens there, or the network is closed.",
            next_step=f"check {self._setting} and the network, then run  crmlift doctor",
        )
