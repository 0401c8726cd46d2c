"""Both forms of a Salesforce id are one record, wherever people write them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from crmlift.warehouse.record_ids import whole_id
from tests.crmlift.files_night import night

PAIRS = {
    "001M000000qfPyS": "001M000000qfPySIAU",  # published by others
    "0015g00000AbCdE": "0015g00000AbCdEAAV",
    "005000000000001": "005000000000001AAA",
    "00QZZZZZZZZZZZZ": "00QZZZZZZZZZZZZ255",
}
NOT_SHORT = ["001M000000qfPySIAU", "D-1042", "000000000012345", "ALFA-2026-00001", "001M000000qf-yS", "001M000000qfPy"]


@pytest.mark.parametrize("short", PAIRS)
def test_the_checksum_is_salesforces(short: str) -> None:
    assert duckdb.execute(f"select {whole_id('$1')}", [short]).fetchall() == [(PAIRS[short],)]


@pytest.mark.parametrize("text", NOT_SHORT)
def test_other_ids_stay_what_they_are(text: str) -> None:
    assert duckdb.execute(f"select {whole_id('$1')}", [text]).fetchall() == [(text,)]
    assert duckdb.execute(f"select {whole_id('null::varchar')}").fetchall() == [(None,)]


def test_files_that_mix_both_forms_refer_to_the_same_records(tmp_path: Path) -> None:
    """Deals come from a report (short ids), accounts and people from an export of the API (long ones)."""
    (tmp_path / "deals.csv").write_text(
        "Id,Owner,Account,Status,Sum,Closed\n"
        "0065g00000DealA,0055g00000SellA,001M000000qfPyS,won,10,2026-05-04\n"
        "0065g00000DealB,0055g00000SellAAAR,001M000000qfPySIAU,won,20,2026-05-05\n"
    )
    (tmp_path / "firms.csv").write_text("Id,Name\n001M000000qfPySIAU,Alfa\n")
    (tmp_path / "people.csv").write_text("Id,Name,Team\n0055g00000SellAAAR,Olha,North\n")
    (tmp_path / "quotas.csv").write_text("Who,From,To,Quota\n0055g00000SellA,2026-05-01,2026-06-01,30\n")
    deals = {
        "id": "Id",
        "owner": "Owner",
        "account": "Account",
        "status": "Status",
        "amount": "Sum",
        "closed_at": "Closed",
    }
    quotas = {"owner": "Who", "period_start": "From", "period_end": "To", "quota": "Quota"}
    files = {
        "deals": {"path": "deals.csv", "entity": "opportunity", "columns": deals},
        "firms": {"path": "firms.csv", "entity": "account", "columns": {"id": "Id", "name": "Name"}},
        "people": {"path": "people.csv", "entity": "user", "columns": {"id": "Id", "name": "Name", "team": "Team"}},
        "quotas": {"path": "quotas.csv", "entity": "quota", "columns": quotas},
    }
    waves = [{"id": "one", "scope": "user", "members": ["old:0055g00000SellA"], "go_live": "2026-06-01"}]
    with night(tmp_path, files, rollouts=[{"id": "crm", "waves": waves}]) as connection:
        found = connection.execute(
            "select a.name, u.full_name, u.team_id from core.opportunity as o left join core.account as a using (account_id) "
            "left join core.app_user as u on u.user_id = o.owner_id"
        ).fetchall()
        assert found == [("Alfa", "Olha", "team:north")] * 2
        users = connection.execute(
            "select user_id from core.app_user union all select owner_id from config.quota "
            "union all select scope_value from config.rollout_wave"
        ).fetchall()
    assert users == [("old:0055g00000SellAAAR",)] * 3
