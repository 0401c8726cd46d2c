"""Files keep the contract: the same checks as for every connector."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.conformance import Change, Subject, Trial
from connectors.conformance_checks import CHECKS
from tests.connectors.files.spreadsheets import COSTS, HEADER, source, text

ROWS = [HEADER, ("A1", "training", "2026-01-05", "100"), ("A2", "support", "2026-01-06", "50")]
ONCE_ONLY = {"windows", "resume", "storms", "secrets", "growth", "refusal"}
"""Files are read whole and in one go, do not fail now and then or refuse one of themselves, and have no secrets."""


@pytest.mark.parametrize("check", CHECKS)
def test_it_conforms(check: str, tmp_path: Path) -> None:
    (tmp_path / "costs.csv").write_text(text(ROWS))
    (tmp_path / "products.csv").write_text("product,name\nsf,One\nhs,Two\n")
    files = {
        "costs": {"path": "costs.csv", "entity": "cost_item", "columns": COSTS},
        "products": {"path": "products.csv", "entity": "crm_product", "columns": {"id": "product", "name": "name"}},
    }

    def change() -> Change:
        (tmp_path / "costs.csv").write_text(text(ROWS[:2]).replace("100", "120"))
        return Change("cost_item", frozenset({"A1"}), frozenset({"A2"}))

    subject = Subject(
        open=lambda: source(tmp_path, files), change=change, unreachable=lambda: source(tmp_path / "gone", files)
    )
    with Trial(subject) as trial:
        outcomes = {result.outcome for result in trial.results(check)}
    assert outcomes == ({"not applicable"} if check in ONCE_ONLY else {"passed"})
