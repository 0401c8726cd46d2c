"""The fields an account defines: native ones, and custom ones under 40-character keys."""

from __future__ import annotations

import hashlib
from typing import Any

Row = dict[str, Any]
TYPE_KEY = hashlib.sha1(b"crmlift deal type").hexdigest()
WORTH_KEY = hashlib.sha1(b"crmlift contract worth").hexdigest()
OPTION_IDS = {"New Business": 31, "Existing Business": 32, "Duplicate": 33}
_NATIVE = {
    "deal": {
        "id": "int", "title": "varchar", "value": "double", "currency": "varchar", "owner_id": "user",
        "status": "status", "person_id": "people", "org_id": "org", "stage_id": "stage", "add_time": "date",
        "update_time": "date",
    },
    "person": {"id": "int", "name": "varchar", "owner_id": "user", "org_id": "org", "add_time": "date"},
    "organization": {"id": "int", "name": "varchar", "owner_id": "user", "address": "address", "add_time": "date"},
    "activity": {"id": "int", "subject": "varchar", "type": "enum", "owner_id": "user", "done": "boolean"},
    "product": {"id": "int", "name": "varchar", "code": "varchar", "category": "enum", "owner_id": "user"},
}  # fmt: skip
_CUSTOM: dict[str, list[Row]] = {
    "deal": [
        {"name": "Deal type", "code": TYPE_KEY, "type": "enum",
         "options": [{"id": number, "label": label} for label, number in OPTION_IDS.items()]},
        {"name": "Contract worth", "code": WORTH_KEY, "type": "monetary"},
    ]
}  # fmt: skip
OBJECTS = tuple(_NATIVE)


def v2_fields(of: str) -> list[Row]:
    """GET /api/v2/dealFields and the like."""
    native = [
        {"name": code.replace("_", " ").capitalize(), "code": code, "type": kind} for code, kind in _NATIVE[of].items()
    ]
    custom = _CUSTOM.get(of, [])
    return [
        {
            "field_name": each["name"], "field_code": each["code"], "field_type": each["type"],
            "options": each.get("options"), "subfields": None, "is_custom_field": each in custom,
            "is_optional_response_field": False,
        }
        for each in (*native, *custom)
    ]  # fmt: skip


def v1_fields(of: str) -> list[Row]:
    """GET /v1/dealFields and the like."""
    return [
        {
            "id": number + 1, "key": each["field_code"], "name": each["field_name"], "field_type": each["field_type"],
            "options": each["options"], "edit_flag": each["is_custom_field"], "json_column_flag": False,
            "active_flag": True, "mandatory_flag": False,
        }
        for number, each in enumerate(v2_fields(of))
    ]  # fmt: skip
