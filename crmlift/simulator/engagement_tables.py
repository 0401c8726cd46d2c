"""HubSpot: calls, emails, meetings, tasks and notes, and the links between all records, as they are at a moment."""

from __future__ import annotations

import numpy as np

from crmlift.simulator import words
from crmlift.simulator.clock import MINUTE, Index, Times, known_instants, latest
from crmlift.simulator.company import Association, SimTable
from crmlift.simulator.existence import Existence
from crmlift.simulator.hubspot_fields import PROPERTIES
from crmlift.simulator.hubspot_rows import envelope, owner_ids, user_ids
from crmlift.simulator.ids import hubspot_ids
from crmlift.simulator.marketing import Marketing, Talks
from crmlift.simulator.oddities import LINKED_LATER, linked_at, ticket_numbers
from crmlift.simulator.rows import Column, pick, table, where

KINDS = ("calls", "emails", "meetings", "tasks", "notes")
TO_CONTACT = {"calls": 194, "emails": 198, "meetings": 200, "notes": 202, "tasks": 204}
TO_TICKET = {"calls": 220, "emails": 224, "meetings": 226, "notes": 228, "tasks": 230}


def engagement_tables(marketing: Marketing, at: int) -> list[SimTable]:
    """One table a kind of engagement."""
    talks = marketing.talks
    shown = talks.existence.visible(at)
    return [_engagements(marketing, kind, shown[talks.kind[shown] == number], at) for number, kind in enumerate(KINDS)]


def _engagements(marketing: Marketing, kind: str, shown: Index, at: int) -> SimTable:
    talks, fate = marketing.talks, marketing.talks.existence
    ids = hubspot_ids(kind, shown.tolist())
    moves = [
        time
        for linked, ends in ((marketing.contacts, talks.contact), (marketing.tickets, talks.ticket))
        for time in linked.merges.moves(ends[shown]) + linked.existence.comings(ends[shown])
    ]
    modified = latest(at, fate.created[shown], fate.deleted[shown], fate.restored[shown], *moves)
    columns = envelope(ids, fate, shown, modified, at)
    sources = np.where(talks.is_automatic, 1, np.where(talks.is_inbound, 2, 0))[shown]
    columns |= {
        "hs_createdate": columns["createdAt"],
        "hs_lastmodifieddate": columns["updatedAt"],
        "hs_timestamp": columns["createdAt"],
        "hubspot_owner_id": owner_ids(talks.owner[shown]),
        "hs_created_by_user_id": [None if u is None else int(u) for u in user_ids(talks.owner[shown])],
        "hs_object_source": pick(("CRM_UI", "AUTOMATION_PLATFORM", "EMAIL_INTEGRATION"), sources),
    }
    return table(kind, PROPERTIES[kind], columns | _details(talks, kind, shown))


def _details(talks: Talks, kind: str, shown: Index) -> dict[str, Column]:
    start: Times = talks.existence.created[shown]
    texts = pick(words.DESCRIPTIONS, shown * 11 % 307)
    if kind == "calls":
        return {
            "hs_call_title": pick(words.CALL_SUBJECTS, shown),
            "hs_call_body": texts,
            "hs_call_duration": ((20 + shown * 37 % 1400) * 1000).tolist(),
            "hs_call_direction": ["OUTBOUND"] * len(shown),
            "hs_call_status": ["COMPLETED"] * len(shown),
        }
    if kind == "emails":
        inbound = talks.is_inbound[shown]
        return {
            "hs_email_subject": where(
                talks.is_automatic[shown], ["Thank you for your request"] * len(shown), "Re: request"
            ),
            "hs_email_text": texts,
            "hs_email_direction": where(inbound, ["INCOMING_EMAIL"] * len(shown), "EMAIL"),
            "hs_email_status": ["SENT"] * len(shown),
            "hs_hd_ticket_ids": ticket_numbers(talks.ticket[shown]),
        }
    if kind == "meetings":
        return {
            "hs_meeting_title": pick(words.EVENT_SUBJECTS, shown),
            "hs_meeting_start_time": known_instants(start),
            "hs_meeting_end_time": known_instants(start + 45 * MINUTE),
            "hs_meeting_outcome": ["COMPLETED"] * len(shown),
        }
    if kind == "tasks":
        return {
            "hs_task_subject": pick(("Prepare documents", "Нагадати про рахунок"), shown),
            "hs_task_status": ["COMPLETED"] * len(shown),
            "hs_task_type": ["TODO"] * len(shown),
            "hs_task_completion_date": known_instants(start),
        }
    return {"hs_note_body": texts}


def links(marketing: Marketing, at: int) -> list[Association]:
    """All links whose two ends are there and not archived; a merged record's links are the survivor's."""
    contacts, companies, tickets = marketing.contacts, marketing.companies, marketing.tickets
    people, firms = _present(contacts.existence, at), _present(companies.existence, at)
    cases, renewals = _present(tickets.existence, at), _present(marketing.renewals.deals.existence, at)
    asking = contacts.merges.survivor(marketing.ticket_contact, at)
    partner = contacts.merges.survivor(marketing.renewals.contact, at)
    everybody = np.arange(len(contacts.company))
    out = []
    for type_id, label in ((1, "Primary"), (279, None)):
        out += _pairs("contacts", everybody, people, "companies", contacts.company, firms, type_id, label)
    out += _pairs("tickets", np.arange(len(asking)), cases, "contacts", asking, people, 16, None)
    deals = np.arange(len(partner))
    for type_id, label in ((5, "Primary"), (341, None)):
        out += _pairs("deals", deals, renewals, "companies", marketing.renewals.company, firms, type_id, label)
    out += _pairs("deals", deals, renewals, "contacts", partner, people, 3, None)
    talks = marketing.talks
    shown = _present(talks.existence, at)
    contact = contacts.merges.survivor(talks.contact, at)
    ticket = tickets.merges.survivor(talks.ticket, at)
    for number, kind in enumerate(KINDS):
        ours = np.flatnonzero(talks.kind == number)
        linked = linked_at(talks.existence.created, np.arange(len(shown))) <= at
        known = shown & linked if kind in LINKED_LATER else shown
        out += _pairs(kind, ours, known, "contacts", contact[ours], people, TO_CONTACT[kind], None)
        out += _pairs(kind, ours, shown, "tickets", ticket[ours], cases, TO_TICKET[kind], None)
    return out


def _present(fate: Existence, at: int) -> np.ndarray:
    return (fate.created <= at) & (fate.purged > at) & ~fate.is_deleted(at)


def _pairs(
    from_type: str,
    start: Index,
    start_present: np.ndarray,
    to_type: str,
    end: Index,
    end_present: np.ndarray,
    type_id: int,
    label: str | None,
) -> list[Association]:
    kept = np.flatnonzero((end >= 0) & start_present[start] & end_present[np.maximum(end, 0)])
    from_ids = hubspot_ids(from_type, start[kept].tolist())
    to_ids = hubspot_ids(to_type, end[kept].tolist())
    return [
        Association(from_type, a, to_type, b, "HUBSPOT_DEFINED", type_id, label)
        for a, b in zip(from_ids, to_ids, strict=True)
    ]
