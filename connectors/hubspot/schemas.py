"""From HubSpot's definitions to stream schemas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from connectors.contract import Field, FieldType, StreamSchema
from connectors.hubspot.answers import PropertyDefinition
from connectors.hubspot.objects import is_personal_property

SYSTEM = "hubspot"
HISTORY, ASSOCIATIONS = "history", "associations"

_TYPES = {
    "number": FieldType.NUMBER,
    "datetime": FieldType.TIMESTAMP,
    "date": FieldType.DATE,
    "bool": FieldType.BOOLEAN,
}
_RESERVED = (
    Field("id", source_type="id"),
    Field("createdAt", FieldType.TIMESTAMP),
    Field("updatedAt", FieldType.TIMESTAMP),
    Field("archived", FieldType.BOOLEAN),
    Field("archivedAt", FieldType.TIMESTAMP),
)
_RESERVED_NAMES = {f.name.lower() for f in _RESERVED}


def property_names(schema: StreamSchema) -> list[str]:
    """The properties a schema asks for."""
    return [f.path[1] for f in schema.fields if len(f.path) == 2 and f.path[0] == "properties"]


def object_schema(
    stream: str,
    object_type: str,
    definitions: Iterable[PropertyDefinition],
    *,
    history: Sequence[str],
    pairs: Sequence[str],
) -> StreamSchema:
    """The shape of an object type with its child streams; columns in the order of their names.

    history: properties whose past values are read. pairs: object types whose links are read.
    """
    ordered = sorted({d.name: d for d in definitions}.values(), key=lambda d: d.name)
    children = []
    if history:
        children.append(_history_schema(stream, history))
    if pairs:
        children.append(_associations_schema(stream, pairs))
    return StreamSchema(
        stream=stream,
        system=SYSTEM,
        table=stream,
        fields=_RESERVED + tuple(_property_field(object_type, d) for d in ordered),
        primary_key=("id",),
        version_field="updatedAt",
        deleted_field="archived",
        children=tuple(children),
        remembers=bool(pairs),
    )


def _property_field(object_type: str, definition: PropertyDefinition) -> Field:
    name = definition.name
    kind = _TYPES.get(definition.type, FieldType.TEXT)
    if kind is FieldType.NUMBER and definition.show_currency_symbol:
        kind = FieldType.DECIMAL
    return Field(
        name=f"properties_{name}" if name.lower() in _RESERVED_NAMES else name,
        type=kind,
        source_type=definition.type,
        label=definition.label,
        path=("properties", name),
        is_personal=is_personal_property(object_type, name),
    )


def _history_schema(parent: str, properties: Sequence[str]) -> StreamSchema:
    schema = _flat(
        f"{parent}_{HISTORY}",
        (
            Field("record_id"),
            Field("property"),
            Field("seq", FieldType.INTEGER),
            Field("value"),
            Field("at", FieldType.TIMESTAMP),
            Field("source_type"),
            Field("source_id"),
            Field("updated_by_user_id"),
        ),
        ("record_id", "property", "at", "seq"),
        replace_by="record_id",
    )
    return replace(schema, covers=tuple(sorted(properties)), covers_field="property", keeps_history=True)


def _associations_schema(parent: str, pairs: Sequence[str]) -> StreamSchema:
    schema = _flat(
        f"{parent}_{ASSOCIATIONS}",
        (
            Field("from_id"),
            Field("to_object"),
            Field("to_id"),
            Field("category"),
            Field("type_id", FieldType.INTEGER),
            Field("label"),
        ),
        ("from_id", "to_object", "to_id", "category", "type_id"),
        replace_by="from_id",
    )
    return replace(schema, covers=tuple(sorted(pairs)), covers_field="to_object")


def _flat(
    stream: str,
    fields: Sequence[Field],
    primary_key: tuple[str, ...],
    *,
    replace_by: str | None = None,
    deleted_field: str | None = None,
    is_snapshot: bool = False,
) -> StreamSchema:
    return StreamSchema(
        stream=stream,
        system=SYSTEM,
        table=stream,
        fields=tuple(fields),
        primary_key=primary_key,
        deleted_field=deleted_field,
        replace_by=replace_by,
        is_snapshot=is_snapshot,
    )


OWNERS = _flat(
    "owners",
    (
        Field("id"),
        Field("email", is_personal=True),
        Field("firstName", is_personal=True),
        Field("lastName", is_personal=True),
        Field("userId"),
        Field("archived", FieldType.BOOLEAN),
        Field("createdAt", FieldType.TIMESTAMP),
        Field("updatedAt", FieldType.TIMESTAMP),
        Field("type"),
        Field("teams", FieldType.JSON),
    ),
    ("id",),
    deleted_field="archived",
    is_snapshot=True,
)
PIPELINES = _flat(
    "pipelines",
    (
        Field("object_type"),
        Field("pipeline_id"),
        Field("label"),
        Field("display_order", FieldType.INTEGER),
        Field("archived", FieldType.BOOLEAN),
    ),
    ("object_type", "pipeline_id"),
    deleted_field="archived",
    is_snapshot=True,
)
PIPELINE_STAGES = _flat(
    "pipeline_stages",
    (
        Field("object_type"),
        Field("pipeline_id"),
        Field("stage_id"),
        Field("label"),
        Field("display_order", FieldType.INTEGER),
        Field("is_closed", FieldType.BOOLEAN),
        Field("probability", FieldType.NUMBER),
        Field("ticket_state"),
        Field("archived", FieldType.BOOLEAN),
        Field("created_at", FieldType.TIMESTAMP),
        Field("updated_at", FieldType.TIMESTAMP),
        Field("archived_at", FieldType.TIMESTAMP),
    ),
    ("object_type", "pipeline_id", "stage_id"),
    deleted_field="archived",
    is_snapshot=True,
)
LOGIN_ACTIVITY = _flat(
    "login_activity",
    (
        Field("id"),
        Field("loginAt", FieldType.TIMESTAMP),
        Field("userId"),
        Field("email", is_personal=True),
        Field("loginSucceeded", FieldType.BOOLEAN),
    ),
    ("id",),
)
STAGE_LABELS = _flat(
    "pipeline_stage_labels",
    (
        Field("object_type"),
        Field("pipeline_id"),
        Field("stage_id"),
        Field("label"),
        Field("first_seen_at", FieldType.TIMESTAMP),
        Field("last_seen_at", FieldType.TIMESTAMP),
    ),
    ("object_type", "pipeline_id", "stage_id", "label"),
    is_snapshot=True,
)
TEAMS = _flat(
    "teams",
    (Field("id"), Field("name"), Field("userIds", FieldType.JSON), Field("secondaryUserIds", FieldType.JSON)),
    ("id",),
    is_snapshot=True,
)
EXCHANGE_RATES = _flat(
    "exchange_rates",
    (
        Field("id"),
        Field("fromCurrencyCode"),
        Field("toCurrencyCode"),
        Field("conversionRate", FieldType.NUMBER),
        Field("effectiveAt", FieldType.TIMESTAMP),
        Field("createdAt", FieldType.TIMESTAMP),
        Field("updatedAt", FieldType.TIMESTAMP),
    ),
    ("id",),
    is_snapshot=True,
)
PROPERTIES = _flat(
    "properties",
    (
        Field("object_type"),
        Field("name"),
        Field("label"),
        Field("type"),
        Field("field_type"),
        Field("group_name"),
        Field("options", FieldType.JSON),
        Field("is_calculated", FieldType.BOOLEAN),
        Field("is_defined_by_hubspot", FieldType.BOOLEAN),
        Field("archived", FieldType.BOOLEAN),
        Field("created_at", FieldType.TIMESTAMP),
        Field("updated_at", FieldType.TIMESTAMP),
    ),
    ("object_type", "name"),
    deleted_field="archived",
    is_snapshot=True,
)
REFERENCE = {s.stream: s for s in (OWNERS, PIPELINES, PIPELINE_STAGES)}
"""What core cannot do without."""
OPTIONAL = {s.stream: s for s in (STAGE_LABELS, TEAMS, EXCHANGE_RATES, PROPERTIES)}
"""What needs scopes or editions an account may lack."""
FIXED = {**REFERENCE, **OPTIONAL, LOGIN_ACTIVITY.stream: LOGIN_ACTIVITY}
