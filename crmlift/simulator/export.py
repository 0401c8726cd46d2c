"""What the simulator serves, written to files: the truth to compare an extraction with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from crmlift.simulator.company import Company, SimField, SimTable

_INSTANT = pa.timestamp("us", tz="UTC")
_ARROW = {
    "boolean": pa.bool_(),
    "bool": pa.bool_(),
    "int": pa.int64(),
    "double": pa.float64(),
    "percent": pa.float64(),
    "currency": pa.float64(),
    "number": pa.float64(),
    "date": pa.date32(),
    "datetime": _INSTANT,
}
_ENVELOPE = {
    "id": pa.string(),
    "createdAt": _INSTANT,
    "updatedAt": _INSTANT,
    "archived": pa.bool_(),
    "archivedAt": _INSTANT,
}
_HISTORY = {
    "record_id": pa.string(),
    "property": pa.string(),
    "seq": pa.int64(),
    "value": pa.string(),
    "at": _INSTANT,
    "source_type": pa.string(),
    "updated_by_user_id": pa.string(),
}
_ASSOCIATIONS = {
    "from_id": pa.string(),
    "to_object": pa.string(),
    "to_id": pa.string(),
    "category": pa.string(),
    "type_id": pa.int64(),
    "label": pa.string(),
}


def export_company(company: Company, directory: Path) -> None:
    """Write `directory/<source>/<stream>.parquet` with native names, deleted and archived rows among them, and `truth.json`.

    HubSpot histories (`<object>_history`), links in the direction they are kept (`<object>_associations`), owners,
    pipelines, pipeline_stages and login_activity are files of their own.
    """
    salesforce, hubspot = directory / "salesforce", directory / "hubspot"
    for folder in (salesforce, hubspot):
        folder.mkdir(parents=True, exist_ok=True)
    for table in company.salesforce.values():
        _write(salesforce, table.name, _types(table.fields), table.rows)
    for table in company.hubspot.values():
        _write(hubspot, table.name, _ENVELOPE | _types(table.fields), table.rows)
        if table.history:
            _write(hubspot, f"{table.name}_history", _HISTORY, list(_history_rows(table)))
    _write_links(company, hubspot)
    _write_reference(company, hubspot)
    told = {
        "company": company.name,
        "seed": company.seed,
        "as_of": company.as_of.isoformat(),
        "rollout": company.rollout,
        "truth": company.truth,
        "purged": {name: [[i, at.isoformat()] for i, at in rows] for name, rows in company.purged.items()},
    }
    text = json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True)
    (directory / "truth.json").write_text(text + "\n", encoding="utf-8")


def _types(fields: Sequence[SimField]) -> dict[str, pa.DataType]:
    return {f.name: _ARROW.get(f.type, pa.string()) for f in fields}


def _write(folder: Path, name: str, types: dict[str, pa.DataType], rows: Sequence[dict[str, Any]]) -> None:
    columns = {n: pa.array([row[n] for row in rows], type=kind) for n, kind in types.items()}
    pq.write_table(pa.table(columns), folder / f"{name}.parquet", compression="zstd")


def _history_rows(table: SimTable) -> Iterator[dict[str, Any]]:
    for record, properties in table.history.items():
        for name, entries in properties.items():
            for seq, entry in enumerate(entries):
                yield {
                    "record_id": record,
                    "property": name,
                    "seq": seq,
                    "value": entry.value,
                    "at": entry.at,
                    "source_type": entry.source_type,
                    "updated_by_user_id": entry.user_id,
                }


def _write_links(company: Company, folder: Path) -> None:
    by_type: dict[str, list[dict[str, Any]]] = {}
    for link in company.associations:
        row = {
            "from_id": link.from_id,
            "to_object": link.to_type,
            "to_id": link.to_id,
            "category": link.category,
            "type_id": link.type_id,
            "label": link.label,
        }
        by_type.setdefault(link.from_type, []).append(row)
    for name, rows in by_type.items():
        _write(folder, f"{name}_associations", _ASSOCIATIONS, rows)


def _write_reference(company: Company, folder: Path) -> None:
    """Owners, pipelines and log-ins, whose nested values become JSON text."""
    stages = [
        {"object_type": kind, "pipeline_id": pipeline["id"], **stage}
        for kind, pipelines in company.pipelines.items()
        for pipeline in pipelines
        for stage in pipeline["stages"]
    ]
    pipelines = [
        {"object_type": kind, **{k: v for k, v in pipeline.items() if k != "stages"}}
        for kind, found in company.pipelines.items()
        for pipeline in found
    ]
    for name, rows in (
        ("owners", company.owners),
        ("pipelines", pipelines),
        ("pipeline_stages", stages),
        ("login_activity", company.logins),
    ):
        if rows:
            flat = [{k: _flat(v) for k, v in row.items()} for row in rows]
            pq.write_table(pa.Table.from_pylist(flat), folder / f"{name}.parquet", compression="zstd")


def _flat(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, list | dict) else value
