"""The queries of docs/queries.md by question."""

from __future__ import annotations

import re

from crmlift.places import ROOT

ASKED = {*(f"O{i}" for i in range(1, 13)), *(f"A{i}" for i in range(1, 13)), *(f"C{i}" for i in range(1, 13))}
"""Twelve questions each of operations, analysts and finance."""
FOLLOWS = "Follows with `evaluation."


def sections() -> dict[str, str]:
    """Question → what the page says of it."""
    page = (ROOT / "docs" / "queries.md").read_text(encoding="utf-8")
    return {part.split(" ", 1)[0]: part for part in page.split("\n### ")[1:]}


def queries() -> dict[str, str]:
    """Question → its SQL; questions whose tables are still to come have none."""
    found = {key: re.search(r"```sql\n(.*?)```", text, re.DOTALL) for key, text in sections().items()}
    return {key: match[1] for key, match in found.items() if match}
