"""The Pipedrive connector: `connectors.contract.Connector` for one account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import msgspec

from connectors.contract import Checkpoint, Connector, Finding, Page, PageFormat, StreamSchema, Window
from connectors.errors import AccessRefused, SchemaChanged, SourceFailure
from connectors.pipedrive.client import ObjectAbsent, PipedriveClient
from connectors.pipedrive.reading import RecordReader
from connectors.pipedrive.schemas import FIELDS_OF, FIXED, NATIVE, SYSTEM, Definition, record_schema
from connectors.pipedrive.settings import PipedriveSettings

STREAMS = ("users", "roles", "pipelines", "stages", "field_options", "products", "organizations", "persons", "deals",
           "activities", "leads")  # fmt: skip
_V1 = {"users": ("/v1/users",), "roles": ("/v1/roles",), "leads": ("/v1/leads", "/v1/leads/archived")}
_OPTIONAL = frozenset({"roles", "leads", "products"})
"""What a plan or a permission may hide: a finding, not a failure."""
WORKERS = 8


class PipedriveConnector(Connector):
    """One account. options: how to wait (tests do not)."""

    system = SYSTEM
    settings_model = PipedriveSettings
    secret_names = ("api_token", "client_id", "client_secret", "refresh_token")

    def __init__(
        self,
        source_id: str,
        settings: Mapping[str, Any],
        secrets: Mapping[str, str],
        **options: Any,
    ) -> None:
        self.source_id = source_id
        given = {name: value for name, value in settings.items() if name in PipedriveSettings.model_fields}
        self._settings = PipedriveSettings.model_validate(given)
        self._client = PipedriveClient(source_id, self._settings, secrets, **options)
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="pipedrive")
        self._definitions: dict[str, list[Definition]] = {}
        self._findings: dict[tuple[str, str | None], Finding] = {}
        self._refused: set[str] = set()

    def check(self) -> str:
        """Ask who we are."""
        found = self._client.get("/v1/users/me", "asking who we are").json()["data"]
        return f"Pipedrive of {found['company_name']}, as {found['name']}"

    def clock(self) -> datetime:
        """The Date header of an answer just received."""
        self.check()
        return self._client.server_time or datetime.now(UTC)

    def streams(self) -> list[str]:
        """What there is, less what is excluded and what this token may not see."""
        return [name for name in STREAMS if not self._settings.is_excluded(name) and self._is_there(name)]

    def schema(self, stream: str) -> StreamSchema:
        """Native fields, and the account's own."""
        if stream in FIXED:
            return FIXED[stream]
        schema = record_schema(stream, self._defined(stream), self._settings, self._refused)
        for column in self._settings.custom_fields.get(stream, {}):
            if column not in {field.name for field in schema.fields}:
                label = self._settings.custom_fields[stream][column]
                self._note("missing_field", stream, column, f"{stream} has no custom field {label!r} for {column}.")
        return schema

    def read(self, schema: StreamSchema, window: Window, checkpoint: Checkpoint | None) -> Iterator[Page]:
        """Small streams whole, the others by their time of change."""
        stream = schema.stream
        if stream in NATIVE:
            yield from RecordReader(
                self._client, self._pool, schema, window, self._settings.reconcile_days, self._leave_out
            ).pages(checkpoint)
        elif stream == "field_options":
            yield Page.of_rows(stream, self._field_options())
        else:
            yield from self._whole(stream)

    def findings(self) -> list[Finding]:
        """What the token may not see, and custom fields that were asked for in vain."""
        return list(self._findings.values())

    @property
    def api_calls(self) -> int:
        """Requests sent so far."""
        return self._client.calls

    def close(self) -> None:
        """Stop work in flight and let go of connections."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    def _whole(self, stream: str) -> Iterator[Page]:
        doing = f"reading {stream}"
        if stream not in _V1:
            for rows, _ in self._client.pages_v2(f"/api/v2/{stream}", doing):
                yield _page(stream, rows)
            return
        for path in _V1[stream]:
            try:
                for rows in self._client.pages_v1(path, doing):
                    yield _page(stream, rows)
            except ObjectAbsent:
                if path == _V1[stream][0]:
                    raise

    def _field_options(self) -> Iterator[dict[str, Any]]:
        """One row a field, and one a choice of it."""
        for stream in NATIVE:
            for each in self._defined(stream):
                code, is_custom = each.field_code, each.is_custom_field
                column = self._settings.column_of(stream, code, each.field_name) if is_custom else code
                row = {
                    "object": stream, "code": code, "name": each.field_name, "type": each.field_type,
                    "is_custom": is_custom, "column_name": column,
                }  # fmt: skip
                for option in (None, *(each.options or ())):
                    mark = "" if option is None else str(option.id)
                    told = {} if option is None else {"option_id": mark, "option_label": option.label}
                    yield {"id": f"{stream}:{code}:{mark}", **row, **told}

    def _defined(self, stream: str) -> list[Definition]:
        if stream not in self._definitions:
            listed = self._client.pages_v2(f"/api/v2/{FIELDS_OF[stream]}", f"describing {stream}")
            rows = [row for page, _ in listed for row in page]
            self._definitions[stream] = [msgspec.json.decode(row, type=Definition) for row in rows]
        return self._definitions[stream]

    def _is_there(self, stream: str) -> bool:
        if stream not in _OPTIONAL:
            return True
        path = _V1[stream][0] if stream in _V1 else f"/api/v2/{stream}"
        try:
            self._client.get(path, f"looking for {stream}", limit=1)
        except (ObjectAbsent, AccessRefused) as refusal:
            self._note("missing_object", stream, None, f"{stream} cannot be read: {refusal.what}")
            return False
        return True

    def _leave_out(self, child: str, refusal: SourceFailure) -> None:
        """Deals are read without what beside them is refused."""
        self._refused.add(child)
        self._note("missing_object", child, None, f"{child} cannot be read: {refusal.what} {refusal.why}")
        raise SchemaChanged(refusal.what, where=refusal.where, why=refusal.why) from refusal

    def _note(self, rule_id: str, stream: str, field: str | None, message: str) -> None:
        self._findings[stream, field] = Finding(rule_id, stream, field, message)


def _page(stream: str, rows: Any) -> Page:
    body = (b"\n".join(rows) + b"\n",) if rows else ()
    return Page(stream, PageFormat.JSONL, body, len(rows))
