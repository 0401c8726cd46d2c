"""HubSpot: owners, pipelines and log-in activity, in the shape the API returns them."""

from __future__ import annotations

from typing import Any

import numpy as np

from crmlift.simulator.clock import DAY, known_instants
from crmlift.simulator.hubspot_fields import RENEWAL_PIPELINE, RENEWAL_STAGES
from crmlift.simulator.hubspot_rows import OWNER_BASE, USER_BASE, hubspot_people
from crmlift.simulator.sales_reference import rates
from crmlift.simulator.world import World, logins

TEAM_BASE = 3_310_001
_FOUNDED = "2024-10-04T22:00:00.000Z"
_SALES_STAGES = (
    ("appointmentscheduled", "Appointment Scheduled", 0.2),
    ("qualifiedtobuy", "Qualified To Buy", 0.4),
    ("presentationscheduled", "Presentation Scheduled", 0.6),
    ("decisionmakerboughtin", "Decision Maker Bought-In", 0.8),
    ("contractsent", "Contract Sent", 0.9),
    ("closedwon", "Closed Won", 1.0),
    ("closedlost", "Closed Lost", 0.0),
)
_RENEWAL_LABELS = (
    ("Renewal due", 0.3),
    ("Пропозицію надіслано", 0.6),
    ("Renewed", 1.0),
    ("Not renewed", 0.0),
)
_TICKET_STAGES = ("New", "Waiting on contact", "Waiting on us", "Closed")


def iso(milliseconds: int) -> str:
    """An instant as HubSpot writes it."""
    moment = known_instants(np.array([milliseconds]))[0]
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def owners(world: World, at: int) -> list[dict[str, Any]]:
    """Everybody who works in HubSpot, with their primary team; archived once they have left."""
    out = []
    for number in hubspot_people(world).tolist():
        person = world.people[number]
        if person.start > at:
            continue
        teams = [{"id": str(TEAM_BASE + 11 * person.team), "name": world.teams[person.team], "primary": True}]
        if number % 10 == 3:
            elsewhere = (person.team + 5) % len(world.teams)
            extra = {"id": str(TEAM_BASE + 11 * elsewhere), "name": world.teams[elsewhere], "primary": False}
            teams.insert(0, extra)
        out.append(
            {
                "id": str(OWNER_BASE + 13 * number),
                "email": person.email,
                "firstName": person.first,
                "lastName": person.last,
                "userId": USER_BASE + 17 * number,
                "userIdIncludingInactive": USER_BASE + 17 * number,
                "type": "PERSON",
                "archived": person.end <= at,
                "createdAt": iso(person.start),
                "updatedAt": iso(person.end if person.end <= at else person.start),
                "teams": teams,
            }
        )
    return out


def _stage(number: int, stage_id: str, label: str, metadata: dict[str, str]) -> dict[str, Any]:
    return {
        "id": stage_id,
        "label": label,
        "displayOrder": number,
        "metadata": metadata,
        "createdAt": _FOUNDED,
        "updatedAt": _FOUNDED,
        "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
        "archived": False,
    }


def _deal_stage(number: int, stage_id: str, label: str, probability: float) -> dict[str, Any]:
    is_closed = "true" if probability in (0.0, 1.0) else "false"
    return _stage(number, stage_id, label, {"isClosed": is_closed, "probability": str(probability)})


def _pipeline(number: int, pipeline_id: str, label: str, updated: str, stages: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": pipeline_id,
        "label": label,
        "displayOrder": number,
        "stages": stages,
        "createdAt": _FOUNDED,
        "updatedAt": updated,
        "archived": False,
    }


def pipelines(edits: list[int], at: int) -> dict[str, list[dict[str, Any]]]:
    """Pipelines of deals and tickets; `edits` are the times somebody saved the renewal pipeline."""
    done = [e for e in edits if e <= at]
    sales = [_deal_stage(i, *stage) for i, stage in enumerate(_SALES_STAGES)]
    renewal = [
        _deal_stage(i, stage_id, *label)
        for i, (stage_id, label) in enumerate(zip(RENEWAL_STAGES, _RENEWAL_LABELS, strict=True))
    ]
    support = []
    for number, label in enumerate(_TICKET_STAGES):
        state = "CLOSED" if label == "Closed" else "OPEN"
        metadata = {"ticketState": state, "isClosed": "true" if state == "CLOSED" else "false"}
        support.append(_stage(number, str(number + 1), label, metadata))
    return {
        "deals": [
            _pipeline(0, "default", "Sales Pipeline", _FOUNDED, sales),
            _pipeline(1, RENEWAL_PIPELINE, "Partner renewals", iso(max(done)) if done else _FOUNDED, renewal),
        ],
        "tickets": [_pipeline(0, "0", "Support Pipeline", _FOUNDED, support)],
    }


def exchange_rates(world: World, at: int) -> list[dict[str, Any]]:
    """What one dollar is worth in the account's euros, from each month's first day on: to be multiplied with."""
    dollars = rates(world)[0]
    out = []
    for month in range(38):
        first = int(np.datetime64("2024-11", "M") + month - np.datetime64("1970-01", "M"))
        opened = int(np.datetime64(first, "M").astype("datetime64[ms]").astype(np.int64))
        if opened > at:
            break
        out.append(
            {
                "id": str(5_500_001 + month),
                "fromCurrencyCode": "USD",
                "toCurrencyCode": "EUR",
                "conversionRate": round(1 / float(dollars[month]), 6),
                "effectiveAt": iso(opened),
                "visibleInUI": True,
                "createdAt": iso(opened),
                "updatedAt": iso(opened),
            }
        )
    return out


def login_activity(world: World, at: int) -> list[dict[str, Any]]:
    """Log-ins of the last 90 days: all that HubSpot keeps."""
    who, when = logins(world, hubspot_people(world), "hubspot logins")
    out = []
    for row in np.flatnonzero((when <= at) & (when > at - 90 * DAY)).tolist():
        person = world.people[int(who[row])]
        out.append(
            {
                "id": str(7_700_000_001 + 3 * row),
                "loginAt": iso(int(when[row])),
                "userId": USER_BASE + 17 * int(who[row]),
                "email": person.email,
                "loginSucceeded": row % 61 != 17,
                "ipAddress": "198.51.100.23",
                "location": "kyiv, ukraine",
                "countryCode": "ua",
                "regionCode": "30",
                "userAgent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
            }
        )
    return out
