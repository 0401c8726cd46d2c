"""What every source keeps: streams, their schemas, and pages of a bounded window.

A connector never decides where data goes: it yields pages, the engine lands them. It imports neither duckdb nor
airflow nor anything of crmlift. Only `streams`, `schema` and `read` must be written; the rest has a default.
docs/connectors.md shows a whole one.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol

import msgspec

from connectors.errors import ExpectedFailure, TransientSourceFailure

Checkpoint = Mapping[str, Any]
"""JSON-able state: handed back to `read` it goes on after the page that carried it. No secrets."""


class FieldType(StrEnum):
    """The logical types of a source field; the load maps them to database types."""

    TEXT = "text"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    DECIMAL = "decimal"  # money: up to 34 digits before the point, 4 after it
    DATE = "date"
    TIMESTAMP = "timestamp"  # ISO-8601 with offset, or epoch milliseconds
    JSON = "json"


@dataclass(frozen=True)
class Field:
    """One column of a stream.

    path: where the value lies in a JSON record, `("properties", "amount")`; empty means `(name,)`.
    source_type: the source's own word for the type. label: for people.
    is_personal: a name, address, telephone number or free text about a person; never published.
    is_origin: where the record was found, not what it says: rows that differ in it only are equal.
    """

    name: str
    type: FieldType = FieldType.TEXT
    source_type: str = ""
    label: str = ""
    path: tuple[str, ...] = ()
    is_personal: bool = False
    is_origin: bool = False


_ADDED: Mapping[str, Any] = {
    "covers": None, "covers_field": None, "keeps_history": False, "remembers": False, "later_wins": True,
}  # fmt: skip
"""What was added to StreamSchema after its first version → the value that says nothing."""


@dataclass(frozen=True)
class StreamSchema:
    """The shape of one object type.

    table: the raw table, `Opportunity` in schema `raw_<system>`.
    version_field: orders versions of one record (SystemModstamp, updatedAt).
    later_wins: pages come in the order of time, as an API is read: of two versions that say nothing of their age the
    later one counts. False where pages come in no order (files): a key repeated with different content is refused.
    deleted_field: boolean field that marks soft-deleted rows.
    replace_by: set for child streams (history, associations): all rows with the parent keys present in a batch are
    replaced by the batch, since the source always returns a parent's children whole.
    covers: what of the parent a child stream tells, such as the properties whose history is read; None: all there is.
    covers_field: the column that names it; rows about what is not covered are left as they are.
    keeps_history: the source forgets (old versions, log-ins after 90 days); what was read once is not taken back
    because a later read lacks it, and a table may hold more rows than the source.
    children: streams whose pages the same `read` yields.
    is_snapshot: every read is complete; rows that are absent from it are deleted (small reference objects).
    keeps_bookmark: the source keeps its own place: `Window.bookmark` says where to go on, `since` is not asked.
    remembers: `Window.bookmark` is handed back too, beside `since`: for a round that takes several runs.
    """

    stream: str
    system: str
    table: str
    fields: tuple[Field, ...]
    primary_key: tuple[str, ...]
    version_field: str | None = None
    deleted_field: str | None = None
    replace_by: str | None = None
    children: tuple[StreamSchema, ...] = ()
    is_snapshot: bool = False
    keeps_bookmark: bool = False
    later_wins: bool = True
    covers: tuple[str, ...] | None = None
    covers_field: str | None = None
    keeps_history: bool = False
    remembers: bool = False

    def to_json(self) -> dict[str, Any]:
        """The schema as the manifest keeps it, without children (each has a manifest of its own).

        What was added to the contract later is left out where it says nothing, so that runs landed before stay equal.
        """
        out = asdict(self)
        del out["children"]
        for field_ in out["fields"]:
            if not field_["is_origin"]:
                del field_["is_origin"]
        return {name: value for name, value in out.items() if name not in _ADDED or value != _ADDED[name]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> StreamSchema:
        """The inverse of `to_json`."""
        fields = tuple(Field(**{**f, "type": FieldType(f["type"]), "path": tuple(f["path"])}) for f in data["fields"])
        covers = None if data.get("covers") is None else tuple(data["covers"])
        return cls(**{**data, "fields": fields, "primary_key": tuple(data["primary_key"]), "covers": covers})


@dataclass(frozen=True)
class Window:
    """Changes to read: `since` inclusive (None: everything), `until` exclusive, both aware UTC.

    bookmark: the last checkpoint of the stream's previous finished run, for sources that keep their own place.
    """

    since: datetime | None
    until: datetime
    bookmark: Checkpoint | None = None


class PageKind(StrEnum):
    """What the rows of a page mean."""

    UPSERT = "upsert"  # whole records
    DELETE = "delete"  # keys only: these records are gone from the source
    KEYS = "keys"  # keys only: all that exist; records whose key is in no such page of the run are gone
    PARENTS = "parents"  # of a child stream, only `replace_by`: all children of these parents are in the run


class PageFormat(StrEnum):
    """How the bytes of a page are written."""

    CSV = "csv"  # RFC 4180, UTF-8, one header row at the start of every page, "" and nothing are both NULL
    JSONL = "jsonl"  # one JSON record a line, UTF-8


@dataclass(frozen=True)
class Page:
    """A bounded piece of a stream.

    body: chunks of bytes, opened only when iterated and possibly in another thread; may be iterated again after a
    failure. stream: the schema's own or one of its children. rows: what the source says, None if it does not; a
    function where it says so with the body, called once that is read.
    checkpoint: valid once this page and all pages yielded before it are durable. A page with an empty body and a
    checkpoint only records progress (a job was created).
    schema: the stream's shape from this page on, when it turns out while it is read that it has more fields.
    """

    stream: str
    format: PageFormat
    body: Iterable[bytes] = ()
    rows: int | Callable[[], int | None] | None = None
    kind: PageKind = PageKind.UPSERT
    checkpoint: Checkpoint = field(default_factory=dict)
    schema: StreamSchema | None = None

    @property
    def promised_rows(self) -> int | None:
        """How many records the source says the body holds; ask once it is read."""
        return self.rows() if callable(self.rows) else self.rows

    @classmethod
    def of_rows(
        cls,
        stream: str,
        rows: Iterable[Mapping[str, Any]],
        *,
        kind: PageKind = PageKind.UPSERT,
        checkpoint: Checkpoint | None = None,
    ) -> Page:
        """A page of records at hand, as JSON lines."""
        lines = [msgspec.json.encode(row) + b"\n" for row in rows]
        body = (b"".join(lines),) if lines or kind is PageKind.KEYS else ()
        return cls(stream, PageFormat.JSONL, body, len(lines), kind, checkpoint or {})


@dataclass(frozen=True)
class Finding:
    """Something the source lacks or refuses that core would use.

    object: the stream or raw table it weakens, which names the KPIs. field: a column, or what of the stream it is.
    """

    rule_id: str  # 'missing_object' | 'missing_field' | 'unread_object' | 'archived_not_listed' | …
    object: str
    field: str | None
    message: str


class Connector(Protocol):
    """A source: `cls(source_id, settings, secrets)` makes one, and sends nothing yet.

    system: names the raw schema, `raw_<system>`. settings_model: the pydantic model of its section in crmlift.yml,
    unknown keys are refused; None: it has no settings. secret_names: what is handed over from the environment, as
    CRMLIFT_<SOURCE>_<NAME>, or from the Airflow connection.
    """

    system: str
    source_id: str
    settings_model: ClassVar[type[Any] | None] = None
    secret_names: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def streams(self) -> list[str]:
        """Names of the streams to read, reference objects first."""

    @abstractmethod
    def schema(self, stream: str) -> StreamSchema:
        """The stream's shape, asked from the source."""

    @abstractmethod
    def read(self, schema: StreamSchema, window: Window, checkpoint: Checkpoint | None) -> Iterator[Page]:
        """Pages of the window, going on after `checkpoint` when one is given."""

    def classify(self, error: Exception) -> ExpectedFailure | None:
        """What an exception of `streams`, `schema` or `read` means to people; None: it is a bug of ours.

        The default knows connections that broke; do more here, or raise an ExpectedFailure where you know the cause.
        """
        if isinstance(error, ExpectedFailure):
            return error
        if isinstance(error, OSError):  # those of requests among them
            return TransientSourceFailure(
                "The source could not be reached, or the connection broke.",
                where=self.source_id,
                why=type(error).__name__,
                saved="Pages landed before are kept.",
                next_step="check address and network, then run the same command again: it goes on where it was",
            )
        return None

    def check(self) -> str:
        """Prove with the cheapest call that address and credentials work; returns a line for people."""
        return f"{self.source_id} answers: {len(self.streams())} streams"

    def clock(self) -> datetime:
        """The source's own time (aware UTC), the upper bound of a window."""
        return datetime.now(UTC)

    def end(self, schema: StreamSchema) -> datetime:
        """Up to when the stream's data are complete (aware UTC): the upper bound of its window."""
        return self.clock()

    def count(self, schema: StreamSchema) -> int | None:
        """Records the source holds now (not deleted), to reconcile a load; None where it cannot say."""
        return None

    def findings(self) -> list[Finding]:
        """What was found missing or refused so far, while discovering schemas and reading."""
        return []

    def refusals(self) -> list[ExpectedFailure]:
        """Steps that were refused and left out though somebody asked for them by name; told when all is read."""
        return []

    @property
    def api_calls(self) -> int:
        """Requests sent so far, to account for the source's limits."""
        return 0

    def close(self) -> None:
        """Let go of connections."""
