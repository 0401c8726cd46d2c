"""The HubSpot source: what `connectors.contract.Connector` asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from connectors.contract import Checkpoint, Connector, Finding, Page, StreamSchema, Window
from connectors.errors import ExpectedFailure, SchemaChanged, SourceFailure
from connectors.hubspot.answers import Account, RawList
from connectors.hubspot.catalogue import Catalogue, cure
from connectors.hubspot.describing import DescriptionReader
from connectors.hubspot.failures import BadRequest, ObjectAbsent, ScopeMissing
from connectors.hubspot.object_api import WORKERS, ObjectApi, Wanted
from connectors.hubspot.reading import ObjectReader
from connectors.hubspot.reference import ReferenceReader
from connectors.hubspot.schemas import ASSOCIATIONS, FIXED, HISTORY, OPTIONAL, SYSTEM, object_schema, property_names
from connectors.hubspot.settings import HubspotSecrets, HubspotSource
from connectors.hubspot.transport import Call, Transport

CLOCK_MAX_AGE_SECONDS = 5.0
STEPS = {
    "archived_not_listed": "Archived records of it are not listed: that one was archived shows only where all ids are.",
    "links_not_read_again": "Links made or taken away later are not seen.",
    "missing_history": "Past values of its properties cannot be read.",
    "not_counted": "It could not be counted: nothing proves that all of it was loaded.",
}
"""Finding → what a refused step means."""


class HubspotConnector(Connector):
    """One HubSpot account."""

    system = SYSTEM

    def __init__(self, source_id: str, source: HubspotSource, transport: Transport) -> None:
        self.source_id = source_id
        self._source, self._transport = source, transport
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="hubspot")
        self._catalogue = Catalogue(self._transport, source, self._pool)
        self._without_pairs: dict[str, set[str]] = {}
        self._without_history: set[str] = set()
        self._refusals: dict[str, ExpectedFailure] = {}

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
        """The stream's shape, from the properties the account defines; without what was refused meanwhile."""
        if stream in FIXED:
            return FIXED[stream]
        if stream in self._catalogue.kept_back:
            raise self._catalogue.kept_back[stream]
        definitions = self._catalogue.properties(stream)
        names = {d.name for d in definitions}
        for name in self._source.history.get(stream, ()):
            if name not in names:
                message = f"{stream} has no property {name}, so its history cannot be read."
                self._catalogue.note(Finding("missing_field", stream, name, message))
        history = [name for name in self._source.history.get(stream, ()) if name in names]
        return object_schema(
            stream,
            self._catalogue.object_type(stream),
            definitions,
            history=[] if stream in self._without_history else history,
            pairs=self._pairs(stream),
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
        elif stream in FIXED:
            reader = ReferenceReader(self._transport, self._source.paths)
            yield from reader.pages(stream, window, checkpoint)
        else:
            yield from self._objects(schema, window, checkpoint)

    def _objects(self, schema: StreamSchema, window: Window, checkpoint: Checkpoint | None) -> Iterator[Page]:
        """Records of an object type. SchemaChanged when something beside them is refused: it is left out then."""
        stream = schema.stream

        def leave_pair_out(to_object: str, refusal: SourceFailure) -> None:
            self._without_pairs.setdefault(stream, set()).add(to_object)
            self._note_pair(stream, to_object, refusal)
            raise SchemaChanged(refusal.what, where=refusal.where, why=refusal.why) from refusal

        def note_step(rule_id: str, refusal: SourceFailure) -> None:
            self._catalogue.note(Finding(rule_id, stream, None, f"{STEPS[rule_id]} {refusal.what} {refusal.why}"))

        api = self._api(schema)
        reader = ObjectReader(
            api, self._pool, window, reconcile=self._source.reconcile,
            refresh_days=self._source.association_refresh_days, on_pair=leave_pair_out, on_step=note_step,
        )  # fmt: skip
        try:
            yield from reader.pages(checkpoint)
        except BadRequest as refusal:
            if not api.wanted.history:
                raise
            self._without_history.add(stream)
            note_step("missing_history", refusal)
            raise SchemaChanged(refusal.what, where=refusal.where, why=refusal.why) from refusal

    def count(self, schema: StreamSchema) -> int | None:
        """The total of a search without filters; None for what cannot be searched."""
        if schema.stream in FIXED:
            return None
        try:
            return self._api(schema).total()
        except (ObjectAbsent, ScopeMissing):
            return None
        except SourceFailure as refusal:
            if not refusal.is_refusal:
                raise
            message = f"{STEPS['not_counted']} {refusal.what} {refusal.why}"
            self._catalogue.note(Finding("not_counted", schema.stream, None, message))
            return None

    def findings(self) -> list[Finding]:
        """Objects and properties that are absent or hidden, and steps that were refused."""
        return self._catalogue.findings

    def refusals(self) -> list[ExpectedFailure]:
        """Links the settings name and nobody gives us."""
        return list(self._refusals.values())

    @property
    def api_calls(self) -> int:
        """Requests sent so far."""
        return self._transport.calls

    def close(self) -> None:
        """Stop work in flight and let go of connections."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._transport.close()

    def _api(self, schema: StreamSchema) -> ObjectApi:
        beside = {child.stream.rpartition("_")[2]: child.covers or () for child in schema.children}
        wanted = Wanted(
            schema.stream,
            self._catalogue.object_type(schema.stream),
            tuple(property_names(schema)),
            beside.get(HISTORY, ()),
            {name: self._catalogue.object_type(name) for name in beside.get(ASSOCIATIONS, ())},
        )
        return ObjectApi(self._transport, self._source.paths, self._pool, wanted)

    def _pairs(self, stream: str) -> list[str]:
        """Object types whose links with this stream are read; not those that cannot be read themselves."""
        wanted = [name for name in self._source.associations.get(stream, ()) if not self._source.is_excluded(name)]
        hidden = self._catalogue.hidden
        for name in wanted:
            if name in hidden:
                self._note_pair(stream, name, hidden[name])
        refused = self._without_pairs.get(stream, set())
        return [name for name in wanted if name not in hidden and name not in refused]

    def _note_pair(self, stream: str, to_object: str, refusal: SourceFailure) -> None:
        """Links that cannot be read are a finding; those somebody named are told when the night ends, too."""
        message = f"Links of {stream} with {to_object} cannot be read. {cure(refusal, to_object)}"
        self._catalogue.note(Finding("missing_association", f"{stream}_associations", to_object, message))
        if (stream, to_object) in self._source.named_pairs:
            self._refusals[f"{stream} {to_object}"] = SourceFailure(
                f"Links of {stream} with {to_object} cannot be read.", where=refusal.where, why=refusal.why,
                saved="The records were read without them.",
                next_step=f"{refusal.next_step or 'see what the account has'}; or take {to_object} out of associations",
            )  # fmt: skip

    def _one_owner(self) -> Call:
        return Call("GET", self._source.paths.owners, {"limit": 1})


def open_hubspot(source_id: str, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> HubspotConnector:
    """A connector from a section of the settings file and its secrets; opens no connection yet."""
    source = HubspotSource.from_settings(settings)
    return HubspotConnector(source_id, source, Transport(source, HubspotSecrets.from_secrets(secrets)))
