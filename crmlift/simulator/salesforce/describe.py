"""Describe answers, with every key the recorded ones have."""

from __future__ import annotations

from typing import Any

from crmlift.simulator.company import SimField
from crmlift.simulator.salesforce.errors import SalesforceError
from crmlift.simulator.salesforce.soql_fields import Tables, find_table, relationship_name
from crmlift.simulator.served import ServedTable

KEY_PREFIXES = {
    "Account": "001", "Contact": "003", "User": "005", "Opportunity": "006", "Lead": "00Q", "Task": "00T",
    "Event": "00U", "UserRole": "00E", "Case": "500", "Campaign": "701", "Product2": "01t", "Organization": "00D",
    "OpportunityHistory": "008", "OpportunityLineItem": "00k", "CampaignMember": "00v", "EmailMessage": "02s",
    "OpportunityFieldHistory": "017", "LoginHistory": "0Ya", "CaseHistory": "017", "Group": "00G",
}  # fmt: skip
_SOAP_TYPES = {
    "id": "tns:ID", "reference": "tns:ID", "boolean": "xsd:boolean", "int": "xsd:int", "date": "xsd:date",
    "datetime": "xsd:dateTime", "currency": "xsd:double", "double": "xsd:double", "percent": "xsd:double",
}  # fmt: skip
_PRECISION = {"currency": (18, 2), "double": (18, 2), "percent": (5, 2)}
_TEXTS = frozenset({"string", "textarea", "picklist", "multipicklist", "email", "phone", "url"})
_SYSTEM_FIELDS = frozenset(
    {"Id", "IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"}
)
_READ_ONLY_OBJECTS = ("History", "Feed", "Share", "Stage")
_FALSE_OBJECT_KEYS = (
    "activateable", "customSetting", "deprecatedAndHidden", "hasSubtypes", "isInterface", "isSubtype", "mergeable",
)  # fmt: skip
_FALSE_FIELD_KEYS = (
    "aiPredictionField", "autoNumber", "cascadeDelete", "caseSensitive", "dependentPicklist",
    "deprecatedAndHidden", "displayLocationInDecimal", "encrypted", "externalId", "formulaTreatNullNumberAsZero",
    "highScaleNumber", "htmlFormatted", "queryByDistance", "restrictedDelete", "restrictedPicklist",
    "searchPrefilterable", "writeRequiresMasterRead",
)  # fmt: skip
_NULL_FIELD_KEYS = (
    "calculatedFormula", "compoundFieldName", "controllerName", "defaultValue", "defaultValueFormula",
    "filteredLookupInfo", "inlineHelpText", "mask", "maskType", "referenceTargetField", "relationshipOrder",
)  # fmt: skip


def served_table(tables: Tables, name: str) -> ServedTable:
    """The object of a /sobjects path, or the vendor's 404."""
    table = find_table(tables, name)
    if table is None:
        raise SalesforceError(404, "NOT_FOUND", "The requested resource does not exist")
    return table


def global_describe(tables: Tables, version: str) -> dict[str, Any]:
    """GET /sobjects."""
    objects = [object_summary(table, version) for _, table in sorted(tables.items())]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects}


def object_summary(table: ServedTable, version: str) -> dict[str, Any]:
    """One object as the global describe lists it."""
    name = table.name
    is_standard = not name.endswith("__c")
    is_editable = not name.endswith(_READ_ONLY_OBJECTS)
    root = f"/services/data/{version}/sobjects/{name}"
    summary: dict[str, Any] = dict.fromkeys(_FALSE_OBJECT_KEYS, False)
    summary |= dict.fromkeys(("createable", "deletable", "updateable"), is_editable)
    summary |= dict.fromkeys(("undeletable", "searchable", "layoutable", "mruEnabled", "triggerable"), is_editable)
    has_replication = "systemmodstamp" in table.fields or "createddate" in table.fields
    return summary | {
        "associateEntityType": None,
        "associateParentEntity": None,
        "custom": not is_standard,
        "deepCloneable": False,
        "feedEnabled": is_editable,
        "keyPrefix": table.table.key_prefix or KEY_PREFIXES.get(name),
        "label": name.removesuffix("__c"),
        "labelPlural": _plural(name.removesuffix("__c")),
        "name": name,
        "queryable": True,
        "replicateable": has_replication,
        "retrieveable": True,
        "urls": {"rowTemplate": root + "/{ID}", "describe": root + "/describe", "sobject": root},
    }


def describe(tables: Tables, table: ServedTable, version: str) -> dict[str, Any]:
    """GET /sobjects/{X}/describe."""
    summary = object_summary(table, version)
    root = summary["urls"]["sobject"]
    return summary | {
        "actionOverrides": [],
        "childRelationships": _children(tables, table.name),
        "compactLayoutable": summary["layoutable"],
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [field_describe(f, is_editable=summary["updateable"]) for f in table.table.fields],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": [_master_record_type(root)],
        "searchLayoutable": summary["layoutable"],
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": f"All {summary['labelPlural'].lower()}", "name": "everything"}],
    }


def field_describe(field: SimField, *, is_editable: bool) -> dict[str, Any]:
    """One field."""
    kind, name = field.type, field.name
    is_text, is_system = kind in _TEXTS, name in _SYSTEM_FIELDS
    length = 18 if kind in {"id", "reference"} else field.length if is_text else 0
    is_long = kind == "textarea"
    precision, scale = _PRECISION.get(kind, (0, 0))
    is_writable = is_editable and not is_system and not field.is_calculated
    return {
        **dict.fromkeys(_FALSE_FIELD_KEYS, False),
        **dict.fromkeys(_NULL_FIELD_KEYS),
        "aggregatable": not is_long and kind != "boolean",
        "byteLength": length * 3 if is_text else length,
        "calculated": field.is_calculated,
        "createable": is_writable,
        "custom": name.endswith("__c"),
        "defaultedOnCreate": is_system or kind == "boolean",
        "digits": 8 if kind == "int" else 0,
        "extraTypeInfo": "plaintextarea" if is_long else None,
        "filterable": not is_long,
        "groupable": kind not in {"currency", "double", "percent", "datetime", "textarea"},
        "idLookup": name in {"Id", "Name", "Email"},
        "label": field.label or name,
        "length": length,
        "name": name,
        "nameField": name in {"Name", "Subject", "CaseNumber"},
        "namePointing": len(field.reference_to) > 1,
        "nillable": not is_system and kind != "boolean",
        "permissionable": is_writable,
        "picklistValues": [_option(value) for value in field.options],
        "polymorphicForeignKey": len(field.reference_to) > 1,
        "precision": precision,
        "referenceTo": list(field.reference_to),
        "relationshipName": relationship_name(field),
        "scale": scale,
        "soapType": _SOAP_TYPES.get(kind, "xsd:string"),
        "sortable": not is_long,
        "type": kind,
        "unique": False,
        "updateable": is_writable,
    }


def _option(value: str) -> dict[str, Any]:
    return {"active": True, "defaultValue": False, "label": value, "validFor": None, "value": value}


def _children(tables: Tables, name: str) -> list[dict[str, Any]]:
    return [
        {
            "cascadeDelete": False,
            "childSObject": child.name,
            "deprecatedAndHidden": False,
            "field": field.name,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": _plural(child.name) if field.name == f"{name}Id" else None,
            "restrictedDelete": False,
        }
        for child in tables.values()
        for field in child.table.fields
        if name in field.reference_to
    ]


def _master_record_type(root: str) -> dict[str, Any]:
    record_type = "012000000000000AAA"
    return {
        "active": True,
        "available": True,
        "defaultRecordTypeMapping": True,
        "developerName": "Master",
        "master": True,
        "name": "Master",
        "recordTypeId": record_type,
        "urls": {"layout": f"{root}/describe/layouts/{record_type}"},
    }


def _plural(name: str) -> str:
    return name[:-1] + "ies" if name.endswith("y") else name + "s"
