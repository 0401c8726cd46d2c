"""Users of the account, their teams and roles: the settings API."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from crmlift.simulator.hubspot.objects import integer, next_page
from crmlift.simulator.hubspot.portal import portal_of
from crmlift.simulator.responses import json_response

_DEFAULT_LIMIT, _MOST_A_PAGE = 100, 100


async def users(request: Request) -> Response:
    """GET /settings/v3/users?limit=&after=: who can log in; those who have left are not there."""
    query = request.query_params
    limit = min(integer(query.get("limit"), "limit", _DEFAULT_LIMIT), _MOST_A_PAGE)
    after = integer(query.get("after"), "after", 0)
    people = [p for p in portal_of(request).served.company.owners if not p.get("archived")]
    found = sorted((_user(person) for person in people), key=lambda user: int(user["id"]))
    found = [user for user in found if int(user["id"]) >= after]
    answer: dict[str, Any] = {"results": found[:limit]}
    if len(found) > limit:
        answer["paging"] = next_page(request, str(found[limit]["id"]))
    return json_response(answer)


def _user(person: dict[str, Any]) -> dict[str, Any]:
    user: dict[str, Any] = {
        "id": str(person.get("userId")),
        "email": person.get("email"),
        "firstName": person.get("firstName"),
        "lastName": person.get("lastName"),
        "roleIds": [],
        "superAdmin": False,
    }
    teams: list[dict[str, Any]] = person.get("teams") or []
    if primary := [str(team["id"]) for team in teams if team.get("primary")]:
        user["primaryTeamId"] = primary[0]
    if secondary := [str(team["id"]) for team in teams if not team.get("primary")]:
        user["secondaryTeamIds"] = secondary
    return user


async def roles(request: Request) -> Response:
    """GET /settings/v3/users/roles: this account has made none."""
    return json_response({"results": []})


async def teams(request: Request) -> Response:
    """GET /settings/v3/users/teams: all at once."""
    found: dict[str, dict[str, Any]] = {}
    for person in portal_of(request).served.company.owners:
        for team in person.get("teams") or ():
            entry = found.setdefault(
                str(team["id"]),
                {"id": str(team["id"]), "name": team["name"], "userIds": [], "secondaryUserIds": []},
            )
            entry["userIds" if team.get("primary") else "secondaryUserIds"].append(str(person.get("userId")))
    return json_response({"results": list(found.values())})
