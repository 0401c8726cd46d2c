"""Files as a source: found, unpacked, mapped, followed when they change, and passed through when they are plain."""

from __future__ import annotations

import gzip
import io
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from connectors.contract import Window
from connectors.errors import ExpectedFailure, SettingsFailure
from connectors.files import passing
from connectors.files.checking import check_files
from connectors.landing import LandingZone
from crmlift.extract import extract_source
from crmlift.settings import Places, Settings
from crmlift.settings_file import Loaded
from crmlift.warehouse.load import load_landed
from crmlift.warehouse.store import work_database
from tests.connectors.files.spreadsheets import HEADER, costs, load, source, text

ROWS = [HEADER, ("A1", "training", "2026-01-05", "100"), ("A2", "support", "2026-01-06", "50")]
DEALS = {
    "id": "deal", "status": "stage", "team": "branch", "amount": "amount", "created_at": "created", "closed_at": "closed",
}  # fmt: skip


def test_packed_files_and_folders_are_read_alike(tmp_path: Path) -> None:
    plain = text(ROWS).encode()
    (tmp_path / "a.csv").write_bytes(plain)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(plain.replace(b"\nA", b"\nB")))
    (tmp_path / "c.csv.zst").write_bytes(zstandard.compress(plain.replace(b"\nA", b"\nC")))
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as packed:
        packed.writestr("inside/d.csv", plain.replace(b"\nA", b"\nD"))
        packed.writestr("readme.md", "not a table")
    pq.write_table(
        pa.table({"Doc": ["E1"], "Item": ["support"], "From": [date(2026, 1, 7)], "Amount": [7.5]}),
        tmp_path / "e.parquet",
    )
    (tmp_path / "f.jsonl").write_text('{"Doc": "F1", "Item": "support", "From": "2026-01-07", "Amount": 8}\n')
    (tmp_path / "g.json").write_text('[{"Doc": "G1", "Item": "support",\n "From": "2026-01-07", "Amount": null}]')
    (tmp_path / "~$a.csv").write_text("a lock file of an office program")
    done = load(costs(tmp_path, "*"), tmp_path / "home")
    assert [row["id"] for row in done.rows] == ["A1", "A2", "B1", "B2", "C1", "C2", "D1", "D2", "E1", "F1", "G1"]
    assert {row["source_file"] for row in done.rows if row["id"] in ("D1", "E1")} == {"d.zip/inside/d.csv", "e.parquet"}


def test_addresses_are_read_through_fsspec(tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/costs/one.csv", text(ROWS).encode())
    memory.pipe("/costs/two.csv", text([HEADER, ("B1", "support", "2026-01-07", "1")]).encode())
    done = load(costs(tmp_path, "memory://costs/*.csv"), tmp_path)
    assert [row["id"] for row in done.rows] == ["A1", "A2", "B1"]


def test_a_corrected_row_replaces_and_a_removed_file_is_marked(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text(text(ROWS))
    (tmp_path / "two.csv").write_text(text([HEADER, ("B1", "support", "2026-01-07", "1")]))
    load(costs(tmp_path, "*.csv"), tmp_path / "home")
    (tmp_path / "one.csv").write_text(text(ROWS).replace("100", "120"))
    (tmp_path / "two.csv").unlink()
    done = load(costs(tmp_path, "*.csv"), tmp_path / "home", "r2")
    assert [(row["id"], float(row["amount"])) for row in done.rows] == [("A1", 120.0), ("A2", 50.0)]
    assert done.deleted == 1
    again = load(costs(tmp_path, "*.csv"), tmp_path / "home", "r3")
    assert (again.deleted, again.kept, len(again.rows)) == (0, 2, 2)
    (tmp_path / "one.csv").unlink()
    assert load(costs(tmp_path, "*.csv"), tmp_path / "home", "r4").rows == []


def test_equal_rows_without_a_key_are_all_kept(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text([HEADER[1:], *(["training", "2026-01-05", "100"],) * 3]))
    columns = {"category": "Item", "period_start": "From", "amount": "Amount"}
    connector = source(tmp_path, {"costs": {"path": "a.csv", "entity": "cost_item", "columns": columns}})
    assert len(load(connector, tmp_path / "home").rows) == 3


def _loaded(folder: Path) -> Loaded:
    files = {
        "costs": {
            "path": "*.csv",
            "entity": "cost_item",
            "columns": {"id": "Doc", "category": "Item", "period_start": "From"},
        }
    }
    given = {"sources": {"sheets": {"type": "files", "path": str(folder), "files": files}}}
    return Loaded(Settings.model_validate(given), folder / "crmlift.yml", given, Places(folder / "home"))


def test_what_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text(ROWS))
    loaded = _loaded(tmp_path)
    runs = [extract_source(loaded, "sheets", run_id="r1").rows, extract_source(loaded, "sheets", run_id="r2").rows]
    (tmp_path / "a.csv").write_text(text(ROWS[:2]))
    runs += [extract_source(loaded, "sheets", run_id="r3").rows, extract_source(loaded, "sheets", run_id="r4").rows]
    runs += [extract_source(loaded, "sheets", run_id="r5", full=True).rows]
    assert runs == [2, 0, 1, 0, 1]


def test_a_named_file_that_is_missing_keeps_its_rows_and_stops_no_other(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(text(ROWS))
    files = {
        "costs": {"path": "a.csv", "entity": "cost_item", "columns": {"category": "Item", "period_start": "From"}},
        "products": {"path": "b.csv", "entity": "crm_product", "columns": {"id": "Doc"}},
    }
    given = {"sources": {"sheets": {"type": "files", "path": str(tmp_path), "files": files}}}
    loaded = Loaded(Settings.model_validate(given), tmp_path / "crmlift.yml", given, Places(tmp_path / "home"))
    extract_source(loaded, "sheets", run_id="r1")
    (tmp_path / "a.csv").unlink()
    (tmp_path / "b.csv").write_text(text(ROWS[:2]))
    with pytest.raises(ExpectedFailure, match="of costs is not there"):
        extract_source(loaded, "sheets", run_id="r2")
    with work_database(loaded.places.warehouse) as connection:
        load_landed(connection, LandingZone(loaded.places.landing).manifests(), run_id="r")
        live = connection.execute(
            "select (select count(*) from raw_files.cost_item where not _deleted), "
            "(select count(*) from raw_files.crm_product where not _deleted)"
        ).fetchone()
    assert live == (2, 1)


def test_paths_are_relative_to_the_settings_file(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "a.csv").write_text(text(ROWS))
    (tmp_path / "m.yml").write_text("files: {p: {path: a.csv, entity: crm_product, columns: {id: Doc}}}")
    given = {"sources": {"sheets": {"type": "files", "path": "exports", "mapping": "m.yml"}}}
    loaded = Loaded(Settings.model_validate(given), tmp_path / "crmlift.yml", given, Places(tmp_path / "home"))
    assert extract_source(loaded, "sheets", run_id="r1").rows == 2


def test_what_is_no_longer_mapped_is_gone(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text(ROWS))
    extract_source(_loaded(tmp_path), "sheets", run_id="r1")
    products = {"path": "*.csv", "entity": "crm_product", "columns": {"id": "Doc"}}
    given = {"sources": {"sheets": {"type": "files", "path": str(tmp_path), "files": {"products": products}}}}
    other = Loaded(Settings.model_validate(given), tmp_path / "crmlift.yml", given, Places(tmp_path / "home"))
    rows = [extract_source(other, "sheets", run_id=run_id).rows for run_id in ("r2", "r3")]
    manifests = LandingZone(other.places.landing).manifests()
    with work_database(other.places.warehouse) as connection:
        load_landed(connection, manifests, run_id="r")
        live = connection.execute(
            "select (select count(*) from raw_files.cost_item where not _deleted), (select count(*) from raw_files.crm_product)"
        ).fetchone()
    assert (rows, len(manifests), live) == ([2, 0], 3, (0, 2))


def _deals(rows: int) -> str:
    lines = ["deal,stage,branch,amount,created,closed,colour"]
    lines += [
        f"D{n},{('won', 'Lost', 'OPEN')[n % 3]},Branch {n % 7},{n}.5,2025-01-{n % 28 + 1:02d},,red" for n in range(rows)
    ]
    return "\n".join(lines) + "\n"


def _read(folder: Path, content: str) -> tuple[list[dict[str, Any]], int, bool]:
    (folder / "deals.csv").write_text(content)
    connector = source(folder, {"deals": {"path": "deals.csv", "entity": "opportunity", "columns": DEALS}})
    done = load(connector, folder / "home")
    is_plain = connector.schema("opportunity").fields[0].label == "deal"
    return done.rows, done.rejected, is_plain


def test_a_large_plain_file_passes_through_and_means_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    carefully, _, is_plain = _read(tmp_path / "a" if (tmp_path / "a").mkdir() is None else tmp_path, _deals(500))
    assert not is_plain
    monkeypatch.setattr(passing, "LARGE_BYTES", 1000)
    monkeypatch.setattr(passing, "PART_BYTES", 3000)
    (tmp_path / "b").mkdir()
    through, rejected, is_plain = _read(tmp_path / "b", _deals(500))
    assert is_plain and rejected == 0 and through[0]["colour"] == "red"
    shown = ("id", "amount", "created_date", "closed_date")
    assert [[row[name] for name in shown] for row in through] == [[row[name] for name in shown] for row in carefully]


@pytest.mark.parametrize(
    ("spoil", "rejected"),
    [
        (lambda text: text.replace("D450,", '"D450",'), 0),
        (lambda text: text.replace("Branch 2", '"Branch, ""2"""').replace(",red", ',"r\ned"'), 0),
        (lambda text: text.replace(",red", ',"red"').replace("D450,won,Branch 2,450.5,", 'D450,won,"Branch 2",'), 1),
        (lambda text: text.replace(",red", ',r"e"d'), 0),
        (lambda text: text.replace("D450,won", "D450,won,extra").replace("D451,Lost,", "D451,"), 2),
        (lambda text: text.replace("D450,won,Branch 2,450.5", "D450,won,Branch 2,many"), 1),
    ],
)
def test_a_file_that_only_seems_plain_is_read_with_care(
    spoil: Any, rejected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passing, "LARGE_BYTES", 1000)
    monkeypatch.setattr(passing, "PART_BYTES", 3000)
    rows, found, _ = _read(tmp_path, spoil(_deals(500)))
    assert (len(rows), found) == (500 - rejected, rejected)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"path": "a.csv", "entity": "oportunity"}, "did you mean 'opportunity'"),
        ({"path": "a.csv", "entity": "cost_item", "columns": {"categry": "Item"}}, "did you mean 'category'"),
        ({"path": "a.csv", "entity": "cost_item", "columns": {"amount": "Amount"}}, "needs category, period_start"),
        ({"path": "a.csv", "entity": "cost_item", "colums": {}}, "did you mean 'columns'"),
        (
            {"path": "a.csv", "entity": "cost_item", "columns": {"category": {"constant": "lisence"}}},
            "did you mean 'licence'",
        ),
        ({"entity": "cost_item"}, "names no files"),
        ({"path": "a.csv", "entity": "cost_item", "columns": {"amount": {"from": "A", "constant": "1"}}}, "either"),
    ],
)
def test_a_mapping_that_cannot_be_says_which_key(entry: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsFailure, match=told):
        source(tmp_path, {"costs": entry})


def test_value_maps_constants_defaults_and_scales(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Kind;When;Thousands\nSchulung;03/04/2026;1,5\nSonstiges;04/04/2026;\n")
    columns = {
        "category": {"from": "Kind", "values": {"schulung": "training"}, "default": "other"},
        "period_start": {"from": "When", "date_format": "DD/MM/YYYY"},
        "amount": {"from": "Thousands", "scale": 1000, "default": "0"},
        "currency": {"constant": "EUR"},
    }
    rows = load(
        source(tmp_path, {"costs": {"path": "a.csv", "entity": "cost_item", "columns": columns}}), tmp_path / "home"
    ).rows
    found = sorted((row["category"], row["period_start"], float(row["amount"]), row["currency"]) for row in rows)
    assert found == [("other", date(2026, 4, 4), 0.0, "EUR"), ("training", date(2026, 4, 3), 1500.0, "EUR")]


@pytest.mark.parametrize(
    ("rows", "end"),
    [
        ([("01.01.2026", "31.01.2026"), ("01.02.2026", "28.02.2026")], date(2026, 2, 1)),
        ([("2026-01-01", "2026-02-01"), ("2026-02-01", "2026-03-01")], date(2026, 2, 1)),
        ([("06.10.2025", "16.11.2025"), ("17.11.2025", "")], date(2025, 11, 17)),
    ],
)
def test_ends_of_periods_become_the_day_after(rows: list[tuple[str, str]], end: date, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text([("From", "To", "Seats"), *((*row, "5") for row in rows)]))
    columns = {"valid_from": "From", "valid_to": "To", "seats": "Seats"}
    connector = source(tmp_path, {"seats": {"path": "a.csv", "entity": "licence_seat", "columns": columns}})
    found = load(connector, tmp_path / "home").rows
    assert min(row["valid_to"] for row in found if row["valid_to"]) == end


def test_the_clock_is_the_day_of_the_export(tmp_path: Path) -> None:
    files = {"costs": {"path": "a.csv", "entity": "cost_item", "columns": {"category": "Item", "period_start": "From"}}}
    assert source(tmp_path, files, as_of="2024-01-31").clock() == datetime(2024, 1, 31, tzinfo=UTC)
    [finding] = source(tmp_path, files).findings()
    assert (finding.rule_id, finding.object) == ("missing_object", "costs")
    [report] = check_files(source(tmp_path, files))
    assert report.refusal


def test_a_folder_that_is_not_mounted_deletes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ExpectedFailure, match="folder of the files is not there"):
        costs(tmp_path / "gone", "*.csv").fingerprint(costs(tmp_path, "*.csv").schema("cost_item"))
    with pytest.raises(SettingsFailure, match="no time zone"):
        source(
            tmp_path, {"costs": {"path": "*.csv", "entity": "crm_product", "columns": {"id": "Doc"}}}, timezone="Kiew"
        )


def test_reading_needs_no_window(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text(ROWS))
    connector = costs(tmp_path, "a.csv")
    schema = connector.schema("cost_item")
    [page] = connector.read(schema, Window(None, connector.clock()), None)
    [body] = page.body
    assert page.rows == 2 and io.BytesIO(body).readline().decode().strip().split(",") == [f.name for f in schema.fields]


def test_rows_of_one_id_that_differ_fail_the_check(tmp_path: Path) -> None:
    (tmp_path / "export-9.csv").write_text("No,Stage,Changed\nA,open,2026-01-05\nB,won,2026-01-05\n")
    (tmp_path / "export-10.csv").write_text("No,Stage,Changed\nA,won,2026-02-05\nB,won,2026-01-05\n")
    entry = {"path": "export-*.csv", "entity": "opportunity", "columns": {"id": "No", "status": "Stage"}}
    reports = check_files(source(tmp_path, {"d": entry}))
    assert [(r.repeated_keys, r.contradictory_keys) for r in reports] == [(0, 0), (1, 1)]
    dated = {**entry, "columns": {**entry["columns"], "modified_at": "Changed"}}  # type: ignore[dict-item]
    connector = source(tmp_path, {"d": dated})
    assert [(r.repeated_keys, r.contradictory_keys) for r in check_files(connector)] == [(0, 0), (2, 0)]
    assert connector.schema("opportunity").version_field == "modified_at"
    assert [row["status"] for row in load(connector, tmp_path / "home").rows] == ["won", "won"]
