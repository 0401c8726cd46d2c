"""Requests to one account: a token, patience, and what refusals mean."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
import requests

from connectors.errors import (
    AccessRefused,
    BudgetReached,
    CredentialsFailure,
    ExpectedFailure,
    SourceFailure,
    TransientSourceFailure,
    WholeSourceFailure,
)
from connectors.http import BUSY_STATUSES, Backoff, PatientAdapter
from connectors.pipedrive.settings import PipedriveSettings

PAGE_ROWS = 500
KEPT = "Pages landed before are kept."
AGAIN = "run the same command again: it goes on where it was"
_LONGEST_REST_SECONDS = 5.0


class Paging(msgspec.Struct):
    """v1: where the next page starts."""

    more_items_in_collection: bool = False
    next_start: int | None = None


class More(msgspec.Struct):
    """What follows a page."""

    next_cursor: str | None = None
    pagination: Paging | None = None


class Answer(msgspec.Struct):
    """A list as v1 and v2 answer it; records stay bytes."""

    data: list[msgspec.Raw] | None = None
    additional_data: More | None = None


Listed = tuple[Sequence[bytes], str | None]
"""Records, and the cursor after them; None: that was all."""


class PipedriveClient:
    """Requests from several threads at once. sleep, backoff: how to wait (tests do not)."""

    def __init__(
        self,
        source_id: str,
        settings: PipedriveSettings,
        secrets: Mapping[str, str],
        *,
        backoff: Backoff | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._source_id, self._settings, self._sleep = source_id, settings, sleep
        self._api_token = secrets.get("api_token") or secrets.get("access_token") or ""
        self._app = (secrets.get("client_id", ""), secrets.get("client_secret", ""))
        self._refresh_token, self._bearer = secrets.get("refresh_token", ""), ""
        if not self._api_token and not (all(self._app) and self._refresh_token):
            raise CredentialsFailure(
                "No credentials for Pipedrive.", where=f"sources.{source_id}",
                why="Neither an API token nor an OAuth app with a refresh token was given.",
                next_step="copy the token from Personal preferences > API and give it as api_token, "
                "or give client_id, client_secret and refresh_token",
            )  # fmt: skip
        setting = f"sources.{source_id}.base_url"
        self._adapter = PatientAdapter(
            system="pipedrive", setting=setting, ca_bundle=settings.ca_bundle, backoff=backoff, is_busy=_is_busy,
            sleep=sleep,
        )  # fmt: skip
        self._session = requests.Session()
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, self._adapter)
        self._renewing = threading.Lock()
        self.server_time: datetime | None = None

    @property
    def calls(self) -> int:
        """Requests sent, repeated ones included."""
        return self._adapter.calls

    def get(self, path: str, doing: str, **parameters: Any) -> requests.Response:
        """GET a path of the API; None among the parameters is left out."""
        given = {name: value for name, value in parameters.items() if value is not None}
        for attempt in (1, 2):
            bearer = self._token()
            headers = {"Authorization": f"Bearer {bearer}"} if bearer else {"x-api-token": self._api_token}
            response = self._session.get(f"{self._settings.base_url}{path}", params=given, headers=headers)
            self._note(response)
            if response.status_code == 401 and bearer and attempt == 1:
                self._forget(bearer)
                continue
            break
        if response.status_code != 200:
            raise self._refused(response, doing)
        return response

    def pages_v2(self, path: str, doing: str, cursor: str | None = None, **parameters: Any) -> Iterator[Listed]:
        """The pages of a v2 list from a cursor on."""
        while True:
            answer = self._answer(self.get(path, doing, limit=PAGE_ROWS, cursor=cursor, **parameters), doing)
            cursor = answer.additional_data.next_cursor if answer.additional_data else None
            yield _lines(answer), cursor
            if not cursor:
                return

    def pages_v1(self, path: str, doing: str, **parameters: Any) -> Iterator[Sequence[bytes]]:
        """The pages of a v1 list."""
        start: int | None = 0
        while start is not None:
            answer = self._answer(self.get(path, doing, limit=PAGE_ROWS, start=start, **parameters), doing)
            yield _lines(answer)
            paging = answer.additional_data.pagination if answer.additional_data else None
            start = paging.next_start if paging and paging.more_items_in_collection else None

    def close(self) -> None:
        """Let go of connections."""
        self._session.close()

    def _answer(self, response: requests.Response, doing: str) -> Answer:
        try:
            return msgspec.json.decode(response.content, type=Answer)
        except msgspec.DecodeError as error:
            raise TransientSourceFailure(
                "Pipedrive answered something that is no list of records.", where=doing, saved=KEPT, next_step=AGAIN
            ) from error

    def _note(self, response: requests.Response) -> None:
        """Keep the time, and rest when the two seconds' allowance is used up."""
        if "Date" in response.headers:
            self.server_time = parsedate_to_datetime(response.headers["Date"]).astimezone(UTC)
        if response.headers.get("X-RateLimit-Remaining") == "0":
            reset = response.headers.get("X-RateLimit-Reset", "")
            self._sleep(min(float(reset) if reset.isdigit() else 2.0, _LONGEST_REST_SECONDS))

    def _token(self) -> str:
        """The OAuth bearer; empty with an API token."""
        if self._api_token:
            return ""
        with self._renewing:
            if not self._bearer:
                self._renew()
            return self._bearer

    def _forget(self, bearer: str) -> None:
        with self._renewing:
            if self._bearer == bearer:
                self._bearer = ""

    def _renew(self) -> None:
        form = {"grant_type": "refresh_token", "refresh_token": self._refresh_token}
        response = self._session.post(self._settings.token_url, data=form, auth=self._app)
        if response.status_code != 200:
            raise CredentialsFailure(
                f"Pipedrive refused to renew the token ({response.status_code}).", where=self._source_id,
                why="client_id, client_secret or refresh_token is wrong, or the app was uninstalled.",
                next_step="install the app again, store the new refresh_token, then run  crmlift doctor",
            )  # fmt: skip
        answer = response.json()
        self._bearer, self._refresh_token = answer["access_token"], answer["refresh_token"]

    def _refused(self, response: requests.Response, doing: str) -> ExpectedFailure:
        """The failure that a final answer means."""
        where, status = f"{self._source_id}, {doing}", response.status_code
        said = _said(response)
        if status in {401, 403}:
            kind = CredentialsFailure if status == 401 else AccessRefused
            return kind(
                f"Pipedrive refused access ({status}).", where=where, why=said, saved=KEPT,
                next_step="check the token and that its user may see the whole company, then run  crmlift doctor",
            )  # fmt: skip
        if status == 402:
            return WholeSourceFailure(
                "The Pipedrive account is closed or not paid for (402).", where=where, why=said, saved=KEPT,
                next_step="ask who administers the account",
            )  # fmt: skip
        if status == 404:
            return ObjectAbsent("Pipedrive knows no such address (404).", where=where, why=said, saved=KEPT)
        if status == 429 and _is_day_over(response):
            return BudgetReached(
                "The account's daily token budget is used up (429).", where=where, why=said, saved=KEPT,
                next_step=f"wait until midnight in the account's time zone, then {AGAIN}",
            )  # fmt: skip
        if status in BUSY_STATUSES:
            return TransientSourceFailure(
                f"Pipedrive kept failing ({status}).", where=where, why=said, saved=KEPT, next_step=AGAIN
            )
        return SourceFailure(
            f"Pipedrive refused the request ({status}).", where=where, why=said, saved=KEPT,
            next_step="leave the stream out with exclude if need be, or report this",
        )  # fmt: skip


class ObjectAbsent(SourceFailure):
    """The account has no such object or address."""


def _lines(answer: Answer) -> list[bytes]:
    """Records as lines; an answer that is spread over lines is written anew."""
    rows = [bytes(raw) for raw in answer.data or ()]
    return [msgspec.json.encode(msgspec.json.decode(row)) if b"\n" in row else row for row in rows]


def _is_busy(response: requests.Response) -> bool:
    return response.status_code in BUSY_STATUSES and not _is_day_over(response)


def _is_day_over(response: requests.Response) -> bool:
    """A 429 that no waiting mends today."""
    left = response.headers.get("X-Daily-RateLimit-Token-Remaining", "")
    return response.status_code == 429 and (left == "0" or "daily" in response.text.lower()[:1000])


def _said(response: requests.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return ""
    text = body.get("error") if isinstance(body, dict) else None
    return f"It said: {str(text)[:200]}." if text else ""
