"""A first mapping from header and sample: what it knows loads as it is, what it cannot know it asks for."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from connectors.errors import ExpectedFailure, SettingsFailure
from connectors.files.connector import open_files
from connectors.files.suggesting import suggest
from tests.connectors.files.spreadsheets import load, source


def test_a_first_mapping_loads_as_it_is(tmp_path: Path) -> None:
    import yaml

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
    import yaml

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
