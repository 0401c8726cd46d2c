"""Putting the simulator to work: which company, exported to files or served until stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crmlift.simulator.build import build_company
from crmlift.simulator.company import Company
from crmlift.simulator.export import export_company
from crmlift.simulator.given import company_from_files
from crmlift.simulator.options import ServerOptions
from crmlift.simulator.server import serve


@dataclass(frozen=True)
class SimulationSpec:
    """Which company is served. data: a folder of CSV files instead of a generated company."""

    company: str = "known"
    seed: int = 7
    size: str = "small"
    as_of: datetime | None = None
    data: Path | None = None

    def build(self) -> Company:
        """The company at its simulated present."""
        as_of = self.as_of.replace(tzinfo=UTC) if self.as_of and self.as_of.tzinfo is None else self.as_of
        if self.data is not None:
            return company_from_files(self.data, as_of=as_of)
        return build_company(self.company, seed=self.seed, size=self.size, as_of=as_of)


def export(spec: SimulationSpec, directory: Path) -> None:
    """Write what would be served, with deleted and archived rows marked."""
    export_company(spec.build(), directory)
