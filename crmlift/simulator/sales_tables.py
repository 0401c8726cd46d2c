"""Salesforce: opportunities and the tables that hang on them, as they are at a moment."""

from __future__ import annotations

import numpy as np

from crmlift.simulator import words
from crmlift.simulator.clock import (
    DAY,
    NEVER,
    Index,
    Times,
    dates,
    known_instants,
    latest,
    local_days,
)
from crmlift.simulator.company import SimTable
from crmlift.simulator.ids import KEY_PREFIX, salesforce_ids
from crmlift.simulator.oddities import as_formula, with_lost_dates
from crmlift.simulator.rows import Column, pick, table, where
from crmlift.simulator.sales import Sales
from crmlift.simulator.sales_activities import Activities
from crmlift.simulator.sales_fields import FIELDS
from crmlift.simulator.sales_reference import (
    CAMPAIGNS,
    CURRENCIES,
    FORECAST_NAMES,
    LOST,
    PRICE_BOOKS,
    PRODUCTS,
    STAGES,
    WON,
    integration_user,
    user_ids,
)
from crmlift.simulator.world import World

PUSHED = 7
LONG_TEXT = "Протокол зустрічі. " * 1500


def ids(name: str, numbers: Index) -> list[str]:
    """Salesforce ids of an object's records by running number."""
    return salesforce_ids(KEY_PREFIX[name], numbers.tolist())


def empty_as_none(values: np.ndarray) -> list[float | None]:
    """Python floats, None for NaN."""
    return where(~np.isnan(values), values.tolist())


def opportunity_tables(world: World, sales: Sales, activities: Activities, at: int) -> list[SimTable]:
    """Opportunity, OpportunityHistory, OpportunityFieldHistory and OpportunityLineItem at a moment."""
    shown = sales.deals.existence.visible(at)
    return [
        _opportunities(world, sales, activities, shown, at),
        _history(sales, shown, at),
        _field_history(world, sales, shown, at),
        _lines(sales, shown, at),
    ]


def changed(sales: Sales, activities: Activities, at: int) -> tuple[Times, Times]:
    """LastModifiedDate and SystemModstamp of every deal: people's changes, and those plus everything else."""
    deals, fate = sales.deals, sales.deals.existence
    n = len(deals.team)
    modified = latest(at, *sales.course.time.T, deals.reassigned, fate.deleted, fate.restored)
    stamp = np.maximum(modified, sales.deal_batches.last(n, at, deals.created))
    stamp = np.maximum(stamp, last_activity(activities, activities.existence.created, n, at))
    moved = latest(at, sales.accounts.merged(sales.account))
    return modified, np.where(deals.created <= at, np.maximum(stamp, moved), 0)


def last_activity(activities: Activities, times: Times, n: int, at: int) -> Times:
    """The greatest of the times of each deal's activities that are logged at a moment, 0 where there is none."""
    out = np.zeros(n, dtype=np.int64)
    done = np.flatnonzero((activities.deal >= 0) & (activities.existence.created <= at))
    np.maximum.at(out, activities.deal[done], times[done])
    return out


def _opportunities(world: World, sales: Sales, activities: Activities, shown: Index, at: int) -> SimTable:
    deals = sales.deals
    last = sales.course.last(at)[shown]
    stage = sales.course.stage[shown, last]
    amount = sales.course.amount[shown, last]
    day = sales.course.close_day[shown, last]
    modified, stamp = changed(sales, activities, at)
    owner = np.where(deals.reassigned <= at, deals.next_owner, deals.owner)[shown]
    account = sales.accounts.survivor(sales.account[shown], at)
    has_account = shown * 31 % 67 != 5
    touched = last_activity(activities, activities.at, len(deals.team), at)[shown]
    probability = np.array([s[2] for s in STAGES])[stage]
    forecast = [STAGES[s][1] for s in stage.tolist()]
    stage_time = _last_stage_change(sales, shown, at)
    months = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    owners, by = user_ids(owner), user_ids(deals.owner[shown])
    account_ids = ids("Account", account)
    columns: dict[str, Column] = {
        "Id": ids("Opportunity", shown),
        "IsDeleted": deals.existence.is_deleted(at)[shown].tolist(),
        "AccountId": where(has_account, account_ids),
        "ContactId": where(has_account, ids("Contact", account)),
        "Name": [f"{k} {n}" for k, n in zip(pick(("Order", "Угода", "Deal"), shown), shown.tolist(), strict=True)],
        "Description": _descriptions(shown),
        "StageName": [STAGES[s][0] for s in stage.tolist()],
        "Amount": empty_as_none(amount),
        "Probability": probability.tolist(),
        "ExpectedRevenue": empty_as_none(np.round(amount * probability / 100, 2)),
        "CloseDate": dates(day.tolist()),
        "Type": pick(("New Business", "New Business", "Existing Business"), shown),
        "NextStep": pick(words.NEXT_STEPS, shown * 7),
        "LeadSource": pick(words.LEAD_SOURCES, shown * 29 % 997),
        "IsClosed": (stage >= WON).tolist(),
        "IsWon": (stage == WON).tolist(),
        "ForecastCategory": forecast,
        "ForecastCategoryName": [FORECAST_NAMES.get(f, f) for f in forecast],
        "CampaignId": where(shown % 11 == 0, pick(ids("Campaign", np.arange(len(CAMPAIGNS))), shown)),
        "HasOpportunityLineItem": (shown % 3 == 0).tolist(),
        "OwnerId": owners,
        "CurrencyIsoCode": pick(CURRENCIES, sales.currency[shown]),
        "CreatedDate": with_lost_dates([*known_instants(deals.created[shown])], shown),
        "CreatedById": by,
        "LastModifiedDate": known_instants(modified[shown]),
        "LastModifiedById": owners,
        "SystemModstamp": known_instants(stamp[shown]),
        "LastActivityDate": dates(np.where(touched > 0, local_days(touched), NEVER).tolist()),
        "LastStageChangeDate": known_instants(stage_time),
        "PushCount": (sales.course.time[shown, PUSHED] <= at).astype(int).tolist(),
        "FiscalYear": (1970 + months // 12).tolist(),
        "FiscalQuarter": (months % 12 // 3 + 1).tolist(),
        "Loss_Reason__c": where(stage == LOST, pick(words.LOSS_REASONS, shown * 17 % 509)),
        "Age_In_Days__c": ((at - deals.created[shown]) // DAY).astype(float).tolist(),
        "Account_Key__c": as_formula(where(has_account, account_ids)),
    }
    return table("Opportunity", FIELDS["Opportunity"], columns)


def _last_stage_change(sales: Sales, shown: Index, at: int) -> Times:
    time, stage = sales.course.time[shown], sales.course.stage[shown]
    moved = np.concatenate([np.ones((len(shown), 1), dtype=bool), np.diff(stage, axis=1) != 0], axis=1)
    return np.asarray(np.where(moved & (time <= at), time, 0).max(axis=1))


def _descriptions(shown: Index) -> list[str | None]:
    texts: list[str | None] = pick(words.DESCRIPTIONS, shown * 41 % 811)
    for position, number in enumerate(shown.tolist()):
        if number % 2500 == 700:
            texts[position] = LONG_TEXT
        elif number % 4000 == 900:
            texts[position] = "pasted from\x00 elsewhere"
    return texts


def _history(sales: Sales, shown: Index, at: int) -> SimTable:
    course, deals = sales.course, sales.deals
    row, slot = np.nonzero((course.number[shown] >= 0) & (course.time[shown] <= at))
    deal = shown[row]
    time, stage, amount = course.time[deal, slot], course.stage[deal, slot], course.amount[deal, slot]
    probability = np.array([s[2] for s in STAGES])[stage]
    owner = np.where(deals.reassigned[deal] <= time, deals.next_owner[deal], deals.owner[deal])
    fate = deals.existence.take(deal)
    columns: dict[str, Column] = {
        "Id": ids("OpportunityHistory", course.number[deal, slot]),
        "IsDeleted": fate.is_deleted(at).tolist(),
        "OpportunityId": ids("Opportunity", deal),
        "StageName": [STAGES[s][0] for s in stage.tolist()],
        "Amount": empty_as_none(amount),
        "ExpectedRevenue": empty_as_none(np.round(amount * probability / 100, 2)),
        "CloseDate": dates(course.close_day[deal, slot].tolist()),
        "Probability": probability.tolist(),
        "ForecastCategory": [STAGES[s][1] for s in stage.tolist()],
        "CurrencyIsoCode": pick(CURRENCIES, sales.currency[deal]),
        "CreatedDate": known_instants(time),
        "CreatedById": user_ids(owner),
        "SystemModstamp": known_instants(latest(at, time, fate.deleted, fate.restored)),
    }
    return table("OpportunityHistory", FIELDS["OpportunityHistory"], columns)


def _field_history(world: World, sales: Sales, shown: Index, at: int) -> SimTable:
    deals, course = sales.deals, sales.course
    moved = shown[deals.reassigned[shown] <= at]
    old, new = deals.owner[moved], deals.next_owner[moved]
    names = [f"{p.first} {p.last}" for p in world.people]
    pushed = shown[course.time[shown, PUSHED] <= at]
    before = dates(course.close_day[pushed, PUSHED - 1].tolist())
    after = dates(course.close_day[pushed, PUSHED].tolist())
    deal = np.concatenate([moved, moved, pushed])
    time = np.concatenate([deals.reassigned[moved], deals.reassigned[moved], course.time[pushed, PUSHED]])
    offset = np.repeat([0, 1, 2], [len(moved), len(moved), len(pushed)])
    system = np.full(len(moved), integration_user(world))
    by = np.concatenate([system, system, deals.owner[pushed]])
    columns: dict[str, Column] = {
        "Id": ids("OpportunityFieldHistory", deal * 3 + offset),
        "IsDeleted": deals.existence.is_deleted(at)[deal].tolist(),
        "OpportunityId": ids("Opportunity", deal),
        "Field": ["Owner"] * (2 * len(moved)) + ["CloseDate"] * len(pushed),
        "DataType": ["EntityId"] * len(moved) + ["Text"] * len(moved) + ["DateOnly"] * len(pushed),
        "OldValue": user_ids(old) + [names[i] for i in old.tolist()] + [str(d) for d in before],
        "NewValue": user_ids(new) + [names[i] for i in new.tolist()] + [str(d) for d in after],
        "CreatedDate": known_instants(time),
        "CreatedById": user_ids(by),
    }
    return table("OpportunityFieldHistory", FIELDS["OpportunityFieldHistory"], columns)


def _lines(sales: Sales, shown: Index, at: int) -> SimTable:
    deals = sales.deals
    deal = np.repeat(shown[shown % 3 == 0], 1 + shown[shown % 3 == 0] % 2)
    rank = np.diff(deal, prepend=-1) == 0
    product = (deal * 7 + rank) % len(PRODUCTS)
    quantity = 1 + deal * 11 % 9
    price = np.round(np.array([p[1] for p in PRODUCTS])[product] * np.array(PRICE_BOOKS)[sales.currency[deal]], 2)
    fate = deals.existence.take(deal)
    by = user_ids(deals.owner[deal])
    stamp = known_instants(latest(at, fate.created, fate.deleted, fate.restored))
    columns: dict[str, Column] = {
        "Id": ids("OpportunityLineItem", deal * 2 + rank),
        "IsDeleted": fate.is_deleted(at).tolist(),
        "OpportunityId": ids("Opportunity", deal),
        "Product2Id": ids("Product2", product),
        "Name": [PRODUCTS[p][0] for p in product.tolist()],
        "Quantity": quantity.astype(float).tolist(),
        "UnitPrice": price.tolist(),
        "TotalPrice": (price * quantity).tolist(),
        "CurrencyIsoCode": pick(CURRENCIES, sales.currency[deal]),
        "CreatedDate": known_instants(fate.created),
        "CreatedById": by,
        "LastModifiedDate": stamp,
        "LastModifiedById": by,
        "SystemModstamp": stamp,
    }
    return table("OpportunityLineItem", FIELDS["OpportunityLineItem"], columns)
