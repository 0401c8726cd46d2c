"""Rows that a careless query counts, put into a copy of the published file: statements, in their order."""

from __future__ import annotations

AWKWARD_ROWS = [
]
