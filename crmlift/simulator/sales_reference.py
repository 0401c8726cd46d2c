"""Salesforce: the small objects others point to: users, roles, profiles, stages, currencies, products, campaigns."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from crmlift.simulator.clock import (
    DAY,
    END,
    HOUR,
    MINUTE,
    NEVER,
    START,
    Index,
    Numbers,
    Times,
    dates,
    instants,
    known_instants,
    latest,
    local_days,
)
from crmlift.simulator.company import SimTable
from crmlift.simulator.ids import KEY_PREFIX, salesforce_ids
from crmlift.simulator.rows import Column, table
from crmlift.simulator.sales_fields import AUDIT, FIELDS
from crmlift.simulator.world import World, logins

SELLING_ROLES = ("seller", "manager")
FOUNDED = START - 30 * DAY
STAGES = (
    ("Prospecting", "Pipeline", 10.0),
    ("Qualification", "Pipeline", 20.0),
    ("Proposal/Price Quote", "BestCase", 50.0),
    ("Negotiation/Review", "Forecast", 75.0),
    ("Closed Won", "Closed", 100.0),
    ("Closed Lost", "Omitted", 0.0),
)
WON, LOST = 4, 5
FORECAST_NAMES = {"BestCase": "Best Case", "Forecast": "Commit"}
CURRENCIES = ("EUR", "USD", "UAH")
PRODUCTS = (
    ("Starter", 400.0, 90.0),
    ("Team", 1200.0, 260.0),
    ("Business", 3900.0, 1100.0),
    ("Підтримка", 900.0, 540.0),
    ("Навчання", 650.0, 410.0),
)
"""Name, list price and what one costs the company, in euros."""
CAMPAIGNS = (
    "Autumn fair",
    "Партнерська конференція",
    "Newsletter",
    "Webinar: cost control",
    "Spring offer",
    "NA",
)
PROFILES = (
    ("Standard User", "Salesforce"),
    ("System Administrator", "Salesforce"),
    ("Integration", "Integration"),
)


def user_ids(people: Index) -> list[str]:
    """Salesforce ids of people by their position in `World.people`."""
    return salesforce_ids(KEY_PREFIX["User"], people.tolist())


def integration_user(world: World) -> int:
    """The number of the user that imports and updates in bulk; no person."""
    return len(world.people)


def audit(created: Times, modified: Times, by: list[str], n: int) -> dict[str, Column]:
    """The audit columns of records that one user keeps."""
    stamps = known_instants(modified)
    return {
        "CreatedDate": known_instants(created),
        "CreatedById": by,
        "LastModifiedDate": stamps,
        "LastModifiedById": by,
        "SystemModstamp": stamps,
    }


def rates(world: World) -> Numbers:
    """Units of USD and UAH for one EUR, month by month from November 2024 (36 + 2 months)."""
    rng = world.rng("rates")
    steps = rng.normal(0, [[0.012], [0.014]], (2, 38)).cumsum(axis=1)
    return np.asarray(np.round(np.array([[1.08], [45.0]]) * np.exp(steps), 4))


def month_of(times: Times) -> Index:
    """Months since November 2024 of UTC times, as the columns of `rates`."""
    days = local_days(np.minimum(times, END))
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) - (2024 * 12 + 10 - 1970 * 12)
    return np.clip(months, 0, 37)


def reference_tables(world: World, at: int) -> dict[str, SimTable]:
    """All small objects as they are at a moment."""
    out = [_users(world, at), _roles(world), _profiles(world), _stages(world), _currencies(world)]
    out += [_rates(world, at), _products(world), _campaigns(world), _login_history(world, at)]
    return {t.name: t for t in out}


def _fixed(world: World, n: int) -> dict[str, Column]:
    admin = user_ids(np.array([integration_user(world)])) * n
    return audit(np.full(n, FOUNDED), np.full(n, FOUNDED), admin, n)


def _seller_logins(world: World) -> tuple[Index, Times]:
    members = np.concatenate([world.staff(role).people for role in SELLING_ROLES])
    return logins(world, members, "salesforce logins")


def _users(world: World, at: int) -> SimTable:
    numbers = np.array([i for i, p in enumerate(world.people) if p.role in SELLING_ROLES and p.start <= at])
    people = [world.people[i] for i in numbers.tolist()]
    who, when = _seller_logins(world)
    last_login = np.zeros(len(world.people) + 1, dtype=np.int64)
    np.maximum.at(last_login, who[when <= at], when[when <= at])
    end = np.array([p.end for p in people] + [NEVER], dtype=np.int64)
    created = np.array([p.start for p in people] + [FOUNDED], dtype=np.int64)
    numbers = np.append(numbers, integration_user(world))
    modified = latest(at, created, end)
    last = last_login[numbers]
    managers = {world.people[i].team: i for i in range(len(world.people)) if world.people[i].role == "manager"}
    role_ids = salesforce_ids(KEY_PREFIX["UserRole"], range(len(world.teams) + 1))
    profile_ids = salesforce_ids(KEY_PREFIX["Profile"], range(len(PROFILES)))
    sync = "crm-sync@example-branches.com"
    last_times = instants(np.where(last > 0, last, NEVER))
    columns: dict[str, Column] = {
        "Id": user_ids(numbers),
        "Username": [p.email for p in people] + [sync],
        "Email": [p.email for p in people] + [sync],
        "FirstName": [p.first for p in people] + [None],
        "LastName": [p.last for p in people] + ["CRM Sync"],
        "Name": [f"{p.first} {p.last}" for p in people] + ["CRM Sync"],
        "Alias": [p.email[:8] for p in people] + ["sync"],
        "Title": ["Branch manager" if p.role == "manager" else "Account executive" for p in people] + [None],
        "IsActive": (end > at).tolist(),
        "UserType": ["Standard"] * len(numbers),
        "UserRoleId": [role_ids[p.team] for p in people] + [None],
        "ProfileId": [profile_ids[0]] * len(people) + [profile_ids[2]],
        "ManagerId": [
            user_ids(np.array([managers[p.team]]))[0] if p.role == "seller" else None for p in people
        ] + [None],
        "TimeZoneSidKey": ["Europe/Kiev"] * len(numbers),
        "LocaleSidKey": ["uk"] * len(people) + ["en_US"],
        "DefaultCurrencyIsoCode": ["EUR"] * len(numbers),
        "LastLoginDate": last_times,
    }  # fmt: skip
    admin = user_ids(np.array([integration_user(world)])) * len(numbers)
    columns |= audit(created, modified, admin, len(numbers))
    columns["SystemModstamp"] = known_instants(np.maximum(modified, last))
    return table("User", FIELDS["User"], columns)


def _roles(world: World) -> SimTable:
    n = len(world.teams)
    ids = salesforce_ids(KEY_PREFIX["UserRole"], range(n + 1))
    audit_columns = _fixed(world, n + 1)
    columns: dict[str, Column] = {
        "Id": ids,
        "Name": [*world.teams, "Head of Sales"],
        "DeveloperName": [t.replace(" ", "_").replace("-", "_") for t in [*world.teams, "Head of Sales"]],
        "ParentRoleId": [ids[n]] * n + [None],
        **{k: audit_columns[k] for k in AUDIT[2:]},
    }
    return table("UserRole", FIELDS["UserRole"], columns)


def _profiles(world: World) -> SimTable:
    n = len(PROFILES)
    columns = {
        "Id": salesforce_ids(KEY_PREFIX["Profile"], range(n)),
        "Name": [name for name, _ in PROFILES],
        "UserType": ["Standard"] * n,
        **_fixed(world, n),
    }
    return table("Profile", FIELDS["Profile"], columns)


def _stages(world: World) -> SimTable:
    n = len(STAGES)
    columns: dict[str, Column] = {
        "Id": salesforce_ids(KEY_PREFIX["OpportunityStage"], range(n)),
        "MasterLabel": [s[0] for s in STAGES],
        "ApiName": [s[0] for s in STAGES],
        "IsActive": [True] * n,
        "SortOrder": list(range(1, n + 1)),
        "IsClosed": [i >= WON for i in range(n)],
        "IsWon": [i == WON for i in range(n)],
        "ForecastCategory": [s[1] for s in STAGES],
        "ForecastCategoryName": [FORECAST_NAMES.get(s[1], s[1]) for s in STAGES],
        "DefaultProbability": [s[2] for s in STAGES],
        **_fixed(world, n),
    }
    return table("OpportunityStage", FIELDS["OpportunityStage"], columns)


def _currencies(world: World) -> SimTable:
    columns = {
        "Id": salesforce_ids(KEY_PREFIX["CurrencyType"], range(3)),
        "IsoCode": list(CURRENCIES),
        "ConversionRate": [1.0, *rates(world)[:, 0].tolist()],
        "DecimalPlaces": [2] * 3,
        "IsActive": [True] * 3,
        "IsCorporate": [True, False, False],
        **_fixed(world, 3),
    }
    return table("CurrencyType", FIELDS["CurrencyType"], columns)


def _rates(world: World, at: int) -> SimTable:
    first = [date(2024 + (10 + m) // 12, (10 + m) % 12 + 1, 1) for m in range(39)]
    opened = np.array([(d.toordinal() - date(1970, 1, 1).toordinal()) * DAY for d in first], dtype=np.int64)
    months = int((opened[:38] <= at).sum())
    grid = [(c, m) for m in range(months) for c in range(3)]
    values = rates(world)
    created = opened[[m for _, m in grid]]
    closes = np.array([opened[m + 1] for _, m in grid], dtype=np.int64)
    admin = user_ids(np.array([integration_user(world)])) * len(grid)
    far = date(9999, 12, 31)
    columns: dict[str, Column] = {
        "Id": salesforce_ids(KEY_PREFIX["DatedConversionRate"], range(len(grid))),
        "IsoCode": [CURRENCIES[c] for c, _ in grid],
        "StartDate": [first[m] if m else date(2000, 1, 1) for _, m in grid],
        "NextStartDate": [far if m == months - 1 else first[m + 1] for _, m in grid],
        "ConversionRate": [1.0 if c == 0 else float(values[c - 1, m]) for c, m in grid],
        **audit(created, np.where(closes <= at, closes, created), admin, len(grid)),
    }
    return table("DatedConversionRate", FIELDS["DatedConversionRate"], columns)


def _products(world: World) -> SimTable:
    n = len(PRODUCTS)
    columns: dict[str, Column] = {
        "Id": salesforce_ids(KEY_PREFIX["Product2"], range(n)),
        "Name": [p[0] for p in PRODUCTS],
        "ProductCode": [f"P-{i:03d}" for i in range(n)],
        "Family": ["Licence"] * 3 + ["Service"] * 2,
        "Unit_Cost__c": [p[2] for p in PRODUCTS],
        "CurrencyIsoCode": ["EUR"] * n,
        "IsActive": [True] * n,
        "IsDeleted": [False] * n,
        **_fixed(world, n),
    }
    return table("Product2", FIELDS["Product2"], columns)


def _campaigns(world: World) -> SimTable:
    n = len(CAMPAIGNS)
    start = local_days(np.array([START + (40 + 110 * i) * DAY for i in range(n)]))
    columns: dict[str, Any] = {
        "Id": salesforce_ids(KEY_PREFIX["Campaign"], range(n)),
        "Name": list(CAMPAIGNS),
        "Type": ["Trade Show", "Conference", "Email", "Webinar", "Email", "Other"],
        "Status": ["Completed"] * n,
        "StartDate": dates(start.tolist()),
        "EndDate": dates((start + 30).tolist()),
        "IsActive": [True] * n,
        "ActualCost": [4200.0, 9800.0, 650.0, 1200.0, 700.0, None],
        "BudgetedCost": [5000.0, 9000.0, 700.0, 1000.0, 700.0, None],
        "IsDeleted": [False] * n,
        **_fixed(world, n),
    }
    return table("Campaign", FIELDS["Campaign"], columns)


def _login_history(world: World, at: int) -> SimTable:
    """Log-ins of the last six months: all that Salesforce keeps."""
    who, when = _seller_logins(world)
    sync_days = np.arange(FOUNDED // DAY + 1, END // DAY) * DAY + 2 * HOUR + 7 * MINUTE
    who = np.concatenate([who, np.full(len(sync_days), integration_user(world))])
    when = np.concatenate([when, sync_days])
    is_sync = who == integration_user(world)
    kind = np.where(is_sync, 3, world.rng("login kinds").choice(3, len(who), p=[0.87, 0.11, 0.02]))
    number = np.argsort(np.argsort(when, kind="stable"), kind="stable")
    kept = np.flatnonzero((when <= at) & (when > at - 183 * DAY))
    kept = kept[np.argsort(number[kept])]
    kinds = kind[kept].tolist()
    columns: dict[str, Column] = {
        "Id": salesforce_ids(KEY_PREFIX["LoginHistory"], number[kept].tolist()),
        "UserId": user_ids(who[kept]),
        "LoginTime": known_instants(when[kept]),
        "LoginType": [("Application", "SAML Sfdc Initiated SSO", "Application", "Remote Access 2.0")[k] for k in kinds],
        "Status": [("Success", "Success", "Invalid Password", "Success")[k] for k in kinds],
        "Application": [("Browser", "Browser", "Browser", "crm-sync")[k] for k in kinds],
        "Platform": [("Windows 11", "macOS", "Windows 11", "Unknown")[k] for k in kinds],
        "Browser": [("Chrome 140", "Safari 19", "Chrome 140", "Unknown")[k] for k in kinds],
        "SourceIp": [("198.51.100.7", "198.51.100.9", "203.0.113.40", "192.0.2.15")[k] for k in kinds],
        "ApiType": [("N/A", "N/A", "N/A", "REST API")[k] for k in kinds],
        "LoginUrl": ["login.salesforce.com"] * len(kinds),
    }
    return table("LoginHistory", FIELDS["LoginHistory"], columns)
