"""Files all the way: published figures from them, surveys scored, inputs in their tables, figures from before."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from connectors.files.suggesting import suggest
from crmlift import sql_runner
from crmlift.places import MODELS
from tests.crmlift.files_night import AS_OF, DATA, PEOPLE, USERS, night, value


def test_maven_as_files_gives_the_published_figures(tmp_path: Path) -> None:
    """Won 4,238 of 6,711 closed deals for 10,005,534: mapped by `connectors map`, two lines edited."""
    folder = DATA / "maven_crm"
    if not folder.exists():
        pytest.skip(f"{folder} is not here")
    text = "files:\n" + "".join(
        suggest(str(folder / name)).text for name in ("sales_pipeline.csv", "sales_teams.csv", "accounts.csv")
    )
    edits = {
        "      created_at: engage_date": '      created_at: {from: engage_date, default: "2016-10-20"}',
        "      manager: manager": "      team: manager",
    }
    for line, edited in edits.items():
        assert text.count(line) == 1
        text = text.replace(line, edited)
    (tmp_path / "home").mkdir()
    files = yaml.safe_load(text)["files"]
    with night(tmp_path, files, kpis=("win_rate", "won_revenue"), as_of=datetime(2018, 1, 1, tzinfo=UTC)) as connection:
        assert value(connection, "win_rate", 2017)[:2] == (4238, 6711)
        assert value(connection, "won_revenue", 2017)[2:] == (10_005_534, 4238, "legacy")
        teams = connection.execute("select count(distinct team_id) from core.opportunity").fetchone()
        industries = connection.execute(
            "select count(*) from core.opportunity as o join core.account as a using (account_id) where a.industry is not null"
        ).fetchone()
        assert (teams, industries) == ((6,), (8800 - 1425,))


def test_the_conference_survey_gives_its_published_score(tmp_path: Path) -> None:
    """39 answers, 8 promoters, 22 detractors: NPS −35.9."""
    path = DATA / "nps_survey" / "input_02.csv"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    files = yaml.safe_load("files:\n" + suggest(str(path)).text)["files"]
    with night(tmp_path, files, kpis=("nps",)) as connection:
        numerator, _, score, n, origin = value(connection, "nps", 2019)
        assert (round(score, 1), numerator, n, origin) == (-35.9, 8 - 22, 39, "survey")
        system = connection.execute("select system from core.source_instance").fetchone()
        assert system == ("survey",)


SUS = [f"S{n}" for n in range(1, 11)]


def test_surveys_are_scored_and_their_rates_known(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE)
    header = ["When", "Mail", "Branch", "Recommend", *SUS, "U1", "U2", "Wish", "About"]
    answers = [
        ["02.03.2026 10:00", "olha@example.com", "", "9", *["5", "1"] * 5, "6", "7", "Fewer fields", "data entry"],
        ["03.03.2026 10:00", "", "South", "3", *["3"] * 9, "", "2", "", "", ""],
    ]
    (tmp_path / "wide.csv").write_text("".join(";".join(row) + "\n" for row in [header, *answers]))
    (tmp_path / "long.csv").write_text(
        "id,type,who,score,at\n1,CSAT,a@b.c,4,2026-03-02\n2,CES,a@b.c,7,2026-03-02\n3,NPS,,10,2026-03-05\n"
    )
    (tmp_path / "asked.csv").write_text("Mail,Sent\nolha@example.com,2026-03-01\npetro@example.com,2026-03-01\n")
    files = {
        "people": USERS,
        "wide": {
            "path": "wide.csv", "entity": "survey_response",
            "columns": {"responded_at": "When", "respondent": "Mail", "team": "Branch", "wave": {"constant": "2026-03"}},
            "questions": [
                {"kind": "enps", "score": "Recommend"}, {"kind": "sus", "items": SUS},
                {"kind": "tam_pu", "items": ["U1", "U2"]}, {"kind": "pulse", "id": "wish", "comment": "Wish", "theme": "About"},
            ],
        },
        "long": {
            "path": "long.csv", "entity": "survey_response",
            "columns": {"id": "id", "survey_kind": "type", "respondent": "who", "score": "score", "responded_at": "at"},
        },
        "asked": {
            "path": "asked.csv", "entity": "survey_invitation",
            "columns": {"respondent": "Mail", "sent_at": "Sent", "survey_kind": {"constant": "sus"}, "wave": {"constant": "2026-03"}},
        },
    }  # fmt: skip
    with night(tmp_path, files) as connection:
        found = connection.execute(
            "select survey_kind, audience, score, scale_max, team_id, is_anonymous, theme from core.survey_response "
            "order by survey_kind, score desc nulls last"
        ).fetchall()
        asked = connection.execute("select count(*), count(response_id) from core.survey_invitation").fetchone()
        keys = connection.execute("select count(distinct respondent_key) from core.survey_response").fetchone()
    assert found == [
        ("ces", "customer", 7, 7, None, False, None),
        ("csat", "customer", 4, 5, None, False, None),
        ("enps", "employee", 9, 10, "team:north", False, None),
        ("enps", "employee", 3, 10, "team:south", True, None),
        ("nps", "customer", 10, 10, None, True, None),
        ("pulse", "customer", None, None, "team:north", False, "data entry"),
        ("sus", "employee", 100, 100, "team:north", False, None),
        ("sus", "employee", None, 100, "team:south", True, None),
        ("tam_pu", "employee", 6.5, 7, "team:north", False, None),
        ("tam_pu", "employee", 2, 7, "team:south", True, None),
    ]
    assert asked == (2, 1)
    assert keys == (6,)  # Olha, a@b.c, and each anonymous answer is somebody else


def test_inputs_come_from_the_settings_and_from_files(tmp_path: Path) -> None:
    (tmp_path / "costs.csv").write_text(
        "Doc;Item;From;To;Amount;Currency;Hours;Rate\n"
        "c1;training;01.01.2026;31.01.2026;9 999,00;;;\nc2;licence;01.02.2026;28.02.2026;100,50;UAH;;\n"
        "c3;internal labour;01.03.2026;31.03.2026;;;10;20,5\n"
    )
    columns = {
        "id": "Doc", "category": "Item", "period_start": "From", "period_end": "To", "amount": "Amount", "currency": "Currency",
        "hours": "Hours", "hourly_rate": "Rate",
    }  # fmt: skip
    settings = {
        "rollouts": [{"id": "crm", "waves": [{"id": "w", "members": ["North"], "go_live": "2026-02-02"}]}],
        "costs": [{"id": "c1", "rollout": "crm", "category": "training", "period_start": "2026-01-01", "amount": 500}],
        "benefits": [{"id": "b", "rollout": "crm", "kpi": "won_revenue", "mechanism": "margin", "unit_value": 0.3}],
        "benchmarks": [
            {"id": "x", "kpi": "win_rate", "publisher": "Somebody", "source_url": "https://example.com", "value": 0.4}
        ],
    }
    with night(
        tmp_path, {"costs": {"path": "costs.csv", "entity": "cost_item", "columns": columns}}, **settings
    ) as connection:
        costs = connection.execute(
            "select cost_id, rollout_id, cast(period_end as varchar), cast(amount_base as double), currency_code "
            "from config.cost_item order by all"
        ).fetchall()
        counts = connection.execute(
            "select (select count(*) from config.benefit_item), (select count(*) from config.benchmark)"
        ).fetchone()
    assert costs == [
        ("c1", "crm", "2026-02-01", 500.0, "EUR"),  # the settings come first
        ("c2", "crm", "2026-03-01", None, "UAH"),  # no source gives a rate: unknown, not a number
        ("c3", "crm", "2026-04-01", 205.0, "EUR"),
    ]
    assert counts == (1, 1)


def test_figures_from_before_keep_their_comparability(tmp_path: Path) -> None:
    (tmp_path / "before.csv").write_text(
        "kpi_id,period_start,period_end,segment_key,numerator,denominator,value,n,comparability\n"
        "win_rate,2024-01-01,2024-12-31,all,50,200,,200,same\n"
        "win_rate,2023-01-01,2023-12-31,all,,,0.3,,adjusted\n"
        "nps,2024-01-01,2024-03-31,team:north,20,100,,100,not_comparable\n"
    )
    names = ("kpi_id", "period_start", "period_end", "numerator", "denominator", "value", "n", "comparability")
    columns = {name: name for name in names} | {"segment": "segment_key"}
    files = {"before": {"path": "before.csv", "entity": "legacy_kpi_period", "columns": columns}}
    with night(tmp_path, files, kpis=("win_rate", "nps")) as connection:
        found = connection.execute(
            "select kpi_id, period_grain, cast(period_start as varchar), segment_dim, segment_value, value, status, is_mature "
            "from metrics.kpi_value where data_origin = 'legacy_aggregate' order by all"
        ).fetchall()
        models = [m for m in sql_runner.load_models(MODELS) if m.name == "evaluation.legacy_comparison"]
        connection.execute(
            "insert into config.rollout_wave by name select 'w' as wave_id, date '2025-02-03' as go_live_date, "
            "'r' as rollout_id, 'team' as scope_type, 'team:north' as scope_value, false as is_control"
        )
        connection.execute(
            "insert into metrics.kpi_value by name select 'win_rate' as kpi_id, 'year' as period_grain, "
            "date '2025-01-01' + interval 1 year as period_start, 'all' as segment_dim, 'all' as segment_value, "
            "'all' as source_id, 0.35 as value, 400 as n, true as is_mature, 'crm' as data_origin"
        )
        sql_runner.run_models(connection, models, {"as_of": AS_OF}, "r")
        compared = connection.execute(
            "select kpi_id, legacy_value, round(change, 2), verdict, reason from evaluation.legacy_comparison order by legacy_start, kpi_id"
        ).fetchall()
    assert compared == [
        ("win_rate", 0.3, 0.05, "inconclusive", "a figure without n: a point comparison only"),
        ("nps", 20.0, None, "not_comparable", "it was measured in another way"),
        ("win_rate", 0.25, 0.1, "inconclusive", "one figure from before knows neither a trend nor controls"),
    ]
    assert found == [
        ("nps", "quarter", "2024-01-01", "team", "team:north", 20.0, "not_comparable", False),
        ("win_rate", "year", "2023-01-01", "all", "all", 0.3, "point_only", True),
        ("win_rate", "year", "2024-01-01", "all", "all", 0.25, "ok", True),
    ]


def test_records_of_an_old_system_stand_in_core(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE)
    (tmp_path / "t.csv").write_text(
        "no,state,who,opened,answered,closed\n1,Solved,olha@example.com,02.03.2026 09:00,02.03.2026 10:30,03.03.2026 09:00\n"
        "2,pending,petro@example.com,02.03.2026 09:00,,\n"
    )
    (tmp_path / "l.csv").write_text("no,got,called,deal\n7,2026-03-02 09:00,2026-03-02 09:20,d1\n8,2026-03-02,,\n")
    (tmp_path / "a.csv").write_text("kind,who,at\ncall,olha@example.com,2026-03-02 09:30\n")
    files = {
        "people": USERS,
        "tickets": {
            "path": "t.csv", "entity": "ticket",
            "columns": {"id": "no", "status": "state", "owner": "who", "created_at": "opened", "first_response_at": "answered", "closed_at": "closed"},
        },
        "leads": {
            "path": "l.csv", "entity": "lead",
            "columns": {"id": "no", "created_at": "got", "first_touch_at": "called", "opportunity": "deal"},
        },
        "talks": {"path": "a.csv", "entity": "activity", "columns": {"type": "kind", "owner": "who", "occurred_at": "at"}},
    }  # fmt: skip
    with night(tmp_path, files) as connection:
        tickets = connection.execute(
            "select native_id, status, team_id, date_diff('minute', created_at, first_response_at), closed_at is not null "
            "from core.ticket order by 1"
        ).fetchall()
        leads = connection.execute(
            "select native_id, status_group, date_diff('minute', created_at, first_touch_at), lead_basis, created_at "
            "from core.lead order by 1"
        ).fetchall()
        users = connection.execute(
            "select count(*) filter (is_human), count(*) filter (is_licensed) from core.app_user"
        ).fetchone()
        [activity] = connection.execute(
            "select type, owner_id, is_completed, is_automated from core.activity"
        ).fetchall()
    assert tickets == [("1", "closed", "team:north", 90, True), ("2", "waiting", "team:south", None, False)]
    assert [lead[:4] for lead in leads] == [("7", "converted", 20, "legacy"), ("8", "new", None, "legacy")]
    assert leads[1][4].astimezone(UTC) == datetime(2026, 3, 1, 22, tzinfo=UTC)  # a day begins at midnight in Kyiv
    assert (users, activity) == ((2, 0), ("call", "old:olha@example.com", True, False))


def test_quotas_name_their_owner_as_people_do(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE + "Petro,petro.second@example.com,South\n")
    owners = ("olha@example.com", "OLHA", "Petro", "old:petro@example.com", "nobody", "")
    (tmp_path / "quotas.csv").write_text(
        "who,from,plan\n" + "".join(f"{owner},2026-0{n},100\n" for n, owner in enumerate(owners, 1))
    )
    quotas = {
        "path": "quotas.csv", "entity": "quota", "columns": {"owner": "who", "period_start": "from", "quota": "plan"},
    }  # fmt: skip
    with night(tmp_path, {"people": USERS, "quotas": quotas}) as connection:
        found = connection.execute("select owner_id from config.quota order by period_start").fetchall()
    olha = "old:olha@example.com"
    assert [owner for (owner,) in found] == [olha, olha, "Petro", "old:petro@example.com", "nobody", None]
