"""Field paths of a query resolved against the served tables, relationships followed by id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from crmlift.simulator.company import SimField
from crmlift.simulator.salesforce.errors import SalesforceError
from crmlift.simulator.salesforce.soql_ast import FieldPath
from crmlift.simulator.salesforce.soql_tokens import located
from crmlift.simulator.served import Row, ServedTable

Tables = Mapping[str, ServedTable]
Getter = Callable[[Row], Any]

_ADVICE = "Please reference your WSDL or the describe call for the appropriate names."


@dataclass(frozen=True)
class ResolvedField:
    """A path as declared: relationships from the queried object to the field, and how to read it from a row."""

    relationships: tuple[str, ...]
    field: SimField
    read: Getter

    @property
    def name(self) -> str:
        """`Owner.Name` in the declared spelling."""
        return ".".join((*self.relationships, self.field.name))


def find_table(tables: Tables, name: str) -> ServedTable | None:
    """A table by name, case ignored."""
    found = tables.get(name)
    if found is None:
        found = next((table for key, table in tables.items() if key.lower() == name.lower()), None)
    return found


def relationship_name(field: SimField) -> str | None:
    """`Owner` for OwnerId, `Parent__r` for Parent__c, None for a field that refers to nothing."""
    if not field.reference_to and field.type != "reference":
        return None
    if field.relationship:
        return field.relationship
    if field.name.endswith("__c"):
        return field.name[:-1] + "r"
    return field.name[:-2] if field.name.endswith("Id") and len(field.name) > 2 else None


def resolve(tables: Tables, table: ServedTable, path: FieldPath, text: str) -> ResolvedField:
    """The field at the end of the path; INVALID_FIELD when a step does not exist."""
    parts = path.parts
    names_object = len(parts) > 1 and parts[0].lower() == table.name.lower()
    if names_object and not any(_is_relationship(f, parts[0]) for f in table.fields.values()):
        parts = parts[1:]  # `Account.Name` in a query on Account
    *steps, last = parts
    field_steps: list[SimField] = []
    current = table
    for step in steps:
        reference = next((f for f in current.fields.values() if _is_relationship(f, step)), None)
        target = find_table(tables, reference.reference_to[0]) if reference and reference.reference_to else None
        if reference is None or target is None:
            raise _unknown_relationship(text, path, step)
        field_steps.append(reference)
        current = target
    field = current.field(last)
    if field is None:
        raise unknown_column(text, path, last, current.name)
    names = tuple(str(relationship_name(step)) for step in field_steps)
    return ResolvedField(names, field, _reader(tables, field_steps, field.name))


def _is_relationship(field: SimField, name: str) -> bool:
    found = relationship_name(field)
    return found is not None and found.lower() == name.lower()


def _reader(tables: Tables, steps: list[SimField], name: str) -> Getter:
    if not steps:
        return lambda row: row.get(name)
    follow = [follower(tables, step) for step in steps]

    def read(row: Row) -> Any:
        current = row
        for step in follow:
            found = step(current)
            if found is None:
                return None
            current = found
        return current.get(name)

    return read


def follower(tables: Tables, field: SimField) -> Callable[[Row], Row | None]:
    """From a row to the row its reference field points at (the first referenced object that has the id)."""
    targets = [t for t in (find_table(tables, name) for name in field.reference_to) if t is not None]
    name = field.name

    def follow(row: Row) -> Row | None:
        record_id = row.get(name)
        if record_id is None:
            return None
        return next((found for t in targets if (found := t.find(record_id)) is not None), None)

    return follow


def unknown_column(text: str, path: FieldPath, name: str, entity: str) -> SalesforceError:
    """INVALID_FIELD for a field the object has not."""
    message = (
        f"No such column '{name}' on entity '{entity}'. If you are attempting to use a custom field, be sure to "
        f"append the '__c' after the custom field name. {_ADVICE}"
    )
    return SalesforceError(400, "INVALID_FIELD", located(text, path.position, message))


def _unknown_relationship(text: str, path: FieldPath, step: str) -> SalesforceError:
    message = (
        f"Didn't understand relationship '{step}' in field path. If you are attempting to use a custom "
        f"relationship, be sure to append the '__r' after the custom relationship name. {_ADVICE}"
    )
    return SalesforceError(400, "INVALID_FIELD", located(text, path.position, message))


def unknown_object(text: str, position: int, name: str) -> SalesforceError:
    """INVALID_TYPE for an object the org has not."""
    message = (
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append "
        f"the '__c' after the entity name. {_ADVICE}"
    )
    return SalesforceError(400, "INVALID_TYPE", located(text, position, message))
