"""Putting the simulator to work: which company, exported to files or served until stopped."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crmlift.errors import UsageFailure
from crmlift.simulator.build import build_company, world_of
from crmlift.simulator.company import Company
from crmlift.simulator.export import export_company
from crmlift.simulator.given import company_from_files
from crmlift.simulator.options import HS_SERVICE_KEY, SF_CLIENT_ID, SF_CLIENT_SECRET, ServerOptions
from crmlift.simulator.pipedrive.export import export_pipedrive
from crmlift.simulator.server import ServerInfo, serve
from crmlift.simulator.spreadsheets import write_spreadsheets
from crmlift.simulator.tls import make_certificate


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

    def write_files(self, company: Company, directory: Path) -> None:
        """Write what the company keeps in spreadsheets; given files have none."""
        if self.data is None:
            write_spreadsheets(company, world_of(self.company, self.seed, self.size), directory)


def _corporate_currency(company: Company) -> str:
    """The currency the org reports in."""
    table = company.salesforce.get("CurrencyType")
    rows = table.rows if table else []
    return next((str(row["IsoCode"]) for row in rows if row.get("IsCorporate")), "EUR")


def export(spec: SimulationSpec, directory: Path, *, with_pipedrive: bool = False) -> None:
    """Write what would be served, with deleted and archived rows marked; as Pipedrive, too, only if asked."""
    company = spec.build()
    export_company(company, directory)
    if with_pipedrive:
        export_pipedrive(company, directory / "pipedrive")


def serve_company(
    spec: SimulationSpec,
    *,
    host: str,
    port: int,
    certfile: Path | None,
    keyfile: Path | None,
    plain_http: bool,
    options: ServerOptions,
    on_ready: Callable[[dict[str, Any]], None],
    files: Path | None = None,
) -> None:
    """Serve until interrupted. Without certfile a self-signed pair is made for this run (unless plain_http).

    files: where to write the company's spreadsheets first. on_ready gets the address, the certificate to trust, the
    fake credentials and the rollout. Raises UsageFailure when the port is taken.
    """
    company = spec.build()
    if files is not None:
        spec.write_files(company, files)

    def tell(server: ServerInfo) -> None:
        on_ready(
            {
                "url": server.base_url,
                "ca_file": str(server.ca_file) if server.ca_file else None,
                "client_id": SF_CLIENT_ID,
                "client_secret": SF_CLIENT_SECRET,
                "access_token": HS_SERVICE_KEY,
                "company": company.name,
                "as_of": company.as_of.isoformat(),
                "rollout": dict(company.rollout),
                "currency": _corporate_currency(company),
            }
        )

    with tempfile.TemporaryDirectory(prefix="crmlift-tls-") as folder:
        if certfile is None and not plain_http:
            certfile, keyfile = make_certificate(Path(folder))
        try:
            serve(company, host, port, certfile, keyfile, options, tell)
        except OSError as problem:
            raise UsageFailure(
                f"The simulator cannot listen on {host}:{port}.", why=f"{problem.strerror or type(problem).__name__}.",
                next_step="choose another --port, or 0 for a free one",
            ) from None  # fmt: skip
