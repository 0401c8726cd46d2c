"""Bearer tokens: a fixed service key, or one that OAuth renews before it expires."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from hashlib import sha256

import msgspec
import requests

from connectors.errors import CredentialsFailure
from connectors.hubspot.settings import HubspotSecrets

_MARGIN_SECONDS = 60.0


class TokenAnswer(msgspec.Struct):
    """What the token endpoint returns."""

    access_token: str
    expires_in: float = 1800.0


class Tokens:
    """The bearer of a connector. post: sends a form to the token endpoint."""

    def __init__(
        self,
        secrets: HubspotSecrets,
        post: Callable[[dict[str, str]], requests.Response],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secrets, self._post, self._clock = secrets, post, clock
        self._lock = threading.Lock()
        self._token = secrets.access_token
        self._expires_at = float("inf") if self._token else 0.0

    @property
    def digest(self) -> str:
        """A name for the credentials that does not reveal them."""
        secrets = self._secrets
        return sha256(f"{secrets.access_token}|{secrets.client_id}|{secrets.refresh_token}".encode()).hexdigest()

    def bearer(self) -> str:
        """A token that is good now."""
        with self._lock:
            if self._clock() >= self._expires_at:
                self._renew()
            return self._token

    def renew_after_refusal(self, refused: str) -> bool:
        """Renew a token the server no longer takes; False where that is impossible."""
        if not self._secrets.is_oauth:
            return False
        with self._lock:
            if self._token == refused:
                self._renew()
        return True

    def _renew(self) -> None:
        secrets = self._secrets
        response = self._post(
            {
                "grant_type": "refresh_token",
                "client_id": secrets.client_id,
                "client_secret": secrets.client_secret,
                "refresh_token": secrets.refresh_token,
            }
        )
        if response.status_code != 200:
            raise CredentialsFailure(
                f"HubSpot refused to renew the token ({response.status_code}).",
                why="client_id, client_secret or refresh_token is wrong, or the app was uninstalled.",
                next_step="install the app again, store the new refresh_token, then run  crmlift doctor",
            )
        answer = msgspec.json.decode(response.content, type=TokenAnswer)
        self._token = answer.access_token
        self._expires_at = self._clock() + max(answer.expires_in - _MARGIN_SECONDS, answer.expires_in / 2)
