"""The Salesforce connector: `connectors.contract.Connector` for one org."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from connectors.contract import Checkpoint, Connector, Finding, Page, StreamSchema, Window
from connectors.errors import SchemaChanged, SettingsFailure, SourceFailure
from connectors.http import Backoff
from connectors.salesforce import soql
from connectors.salesforce.bulk import BulkQueries
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.describe import missing_fields, missing_objects, schema_of, streams_of
from connectors.salesforce.failures import QueryRefused
from connectors.salesforce.reading import Reading
from connectors.salesforce.settings import SalesforceSettings

log = logging.getLogger(__name__)


class SalesforceConnector(Connector):
    """Reads one org; logs in at the first request. sleep, backoff: how to wait (tests do not)."""

    system = "salesforce"

    def __init__(
        self,
        settings: SalesforceSettings,
        secrets: Mapping[str, str],
        *,
        backoff: Backoff | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.source_id = settings.source_id
        self._settings, self._secrets = settings, dict(secrets)
        self._backoff, self._sleep = backoff, sleep
        self._opening = threading.Lock()
        self._opened: tuple[SalesforceClient, BulkQueries] | None = None
        self._objects: list[Mapping[str, Any]] | None = None
        self._described: dict[str, Mapping[str, Any]] = {}
        self._findings: dict[tuple[str, str, str | None], Finding] = {}
        self._refused: dict[str, set[str]] = {}
        self._read_until: dict[str, datetime] = {}

    def check(self) -> str:
        """Log in and ask for the limits; says where we are and how much of the limits is used."""
        try:
            self._client.limits()
        except QueryRefused as refusal:
            if refusal.code != "NOT_FOUND":
                raise
            raise SettingsFailure(
                f"The org does not speak version {self._settings.api_version} of the API.",
                where=f"sources.{self.source_id}.api_version",
                next_step="set api_version to a version of the last three years, such as 62.0",
            ) from refusal
        parts = [f"Salesforce at {self._client.sf_instance}", f"API v{self._settings.api_version}"]
        return ", ".join([*parts, self._client.usage] if self._client.usage else parts)

    def clock(self) -> datetime:
        """The org's own time."""
        return self._client.server_time()

    def streams(self) -> list[str]:
        """The default objects the org has and those `include` adds, reference objects first."""
        objects = self._available()
        for finding in missing_objects(objects, self._settings):
            self._note(finding)
        return streams_of(objects, self._settings)

    def schema(self, stream: str) -> StreamSchema:
        """The object's fields, typed by its describe; without those a query was refused for."""
        schema = schema_of(self._describe(stream), self._settings)
        for finding in missing_fields(schema):
            self._findings.setdefault((finding.rule_id, finding.object, finding.field), finding)
        return schema

    def read(self, schema: StreamSchema, window: Window, checkpoint: Checkpoint | None) -> Iterator[Page]:
        """Changed records through REST or Bulk API 2.0, then Ids of what is gone."""
        stream, described = schema.stream, self._describe(schema.stream)
        self._read_until[stream] = window.until
        reading = Reading(
            self._client,
            self._bulk,
            schema,
            window,
            keeps_deletion_log=bool(described.get("replicateable")),
            has_formulas=any(field.get("calculated") for field in described["fields"]),
            on_untold_deletes=lambda refusal: self._note(_untold_deletes(stream, refusal)),
            sleep=self._sleep,
        )
        try:
            yield from reading.pages(checkpoint)
        except QueryRefused as refusal:
            self._leave_out(schema, refusal)
            raise

    def count(self, schema: StreamSchema) -> int | None:
        """Rows that are not deleted, archived ones too; None when the org cannot count them in time."""
        counting = soql.live_count(schema, self._read_until.get(schema.stream))
        try:
            return self._client.count(counting, f"counting {schema.stream}")
        except SourceFailure as failure:
            log.warning("count_failed stream=%s reason=%r", schema.stream, failure.what)
            message = (
                f"{schema.stream} could not be counted, so nothing proves that all of it was loaded. {failure.why}"
            )
            self._note(Finding("not_counted", schema.stream, None, message))
            return None

    def findings(self) -> list[Finding]:
        """Objects and fields found missing, and steps refused, so far."""
        return list(self._findings.values())

    @property
    def api_calls(self) -> int:
        """Requests sent so far, repeated ones included."""
        return self._opened[0].adapter.calls if self._opened else 0

    def close(self) -> None:
        """Let go of connections."""
        if self._opened:
            self._opened[0].close()

    @property
    def _client(self) -> SalesforceClient:
        return self._open()[0]

    @property
    def _bulk(self) -> BulkQueries:
        return self._open()[1]

    def _open(self) -> tuple[SalesforceClient, BulkQueries]:
        with self._opening:
            if self._opened is None:
                client = SalesforceClient(self._settings, self._secrets, backoff=self._backoff, sleep=self._sleep)
                self._opened = client, BulkQueries(client, self._sleep)
            return self._opened

    def _available(self) -> list[Mapping[str, Any]]:
        if self._objects is None:
            self._objects = list((self._client.describe() or {})["sobjects"])
        return self._objects

    def _describe(self, stream: str) -> Mapping[str, Any]:
        if stream not in self._described:
            self._described[stream] = self._client.get(f"sobjects/{stream}/describe", f"describing {stream}").json()
        described, refused = self._described[stream], self._refused.get(stream, ())
        return {**described, "fields": [field for field in described["fields"] if field["name"] not in refused]}

    def _leave_out(self, schema: StreamSchema, refusal: QueryRefused) -> None:
        """SchemaChanged when it is one field that cannot be queried: the object is read without it."""
        column = refusal.column
        if column not in {field.name for field in schema.fields} - set(schema.primary_key):
            return
        self._refused.setdefault(schema.stream, set()).add(str(column))
        message = f"Salesforce lists {schema.stream}.{column} and refuses to read it."
        self._note(Finding("missing_field", schema.stream, column, message))
        raise SchemaChanged(refusal.what, where=refusal.where, why=refusal.why, saved=refusal.saved) from refusal

    def _note(self, finding: Finding) -> None:
        self._findings[finding.rule_id, finding.object, finding.field] = finding


def _untold_deletes(stream: str, refusal: SourceFailure) -> Finding:
    return Finding("deletions_not_listed", stream, None, f"Which {stream} are gone cannot be asked. {refusal.why}")


def open_salesforce(source_id: str, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """The connector of a Salesforce source; SettingsFailure when the settings cannot be used."""
    return SalesforceConnector(SalesforceSettings.of(source_id, settings, secrets), secrets)
