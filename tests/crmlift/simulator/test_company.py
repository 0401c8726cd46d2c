"""The generated company: the same from the same seed, its planted effects in the raw rows, none in `null`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crmlift.errors import UsageFailure
from crmlift.simulator.build import build_company
from crmlift.simulator.company import Company, SimTable
from crmlift.simulator.ids import case_safe, salesforce_ids
from crmlift.simulator.scenario import COMPANIES

Row = dict[str, Any]
PAIRED = ("won_deals", "won_revenue", "win_rate", "lead_response_minutes", "first_response_minutes", "resolution_hours")


@pytest.fixture(scope="module")
def known() -> Company:
    return build_company("known")


@pytest.fixture(scope="module")
def null() -> Company:
    return build_company("null")


def _team_by_user(company: Company) -> dict[str, str]:
    roles = {r["Id"]: r["Name"] for r in company.salesforce["UserRole"].rows}
    return {str(u["Id"]): str(roles[u["UserRoleId"]]) for u in company.salesforce["User"].rows if u["UserRoleId"]}


def _learned(company: Company) -> dict[str, datetime]:
    out = {}
    for wave in company.rollout["waves"]:
        day = datetime.fromisoformat(wave["go_live"]).replace(tzinfo=ZoneInfo("Europe/Kyiv"))
        for team in wave["members"]:
            out[team] = day.astimezone(UTC) + timedelta(days=wave["learning_days"])
    return out


def _treated_deals(company: Company) -> dict[str, tuple[bool, float]]:
    """Deals closed after the learning window of the team they were created in: won, amount."""
    team, learned = _team_by_user(company), _learned(company)
    closed: dict[str, datetime] = {}
    for row in sorted(
        company.salesforce["OpportunityHistory"].rows, key=lambda r: (r["OpportunityId"], r["CreatedDate"])
    ):
        if not str(row["StageName"]).startswith("Closed"):
            closed.pop(row["OpportunityId"], None)
        else:
            closed.setdefault(row["OpportunityId"], row["CreatedDate"])
    out = {}
    for deal in company.salesforce["Opportunity"].rows:
        at = closed.get(deal["Id"])
        since = learned.get(team[str(deal["CreatedById"])])
        if at and since and at >= since and not deal["IsDeleted"] and (deal["Amount"] is None or deal["Amount"] >= 0):
            out[str(deal["Id"])] = (bool(deal["IsWon"]), float(deal["Amount"] or 0))
    return out


def _treated_waits(company: Company, table: str, start: str, end: str) -> dict[str, float]:
    """Hours from start to end of HubSpot records that began after the learning window of their first owner's team."""
    learned = _learned(company)
    team = {o["id"]: next(t["name"] for t in o["teams"] if t["primary"]) for o in company.owners}
    records: SimTable = company.hubspot[table]
    out = {}
    for row in records.rows:
        first = records.history.get(row["id"], {}).get("hubspot_owner_id")
        since = learned.get(team[first[0].value]) if first else None
        if since and row[start] and row[end] and row[start] >= since and not row["archived"]:
            out[row["id"]] = (row[end] - row[start]).total_seconds() / 3600
    return out


def test_the_same_seed_tells_the_same_life() -> None:
    """In another process too: nothing may hang on hashing or on what was built before."""
    program = (
        "import hashlib, datetime as d; from crmlift.simulator.build import build_company as b;"
        "c = b('known', as_of=d.datetime(2024, 12, 20, tzinfo=d.timezone.utc));"
        "print(hashlib.sha256(repr(c).encode()).hexdigest())"
    )
    runs = [
        subprocess.run([sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True)
        for seed in ("1", "2")
    ]
    assert runs[0].stdout == runs[1].stdout
    assert len(runs[0].stdout) == 65


def test_another_seed_tells_another_life() -> None:
    lives = [build_company("known", seed=s, as_of=datetime(2024, 12, 1, tzinfo=UTC)) for s in (7, 8)]
    first, second = ([r["CreatedDate"] for r in c.salesforce["Opportunity"].rows[:50]] for c in lives)
    assert first != second


def test_sizes(known: Company) -> None:
    rows = {name: len(t.rows) for name, t in (known.salesforce | known.hubspot).items()}
    assert 9_000 < rows["Opportunity"] < 12_000
    assert 11_000 < rows["contacts"] < 13_000
    assert 8_500 < rows["tickets"] < 10_000
    assert 24_000 < sum(rows[n] for n in ("Task", "Event", "calls", "emails", "meetings", "tasks", "notes")) < 36_000
    assert [len(w["members"]) for w in known.rollout["waves"]] == [6, 6, 6]
    assert len(known.rollout["controls"]) == 6


def test_rows_hold_exactly_the_declared_fields(known: Company) -> None:
    envelope = ["id", "createdAt", "updatedAt", "archived", "archivedAt"]
    for table in known.salesforce.values():
        assert all(list(row) == [f.name for f in table.fields] for row in table.rows)
    for table in known.hubspot.values():
        assert all(list(row) == envelope + [f.name for f in table.fields] for row in table.rows)


def test_ids_are_unique_and_references_resolve(known: Company) -> None:
    known_ids = {name: {r["Id"] for r in t.rows} for name, t in known.salesforce.items()}
    for name, table in known.salesforce.items():
        assert len(known_ids[name]) == len(table.rows)
        assert all(i == case_safe(str(i)[:15]) and str(i).startswith(table.key_prefix) for i in known_ids[name])
        for field in table.fields:
            if not field.reference_to or field.name.startswith("Master"):
                continue
            targets = set[Any]().union(*(known_ids.get(t, set()) for t in field.reference_to))
            dangling = {r[field.name] for r in table.rows if r[field.name]} - targets
            gone = {i for rows in known.purged.values() for i, _ in rows}
            assert dangling <= gone, (name, field.name, len(dangling))


def test_id_suffix_is_the_real_one() -> None:
    assert case_safe("001D000000IqhSL") == "001D000000IqhSLIAZ"
    assert len(set(salesforce_ids("006", range(20_000)))) == 20_000


def _relative(
    known: Company, null: Company, measure: Callable[[Company], dict[str, Any]], fold: Callable[..., float]
) -> float:
    """The same units in both companies (same draws): with the effect over without."""
    with_effect, without = measure(known), measure(null)
    both = with_effect.keys() & without.keys()
    assert len(both) > 1_500
    return fold([with_effect[i] for i in both]) / fold([without[i] for i in both]) - 1


def test_planted_wins_are_in_the_raw_rows(known: Company, null: Company) -> None:
    wins = _relative(known, null, _treated_deals, lambda deals: sum(won for won, _ in deals))
    revenue = _relative(known, null, _treated_deals, lambda deals: sum(a for won, a in deals if won))
    size = _relative(
        known, null, _treated_deals, lambda d: sum(a for won, a in d if won) / sum(won for won, a in d if a > 0)
    )
    assert wins == pytest.approx(0.20, abs=0.03)
    assert revenue == pytest.approx(0.20, abs=0.05)
    assert size == pytest.approx(0.0, abs=0.04)


@pytest.mark.parametrize(
    ("table", "start", "end", "effect"),
    [
        ("contacts", "hs_v2_date_entered_lead", "hs_sa_first_engagement_date", -0.35),
        ("tickets", "createdate", "first_agent_reply_date", -0.30),
        ("tickets", "createdate", "closed_date", -0.25),
        ("contacts", "hs_v2_date_entered_lead", "hs_v2_date_entered_opportunity", 0.0),
    ],
)
def test_planted_waits_are_in_the_raw_rows(
    known: Company, null: Company, table: str, start: str, end: str, effect: float
) -> None:
    def measure(company: Company) -> dict[str, float]:
        return _treated_waits(company, table, start, end)

    with_effect, without = measure(known), measure(null)
    both = with_effect.keys() & without.keys()
    assert len(both) > 500
    ratio = median(with_effect[i] for i in both) / median(without[i] for i in both)
    assert ratio - 1 == pytest.approx(effect, abs=0.01)


def test_deals_close_at_the_same_time_with_and_without_the_effect(known: Company, null: Company) -> None:
    assert _treated_deals(known).keys() == _treated_deals(null).keys()


def test_truth_tells_what_was_planted(known: Company, null: Company) -> None:
    assert known.truth["effects"]["win_rate"] == 0.20
    for kpi_id in PAIRED:
        assert known.truth["paired"][kpi_id] == pytest.approx(known.truth["effects"][kpi_id], abs=0.05)
    assert set(null.truth["effects"].values()) == {0.0}
    assert set(null.truth["paired"].values()) == {0.0}


def test_people_log_in_only_after_their_team_went_live(known: Company) -> None:
    team, learned = _team_by_user(known), _learned(known)
    people = [r for r in known.salesforce["LoginHistory"].rows if r["LoginType"] != "Remote Access 2.0"]
    assert people
    assert {team[str(r["UserId"])] for r in people} == set(learned)
    assert min(r["LoginTime"] for r in people) > known.as_of - timedelta(days=184)  # type: ignore[type-var]
    assert len(known.salesforce["LoginHistory"].rows) > len(people)
    emails = {o["email"]: o["teams"] for o in known.owners}
    assert all({t["name"] for t in emails[entry["email"]]} & set(learned) for entry in known.logins)


def test_oddities_are_there(known: Company) -> None:
    deals = known.salesforce["Opportunity"].rows
    amounts = [r["Amount"] for r in deals]
    assert None in amounts
    assert 0.0 in amounts
    assert any(a is not None and a < 0 for a in amounts)
    texts = {t for r in deals for t in (r["Description"], r["NextStep"])}
    assert {"NA", "null"} <= texts
    assert "" not in texts  # Salesforce knows no empty text
    assert any(r["hs_next_step"] == "" for r in known.hubspot["deals"].rows)
    assert any(t and "\n" in t for t in texts)
    assert any(t and len(t) > 20_000 for t in texts)
    assert any(t and "\x00" in t for t in texts)
    assert any(re.search("[а-яіїєґ]", str(r["Name"])) for r in deals)
    assert {r["CurrencyIsoCode"] for r in deals} == {"EUR", "USD", "UAH"}
    assert any(not u["IsActive"] for u in known.salesforce["User"].rows)
    assert any(o["archived"] for o in known.owners)


def _reassignments(company: Company) -> Iterator[tuple[str, str]]:
    team = _team_by_user(company)
    for row in company.salesforce["OpportunityFieldHistory"].rows:
        if row["Field"] == "Owner" and row["DataType"] == "EntityId":
            yield team[str(row["OldValue"])], team[str(row["NewValue"])]


def test_some_deals_change_hands_and_some_change_teams(known: Company) -> None:
    moves = list(_reassignments(known))
    assert len(moves) > 200
    assert 0.1 < sum(a != b for a, b in moves) / len(moves) < 0.6


def test_unknown_names_are_refused_with_the_cure() -> None:
    for refused in (lambda: build_company("acme"), lambda: build_company("known", size="huge")):
        with pytest.raises(UsageFailure) as failure:
            refused()
        assert failure.value.exit_code == 2
    with pytest.raises(UsageFailure, match="null"):
        build_company("acme")
    with pytest.raises(UsageFailure, match="2024-11"):
        build_company("known", as_of=datetime(2020, 1, 1, tzinfo=UTC))
    assert set(COMPANIES) >= {"known", "null"}
