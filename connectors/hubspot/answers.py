"""The shapes of HubSpot's answers, decoded no deeper than needed: records stay bytes (`msgspec.Raw`)."""

from __future__ import annotations

from typing import Any

import msgspec

RecordId = str | int


class Next(msgspec.Struct):
    """Where the next page starts."""

    after: RecordId


class Paging(msgspec.Struct):
    """Paging of a list or of one record's associations."""

    next: Next | None = None


class RawList(msgspec.Struct):
    """A page of anything."""

    results: list[msgspec.Raw]
    paging: Paging | None = None

    @property
    def after(self) -> str | None:
        """The cursor of the next page, None on the last."""
        return str(self.paging.next.after) if self.paging and self.paging.next else None


class Identified(msgspec.Struct):
    """A record of which only the id matters."""

    id: RecordId


class FoundIds(msgspec.Struct):
    """A page of search results."""

    results: list[Identified]
    total: int = 0


class ItemError(msgspec.Struct, rename="camel"):
    """Why a part of a batch was not answered."""

    category: str = ""
    sub_category: Any = None
    message: str = ""
    context: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def is_absence(self) -> bool:
        """Nothing failed: the record does not exist, or has no associations."""
        return "NOT_FOUND" in self.category or "NO_ASSOCIATIONS" in str(self.sub_category)


class RawBatch(msgspec.Struct):
    """Records of a batch read (200, or 207 with errors)."""

    results: list[msgspec.Raw]
    errors: list[ItemError] = msgspec.field(default_factory=list)


class HistoryItem(msgspec.Struct, rename="camel"):
    """One past value of a property."""

    timestamp: RecordId
    value: Any = None
    source_type: str | None = None
    source_id: str | None = None
    updated_by_user_id: RecordId | None = None


class HeadProperties(msgspec.Struct):
    """The properties the connector itself looks at."""

    hs_merged_object_ids: str | None = None


class RecordHead(msgspec.Struct, rename="camel"):
    """What the connector looks at in a record."""

    id: RecordId
    updated_at: str | None = None
    archived_at: str | None = None
    properties: HeadProperties = msgspec.field(default_factory=HeadProperties)
    properties_with_history: dict[str, list[HistoryItem]] | None = None


class AssociationType(msgspec.Struct, rename="camel"):
    """One kind of link between two records."""

    type_id: int
    category: str | None = None
    label: str | None = None


class AssociationTarget(msgspec.Struct, rename="camel"):
    """A linked record."""

    to_object_id: RecordId
    association_types: list[AssociationType] = msgspec.field(default_factory=list)


class AssociationResult(msgspec.Struct, rename={"source": "from"}):
    """The links of one record, or a page of them."""

    source: Identified
    to: list[AssociationTarget] = msgspec.field(default_factory=list)
    paging: Paging | None = None


class AssociationBatch(msgspec.Struct):
    """Links of many records."""

    results: list[AssociationResult] = msgspec.field(default_factory=list)
    errors: list[ItemError] = msgspec.field(default_factory=list)


class PropertyDefinition(msgspec.Struct, rename="camel"):
    """A property as the account defines it."""

    name: str
    type: str = "string"
    label: str = ""
    show_currency_symbol: bool | None = None
    field_type: str | None = None
    group_name: str | None = None
    options: list[dict[str, Any]] = msgspec.field(default_factory=list)
    calculated: bool | None = None
    hubspot_defined: bool | None = None
    archived: bool = False
    created_at: str | None = None
    updated_at: str | None = None


class Properties(msgspec.Struct):
    """All properties of an object type."""

    results: list[PropertyDefinition]


class CustomSchema(msgspec.Struct, rename="camel"):
    """A custom object."""

    name: str
    object_type_id: str
    fully_qualified_name: str | None = None
    archived: bool = False


class CustomSchemas(msgspec.Struct):
    """All custom objects."""

    results: list[CustomSchema]


class Stage(msgspec.Struct, rename="camel"):
    """A stage of a pipeline."""

    id: str
    label: str | None = None
    display_order: int | None = None
    archived: bool = False
    created_at: str | None = None
    updated_at: str | None = None
    archived_at: str | None = None
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)


class Pipeline(msgspec.Struct, rename="camel"):
    """A pipeline with its stages."""

    id: str
    label: str | None = None
    display_order: int | None = None
    archived: bool = False
    archived_at: str | None = None
    stages: list[Stage] = msgspec.field(default_factory=list)


class Pipelines(msgspec.Struct):
    """Pipelines of an object type."""

    results: list[Pipeline]


class PastStage(msgspec.Struct):
    """A stage as it was."""

    id: str | None = None
    stage_id: str | None = msgspec.field(default=None, name="stageId")
    label: str | None = None


class PastPipeline(msgspec.Struct):
    """A pipeline as it was."""

    stages: list[PastStage] = msgspec.field(default_factory=list)


class PipelineEdit(msgspec.Struct, rename="camel"):
    """One thing done to a pipeline, and what it was like afterwards."""

    timestamp: str | None = None
    raw_object: PastPipeline | None = None


class PipelineEdits(msgspec.Struct):
    """The audit of a pipeline."""

    results: list[PipelineEdit] = msgspec.field(default_factory=list)


class Account(msgspec.Struct, rename="camel"):
    """Who answers."""

    portal_id: RecordId | None = None
    time_zone: str | None = None
    company_currency: str | None = None
    account_type: str | None = None


class Found(msgspec.Struct):
    """A search asked only for its total."""

    total: int
