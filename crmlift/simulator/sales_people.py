"""Salesforce: accounts, contacts and partner leads as they are at a moment."""

from __future__ import annotations

import numpy as np

from crmlift.simulator import words
from crmlift.simulator.clock import (
    END,
    HOUR,
    NEVER,
    Index,
    Times,
    dates,
    known_instants,
    latest,
    local_days,
)
from crmlift.simulator.company import SimTable
from crmlift.simulator.existence import Existence
from crmlift.simulator.rows import Column, pick, table, where
from crmlift.simulator.sales import Sales
from crmlift.simulator.sales_activities import Activities
from crmlift.simulator.sales_fields import FIELDS
from crmlift.simulator.sales_reference import CURRENCIES, user_ids
from crmlift.simulator.sales_tables import ids, last_activity
from crmlift.simulator.world import World

STATUSES = (
    "Open - Not Contacted",
    "Working - Contacted",
    "Qualified",
    "Closed - Converted",
    "Closed - Not Converted",
)


def company_name(number: int) -> str:
    """An invented firm."""
    stem = words.COMPANY_STEMS[number * 7 % len(words.COMPANY_STEMS)]
    return f"{stem} {words.COMPANY_KINDS[number * 5 % len(words.COMPANY_KINDS)]} {number % 97 + 1}"


def person_name(number: int) -> tuple[str, str, str]:
    """An invented person: first and last name, and an address of the same name."""
    first = words.FIRST_NAMES[number * 5 % len(words.FIRST_NAMES)]
    last = words.LAST_NAMES[number * 11 % len(words.LAST_NAMES)]
    script = number % 3 == 0
    return first[script], last[script], f"{first[1]}.{last[1]}{number}@example.com".lower()


def account_tables(world: World, sales: Sales, activities: Activities, at: int) -> list[SimTable]:
    """Account, Contact, Lead and LeadHistory at a moment."""
    return [
        _accounts(sales, activities, at),
        _contacts(sales, at),
        _leads(sales, at),
        _lead_history(sales, at),
    ]


def _first_win(sales: Sales) -> Times:
    won = np.full(len(sales.accounts.team), NEVER, dtype=np.int64)
    np.minimum.at(won, sales.account, np.where(sales.deals.is_won, sales.deals.closed, NEVER))
    return won


def _accounts(sales: Sales, activities: Activities, at: int) -> SimTable:
    accounts, fate = sales.accounts, sales.accounts.existence
    n = len(accounts.team)
    shown = fate.visible(at)
    won = _first_win(sales)[shown]
    modified = latest(at, fate.created, fate.deleted, fate.restored)[shown]
    modified = latest(at, modified, won)
    stamp = np.maximum(modified, sales.account_batches.last(n, at, fate.created)[shown])
    talked, logged = np.zeros((2, n), dtype=np.int64)
    for latest_of, times in ((talked, activities.at), (logged, activities.existence.created)):
        np.maximum.at(latest_of, sales.account, last_activity(activities, times, len(sales.deals.team), at))
    talked, logged = talked[shown], logged[shown]
    by = user_ids(accounts.owner[shown])
    is_merged = (accounts.master[shown] != shown) & (fate.deleted[shown] <= at)
    numbers = shown.tolist()
    columns: dict[str, Column] = {
        "Id": ids("Account", shown),
        "IsDeleted": fate.is_deleted(at)[shown].tolist(),
        "MasterRecordId": where(is_merged, ids("Account", accounts.master[shown])),
        "Name": [company_name(i) for i in numbers],
        "Type": where(won <= at, ["Customer"] * len(numbers), "Prospect"),
        "ParentId": [None] * len(numbers),
        "BillingCountry": pick(words.COUNTRIES, shown),
        "Phone": [f"+380 44 555 {i % 10000:04d}" for i in numbers],
        "Website": [None if i % 9 == 0 else f"https://firm{i}.example.com" for i in numbers],
        "Industry": pick(words.INDUSTRIES, shown * 3),
        "AnnualRevenue": [None if i % 6 == 0 else 50_000.0 * (1 + i * 37 % 400) for i in numbers],
        "NumberOfEmployees": [None if i % 7 == 0 else 2 + i * 53 % 900 for i in numbers],
        "Description": pick(words.DESCRIPTIONS, shown * 23 % 701),
        "Rating": pick((None, "Hot", "Warm", "Cold"), shown),
        "AccountSource": pick(words.LEAD_SOURCES, shown),
        "OwnerId": by,
        "CurrencyIsoCode": ["EUR"] * len(numbers),
        "CreatedDate": known_instants(fate.created[shown]),
        "CreatedById": by,
        "LastModifiedDate": known_instants(modified),
        "LastModifiedById": by,
        "SystemModstamp": known_instants(np.maximum(stamp, logged)),
        "LastActivityDate": dates(np.where(talked > 0, local_days(talked), NEVER).tolist()),
    }
    return table("Account", FIELDS["Account"], columns)


def contact_fates(sales: Sales) -> tuple[Index, Index, Existence]:
    """Account, running number and fate of the contacts: one an account, under its number, a second for every fourth."""
    accounts = sales.accounts
    n = len(accounts.team)
    first, second = np.arange(n), np.arange(0, n, 4)
    account = np.concatenate([first, second])
    number = np.concatenate([first, n + second])
    parent = accounts.existence.take(account)
    is_merged = accounts.master[account] != account
    created = np.minimum(parent.created + np.where(number < n, HOUR // 6, 9 * HOUR), END - 1)
    left = np.where((number * 71 % 101 == 3) & ~is_merged, created + (20 + number % 300) * 24 * HOUR, NEVER)
    never = np.full(len(number), NEVER, dtype=np.int64)
    cascaded = np.where(is_merged, NEVER, parent.deleted)
    fate = Existence(
        created,
        np.minimum(cascaded, np.where(cascaded < NEVER, NEVER, left)),
        np.where(is_merged, never, parent.restored),
        np.where(is_merged, never, parent.purged),
    )
    return account, number, fate


def _contacts(sales: Sales, at: int) -> SimTable:
    accounts = sales.accounts
    account, number, fate = contact_fates(sales)
    created, is_merged = fate.created, accounts.master[account] != account
    shown = fate.visible(at)
    people = [person_name(i) for i in number[shown].tolist()]
    by = user_ids(accounts.owner[account[shown]])
    moved = np.where(is_merged, accounts.existence.deleted[account], NEVER)
    stamp = known_instants(latest(at, created, fate.deleted, fate.restored, moved)[shown])
    columns: dict[str, Column] = {
        "Id": ids("Contact", number[shown]),
        "IsDeleted": fate.is_deleted(at)[shown].tolist(),
        "AccountId": ids("Account", accounts.survivor(account[shown], at)),
        "FirstName": [p[0] for p in people],
        "LastName": [p[1] for p in people],
        "Name": [f"{p[0]} {p[1]}" for p in people],
        "Email": [p[2] for p in people],
        "Phone": [f"+380 67 555 {i % 10000:04d}" for i in number[shown].tolist()],
        "Title": pick((None, "Director", "Бухгалтер", "Buyer"), number[shown]),
        "LeadSource": pick(words.LEAD_SOURCES, number[shown]),
        "OwnerId": by,
        "CurrencyIsoCode": ["EUR"] * len(people),
        "CreatedDate": known_instants(created[shown]),
        "CreatedById": by,
        "LastModifiedDate": stamp,
        "LastModifiedById": by,
        "SystemModstamp": stamp,
    }
    return table("Contact", FIELDS["Contact"], columns)


def _lead_status(sales: Sales, at: int) -> Index:
    leads = sales.leads
    status = np.where(leads.touched <= at, 1, 0)
    status = np.where(leads.qualified <= at, 2, status)
    status = np.where(leads.disqualified <= at, 4, status)
    return np.where(leads.converted <= at, 3, status)


def _leads(sales: Sales, at: int) -> SimTable:
    leads, fate = sales.leads, sales.leads.existence
    shown = fate.visible(at)
    deal_of = np.full(len(leads.team), -1)
    deal_of[sales.lead[sales.lead >= 0]] = np.flatnonzero(sales.lead >= 0)
    is_converted = (leads.converted <= at)[shown] & (deal_of[shown] >= 0)
    deal = np.maximum(deal_of[shown], 0)
    account = sales.accounts.survivor(sales.account[deal], at)
    owner = np.where(leads.reassigned <= at, leads.next_owner, leads.owner)[shown]
    events = (leads.touched, leads.qualified, leads.converted, leads.disqualified, leads.reassigned)
    stamp = known_instants(latest(at, leads.entered, fate.deleted, fate.restored, *events)[shown])
    people = [person_name(i + 500_000) for i in shown.tolist()]
    owners = user_ids(owner)
    converted_day = np.where(is_converted, local_days(leads.converted[shown]), NEVER)
    columns: dict[str, Column] = {
        "Id": ids("Lead", shown),
        "IsDeleted": fate.is_deleted(at)[shown].tolist(),
        "FirstName": [p[0] for p in people],
        "LastName": [p[1] for p in people],
        "Name": [f"{p[0]} {p[1]}" for p in people],
        "Company": [company_name(i + 31) for i in shown.tolist()],
        "Email": [p[2] for p in people],
        "Status": [STATUSES[s] for s in _lead_status(sales, at)[shown].tolist()],
        "LeadSource": ["Partner"] * len(shown),
        "OwnerId": owners,
        "IsConverted": is_converted.tolist(),
        "ConvertedDate": dates(converted_day.tolist()),
        "ConvertedAccountId": where(is_converted, ids("Account", account)),
        "ConvertedContactId": where(is_converted, ids("Contact", account)),
        "ConvertedOpportunityId": where(is_converted, ids("Opportunity", deal)),
        "CurrencyIsoCode": [CURRENCIES[0]] * len(shown),
        "CreatedDate": known_instants(leads.entered[shown]),
        "CreatedById": user_ids(leads.owner[shown]),
        "LastModifiedDate": stamp,
        "LastModifiedById": owners,
        "SystemModstamp": stamp,
    }
    return table("Lead", FIELDS["Lead"], columns)


def _lead_history(sales: Sales, at: int) -> SimTable:
    leads = sales.leads
    shown = leads.existence.visible(at)
    moves = ((leads.touched, 1), (leads.qualified, 2), (leads.converted, 3), (leads.disqualified, 4))
    lead = np.concatenate([shown] * 5)
    time = np.concatenate([t[shown] for t, _ in moves] + [leads.reassigned[shown]])
    new = np.repeat([1, 2, 3, 4, 0], len(shown))
    kept = np.flatnonzero(time <= at)
    kept = kept[np.lexsort((time[kept], lead[kept]))]
    lead, time, new = lead[kept], time[kept], new[kept]
    old, status, previous = [], "", -1
    for number, code in zip(lead.tolist(), new.tolist(), strict=True):
        status = STATUSES[0] if number != previous else status
        old.append(status)
        status = STATUSES[code] if code else status
        previous = number
    is_owner = new == 0
    columns: dict[str, Column] = {
        "Id": ids("LeadHistory", lead * 5 + new),
        "IsDeleted": leads.existence.is_deleted(at)[lead].tolist(),
        "LeadId": ids("Lead", lead),
        "Field": where(is_owner, ["Owner"] * len(lead), "Status"),
        "DataType": where(is_owner, ["EntityId"] * len(lead), "Text"),
        "OldValue": where(is_owner, user_ids(leads.owner[lead]), None),
        "NewValue": where(is_owner, user_ids(leads.next_owner[lead]), None),
        "CreatedDate": known_instants(time),
        "CreatedById": user_ids(leads.owner[lead]),
    }
    columns["OldValue"] = [a or b for a, b in zip(columns["OldValue"], old, strict=True)]
    columns["NewValue"] = [a or STATUSES[c] for a, c in zip(columns["NewValue"], new.tolist(), strict=True)]
    return table("LeadHistory", FIELDS["LeadHistory"], columns)
