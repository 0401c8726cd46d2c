"""What the account has: object types that can be read, custom ones too, and what is missing or hidden."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from connectors.contract import Finding
from connectors.errors import SourceFailure
from connectors.hubspot.answers import CustomSchema, CustomSchemas, Properties, PropertyDefinition, RawList
from connectors.hubspot.failures import ObjectAbsent, ScopeMissing
from connectors.hubspot.objects import REQUIRED_OBJECTS, STANDARD_OBJECTS, read_scope
from connectors.hubspot.schemas import EXCHANGE_RATES, FIXED, LOGIN_ACTIVITY, OPTIONAL, REFERENCE, TEAMS
from connectors.hubspot.settings import HubspotSource
from connectors.hubspot.transport import Call, Transport

log = logging.getLogger(__name__)


class Catalogue:
    """Discovery of one account; asks each thing once.

    hidden: what cannot be read, as streams() found it. kept_back: objects core cannot do without that are hidden; they
    stay in the list of streams, so that reading them fails aloud.
    """

    def __init__(self, transport: Transport, source: HubspotSource, pool: ThreadPoolExecutor) -> None:
        self._transport, self._source, self._pool = transport, source, pool
        self._custom: Mapping[str, str] | None = None
        self._properties: dict[str, list[PropertyDefinition]] = {}
        self.objects: list[str] = []
        self.hidden: dict[str, SourceFailure] = {}
        self.kept_back: dict[str, ScopeMissing] = {}
        self._findings: dict[tuple[str, str, str | None], Finding] = {}

    @property
    def findings(self) -> list[Finding]:
        """What was missing so far."""
        return list(self._findings.values())

    def streams(self) -> list[str]:
        """Streams that can be read: reference objects first, then the objects, then log-ins."""
        wanted = [name for name in STANDARD_OBJECTS if not self._source.is_excluded(name)]
        custom = [name for name in self.custom() if not self._source.is_excluded(name)]
        further = [name for name in self._source.include if name not in wanted + custom and "*" not in name]
        candidates = wanted + custom + further
        readable = self._pool.map(self._is_readable, candidates)
        self.objects = [name for name, is_readable in zip(candidates, readable, strict=True) if is_readable]
        fixed = [name for name in REFERENCE if not self._source.is_excluded(name)]
        return fixed + self._optional_streams() + self.objects + self._login_stream()

    def object_type(self, stream: str) -> str:
        """A stream's name in addresses: its own, or the type id of a custom object."""
        if stream in STANDARD_OBJECTS:
            return stream
        return self.custom().get(stream, stream)

    def custom(self) -> Mapping[str, str]:
        """Custom objects: stream → object type id."""
        if self._custom is None:
            try:
                answer = self._transport.ask(Call("GET", self._source.paths.custom_schemas), CustomSchemas)
                self._custom = _named(answer.results)
            except SourceFailure as refusal:
                self.note_refusal("custom objects", refusal)
                self._custom = {}
        return self._custom

    def properties(self, stream: str) -> list[PropertyDefinition]:
        """The properties to read of an object."""
        return [d for d in self.all_properties(stream) if self._source.is_property_read(stream, d.name)]

    def all_properties(self, stream: str) -> list[PropertyDefinition]:
        """Everything the account defines for an object; asked once."""
        if stream not in self._properties:
            path = self._source.paths.properties(self.object_type(stream))
            self._properties[stream] = self._transport.ask(Call("GET", path), Properties).results
        return self._properties[stream]

    def note_refusal(self, name: str, refusal: SourceFailure) -> None:
        """Keep what could not be read as a finding; a failure of the whole account goes on."""
        if not refusal.is_refusal:
            raise refusal
        self.hidden[name] = refusal
        self.note(Finding("missing_object", name, None, f"{name} cannot be read. {cure(refusal, name)}"))

    def note(self, finding: Finding) -> None:
        """Keep a finding, once."""
        self._findings[finding.rule_id, finding.object, finding.field] = finding

    def _is_readable(self, stream: str) -> bool:
        """Whether one record can be read. A refusal that means neither absent nor hidden is left to the reading."""
        query: dict[str, str | int] = {"limit": 1, "properties": "hs_object_id"}
        try:
            self._transport.ask(Call("GET", self._source.paths.objects(self.object_type(stream)), query), RawList)
        except ScopeMissing as refusal:
            if stream not in REQUIRED_OBJECTS:
                self.note_refusal(stream, refusal)
                return False
            self.hidden[stream] = self.kept_back[stream] = _hidden(stream, refusal)
        except ObjectAbsent as refusal:
            self.note_refusal(stream, refusal)
            return False
        except SourceFailure as refusal:
            if not refusal.is_refusal:
                raise
            log.info("event=probe_refused stream=%s", stream)
        return True

    def _optional_streams(self) -> list[str]:
        """What may need scopes the token lacks is tried first; the rest comes with what is read anyway."""
        paths = self._source.paths
        calls = {TEAMS.stream: Call("GET", paths.teams), EXCHANGE_RATES.stream: Call("GET", paths.exchange_rates)}
        wanted = [name for name in OPTIONAL if not self._source.is_excluded(name)]
        return [name for name in wanted if name not in calls or self._is_given(name, calls[name])]

    def _login_stream(self) -> list[str]:
        name = LOGIN_ACTIVITY.stream
        if self._source.is_excluded(name):
            return []
        is_given = self._is_given(name, Call("GET", self._source.paths.login_activity, {"limit": 1}))
        return [name] if is_given else []

    def _is_given(self, stream: str, call: Call) -> bool:
        """Whether something core can do without can be read."""
        try:
            self._transport.ask(call, RawList)
        except SourceFailure as refusal:
            self.note_refusal(stream, refusal)
            return False
        return True


def cure(refusal: SourceFailure, name: str) -> str:
    """Why something cannot be read and, where there is one, the way to it."""
    if isinstance(refusal, ScopeMissing):
        return f"{refusal.why} Add it to read {name}."
    return "The account does not have it." if isinstance(refusal, ObjectAbsent) else f"{refusal.what} {refusal.why}"


def _named(schemas: list[CustomSchema]) -> dict[str, str]:
    """Stream names of custom objects, apart from each other and from the standard ones."""
    named: dict[str, str] = {}
    for schema in sorted((s for s in schemas if not s.archived), key=lambda s: s.object_type_id):
        name = schema.name.lower()
        if name in STANDARD_OBJECTS or name in FIXED or name in named:
            name = (schema.fully_qualified_name or schema.object_type_id).lower()
        named[name] = schema.object_type_id
    return named


def _hidden(stream: str, refusal: ScopeMissing) -> ScopeMissing:
    return ScopeMissing(
        f"HubSpot refused access to {stream} (403).",
        where=refusal.where,
        why=refusal.why,
        saved=refusal.saved,
        next_step=f"add the scope {read_scope(stream)} in HubSpot (Settings > Integrations > Service keys) "
        f"or add {stream} to exclude, then run  crmlift doctor",
    )
