"""A hand-made company, small enough to know by heart, with every oddity the servers must keep."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from crmlift.simulator.company import Association, Company, HistoryEntry, SimField, SimTable

AS_OF = datetime(2026, 11, 2, tzinfo=UTC)
START = datetime(2026, 1, 1, 9, 30, tzinfo=UTC)
OPPORTUNITIES = 4_321  # every 10th deleted
DEALS = 730  # every 50th archived
ODD_TEXTS = ["NA", "null", 'a "quoted", text', "two\nlines", "Ґанок, Київ", "100% & more"]

_AUDIT = [
    SimField("Id", "id"),
    SimField("IsDeleted", "boolean"),
    SimField("CreatedDate", "datetime"),
    SimField("LastModifiedDate", "datetime"),
    SimField("SystemModstamp", "datetime"),
]


def small_company() -> Company:
    """Salesforce: User, Account, Opportunity. HubSpot: contacts, deals and a custom object."""
    return Company(
        name="by-hand",
        seed=1,
        as_of=AS_OF,
        salesforce={t.name: t for t in (_users(), _accounts(), _opportunities())},
        hubspot={t.name: t for t in (_contacts(), _deals(), _machines())},
        associations=_associations(),
        owners=_owners(),
        pipelines={"deals": [_pipeline()]},
        logins=[
            {"id": str(n), "userId": n % 3, "email": f"p{n % 3}@acme.example", "loginSucceeded": n % 7 > 0,
             "loginAt": AS_OF - timedelta(hours=n)}
            for n in range(1, 31)
        ],
        purged={"Opportunity": [("006Sm0000099999AAA", AS_OF - timedelta(days=3))]},
    )  # fmt: skip


def _row(prefix: str, number: int, at: datetime, **values: object) -> dict[str, object]:
    return {
        "Id": f"{prefix}Sm{number:010d}AAA", "IsDeleted": False, "CreatedDate": at, "LastModifiedDate": at,
        "SystemModstamp": at, **values,
    }  # fmt: skip


def _users() -> SimTable:
    fields = [*_AUDIT, SimField("Name", "string", length=121), SimField("IsActive", "boolean")]
    rows = [_row("005", n, START, Name=f"Person {n}", IsActive=n != 2) for n in range(3)]
    return SimTable("User", fields, rows, key_prefix="005")  # type: ignore[arg-type]


def _accounts() -> SimTable:
    fields = [
        *_AUDIT,
        SimField("Name", "string", length=255),
        SimField("OwnerId", "reference", reference_to=("User",), relationship="Owner"),
        SimField("ParentId", "reference", reference_to=("Account",), relationship="Parent"),
    ]
    rows = [
        _row("001", n, START, Name=f"Account {n}", OwnerId=f"005Sm{n % 3:010d}AAA",
             ParentId=f"001Sm{0:010d}AAA" if n else None)
        for n in range(20)
    ]  # fmt: skip
    return SimTable("Account", fields, rows, key_prefix="001")  # type: ignore[arg-type]


def _opportunities() -> SimTable:
    fields = [
        *_AUDIT,
        SimField("Name", "string", length=120),
        SimField("Amount", "currency"),
        SimField("StageName", "picklist", options=("Prospecting", "Closed Won", "Closed Lost")),
        SimField("CloseDate", "date"),
        SimField("IsWon", "boolean"),
        SimField("AccountId", "reference", reference_to=("Account",), relationship="Account"),
        SimField("OwnerId", "reference", reference_to=("User",), relationship="Owner"),
        SimField("Channels__c", "multipicklist", options=("mail", "phone", "web")),
        SimField("Description", "textarea", length=32_000),
    ]
    rows = [
        _row(
            "006", n, START + timedelta(hours=n),
            IsDeleted=n % 10 == 9,
            Name=f"Deal {n}",
            Amount=None if n % 11 == 0 else n * 1.5,
            StageName=("Prospecting", "Closed Won", "Closed Lost")[n % 3],
            CloseDate=date(2026, 1, 1) + timedelta(days=n % 300),
            IsWon=n % 3 == 1,
            AccountId=f"001Sm{n % 20:010d}AAA" if n % 5 else None,
            OwnerId=f"005Sm{n % 3:010d}AAA",
            Channels__c=(None, "mail;web", "phone")[n % 3],
            Description=ODD_TEXTS[n % len(ODD_TEXTS)],
        )
        for n in range(OPPORTUNITIES)
    ]  # fmt: skip
    return SimTable("Opportunity", fields, rows, key_prefix="006")  # type: ignore[arg-type]


def _record(number: int, at: datetime, **values: object) -> dict[str, object]:
    return {
        "id": str(number), "createdAt": START, "updatedAt": at, "archived": False, "archivedAt": None,
        "hs_object_id": number, **values,
    }  # fmt: skip


def _contacts() -> SimTable:
    fields = [SimField("email", "string"), SimField("lastmodifieddate", "datetime"), SimField("createdate", "datetime")]
    rows = [
        _record(500 + n, START, email=f"c{n}@acme.example", lastmodifieddate=START, createdate=START) for n in range(7)
    ]
    return SimTable("contacts", fields, rows)  # type: ignore[arg-type]


def _deals() -> SimTable:
    fields = [
        SimField("dealname", "string"),
        SimField("amount", "number"),
        SimField("dealstage", "enumeration", options=("new", "won")),
        SimField("closedate", "datetime"),
        SimField("createdate", "datetime"),
        SimField("hs_lastmodifieddate", "datetime"),
        SimField("hs_is_closed", "bool"),
        SimField("hs_object_id", "number"),
    ]
    rows, history = [], {}
    for n in range(DEALS):
        at = START + timedelta(minutes=n // 3)  # three records share each instant
        is_archived = n % 50 == 49
        rows.append(
            _record(
                9_000_000_000 + n * 7, at, archived=is_archived, archivedAt=at if is_archived else None,
                dealname=f"Angebot {n} süß", amount=n * 10.0 if n % 4 else None, dealstage="won" if n % 2 else "new",
                closedate=None, createdate=START, hs_lastmodifieddate=at, hs_is_closed=bool(n % 2),
            )
        )  # fmt: skip
        if n % 2:
            entries = [HistoryEntry("new", START), HistoryEntry("won", at + timedelta(hours=1), user_id="12")]
            history[str(9_000_000_000 + n * 7)] = {"dealstage": entries}
    return SimTable("deals", fields, rows, history)  # type: ignore[arg-type]


def _machines() -> SimTable:
    fields = [SimField("serial", "string"), SimField("hs_lastmodifieddate", "datetime")]
    return SimTable("machines", fields, [_record(1, START, serial="A1", hs_lastmodifieddate=START)])  # type: ignore[arg-type]


def _associations() -> list[Association]:
    deal = str(9_000_000_000)
    links = [Association("deals", deal, "contacts", str(500 + n), type_id=3) for n in range(7)]
    labelled = Association("deals", deal, "contacts", "500", "USER_DEFINED", 77, "Decision maker")
    return [*links, labelled, Association("deals", str(9_000_000_007), "contacts", "500", type_id=3)]


def _owners() -> list[dict[str, object]]:
    return [
        {
            "id": str(n), "email": f"o{n}@acme.example", "firstName": "O", "lastName": str(n), "userId": 100 + n,
            "archived": n == 3, "createdAt": START, "updatedAt": START, "type": "PERSON",
            "teams": [{"id": "7", "name": "Nord", "primary": True}],
        }
        for n in range(1, 4)
    ]  # fmt: skip


def _pipeline() -> dict[str, object]:
    stages = [
        {"id": i, "label": i, "displayOrder": n, "archived": False, "createdAt": START, "updatedAt": START,
         "metadata": {"isClosed": closed, "probability": p}}
        for n, (i, closed, p) in enumerate([("new", "false", "0.2"), ("won", "true", "1.0")])
    ]  # fmt: skip
    return {"id": "default", "label": "Sales", "displayOrder": 0, "archived": False, "stages": stages,
            "createdAt": START, "updatedAt": START}  # fmt: skip
