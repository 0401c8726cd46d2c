"""The shapes of Pipedrive's streams: native fields by heart, custom ones from the account."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

import msgspec

from connectors.contract import Field, FieldType, StreamSchema
from connectors.pipedrive.settings import PipedriveSettings

SYSTEM = "pipedrive"
FLOW, PRODUCTS = "deals_flow", "deals_products"
_KINDS = {
    "b": FieldType.BOOLEAN, "i": FieldType.INTEGER, "n": FieldType.NUMBER, "m": FieldType.DECIMAL, "d": FieldType.DATE,
    "t": FieldType.TIMESTAMP, "j": FieldType.JSON, "": FieldType.TEXT,
}  # fmt: skip
_CUSTOM_KINDS = {
    "double": FieldType.NUMBER, "int": FieldType.NUMBER, "monetary": FieldType.DECIMAL, "date": FieldType.DATE,
    "set": FieldType.JSON, "daterange": FieldType.JSON, "timerange": FieldType.JSON, "time": FieldType.JSON,
    "address": FieldType.JSON,
}  # fmt: skip
_RECORD = "id owner_id add_time:t update_time:t is_deleted:b"
NATIVE = {
    "deals": _RECORD + " title creator_user_id person_id org_id stage_id pipeline_id value:m currency status "
    "stage_change_time:t probability:n lost_reason close_time:t won_time:t lost_time:t expected_close_date:d "
    "is_archived:b archive_time:t origin channel channel_id label_ids:j",
    "persons": _RECORD + " name* first_name* last_name* org_id emails:j* phones:j* job_title label_ids:j",
    "organizations": _RECORD + " name website industry annual_revenue:m employee_count:i address:j label_ids:j",
    "activities": _RECORD
    + " subject* type creator_user_id deal_id lead_id person_id org_id due_date:d due_time duration "
    "done:b marked_as_done_time:t",
    "products": _RECORD + " name code unit tax:n category is_linkable:b",
}
"""Stream → fields, `name:type`, with a star where they are personal."""
_FIXED = {
    "users": "id name* email* active_flag:b role_id created:t modified:t last_login:t is_admin:b default_currency",
    "roles": "id name parent_role_id active_flag:b",
    "pipelines": "id name order_nr:i is_deleted:b add_time:t update_time:t",
    "stages": "id name order_nr:i pipeline_id deal_probability:n is_deleted:b add_time:t update_time:t",
    "field_options": "id object code name type is_custom:b column_name option_id option_label",
    "leads": "id title* owner_id creator_id person_id organization_id source_name channel is_archived:b was_seen:b "
    "add_time:t update_time:t value:j label_ids:j",
}
FIELDS_OF = {
    "deals": "dealFields", "persons": "personFields", "organizations": "organizationFields",
    "activities": "activityFields", "products": "productFields",
}  # fmt: skip
"""Stream → where its fields are described."""


class FieldOption(msgspec.Struct):
    """A choice of a field."""

    id: Any = None
    label: str | None = None


class Definition(msgspec.Struct):
    """A field as the account describes it."""

    field_code: str
    field_name: str = ""
    field_type: str = ""
    is_custom_field: bool = False
    options: list[FieldOption] | None = None


def fields(text: str) -> tuple[Field, ...]:
    """Fields from `name:type` words."""
    found = []
    for word in text.split():
        name, _, kind = word.rstrip("*").partition(":")
        found.append(Field(name, _KINDS[kind], is_personal=word.endswith("*")))
    return tuple(found)


FIXED = {
    name: StreamSchema(name, SYSTEM, name, fields(text), ("id",), is_snapshot=True) for name, text in _FIXED.items()
}
"""Streams that are small: every read is whole."""

FLOW_SCHEMA = StreamSchema(
    FLOW, SYSTEM, FLOW,
    (
        Field("id", path=("data", "id")), Field("deal_id", path=("data", "item_id")),
        Field("user_id", path=("data", "user_id")), Field("field_key", path=("data", "field_key")),
        Field("old_value", path=("data", "old_value")), Field("new_value", path=("data", "new_value")),
        Field("log_time", FieldType.TIMESTAMP, path=("data", "log_time")),
        Field("change_source", path=("data", "change_source")),
    ),
    ("id",), replace_by="deal_id", keeps_history=True,
)  # fmt: skip
PRODUCTS_SCHEMA = StreamSchema(
    PRODUCTS, SYSTEM, PRODUCTS,
    fields("id deal_id product_id name item_price:m quantity:n sum:m currency discount:n is_enabled:b "
           "billing_frequency add_time:t update_time:t"),
    ("id",), replace_by="deal_id",
)  # fmt: skip


def record_schema(
    stream: str, definitions: Iterable[Definition], settings: PipedriveSettings, refused: Container[str] = ()
) -> StreamSchema:
    """Native fields and the account's custom ones, each in the column it was given or under its key.

    refused: child streams the account keeps back.
    """
    wanted = (FLOW_SCHEMA, PRODUCTS_SCHEMA) if settings.history else (PRODUCTS_SCHEMA,)
    children = tuple(child for child in wanted if child.stream not in refused)
    return StreamSchema(
        stream=stream,
        system=SYSTEM,
        table=stream,
        fields=(*fields(NATIVE[stream]), *_custom(stream, definitions, settings)),
        primary_key=("id",),
        version_field="update_time",
        deleted_field="is_deleted",
        children=children if stream == "deals" else (),
    )


def _custom(stream: str, definitions: Iterable[Definition], settings: PipedriveSettings) -> Iterable[Field]:
    taken = {field.name for field in fields(NATIVE[stream])}
    for each in definitions:
        if not each.is_custom_field:
            continue
        key, kind = each.field_code, _CUSTOM_KINDS.get(each.field_type, FieldType.TEXT)
        column = settings.column_of(stream, key, each.field_name)
        column = key if column in taken else column
        taken.add(column)
        path = ("custom_fields", key, "value") if kind is FieldType.DECIMAL else ("custom_fields", key)
        yield Field(column, kind, each.field_type, each.field_name, path)
        if kind is FieldType.DECIMAL:
            yield Field(f"{column}_currency", FieldType.TEXT, "currency", each.field_name, (*path[:2], "currency"))
