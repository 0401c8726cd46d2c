"""The HubSpot source: what `connectors.contract.Connector` asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from connectors.contract import Checkpoint, Connector, Finding, Page, StreamSchema, Window
from connectors.hubspot.answers import Account, RawList
from connectors.hubspot.catalogue import Catalogue
from connectors.hubspot.describing import DescriptionReader
from connectors.hubspot.failures import ObjectAbsent, ScopeMissing
from connectors.hubspot.object_api import WORKERS, ObjectApi, Wanted
from connectors.hubspot.reading import ObjectReader
from connectors.hubspot.reference import ReferenceReader
from connectors.hubspot.schemas import FIXED, OPTIONAL, SYSTEM, object_schema, property_names
from connectors.hubspot.settings import HubspotSecrets, HubspotSource
from connectors.hubspot.transport import Call, Transport

CLOCK_MAX_AGE_SECONDS = 5.0


class HubspotConnector(Connector):
    """One HubSpot account."""

    system = SYSTEM

    def __init__(self, source_id: str, source: HubspotSource, transport: Transport) -> None:
        self.source_id = source_id
        self._source, self._transport = source, transport
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="hubspot")
        self._catalogue = Catalogue(self._transport, source, self._pool)

    def check(self) -> str:
        """Ask who the account is (or, without that right, for one owner)."""
        try:
            account = self._transport.ask(Call("GET", self._source.paths.account_details), Account)
        except (ObjectAbsent, ScopeMissing):
            self._transport.ask(self._one_owner(), RawList)
            return "HubSpot answers; the token is good"
        facts = [f"HubSpot account {account.portal_id}", account.time_zone, account.company_currency]
        return ", ".join(fact for fact in facts if fact)

    def clock(self) -> datetime:
        """The Date header of an answer just received."""
        at = self._transport.server_time(CLOCK_MAX_AGE_SECONDS)
        if at is None:
            self.check()
            at = self._transport.server_time(CLOCK_MAX_AGE_SECONDS)
        return at or datetime.now(UTC)

    def streams(self) -> list[str]:
        """Owners, pipelines, stages, the objects the account has, log-ins."""
        return self._catalogue.streams()

    def schema(self, stream: str) -> StreamSchema:
        """The stream's shape, from the properties the account defines."""
        if stream in FIXED:
            return FIXED[stream]
        definitions = self._catalogue.properties(stream)
        names = {d.name for d in definitions}
        for name in self._source.history.get(stream, ()):
            if name not in names:
                message = f"{stream} has no property {name}, so its history cannot be read."
                self._catalogue.note(Finding("missing_field", stream, name, message))
        return object_schema(
            stream,
            self._catalogue.object_type(stream),
            definitions,
            has_history=any(name in names for name in self._source.history.get(stream, ())),
            has_associations=bool(self._pairs(stream)),
        )

    def read(self, schema: StreamSchema, window: Window, checkpoint: Checkpoint | None) -> Iterator[Page]:
        """Pages of the window; children (history, associations) come with their parents."""
        stream = schema.stream
        if stream in OPTIONAL:
            catalogue = self._catalogue
            if not catalogue.objects:
                catalogue.streams()
            describer = DescriptionReader(
                self._transport, self._source.paths, catalogue.objects, catalogue.all_properties
            )
            yield from describer.pages(stream)
            return
        if stream in FIXED:
            reader = ReferenceReader(self._transport, self._source.paths)
            yield from reader.pages(stream, window, checkpoint)
            return

        def note_pair(to_object: str, refusal: ObjectAbsent | ScopeMissing) -> None:
            if (stream, to_object) in self._source.named_pairs:
                raise refusal
            self._catalogue.note_refusal(
                f"associations of {stream} with {to_object}", refusal, rule_id="missing_association"
            )

        yield from ObjectReader(
            self._api(schema), self._pool, window, reconcile=self._source.reconcile, on_pair_refused=note_pair
        ).pages(checkpoint)

    def count(self, schema: StreamSchema) -> int | None:
        """The total of a search without filters; None for what cannot be searched."""
        if schema.stream in FIXED:
            return None
        try:
            return self._api(schema).total()
        except (ObjectAbsent, ScopeMissing):
            return None

    def findings(self) -> list[Finding]:
        """Objects and properties that are absent or hidden."""
        return self._catalogue.findings

    @property
    def api_calls(self) -> int:
        """Requests sent so far."""
        return self._transport.calls

    def close(self) -> None:
        """Stop work in flight and let go of connections."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._transport.close()

    def _api(self, schema: StreamSchema) -> ObjectApi:
        names = property_names(schema)
        history = [name for name in self._source.history.get(schema.stream, ()) if name in names]
        wanted = Wanted(
            schema.stream,
            self._catalogue.object_type(schema.stream),
            tuple(names),
            tuple(history),
            {name: self._catalogue.object_type(name) for name in self._pairs(schema.stream)},
        )
        return ObjectApi(self._transport, self._source.paths, self._pool, wanted)

    def _pairs(self, stream: str) -> list[str]:
        """Object types whose links with this stream are read."""
        wanted = self._source.associations.get(stream, ())
        return [name for name in wanted if not self._source.is_excluded(name)]

    def _one_owner(self) -> Call:
        return Call("GET", self._source.paths.owners, {"limit": 1})


def open_hubspot(source_id: str, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> HubspotConnector:
    """A connector from a section of the settings file and its secrets; opens no connection yet."""
    source = HubspotSource.from_settings(settings)
    return HubspotConnector(source_id, source, Transport(source, HubspotSecrets.from_secrets(secrets)))
