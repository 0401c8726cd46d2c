"""HubSpot's object types: names, ids and the properties returned without asking."""

from __future__ import annotations

from dataclasses import dataclass

_ACTIVITY = ("hs_createdate", "hs_lastmodifieddate", "hs_object_id")


@dataclass(frozen=True)
class ObjectType:
    """One type. always: properties every record shows; defaults: shown when none are asked for."""

    plural: str
    singular: str
    type_id: str
    defaults: tuple[str, ...] = _ACTIVITY
    always: tuple[str, ...] = _ACTIVITY
    is_custom: bool = False


_CREATED = ("createdate", "hs_lastmodifieddate", "hs_object_id")
_STANDARD = (
    ObjectType(
        "contacts", "contact", "0-1",
        ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
        ("createdate", "hs_object_id", "lastmodifieddate"),
    ),
    ObjectType(
        "companies", "company", "0-2",
        ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"), _CREATED,
    ),
    ObjectType(
        "deals", "deal", "0-3",
        ("amount", "closedate", "createdate", "dealname", "dealstage", "hs_lastmodifieddate", "hs_object_id",
         "pipeline"), _CREATED,
    ),
    ObjectType(
        "tickets", "ticket", "0-5",
        ("content", "createdate", "hs_lastmodifieddate", "hs_object_id", "hs_pipeline", "hs_pipeline_stage",
         "hs_ticket_category", "hs_ticket_priority", "subject"), _CREATED,
    ),
    ObjectType(
        "products", "product", "0-7",
        ("createdate", "description", "hs_lastmodifieddate", "hs_object_id", "name", "price"), _CREATED,
    ),
    ObjectType(
        "line_items", "line_item", "0-8",
        ("amount", "createdate", "hs_lastmodifieddate", "hs_object_id", "hs_product_id", "quantity"), _CREATED,
    ),
    ObjectType("quotes", "quote", "0-14"),
    ObjectType("communications", "communication", "0-18"),
    ObjectType("feedback_submissions", "feedback_submission", "0-19"),
    ObjectType("tasks", "task", "0-27"),
    ObjectType("forms", "form", "0-28"),
    ObjectType("notes", "note", "0-46"),
    ObjectType("meetings", "meeting", "0-47"),
    ObjectType("calls", "call", "0-48"),
    ObjectType("emails", "email", "0-49"),
    ObjectType("invoices", "invoice", "0-53"),
    ObjectType("subscriptions", "subscription", "0-69"),
    ObjectType("deal_splits", "deal_split", "0-72"),
    ObjectType("goal_targets", "goal_target", "0-74"),
    ObjectType("users", "user", "0-115"),
    ObjectType("postal_mail", "postal_mail", "0-116"),
    ObjectType("orders", "order", "0-123"),
    ObjectType("leads", "lead", "0-136"),
    ObjectType("carts", "cart", "0-142"),
)  # fmt: skip
_BY_NAME = {name: kind for kind in _STANDARD for name in (kind.plural, kind.singular, kind.type_id)}
_FIRST_CUSTOM_ID = 100_001


def standard_type(name: str) -> ObjectType | None:
    """A standard type by plural, singular or id."""
    return _BY_NAME.get(name.lower())


def standard_types() -> tuple[ObjectType, ...]:
    """All types HubSpot brings along."""
    return _STANDARD


def custom_type(name: str, number: int) -> ObjectType:
    """The n-th custom object of a portal."""
    return ObjectType(name, name, f"2-{_FIRST_CUSTOM_ID + number}", is_custom=True)
