"""A large file means what a small one means: what passes through untouched loads as if it had been read with care."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.errors import SettingsFailure
from connectors.files import passing
from tests.connectors.files.spreadsheets import load, source

COLUMNS = {
    "id": "deal", "status": "stage", "amount": "amount", "created_at": "created", "owner": "owner",
    "probability": "chance", "expected_close": "due",
}  # fmt: skip
PLAIN = {
    "stage": ("won", "Lost", "OPEN"), "amount": ("1.5", "12.50", "1.500", "800", "-3.25"),
    "created": ("2025-01-31", "2024-02-29"), "owner": ("Ann", "Ёж", ""), "chance": ("0.2", "1", ""), "due": ("2025-03-01", ""),
}  # fmt: skip
SPOILED = {
    "stage": ("", "Closed won", "who knows", "won "),
    "amount": ("1_000", "1,5", "1e3", "many", "", " 7", "1.234.567", "12345678901234567890.5"),
    "created": ("2025-02-30", "0024-05-01", "12025-05-01", "2025-05-01 10:00", "01/02/2025", "45000", ""),
    "owner": (" Ann", "1.23457E+11", "#N/A", "12345678901234567", "7.0", "n/a"),
    "chance": ("20", "20 %", "x"),
    "due": ("soon", "31.12.2025"),
}


@st.composite
def files(draw: st.DrawFn) -> str:
    """Deals, most of them plain, a few cells of one column not."""
    count = draw(st.integers(8, 40))
    rows = [{name: draw(st.sampled_from(cells)) for name, cells in PLAIN.items()} for _ in range(count)]
    for _ in range(draw(st.integers(0, 2))):
        name = draw(st.sampled_from(sorted(SPOILED)))
        rows[draw(st.integers(0, count - 1))][name] = draw(st.sampled_from(SPOILED[name]))
    lines = [",".join(["deal", *PLAIN])]
    for number, row in enumerate(rows):
        cells = [f'"{cell}"' if "," in cell else cell for cell in row.values()]
        lines.append(
            ",".join([f"D{number}" if draw(st.integers(0, 60)) else draw(st.sampled_from(("", "Total", "D0"))), *cells])
        )
    return "\n".join(lines) + "\n"


def _read(content: str, folder: Path) -> tuple[list[dict[str, Any]], int, bool] | str:
    """Rows as they load, how many are rejected, whether the file passed through; or the question."""
    folder.mkdir()
    (folder / "deals.csv").write_text(content, encoding="utf-8")
    connector = source(folder, {"deals": {"path": "deals.csv", "entity": "opportunity", "columns": COLUMNS}})
    is_plain = connector.schema("opportunity").fields[0].label == "deal"
    try:
        done = load(connector, folder / "home")
    except SettingsFailure as asked:
        return asked.what
    keys = ("id", "status", "amount", "created_date", "created_at", "owner", "probability", "expected_close")
    rows = [{k: str(row[k]).lower() if k == "status" else row.get(k) for k in keys} for row in done.rows]
    return rows, done.rejected, is_plain


@pytest.mark.parametrize("part_bytes", [120, 24 * 1024 * 1024])
@settings(max_examples=16, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(content=files())
def test_the_meaning_of_a_row_does_not_depend_on_the_size_of_its_file(part_bytes: int, content: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        small = _read(content, Path(name) / "small")
        with patch.object(passing, "LARGE_BYTES", 1), patch.object(passing, "PART_BYTES", part_bytes):
            large = _read(content, Path(name) / "large")
    if isinstance(small, str) or isinstance(large, str):
        assert small == large
        return
    assert large[:2] == small[:2]


def test_plain_files_do_pass_through(tmp_path: Path) -> None:
    lines = [f"D{n},won,{n}.25,2025-01-{n % 28 + 1:02d},Ann,0.5,2025-06-01" for n in range(50)]
    content = "\n".join([",".join(["deal", *PLAIN]), *lines]) + "\n"
    with patch.object(passing, "LARGE_BYTES", 1):
        found = _read(content, tmp_path / "a")
    assert not isinstance(found, str) and found[2] and len(found[0]) == 50
