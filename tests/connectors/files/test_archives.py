"""Members of an archive are named like files in a folder; equal names in two places are two files."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from connectors.errors import SettingsFailure
from connectors.files.checking import check_files
from tests.connectors.files.spreadsheets import load, source


def archive(folder: Path, **members: str) -> None:
    with zipfile.ZipFile(folder / "WE_1.ZIP", "w") as packed:
        for name, content in members.items():
            packed.writestr(f"{name}.csv", content)


def test_members_of_an_archive_are_named_like_files_in_a_folder(tmp_path: Path) -> None:
    archive(tmp_path, User="Id,Name\nU1,Ann\n", Account="Id,Name,Industry\nA1,Mill,Food\nA2,Yard,Wood\n")
    columns = {"id": "Id", "name": "Name"}
    named = source(tmp_path, {
        "users": {"path": "WE_*.ZIP/User.csv", "entity": "user", "columns": columns},
        "accounts": {"path": "WE_1.ZIP/account*.csv", "entity": "account", "columns": columns},
    })  # fmt: skip
    assert [(r.entity, r.place, r.rows) for r in check_files(named)] == [
        ("user", "WE_1.ZIP/User.csv", 1), ("account", "WE_1.ZIP/Account.csv", 2),
    ]  # fmt: skip
    unnamed = source(tmp_path, {"users": {"path": "WE_1.ZIP", "entity": "user", "columns": columns}})
    [report] = check_files(unnamed)
    assert "path: WE_1.ZIP/Account.csv" in report.refusal and "Account.csv, User.csv" in report.refusal
    with pytest.raises(SettingsFailure, match="several tables"):
        load(unnamed, tmp_path / "home")


def test_parts_of_one_export_in_an_archive_are_all_meant(tmp_path: Path) -> None:
    archive(tmp_path, a="Id,Name\nU1,Ann\n", b="Id,Name\nU2,Bo\n")
    connector = source(tmp_path, {"u": {"path": "*.ZIP", "entity": "user", "columns": {"id": "Id", "name": "Name"}}})
    assert [row["name"] for row in load(connector, tmp_path / "home").rows] == ["Ann", "Bo"]


def test_files_of_one_name_in_two_folders_are_two(tmp_path: Path) -> None:
    for folder, name in (("north", "Ann"), ("south", "Bo")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "people.csv").write_text(f"Id,Name\n{folder},{name}\n")
    entry = {"path": "**/people.csv", "entity": "user", "columns": {"id": "Id", "name": "Name"}}
    rows = load(source(tmp_path, {"u": entry}), tmp_path / "home").rows
    assert [(row["name"], row["source_file"]) for row in rows] == [
        ("Ann", "north/people.csv"),
        ("Bo", "south/people.csv"),
    ]
