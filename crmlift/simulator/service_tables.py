"""HubSpot: tickets and answers to surveys as they are at a moment."""

from __future__ import annotations

import numpy as np

from crmlift.simulator import words
from crmlift.simulator.clock import (
    DAY,
    HOUR,
    NEVER,
    SECOND,
    START,
    Index,
    Times,
    instants,
    known_instants,
    latest,
)
from crmlift.simulator.company import Association, SimTable
from crmlift.simulator.existence import lasting
from crmlift.simulator.hubspot_fields import PROPERTIES
from crmlift.simulator.hubspot_rows import envelope, in_order, merged_into, owner_ids, remember, user_ids
from crmlift.simulator.ids import hubspot_ids
from crmlift.simulator.marketing import Marketing
from crmlift.simulator.rows import pick, table, where
from crmlift.simulator.world import World

NEW, WAITING_ON_CONTACT, WAITING_ON_US, CLOSED = "1", "2", "3", "4"
CATEGORIES = ("PRODUCT_ISSUE", "BILLING_ISSUE", "FEATURE_REQUEST", "GENERAL_INQUIRY", None)
FIRST_RESPONSE_PROMISE, SOLUTION_PROMISE = 4 * HOUR, 3 * DAY
MET_LATE = {True: "3", False: "4"}


def ticket_table(marketing: Marketing, at: int) -> SimTable:
    """Tickets with the histories of hs_pipeline_stage, hs_ticket_priority and hubspot_owner_id."""
    tickets, fate = marketing.tickets, marketing.tickets.existence
    shown = fate.visible(at)
    every = hubspot_ids("tickets", range(len(fate.created)))
    ids = [every[i] for i in shown.tolist()]
    created = fate.created[shown]
    steps = [
        (created, NEW),
        (tickets.replied[shown], WAITING_ON_CONTACT),
        (tickets.answered_back[shown], WAITING_ON_US),
        (tickets.closed_early[shown], CLOSED),
        (tickets.reopened[shown], WAITING_ON_US),
        (tickets.closed[shown], CLOSED),
    ]
    reassigned = tickets.reassigned[shown]
    modified = latest(at, fate.created, fate.deleted, fate.restored)
    modified = np.maximum(modified, tickets.batches.last(len(every), at, fate.created))
    modified = np.maximum(modified, tickets.merges.last(at))[shown]
    contact, people = marketing.ticket_contact[shown], marketing.contacts
    moves = people.merges.moves(contact) + people.existence.comings(contact)
    modified = latest(at, modified, *(t for t, _ in steps), reassigned, *moves, *_missed(marketing, shown))
    owner, following = tickets.owner[shown], tickets.next_owner[shown]
    merged = merged_into(tickets.merges.survivor(np.arange(len(every)), at), tickets.merges.time <= at, every)
    grid = np.stack([np.where(t <= at, t, -1) for t, _ in steps])
    last = len(steps) - 1 - grid[::-1].argmax(axis=0)
    priority = pick(("LOW", "MEDIUM", "HIGH"), tickets.priority[shown])
    columns = envelope(ids, fate, shown, modified, at)
    columns |= {
        "subject": pick(words.TICKET_SUBJECTS, shown * 3),
        "content": pick(words.TICKET_TEXTS, shown * 5),
        "createdate": columns["createdAt"],
        "hs_lastmodifieddate": columns["updatedAt"],
        "hs_pipeline": ["0"] * len(ids),
        "hs_pipeline_stage": [steps[i][1] for i in last.tolist()],
        "hs_ticket_priority": priority,
        "hs_ticket_category": pick(CATEGORIES, shown * 17 % 911),
        "source_type": pick(("EMAIL", "EMAIL", "CHAT", "FORM", "PHONE"), shown * 13 % 701),
        "hubspot_owner_id": owner_ids(np.where(reassigned <= at, following, owner)),
        "hs_merged_object_ids": [merged.get(i) for i in shown.tolist()],
        "hs_object_source": pick(("EMAIL_INTEGRATION", "CRM_UI", "FORM"), shown),
    }
    columns |= _clocks(marketing, shown, last, at)
    out = table("tickets", PROPERTIES["tickets"], columns)
    users = user_ids(owner)
    remember(out.history, "hs_pipeline_stage", ids, [(t, [s] * len(ids)) for t, s in steps], at, users)
    in_order(out.history, "hs_pipeline_stage")
    remember(out.history, "hs_ticket_priority", ids, [(created, priority)], at, users)
    owners = [(created, owner_ids(owner)), (reassigned, owner_ids(following))]
    remember(out.history, "hubspot_owner_id", ids, owners, at, users)
    return out


def _clocks(marketing: Marketing, shown: Index, last: Index, at: int) -> dict[str, list[object]]:
    tickets = marketing.tickets
    created, replied = tickets.existence.created[shown], tickets.replied[shown]
    is_closed = np.isin(last, (3, 5))
    closed = np.where(last == 5, tickets.closed[shown], np.where(last == 3, tickets.closed_early[shown], NEVER))
    return {
        "closed_date": instants(closed, at),
        "first_agent_reply_date": instants(replied, at),
        "time_to_first_agent_reply": where(replied <= at, (replied - created).tolist()),
        "time_to_close": where(is_closed, (closed - created).tolist()),
        "hs_ticket_reopened_at": instants(tickets.reopened[shown], at),
        "hs_time_to_first_response_sla_at": known_instants(created + FIRST_RESPONSE_PROMISE),
        "hs_time_to_first_response_sla_status": _promise(replied, created + FIRST_RESPONSE_PROMISE, at),
        "hs_time_to_close_sla_at": known_instants(created + SOLUTION_PROMISE),
        "hs_time_to_close_sla_status": _promise(closed, created + SOLUTION_PROMISE, at),
        "hs_v2_date_entered_1": known_instants(created),
        "hs_v2_date_entered_4": instants(closed, at),
    }


def _missed(marketing: Marketing, shown: Index) -> list[Times]:
    """When a promise turns overdue, which HubSpot writes into the ticket."""
    tickets = marketing.tickets
    created = tickets.existence.created[shown]
    solved = np.minimum(tickets.closed, tickets.closed_early)[shown]
    return [
        np.where(done > created + promise, created + promise, NEVER)
        for done, promise in (
            (tickets.replied[shown], FIRST_RESPONSE_PROMISE),
            (solved, SOLUTION_PROMISE),
            (tickets.closed[shown], SOLUTION_PROMISE),
        )
    ]


def _promise(done: Times, due: Times, at: int) -> list[object]:
    """0 running, 1 overdue, 3 kept, 4 kept late."""
    late = np.where(done <= due, 3, 4)
    return [str(code) for code in np.where(done <= at, late, np.where(due <= at, 1, 0)).tolist()]


def feedback(world: World, marketing: Marketing, at: int) -> tuple[SimTable, list[Association]]:
    """Quarterly NPS answers of contacts, and CSAT answers after tickets; the rollout does not move them."""
    rng = world.rng("feedback")
    tickets = marketing.tickets
    rated = np.flatnonzero((rng.random(len(tickets.team)) < 0.04) & (tickets.closed < NEVER))
    waves = START + np.arange(1, 12) * 91 * DAY
    size = 40 * world.scale
    known = np.searchsorted(marketing.contacts.existence.created, waves)
    asked = (rng.random((11, size)) * known[:, None]).astype(np.int64).ravel()
    answered = np.repeat(waves, size) + rng.integers(0, 9 * 86400, 11 * size) * SECOND
    contact = np.concatenate([asked, marketing.ticket_contact[rated]])
    ticket = np.concatenate([np.full(len(asked), -1), rated])
    time = np.concatenate([answered, tickets.closed[rated] + rng.integers(3600, 2 * 86400, len(rated)) * SECOND])
    nps = rng.choice(11, len(time), p=[0.03, 0.02, 0.02, 0.03, 0.04, 0.06, 0.08, 0.14, 0.2, 0.19, 0.19])
    csat = rng.choice(5, len(time), p=[0.06, 0.08, 0.16, 0.35, 0.35]) + 1
    order = np.argsort(time, kind="stable")
    shown = np.flatnonzero(time[order] <= at)
    chosen = order[shown]
    ids = hubspot_ids("feedback_submissions", shown.tolist())
    is_nps = ticket[chosen] < 0
    value = np.where(is_nps, nps[chosen], csat[chosen])
    level = np.where(is_nps, (value > 6).astype(int) + (value > 8), (value > 2).astype(int) + (value > 3))
    survivor = marketing.contacts.merges.survivor(contact[chosen], at)
    contact_ids = hubspot_ids("contacts", survivor.tolist())
    kinds = where(is_nps, ["NPS"] * len(ids), "CSAT")
    people = marketing.contacts
    moves = people.merges.moves(contact[chosen]) + people.existence.comings(contact[chosen])
    moves += tickets.merges.moves(ticket[chosen]) + tickets.existence.comings(ticket[chosen])
    columns = envelope(ids, lasting(time[order]), shown, latest(at, time[chosen], *moves), at)
    columns |= {
        "hs_createdate": columns["createdAt"],
        "hs_lastmodifieddate": columns["updatedAt"],
        "hs_survey_type": kinds,
        "hs_survey_id": where(is_nps, [4101] * len(ids), 4102),
        "hs_survey_name": where(is_nps, ["Quarterly loyalty survey"] * len(ids), "After a request"),
        "hs_survey_channel": ["EMAIL"] * len(ids),
        "hs_value": value.tolist(),
        "hs_response_group": where(is_nps, pick(("DETRACTOR", "PASSIVE", "PROMOTER"), level), None),
        "hs_sentiment": pick(("NEGATIVE", "NEUTRAL", "POSITIVE"), level),
        "hs_content": pick(words.SURVEY_TEXTS, chosen),
        "hs_submission_timestamp": columns["createdAt"],
        "hs_contact_id": [int(i) for i in contact_ids],
        "hs_industry_standard_question_type": kinds,
        "hs_object_source": ["FORM"] * len(ids),
    }
    groups = where(~is_nps, pick(("UNHAPPY", "NEUTRAL", "HAPPY"), level))
    columns["hs_response_group"] = [a or b for a, b in zip(columns["hs_response_group"], groups, strict=True)]
    links = [
        Association("feedback_submissions", a, "contacts", b, type_id=98) for a, b in zip(ids, contact_ids, strict=True)
    ]
    ticket_ids = hubspot_ids("tickets", tickets.merges.survivor(ticket[chosen], at).tolist())
    links += [
        Association("feedback_submissions", a, "tickets", b, type_id=97)
        for a, b, nps_answer in zip(ids, ticket_ids, is_nps.tolist(), strict=True)
        if not nps_answer
    ]
    return table("feedback_submissions", PROPERTIES["feedback_submissions"], columns), links
