"""What the requests to the simulated portal share: object types, tables, associations, tokens, limits."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from starlette.requests import Request

from crmlift.simulator.company import Association, SimField, SimTable
from crmlift.simulator.hubspot.errors import HubSpotError
from crmlift.simulator.hubspot.object_types import ObjectType, custom_type, standard_type
from crmlift.simulator.hubspot.rate_limits import RateLimiter
from crmlift.simulator.options import HS_PORTAL_ID, HS_REFRESH_TOKEN, HS_SERVICE_KEY, ServerOptions
from crmlift.simulator.served import Row, ServedCompany, ServedTable

_MOST_SEARCHES = 64
_MOST_TOKENS = 2_000

AssociationKind = tuple[str, int, str | None]  # category, type id, label
Links = dict[str, dict[str, list[AssociationKind]]]  # from id → to id → kinds
_ODD_INVERSES = {578: 579, 579: 578, 609: 610, 610: 609}


class HubSpotPortal:
    """The state behind `/crm`, `/oauth`, `/account-info` and the rest."""

    def __init__(self, served: ServedCompany, options: ServerOptions) -> None:
        self.served, self.options = served, options
        self.limiter = RateLimiter(options.rate_limits)
        self.access_tokens: OrderedDict[str, None] = OrderedDict({HS_SERVICE_KEY: None})
        self.refresh_tokens = {HS_REFRESH_TOKEN}
        self.searches: OrderedDict[Any, list[Row]] = OrderedDict()
        self._links: dict[tuple[str, str], Links] = {}
        self._links_of = (0, 0)

    def custom_types(self) -> list[ObjectType]:
        """Types of the company's objects that HubSpot does not bring along."""
        names = sorted(name for name in self.served.hubspot if standard_type(name) is None)
        return [custom_type(name, number) for number, name in enumerate(names)]

    def object_type(self, name: str) -> ObjectType:
        """A type by any of its names; the vendor's 400 for an unknown one."""
        found = standard_type(name)
        if found is None:
            names = {name, name.removeprefix("p_"), name.removeprefix(f"p{HS_PORTAL_ID}_")}
            found = next((k for k in self.custom_types() if k.plural in names or k.type_id in names), None)
        if found is None:
            raise HubSpotError(400, f"Unable to infer object type from: {name}")
        return found

    def table(self, kind: ObjectType) -> ServedTable:
        """The records of a type; an empty table where the company has none."""
        found = self.served.hubspot.get(kind.plural)
        return found if found is not None else ServedTable(SimTable(kind.plural, default_fields(kind), []), "id")

    def records(self, kind: ObjectType) -> ServedTable:
        """The records of a type to hand out; the 400 of one that is withheld for good."""
        if kind.plural in self.options.refused:
            raise HubSpotError(400, f"There was a problem with the request for {kind.plural}")
        return self.table(kind)

    def links(self, from_type: ObjectType, to_type: ObjectType) -> Links:
        """Associations between two types as seen from the first."""
        return self.all_links().get((from_type.plural, to_type.plural), {})

    def all_links(self) -> dict[tuple[str, str], Links]:
        """(from type, to type) → associations; each stands in both directions."""
        self._index_links()
        return self._links

    def _index_links(self) -> None:
        stamp = (self.served.generation, len(self.served.company.associations))
        if stamp == self._links_of:
            return
        gone = {
            (name, str(row["id"]))
            for name, table in self.served.hubspot.items()
            for row in table.rows
            if row.get("archived")
        }
        self._links = {}
        for link in self.served.company.associations:
            ends = ((link.from_type, link.from_id), (link.to_type, link.to_id))
            if not gone.isdisjoint(ends):
                continue
            self._add(*ends[0], *ends[1], (link.category, link.type_id, link.label))
            self._add(*ends[1], *ends[0], (link.category, inverse_type_id(link), link.label))
        self._links_of = stamp

    def _add(self, from_type: str, from_id: str, to_type: str, to_id: str, kind: AssociationKind) -> None:
        kinds = self._links.setdefault((from_type, to_type), {}).setdefault(from_id, {}).setdefault(to_id, [])
        if kind not in kinds:
            kinds.append(kind)

    def keep_search(self, key: Any, rows: list[Row]) -> None:
        """Remember a search's result for its next pages."""
        self.searches[key] = rows
        while len(self.searches) > _MOST_SEARCHES:
            self.searches.popitem(last=False)

    def open_token(self) -> str:
        """A new OAuth access token."""
        token = f"CSim{secrets.token_urlsafe(32)}"
        self.access_tokens[token] = None
        while len(self.access_tokens) > _MOST_TOKENS:
            self.access_tokens.popitem(last=False)
            self.access_tokens.setdefault(HS_SERVICE_KEY)
        return token

    def expire(self, token: str) -> None:
        """An OAuth token has had its half hour; service keys do not expire."""
        if token != HS_SERVICE_KEY:
            self.access_tokens.pop(token, None)

    def accepts(self, token: str) -> bool:
        """Whether a bearer token is good."""
        return token in self.access_tokens


def inverse_type_id(link: Association) -> int:
    """The type id seen from the other end; HubSpot numbers the two directions side by side."""
    if link.category != "HUBSPOT_DEFINED":
        return link.type_id
    number = link.type_id
    return _ODD_INVERSES.get(number, number + 1 if number % 2 else number - 1)


def default_fields(kind: ObjectType) -> tuple[SimField, ...]:
    """Properties that every record of a type has."""
    return tuple(SimField(name, "datetime" if name.endswith("date") else "string") for name in kind.defaults)


def portal_of(request: Request) -> HubSpotPortal:
    """The portal the request is for."""
    portal = request.app.state.hubspot
    assert isinstance(portal, HubSpotPortal)
    return portal


def type_of(request: Request, name: str = "object_type") -> ObjectType:
    """The object type named in the path."""
    return portal_of(request).object_type(request.path_params[name])


def names_of(values: Iterable[str]) -> tuple[str, ...]:
    """Names from repeated and comma-separated query parameters, in order, once each."""
    return tuple(dict.fromkeys(name for value in values for name in value.split(",") if name))
