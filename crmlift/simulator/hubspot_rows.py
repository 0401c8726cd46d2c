"""HubSpot: what every record has beside its properties, and the histories of properties."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from crmlift.simulator.clock import Flags, Index, Times, instants, known_instants
from crmlift.simulator.company import HistoryEntry
from crmlift.simulator.existence import Existence
from crmlift.simulator.rows import Column
from crmlift.simulator.world import World

History = dict[str, dict[str, list[HistoryEntry]]]

OWNER_BASE, USER_BASE = 80_400_101, 12_600_007


def owner_ids(people: Index) -> list[str | None]:
    """HubSpot owner ids of people by their position in `World.people`; None for −1."""
    return [str(OWNER_BASE + 13 * i) if i >= 0 else None for i in people.tolist()]


def user_ids(people: Index) -> list[str | None]:
    """HubSpot user ids, which differ from the owner ids; None for −1."""
    return [str(USER_BASE + 17 * i) if i >= 0 else None for i in people.tolist()]


def hubspot_people(world: World) -> Index:
    """Positions of the people who work in HubSpot."""
    return np.array([i for i, p in enumerate(world.people) if p.role != "seller"])


def envelope(ids: list[str], fate: Existence, shown: Index, modified: Times, at: int) -> dict[str, Column]:
    """The reserved keys of the shown records and hs_object_id."""
    archived = fate.is_deleted(at)[shown]
    return {
        "id": ids,
        "createdAt": known_instants(fate.created[shown]),
        "updatedAt": known_instants(modified),
        "archived": archived.tolist(),
        "archivedAt": instants(np.where(archived, fate.deleted[shown], at + 1), at),
        "hs_object_id": [int(i) for i in ids],
    }


def remember(
    history: History,
    name: str,
    ids: Sequence[str],
    steps: Sequence[tuple[Times, Sequence[str | None]]],
    at: int,
    users: Sequence[str | None],
) -> None:
    """Add the values a property took up to a moment, step by step; the first comes from the record's own source."""
    for number, (times, values) in enumerate(steps):
        source = "CRM_UI" if number else "FORM"
        moments: list[datetime | None] = instants(times, at)
        for record, moment, value, user in zip(ids, moments, values, users, strict=True):
            if moment is not None and value is not None:
                entry = HistoryEntry(value, moment, source, user if number else None)
                history.setdefault(record, {}).setdefault(name, []).append(entry)


def in_order(history: History, name: str) -> None:
    """Sort the entries of a property whose steps may come in any order."""
    for properties in history.values():
        if name in properties:
            properties[name].sort(key=lambda entry: entry.at)


def merged_into(survivor: Index, gone: Flags, ids: Sequence[str]) -> dict[int, str]:
    """Position of a surviving record → the ids that were merged into it, as `hs_merged_object_ids` gives them."""
    out: dict[int, str] = {}
    for loser in np.flatnonzero(gone).tolist():
        master = int(survivor[loser])
        out[master] = f"{out[master]};{ids[loser]}" if master in out else ids[loser]
    return out
