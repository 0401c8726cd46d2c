"""From describe to schemas: types, keys, the field that orders versions, and what is missing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from connectors.contract import Field, FieldType, Finding, StreamSchema
from connectors.salesforce.objects import DEFAULT_OBJECTS, NEEDED_FIELDS, ONLY_WITH
from connectors.salesforce.settings import SalesforceSettings

TYPES: Mapping[str, FieldType] = {
    "currency": FieldType.DECIMAL,
    "percent": FieldType.NUMBER,
    "double": FieldType.NUMBER,
    "int": FieldType.INTEGER,
    "long": FieldType.INTEGER,
    "boolean": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "datetime": FieldType.TIMESTAMP,
}
"""Salesforce type → ours; everything else is text as it stands."""

UNREADABLE_TYPES = frozenset({"address", "location", "base64", "complexvalue"})
"""Compound values, whose parts are fields of their own, and file contents: neither goes through Bulk API 2.0."""

PERSONAL_TYPES = frozenset({"email", "phone", "encryptedstring"})
_PERSONAL_NAME = re.compile(
    r"(^|Mailing|Other|Billing|Shipping|Person|Supplied)"
    r"(Street|City|PostalCode|Latitude|Longitude|Address|Email|Phone|Fax|Name)$"
    r"|(First|Middle|Last)Name$|^(Username|Alias|CommunityNickname|FederationIdentifier|Birthdate|SourceIp)$"
    r"|(Phone|Fax|Email|Birthdate)(__c|__pc)?$|^(From|To|Cc|Bcc)(Name|Address|Ids)$|^(PhotoUrl|SmallPhotoUrl)$"
    r"|^(FullPhotoUrl|AboutMe|Signature)$"
)
_PERSON_OBJECTS = frozenset({"User", "Contact", "Lead"})
_FREE_TEXT_OBJECTS = _PERSON_OBJECTS | {"Task", "Event", "Case", "EmailMessage", "CaseComment", "CampaignMember"}


def streams_of(available: Iterable[Mapping[str, Any]], settings: SalesforceSettings) -> list[str]:
    """Objects to read: the default ones the org has, then those `include` adds; `exclude` takes away from both."""
    queryable = {each["name"] for each in available if each.get("queryable", True)}
    chosen = [name for name in DEFAULT_OBJECTS if name in queryable]
    chosen += sorted(name for name in queryable - set(chosen) if _matches(name, settings.include))
    return [name for name in chosen if not _matches(name, settings.exclude)]


def missing_objects(available: Iterable[Mapping[str, Any]], settings: SalesforceSettings) -> list[Finding]:
    """A finding for each default object that is absent or hidden and was not excluded on purpose."""
    queryable = {each["name"] for each in available if each.get("queryable", True)}
    return [
        Finding(
            "missing_object",
            name,
            None,
            f"{name} is absent or hidden from the integration user"
            + (f" (as it is in orgs without {ONLY_WITH[name]})." if name in ONLY_WITH else f"; it tells {weakened}."),
        )
        for name, weakened in DEFAULT_OBJECTS.items()
        if name not in queryable and not _matches(name, settings.exclude)
    ]


def schema_of(described: Mapping[str, Any], settings: SalesforceSettings) -> StreamSchema:
    """The schema of an object, from its describe."""
    name = described["name"]
    native = {field["name"]: field for field in described["fields"]}
    version_field = _version_field(name, native)
    kept = {"Id", "IsDeleted", version_field}
    fields = tuple(
        Field(
            name=each["name"],
            type=TYPES.get(each["type"], FieldType.TEXT),
            source_type=each["type"],
            label=each.get("label") or "",
            is_personal=is_personal(name, each),
        )
        for each in described["fields"]
        if each["type"] not in UNREADABLE_TYPES and (each["name"] in kept or _is_wanted(name, each["name"], settings))
    )
    return StreamSchema(
        stream=name,
        system="salesforce",
        table=name,
        fields=fields,
        primary_key=("Id",),
        version_field=version_field,
        deleted_field="IsDeleted" if "IsDeleted" in native else None,
        is_snapshot=version_field is None,
        keeps_history=is_history(name) and version_field is not None,
    )


def is_history(object_name: str) -> bool:
    """Whether Salesforce forgets rows by age: changes of fields after two years, log-ins after six months."""
    return object_name.endswith("History")


def missing_fields(schema: StreamSchema) -> list[Finding]:
    """A finding for each field core reads that the object does not show."""
    present = {field.name for field in schema.fields}
    return [
        Finding(
            "missing_field",
            schema.stream,
            name,
            f"{schema.stream}.{name} is absent or hidden from the integration user.",
        )
        for name in NEEDED_FIELDS.get(schema.stream, ())
        if name not in present
    ]


def is_personal(object_name: str, field: Mapping[str, Any]) -> bool:
    """Whether a field holds a name, an address, a number or free text about a person."""
    name, kind = field["name"], field["type"]
    if kind in PERSONAL_TYPES:
        return True
    if kind in TYPES or kind in ("id", "reference", "picklist", "multipicklist"):
        return bool(re.search(r"(Latitude|Longitude|Birthdate)(__c|__pc)?$", name))
    if kind == "textarea" and object_name in _FREE_TEXT_OBJECTS:
        return True
    if name == "Subject" and object_name in _FREE_TEXT_OBJECTS:
        return True
    if name == "Name":
        return object_name in _PERSON_OBJECTS
    return bool(_PERSONAL_NAME.search(name))


def _version_field(object_name: str, native: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The field that moves when a row does; rows of history objects never change, so their birth will do."""
    candidates = ["SystemModstamp"]
    if object_name == "LoginHistory":
        candidates.append("LoginTime")
    if object_name.endswith(("History", "Feed", "Share")):
        candidates.append("CreatedDate")
    candidates.append("LastModifiedDate")
    for name in candidates:
        if name in native and native[name].get("filterable", True):
            return name
    return None


def _is_wanted(object_name: str, field_name: str, settings: SalesforceSettings) -> bool:
    """Whether a field's patterns let it through; an object no pattern of `field_include` speaks of keeps all."""
    included = [p for p in settings.field_include if "." not in p or fnmatchcase(object_name, p.partition(".")[0])]
    if included and not _names(object_name, field_name, included):
        return False
    return not _names(object_name, field_name, settings.field_exclude)


def _names(object_name: str, field_name: str, patterns: Sequence[str]) -> bool:
    return any(
        fnmatchcase(f"{object_name}.{field_name}" if "." in pattern else field_name, pattern) for pattern in patterns
    )


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
