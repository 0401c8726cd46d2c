"""One company, built once for the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crmlift.published_fixture import build


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("published") / "analytics.duckdb")
