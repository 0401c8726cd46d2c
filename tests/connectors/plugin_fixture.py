"""The connector of docs/connectors.md, installed as a package of its own."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import pytest

from connectors import registry
from crmlift import source_settings

PAGE = Path(__file__).parents[2] / "docs" / "connectors.md"


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, value: str = "acme_helpdesk:HelpdeskConnector") -> None:
    """Write the page's module and its entry point where Python finds them."""
    (found,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    (folder / "acme_helpdesk.py").write_text(found, encoding="utf-8")
    info = folder / "acme_helpdesk-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-helpdesk\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[crmlift.connectors]\nhelpdesk = {value}\n")
    monkeypatch.syspath_prepend(str(folder))
    forget()


def forget() -> None:
    """Have entry points looked up again."""
    registry._installed.cache_clear()
    source_settings.model_of.cache_clear()


def tickets(path: Path, rows: Iterable[tuple[str, str, bool, str]]) -> None:
    """Put tickets into a helpdesk's file."""
    with sqlite3.connect(path) as opened:
        opened.execute("create table if not exists tickets (id primary key, subject, is_open, changed_at)")
        opened.executemany("insert or replace into tickets values (?, ?, ?, ?)", rows)
