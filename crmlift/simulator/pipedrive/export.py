"""What Pipedrive would hold, written to Parquet: the truth to compare an extraction with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from crmlift.simulator.company import Company
from crmlift.simulator.options import ServerOptions
from crmlift.simulator.pipedrive.account import LISTED, PipedriveAccount
from crmlift.simulator.served import ServedCompany, SimulatedClock


def export_pipedrive(company: Company, folder: Path) -> None:
    """Write `DIR/<stream>.parquet`: every record that is listed, deleted deals of the last 30 days among them.

    Times are the API's texts, what is nested is JSON. `leads` holds archived ones too, `deals_flow` the log of every
    deal, `deals_products` every line.
    """
    account = PipedriveAccount(ServedCompany(company, SimulatedClock(company.as_of, is_ticking=False)), ServerOptions())
    folder.mkdir(parents=True, exist_ok=True)
    for name in sorted(LISTED - {"leads", "leads/archived"}):
        _write(folder / f"{name}.parquet", account.records(name))
    _write(folder / "leads.parquet", account.records("leads") + account.records("leads/archived"))
    numbers = [row["id"] for row in account.records("deals")]
    _write(folder / "deals_products.parquet", account.deals.products(numbers))
    log = (entry for number in numbers for entry in account.deals.flow(number) or ())
    _write(folder / "deals_flow.parquet", [entry["data"] for entry in log])


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    plain = [{k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in row.items()} for row in rows]
    pq.write_table(pa.Table.from_pylist(plain), path, compression="zstd")
