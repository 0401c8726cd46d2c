"""What a check of an effect leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from metrics.finding import Path


@dataclass(frozen=True)
class Checked:
    """against: contradictions that stop a verdict of change. caveats: what to bear in mind. diagnostics: figures.

    path: how the effect of teams went.
    """

    against: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    diagnostics: Mapping[str, Any] = field(default_factory=dict)
    path: Path | None = None

    def __add__(self, other: Checked) -> Checked:
        """Both checks' words and figures."""
        return Checked(
            self.against + other.against, self.caveats + other.caveats, {**self.diagnostics, **other.diagnostics},
            self.path or other.path,
        )  # fmt: skip
