"""Arrows point one way: dags → crmlift → {connectors, metrics}; a file that breaks this fails here by name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = {"dags", "crmlift", "connectors", "metrics"}
ALLOWED = {
    "dags": OURS,
    "crmlift": {"crmlift", "connectors", "metrics"},
    "connectors": {"connectors"},
    "metrics": {"metrics"},
}
FORBIDDEN = {
    "crmlift": {"airflow"},
    "connectors": {"airflow", "duckdb"},
    "metrics": {"airflow", "duckdb", "requests", "pydantic"},
}
NO_SQL_NO_HTTP = {"duckdb", "requests", "sqlglot"}
DIFF_DIFF_ADAPTER = {"diff_diff", "pandas"}


def imports(path: Path) -> Iterator[str]:
    """Top-level names of every import in a file, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("room", sorted(OURS))
def test_imports_point_one_way(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        for name in set(imports(path))
        if (name in OURS and name not in ALLOWED[room]) or name in FORBIDDEN.get(room, set())
    ]
    assert wrong == []


def test_dags_are_wiring_only() -> None:
    wrong = [
        f"{path.name} imports {name}"
        for path in (ROOT / "dags").glob("*.py")
        for name in imports(path)
        if name in NO_SQL_NO_HTTP
    ]
    assert wrong == []


def test_one_adapter_holds_diff_diff() -> None:
    holders = {p.name for p in (ROOT / "metrics").glob("*.py") if DIFF_DIFF_ADAPTER & set(imports(p))}
    assert len(holders) == 1, holders
