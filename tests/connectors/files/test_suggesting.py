"""A first mapping from header and sample: what it knows loads as it is, what it cannot know it asks for."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.errors import ExpectedFailure, SettingsFailure
from connectors.files.connector import open_files
from connectors.files.suggesting import suggest
from tests.connectors.files.spreadsheets import load, source


def test_a_first_mapping_loads_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "Витрати 2026.csv"
    path.write_text("Витрати\n\nСтаття;З;По;Сума, €\nНавчання;01.01.2026;31.01.2026;1 250,00\n", encoding="cp1251")
    found = suggest(str(path))
    assert (found.entity, found.unmapped) == ("cost_item", ())
    done = load(source(Path("/"), yaml.safe_load("files:\n" + found.text)["files"]), tmp_path / "home")
    assert [(row["period_end"], float(row["amount"])) for row in done.rows] == [(date(2026, 2, 1), 1250.0)]


@pytest.mark.parametrize(
    ("header", "entity", "mapped"),
    [
        ("Назва;Сума;Дата створення;Дата закриття;Етап;Відповідальний;Клієнт;Команда;Валюта", "opportunity",
         "name amount created_at closed_at status owner account team currency"),
        ("№;Угода;Компанія;Менеджер;Вартість угоди;Статус;Відкрито;Завершено;Джерело", "opportunity",
         "- name account owner amount status created_at closed_at lead_source"),
        ("Позначка часу;Електронна пошта;Підрозділ;Чи порекомендуєте нас?;Чому?", "survey_response",
         "responded_at respondent team question comment"),
        ("Дата;Тип опитування;Оцінка;Коментар;Клієнт", "survey_response", "responded_at survey_kind score comment account"),
        ("Номер звернення;Статус;Клієнт;Створено;Перша відповідь;Вирішено;Виконавець;Пріоритет", "ticket",
         "id status account created_at first_response_at closed_at owner priority"),
        ("Стаття;Місяць;Сума;Валюта;Рахунок", "cost_item", "category period_start amount currency source_ref"),
    ],
)  # fmt: skip
def test_ukrainian_headers_are_understood(header: str, entity: str, mapped: str, tmp_path: Path) -> None:
    cells = {"Чи порекомендуєте нас?": "9", "Оцінка": "9", "Тип опитування": "NPS", "Статус": "Виграно"}
    row = ";".join(cells.get(name, "02.03.2026") for name in header.split(";"))
    (tmp_path / "a.csv").write_text(f"{header}\n{row}\n")
    found = suggest(str(tmp_path / "a.csv"))
    [entry] = yaml.safe_load("files:\n" + found.text)["files"].values()
    entry["columns"].pop("audience", None)
    columns = {name if isinstance(name, str) else name["from"]: target for target, name in entry["columns"].items()}
    for question in entry.get("questions", ()):
        columns |= {question["score"]: "question", question.get("comment", ""): "comment"}
    assert (found.entity, [columns.get(name, "-") for name in header.split(";")]) == (entity, mapped.split())


def test_words_nobody_knows_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("deal id,stage,amount\n1,Gewonnen,5\n2,won,6\n")
    found = suggest(str(tmp_path / "d.csv"), "opportunity")
    assert "values: {Gewonnen: '???'}" in found.text and "each is one of won, lost, open" in found.text
    with pytest.raises(ExpectedFailure, match="no entity"):
        suggest(str(tmp_path / "d.csv"), "deal")


def test_what_a_first_mapping_leaves_open_is_asked_for_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("deal id,stage,created,closed\n1,Gewonnen,03/04/2025,2025-05-01\n")
    (tmp_path / "m.yml").write_text("# mine\nfiles:\n" + suggest(str(tmp_path / "d.csv"), "opportunity").text)
    asked = [n for n, line in enumerate((tmp_path / "m.yml").read_text().splitlines(), 1) if "'???'" in line]
    with pytest.raises(SettingsFailure) as told:
        open_files("sheets", {"mapping": str(tmp_path / "m.yml")}, {})
    places = "files.d.columns.status.values.Gewonnen, files.d.columns.created_at.date_format"
    assert len(asked) == 2 and told.value.what == f"The mapping is not filled in: ??? stands for {places}."
    assert told.value.where == f"{tmp_path / 'm.yml'}, line {asked[0]}, {asked[1]}"
    (tmp_path / "d.csv").write_text("deal id,amount\n1,5\n")
    assert "status: '???'  # needed" in suggest(str(tmp_path / "d.csv"), "opportunity").text


def mapped(text: str, tmp_path: Path, entity: str | None = None) -> tuple[dict[str, Any], str]:
    """The entry that a first mapping of a file has, and its text."""
    (tmp_path / "export.csv").write_text(text)
    found = suggest(str(tmp_path / "export.csv"), entity)
    [entry] = yaml.safe_load("files:\n" + found.text)["files"].values()
    return entry, found.text


def test_a_report_of_salesforce_has_no_id_and_its_owner_is_none(tmp_path: Path) -> None:
    header = "Opportunity Owner,Account Name,Opportunity Name,Stage,Fiscal Period,Amount,Probability (%),Created Date,Close Date"
    rows = ["Ann Ash,Mill Ltd,Roof,Closed Won,Q1-2026,1500.00,100,13/11/2025,25/01/2026",
            "Bo Birch,Yard Ltd,Fence,Prospecting,Q1-2026,700.50,10,14/11/2025,26/01/2026"]  # fmt: skip
    entry, text = mapped("\n".join([header, *rows]) + "\n", tmp_path)
    assert entry["entity"] == "opportunity" and "id" not in entry["columns"] and "no id" in text
    columns = {target: name for target, name in entry["columns"].items() if isinstance(name, str)}
    assert columns["owner"] == "Opportunity Owner" and columns["name"] == "Opportunity Name"
    assert (columns["status"], columns["closed_at"], columns["probability"]) == (
        "Stage",
        "Close Date",
        "Probability (%)",
    )


def test_an_export_of_hubspot_is_known_by_its_record_id(tmp_path: Path) -> None:
    header = "Record ID,Deal Name,Deal Stage,Close Date,Deal owner,Amount,Create Date,Associated Company,Pipeline"
    rows = [f"90{n},Roof {n},{stage},2026-01-2{n} 10:00,Ann Ash,{n}00.5,2025-11-1{n} 09:00,Mill Ltd,Sales"
            for n, stage in enumerate(("Closed Won", "Appointment Scheduled", "Closed Lost"))]  # fmt: skip
    entry, text = mapped("\n".join([header, *rows]) + "\n", tmp_path)
    assert "???" not in text and entry["entity"] == "opportunity"
    assert entry["columns"]["id"] == "Record ID" and entry["columns"]["account"] == "Associated Company"


@pytest.mark.parametrize(("ids", "told"), [("7,7,8", "repeats 1 times"), ("7,,8", "is empty 1 times")])
def test_an_id_that_is_none_is_asked_for(ids: str, told: str, tmp_path: Path) -> None:
    rows = [f"{one},won,5.5,2026-01-0{n + 1}" for n, one in enumerate(ids.split(","))]
    entry, text = mapped("\n".join(["Deal ID,Stage,Amount,Close Date", *rows]) + "\n", tmp_path)
    assert entry["columns"]["id"] == "???" and told in text


@pytest.mark.parametrize(
    ("question", "more", "audience"),
    [
        ("How likely are you to recommend the CRM to a colleague?", "", "employee"),
        ("How likely are you to recommend our product to a friend?", "", "customer"),
        ("How likely are you to recommend us?", ",Company", "customer"),
        ("How likely are you to recommend us?", "", "???"),
        ("How likely are you to recommend us to a friend or colleague?", "", "customer"),
        ("Would you recommend the new tool to a colleague (your team included)?", "", "employee"),
        ("Наскільки ви задоволені новою системою на роботі?", "", "employee"),
    ],
)
def test_who_was_asked_is_told_by_the_question_or_asked(
    question: str, more: str, audience: str, tmp_path: Path
) -> None:
    rows = [f"2026-03-0{n},{n + 3}{',Mill' if more else ''}" for n in range(1, 5)]
    entry, _ = mapped("\n".join([f"Timestamp,{question}{more}", *rows]) + "\n", tmp_path)
    assert entry["entity"] == "survey_response" and entry["columns"]["audience"] == {"constant": audience}
    if "recommend" in question:
        assert [one["kind"] for one in entry["questions"]] == ["enps" if audience == "employee" else "nps"]


def test_a_matrix_of_criteria_is_no_list_of_companies(tmp_path: Path) -> None:
    text = "Criterion,Salesforce,HubSpot,Pipedrive\nMobile app,5,4,3\nReports,4,3,3\nPrice,2,4,5\n"
    with pytest.raises(SettingsFailure, match="matrix: criteria down"):
        mapped(text, tmp_path)


def test_both_readings_stand_beside_the_question(tmp_path: Path) -> None:
    rows = "Deal ID,Stage,Amount,Close Date\n1,won,1.500,03/04/2026\n2,won,800,05/06/2026\n"
    entry, text = mapped(rows, tmp_path)
    assert entry["columns"]["amount"] == {"from": "Amount", "decimal": "???"}
    assert ".: 1.500 is 1.5; ,: 1.500 is 1,500" in text
    assert "DD/MM/YYYY: 03/04/2026 is 3 April 2026; MM/DD/YYYY: 03/04/2026 is 4 March 2026" in text


def test_the_currency_of_all_amounts_is_mapped(tmp_path: Path) -> None:
    entry, _ = mapped('Deal ID,Stage,Amount\n1,won,"1 500,50 грн"\n2,won,"800,00 грн"\n', tmp_path)
    assert entry["columns"]["currency"] == {"constant": "UAH"}
