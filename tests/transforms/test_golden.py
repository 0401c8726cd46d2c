"""The core models on small sources: tests/transforms/golden/<model>/<case>/ (see tests/golden.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmlift.sql_models import lineage
from crmlift.sql_runner import run_models
from tests.golden import PARAMETERS, compare, folders, give, models, warehouse

ROOT = Path(__file__).parent / "golden"


@pytest.mark.parametrize("folder", folders(ROOT), ids=lambda p: str(p.relative_to(ROOT)))
def test_model(folder: Path) -> None:
    target = f"core.{folder.parent.name}"
    with warehouse() as connection:
        given = give(connection, folder)
        upstream = lineage(models(), target).names()
        needed = [m for m in models() if m.name in upstream and not m.is_view and m.name not in given]
        run_models(connection, needed, PARAMETERS, "golden")
        compare(connection, f"select * from {target}", folder, {})
