"""simple-salesforce with patience: renewed sessions, errors as failures, limits watched."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from simple_salesforce import Salesforce

from connectors.errors import BudgetReached, SourceFailure
from connectors.http import Backoff, PatientAdapter
from connectors.salesforce.failures import failure_of, is_busy
from connectors.salesforce.login import Token, log_in
from connectors.salesforce.settings import SalesforceSettings

RENEWALS = 4

log = logging.getLogger(__name__)


class SalesforceClient(Salesforce):
    """Requests to one org, from several threads at once.

    Every call of simple-salesforce goes through `_call_salesforce`; here that renews an expired session
    once for all threads, turns errors into failures with a cure and keeps the last Sforce-Limit-Info.
    """

    def __init__(
        self,
        settings: SalesforceSettings,
        secrets: Mapping[str, str],
        *,
        backoff: Backoff | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings, self._secrets = settings, secrets
        self._renewing = threading.Lock()
        self._requests_used: tuple[int, int] | None = None
        self.adapter = PatientAdapter(
            system="salesforce",
            setting=settings.address_setting,
            ca_bundle=settings.ca_bundle,
            backoff=backoff,
            is_busy=is_busy,
            sleep=sleep,
        )
        http = requests.Session()
        http.mount("https://", self.adapter)
        token = log_in(http, settings, secrets)
        super().__init__(
            instance_url=token.instance_url,
            session_id=token.access_token,
            session=http,
            version=settings.api_version,
            object_pairs_hook=None,
        )
        self.origin = f"https://{self.sf_instance}"
        self.data_path = f"/services/data/v{settings.api_version}"

    def get(self, path: str, doing: str, **kwargs: Any) -> requests.Response:
        """GET a path of the org, `/services/…` or an address relative to the data API."""
        return self._call_salesforce("GET", self._url(path), name=doing, **kwargs)

    def post(self, path: str, doing: str, body: Mapping[str, Any]) -> requests.Response:
        """POST JSON to a path of the org."""
        return self._call_salesforce("POST", self._url(path), name=doing, json=dict(body))

    def count(self, soql: str, doing: str) -> int:
        """The number a counting query gives, over deleted and archived rows too."""
        answer = self.get("queryAll/", doing, params={"q": soql}).json()
        return int(answer["totalSize"])

    def server_time(self) -> datetime:
        """The org's clock, from the Date header of its cheapest answer."""
        header = self.get("/services/data/", "asking the time").headers.get("Date")
        if not header:
            raise SourceFailure("Salesforce sent no Date header.", where=self.settings.source_id)
        return parsedate_to_datetime(header)

    def refuse_beyond_budget(self) -> None:
        """BudgetReached when the org has used more of its daily requests than the budget allows."""
        if self._requests_used is None:
            return
        used, total = self._requests_used
        if used > total * self.settings.api_budget_share:
            raise BudgetReached(
                f"{used} of the org's {total} daily API requests are used; the budget is "
                f"{self.settings.api_budget_share:.0%}.",
                where=self.settings.source_id,
                saved="Pages landed before are kept; the next run goes on where this one stopped.",
                next_step=f"run again later, or raise sources.{self.settings.source_id}.api_budget_share",
            )

    @property
    def usage(self) -> str:
        """The daily requests used, for people; empty while unknown."""
        if self._requests_used is None:
            return ""
        return "{:,} of {:,} daily requests used".format(*self._requests_used)

    def close(self) -> None:
        """Let go of connections."""
        self.session.close()

    def _url(self, path: str) -> str:
        return f"{self.origin}{path}" if path.startswith("/") else f"{self.base_url}{path}"

    def _call_salesforce(
        self, method: str, url: str, name: str = "", retries: int = 0, max_retries: int = RENEWALS, **kwargs: Any
    ) -> requests.Response:
        extra_headers = kwargs.pop("headers", {})
        for attempt in range(retries, max_retries + 1):
            session_id = self.session_id
            headers = {"Authorization": f"Bearer {session_id}", "Accept": "application/json", **extra_headers}
            response = self.session.request(method, url, headers=headers, allow_redirects=False, **kwargs)
            self._note_usage(response)
            if response.status_code < 300:
                return response
            if response.status_code != 401 or attempt == max_retries:
                break
            self._renew(session_id)
        raise failure_of(response, self.settings.source_id, name)

    def _renew(self, expired: str) -> None:
        """Log in again, unless another thread has done so since `expired` was used."""
        with self._renewing:
            if self.session_id != expired:
                return
            token: Token = log_in(self.session, self.settings, self._secrets)
            self.session_id = token.access_token
            self._generate_headers()
            log.info("session_renewed source_id=%s", self.settings.source_id)

    def _note_usage(self, response: requests.Response) -> None:
        found = re.search(r"(?:^|[;\s])api-usage=(\d+)/(\d+)", response.headers.get("Sforce-Limit-Info", ""))
        if found:
            self._requests_used = int(found[1]), int(found[2])
