"""The generated company: one life, told up to any moment, with the planted effects in it or with none."""

from datetime import UTC, datetime

import pytest

from crmlift.errors import UsageFailure
from crmlift.simulator.build import build_company

EARLIER, LATER = datetime(2026, 10, 26, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def known():
    return build_company("known", as_of=LATER)


@pytest.fixture(scope="module")
def week_before():
    return build_company("known", as_of=EARLIER)


def test_the_same_seed_lives_the_same_life(known):
    again = build_company("known", as_of=LATER)
    assert again.salesforce["Opportunity"].rows == known.salesforce["Opportunity"].rows
    assert again.hubspot["tickets"].rows == known.hubspot["tickets"].rows
    assert again.hubspot["tickets"].history == known.hubspot["tickets"].history
    assert again.truth == known.truth


def test_another_seed_lives_another(known):
    other = build_company("known", seed=8, as_of=LATER)
    assert other.salesforce["Opportunity"].rows != known.salesforce["Opportunity"].rows


@pytest.mark.parametrize(
    ("system", "name", "key", "deleted", "stamp"),
    [
        ("salesforce", "Opportunity", "Id", "IsDeleted", "SystemModstamp"),
        ("hubspot", "tickets", "id", "archived", "updatedAt"),
    ],
)
def test_a_week_later_records_are_new_changed_and_deleted(known, week_before, system, name, key, deleted, stamp):
    old = {row[key]: row for row in getattr(week_before, system)[name].rows}
    new = {row[key]: row for row in getattr(known, system)[name].rows}
    assert new.keys() - old.keys()
    both = old.keys() & new.keys()
    assert any(new[i][stamp] > old[i][stamp] for i in both)
    assert any(new[i][deleted] and not old[i][deleted] for i in both)
    assert all(row[stamp] <= LATER for row in new.values())
    assert all(row[stamp] <= EARLIER for row in old.values())


def test_what_does_not_move_the_stamp_does_not_change(known, week_before):
    """Incremental extraction by SystemModstamp must see every change of a field that is not calculated."""
    calculated = {f.name for f in known.salesforce["Opportunity"].fields if f.is_calculated}
    old = {row["Id"]: row for row in week_before.salesforce["Opportunity"].rows}
    unseen = [
        row["Id"]
        for row in known.salesforce["Opportunity"].rows
        if row["Id"] in old
        and row["SystemModstamp"] == old[row["Id"]]["SystemModstamp"]
        and any(value != old[row["Id"]][name] for name, value in row.items() if name not in calculated)
    ]
    assert unseen == []


def test_the_planted_effects_are_in_the_sample(known):
    planted, realised = known.truth["effects"], known.truth["paired"]
    for kpi in ("lead_response_minutes", "first_response_minutes", "resolution_hours"):
        assert planted[kpi] < 0
        assert realised[kpi] == pytest.approx(planted[kpi], abs=0.01)
    for kpi in ("win_rate", "won_revenue", "cohort_win_rate"):
        assert planted[kpi] == 0.2
        assert realised[kpi] == pytest.approx(planted[kpi], abs=0.05)
    assert known.truth["recording"]["activity_capture_rate_after"] > 0.5
    assert known.truth["recording"]["activity_capture_rate_before"] < 0.3


def test_the_null_company_has_no_effect():
    null = build_company("null", as_of=LATER).truth
    assert set(null["effects"].values()) == {0.0}
    assert set(null["paired"].values()) == {0.0}


@pytest.mark.parametrize("moment", [datetime(2026, 11, 2), datetime(2020, 1, 1, tzinfo=UTC)])
def test_a_moment_outside_its_life_is_a_usage_failure(moment):
    with pytest.raises(UsageFailure):
        build_company("known", as_of=moment)


@pytest.mark.parametrize("wrong", [{"name": "nobody"}, {"name": "known", "size": "huge"}])
def test_unknown_names_are_usage_failures(wrong):
    with pytest.raises(UsageFailure, match=wrong.get("size", wrong["name"])):
        build_company(**wrong)
