"""Salesforce: the people who work in it, their roles and profiles, and their log-ins."""

from __future__ import annotations

import numpy as np

from crmlift.simulator.clock import DAY, END, HOUR, MINUTE, NEVER, Index, Times, instants, known_instants, latest
from crmlift.simulator.company import SimTable
from crmlift.simulator.ids import KEY_PREFIX, salesforce_ids
from crmlift.simulator.rows import Column, table
from crmlift.simulator.sales_fields import AUDIT, FIELDS
from crmlift.simulator.sales_reference import FOUNDED, audit, fixed, integration_user, user_ids
from crmlift.simulator.world import World, logins

SELLING_ROLES = ("seller", "manager")
PROFILES = (
    ("Standard User", "Salesforce"),
    ("System Administrator", "Salesforce"),
    ("Integration", "Integration"),
)


def user_tables(world: World, at: int) -> list[SimTable]:
    """User, UserRole, Profile and LoginHistory at a moment."""
    return [_users(world, at), _roles(world), _profiles(world), _login_history(world, at)]


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
    audit_columns = fixed(world, n + 1)
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
        **fixed(world, n),
    }
    return table("Profile", FIELDS["Profile"], columns)


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
