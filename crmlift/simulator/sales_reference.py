"""Salesforce: the small objects others point to: stages, currencies, products, campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from crmlift.simulator.clock import DAY, END, START, Index, Numbers, Times, dates, known_instants, local_days
from crmlift.simulator.company import SimTable
from crmlift.simulator.ids import KEY_PREFIX, salesforce_ids
from crmlift.simulator.rows import Column, table
from crmlift.simulator.sales_fields import FIELDS
from crmlift.simulator.world import World

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
PRICE_BOOKS = (1.0, 1.1, 45.0)
"""What a list price is multiplied with in the price book of each currency."""
CAMPAIGNS = (
    "Autumn fair",
    "Партнерська конференція",
    "Newsletter",
    "Webinar: cost control",
    "Spring offer",
    "NA",
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
    out = (_stages(world), _currencies(world), _rates(world, at), _products(world), _campaigns(world))
    return {t.name: t for t in out}


def status_columns(world: World, sobject: str, names: Sequence[str]) -> dict[str, Column]:
    """The columns every list of statuses has, the first one being the default."""
    n = len(names)
    return {
        "Id": salesforce_ids(KEY_PREFIX[sobject], range(n)),
        "MasterLabel": list(names),
        "ApiName": list(names),
        "SortOrder": list(range(1, n + 1)),
        "IsDefault": [place == 0 for place in range(n)],
        **fixed(world, n),
    }


def fixed(world: World, n: int) -> dict[str, Column]:
    """The audit columns of records that were there from the first day."""
    admin = user_ids(np.array([integration_user(world)])) * n
    return audit(np.full(n, FOUNDED), np.full(n, FOUNDED), admin, n)


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
        **fixed(world, n),
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
        **fixed(world, 3),
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
        **fixed(world, n),
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
        **fixed(world, n),
    }
    return table("Campaign", FIELDS["Campaign"], columns)
