"""A value of the wrong kind in a mapping is told as such, with its place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.errors import SettingsFailure
from connectors.files.mapping import file_sets

GOOD: dict[str, Any] = {
    "path": "deals.csv",
    "entity": "opportunity",
    "columns": {"amount": "Amount", "status": "Status"},
}


@pytest.mark.parametrize(
    "wrong",
    [{"columns": ["amount", "status"]}, {"entity": ["opportunity"]}, {"columns": {"status": {"column": "Status", "values": ["won"]}}}],
)  # fmt: skip
def test_a_wrong_kind_is_no_bug(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsFailure) as refused:
        file_sets({"deals": GOOD | wrong}, "mapping.yml")
    assert "files.deals" in str(refused.value)


def test_the_same_without_it_is_taken() -> None:
    (found,) = file_sets({"deals": GOOD}, "mapping.yml")
    assert found.name == "deals"


def test_the_mapping_of_the_page_is_one() -> None:
    page = Path("docs/files.md").read_text(encoding="utf-8")
    example = next(block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if block.startswith("files:"))
    found = file_sets(yaml.safe_load(example)["files"], "docs/files.md")
    assert [one.name for one in found] == ["deals", "survey.q1", "survey.q2", "survey.change"]
