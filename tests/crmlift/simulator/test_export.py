"""The export holds what is served: marked deletions, links seen from both ends, histories oldest first."""

import json
from collections import Counter
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from crmlift.errors import UsageFailure
from crmlift.simulator.export import export_company
from crmlift.simulator.hubspot.portal import inverse_type_id
from tests.crmlift.simulator.small_company import DEALS, OPPORTUNITIES, small_company


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("export")
    export_company(small_company(), place)
    return place


def rows(folder, stream):
    return pq.read_table(folder / f"{stream}.parquet").to_pylist()


def test_deleted_and_archived_rows_are_there_and_marked(folder):
    opportunities = rows(folder, "salesforce/Opportunity")
    deals = rows(folder, "hubspot/deals")
    assert Counter(row["IsDeleted"] for row in opportunities) == {True: OPPORTUNITIES // 10, False: 3_889}
    assert len(deals) == DEALS
    assert sum(row["archived"] for row in deals) == DEALS // 50
    assert all((row["archivedAt"] is not None) == row["archived"] for row in deals)


def test_values_keep_their_types_and_odd_texts_their_characters(folder):
    given = {row["Id"]: row for row in small_company().salesforce["Opportunity"].rows}
    for row in rows(folder, "salesforce/Opportunity"):
        source = given[row["Id"]]
        assert row["Amount"] == (None if source["Amount"] is None else Decimal(str(source["Amount"])))
        for name in ("CloseDate", "CreatedDate", "Description", "AccountId", "IsWon"):
            assert row[name] == source[name]


def test_links_stand_in_both_directions_but_not_those_of_archived_records(folder):
    company = small_company()
    forward = rows(folder, "hubspot/deals_associations")
    back = rows(folder, "hubspot/contacts_associations")
    expected = {(a.from_id, a.to_id, a.type_id, a.label) for a in company.associations}
    mirrored = {(a.to_id, a.from_id, inverse_type_id(a), a.label) for a in company.associations}
    assert {(r["from_id"], r["to_id"], r["type_id"], r["label"]) for r in forward} == expected
    assert {(r["from_id"], r["to_id"], r["type_id"], r["label"]) for r in back} == mirrored

    deal = company.associations[0].from_id
    next(row for row in company.hubspot["deals"].rows if row["id"] == deal)["archived"] = True
    export_company(company, folder / "archived")
    assert deal not in {r["from_id"] for r in rows(folder, "archived/hubspot/deals_associations")}


def test_histories_run_from_the_oldest_value(folder):
    changes = [r for r in rows(folder, "hubspot/deals_history") if r["record_id"] == "9000000007"]
    assert [(r["property"], r["seq"], r["value"], r["updated_by_user_id"]) for r in changes] == [
        ("dealstage", 0, "new", None),
        ("dealstage", 0, "won", "12"),
    ]
    assert changes[0]["at"] < changes[1]["at"]


def test_reference_streams(folder):
    owners, stages = rows(folder, "hubspot/owners"), rows(folder, "hubspot/pipeline_stages")
    assert [owner["archived"] for owner in owners] == [False, False, True]
    assert json.loads(owners[0]["teams"]) == [{"id": "7", "name": "Nord", "primary": True}]
    assert [(s["stage_id"], s["is_closed"], s["probability"]) for s in stages] == [
        ("new", False, 0.2),
        ("won", True, 1.0),
    ]
    assert [p["pipeline_id"] for p in rows(folder, "hubspot/pipelines")] == ["default"]


def test_truth_tells_what_is_gone_for_good(folder):
    truth = json.loads((folder / "truth.json").read_text())
    assert truth["purged"]["Opportunity"][0][0] == "006Sm0000099999AAA"


def test_a_file_is_no_place_for_an_export(tmp_path):
    place = tmp_path / "taken"
    place.write_text("")
    with pytest.raises(UsageFailure, match="is a file"):
        export_company(small_company(), place)
