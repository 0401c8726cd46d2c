"""A company written to Parquet: what a faultless extraction of both CRMs would hold, to compare real ones with."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from crmlift.errors import UsageFailure
from crmlift.simulator.company import Company, SimTable
from crmlift.simulator.hubspot.portal import HubSpotPortal
from crmlift.simulator.options import ServerOptions
from crmlift.simulator.served import ServedCompany, SimulatedClock

Record = Mapping[str, Any]
Columns = Mapping[str, pa.DataType]

_TEXT, _WHOLE, _NUMBER, _FLAG = pa.string(), pa.int64(), pa.float64(), pa.bool_()
_INSTANT, _DAY, _MONEY = pa.timestamp("us", tz="UTC"), pa.date32(), pa.decimal128(18, 4)
_CENTS = Decimal("0.0001")
_TYPES: Columns = {
    "datetime": _INSTANT, "date": _DAY, "boolean": _FLAG, "bool": _FLAG, "currency": _MONEY, "double": _NUMBER,
    "percent": _NUMBER, "number": _NUMBER, "int": _WHOLE,
}  # fmt: skip
_ENVELOPE: Columns = {
    "id": _TEXT, "createdAt": _INSTANT, "updatedAt": _INSTANT, "archived": _FLAG, "archivedAt": _INSTANT,
}  # fmt: skip
_ASSOCIATIONS: Columns = {
    "from_id": _TEXT, "to_object": _TEXT, "to_id": _TEXT, "category": _TEXT, "type_id": _WHOLE, "label": _TEXT,
}  # fmt: skip
_HISTORY: Columns = {
    "record_id": _TEXT, "property": _TEXT, "seq": _WHOLE, "value": _TEXT, "at": _INSTANT, "source_type": _TEXT,
    "updated_by_user_id": _TEXT,
}  # fmt: skip
_OWNERS: Columns = {
    "id": _TEXT, "email": _TEXT, "firstName": _TEXT, "lastName": _TEXT, "userId": _TEXT, "archived": _FLAG,
    "createdAt": _INSTANT, "updatedAt": _INSTANT, "type": _TEXT, "teams": _TEXT,
}  # fmt: skip
_PIPELINES: Columns = {
    "object_type": _TEXT, "pipeline_id": _TEXT, "label": _TEXT, "display_order": _WHOLE, "archived": _FLAG,
}  # fmt: skip
_STAGES: Columns = {
    "object_type": _TEXT, "pipeline_id": _TEXT, "stage_id": _TEXT, "label": _TEXT, "display_order": _WHOLE,
    "is_closed": _FLAG, "probability": _NUMBER, "ticket_state": _TEXT, "archived": _FLAG,
    "created_at": _INSTANT, "updated_at": _INSTANT, "archived_at": _INSTANT,
}  # fmt: skip
_LOGINS: Columns = {
    "id": _TEXT, "loginAt": _INSTANT, "userId": _TEXT, "email": _TEXT, "loginSucceeded": _FLAG,
}  # fmt: skip


def export_company(company: Company, directory: Path) -> None:
    """Write `DIR/<salesforce|hubspot>/<stream>.parquet` and `DIR/truth.json`.

    Native names; money as DECIMAL(18,4), instants in UTC. Deleted and archived rows are there, marked by IsDeleted or
    archived. HubSpot's `<object>_history` holds the properties that keep one (`seq` counts the values of one instant),
    `<object>_associations` the links as both ends are served them (none of archived records). Raises UsageFailure when
    `directory` is a file.
    """
    if directory.exists() and not directory.is_dir():
        raise UsageFailure(
            f"{directory} is a file.", why="The export is a folder of files.", next_step="name a folder, new or empty"
        )
    for table in company.salesforce.values():
        _write(directory / "salesforce", table.name, _columns(table), table.rows)
    if company.hubspot or company.owners:
        _export_hubspot(company, directory / "hubspot")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "truth.json").write_text(json.dumps(_truth(company), indent=2, ensure_ascii=False, default=_plain))


def _export_hubspot(company: Company, folder: Path) -> None:
    served = ServedCompany(company, SimulatedClock(company.as_of, is_ticking=False))
    links = _links(HubSpotPortal(served, ServerOptions()))
    for table in company.hubspot.values():
        columns = {**_columns(table), **_ENVELOPE}
        _write(folder, table.name, {name: columns[name] for name in (*_ENVELOPE, *columns)}, table.rows)
        _write(folder, f"{table.name}_associations", _ASSOCIATIONS, links.get(table.name, []))
        _write(folder, f"{table.name}_history", _HISTORY, list(_history(table)))
    _write(folder, "owners", _OWNERS, company.owners)
    _write(folder, "pipelines", _PIPELINES, list(_pipelines(company)))
    _write(folder, "pipeline_stages", _STAGES, list(_stages(company)))
    _write(folder, "login_activity", _LOGINS, company.logins)


def _columns(table: SimTable) -> Columns:
    return {field.name: _TYPES.get(field.type, _TEXT) for field in table.fields}


def _write(folder: Path, stream: str, columns: Columns, rows: Sequence[Record]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    arrays = [pa.array(_values(kind, [row.get(name) for row in rows]), kind) for name, kind in columns.items()]
    written = pa.Table.from_arrays(arrays, schema=pa.schema(list(columns.items())))
    pq.write_table(written, folder / f"{stream}.parquet", compression="zstd")


def _values(kind: pa.DataType, values: list[Any]) -> list[Any]:
    if kind == _MONEY:
        return [None if v is None else Decimal(str(v)).quantize(_CENTS) for v in values]
    if kind == _NUMBER:
        return [_number(v) for v in values]
    if kind == _INSTANT:
        return [None if v is None else _instant(v) for v in values]
    if kind == _TEXT:
        return [v if v is None or isinstance(v, str) else _text(v) for v in values]
    return values


def _number(value: Any) -> float | None:
    """A number; what somebody else wrote into a number property is none."""
    try:
        return None if value is None else float(value)
    except ValueError:
        return None


def _instant(value: str | datetime) -> datetime:
    return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)


def _text(value: Any) -> str:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=_plain)
    return str(_plain(value))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _links(portal: HubSpotPortal) -> dict[str, list[Record]]:
    """Object type → its associations as it is served them."""
    out: dict[str, list[Record]] = {}
    for (from_type, to_type), links in sorted(portal.all_links().items()):
        out.setdefault(from_type, []).extend(
            dict(zip(_ASSOCIATIONS, (from_id, to_type, to_id, *kind), strict=True))
            for from_id, linked in links.items()
            for to_id, kinds in linked.items()
            for kind in kinds
        )
    return out


def _history(table: SimTable) -> Iterator[Record]:
    for record_id, properties in table.history.items():
        for name, entries in properties.items():
            seen: Counter[Any] = Counter()
            for entry in entries:
                seq, seen[entry.at] = seen[entry.at], seen[entry.at] + 1
                yield {
                    "record_id": record_id, "property": name, "seq": seq, "value": entry.value, "at": entry.at,
                    "source_type": entry.source_type, "updated_by_user_id": entry.user_id,
                }  # fmt: skip


def _pipelines(company: Company) -> Iterator[Record]:
    for object_type, pipeline in _each_pipeline(company):
        yield {
            "object_type": object_type, "pipeline_id": pipeline["id"], "label": pipeline["label"],
            "display_order": pipeline["displayOrder"], "archived": pipeline["archived"],
        }  # fmt: skip


def _stages(company: Company) -> Iterator[Record]:
    for object_type, pipeline in _each_pipeline(company):
        for stage in pipeline["stages"]:
            known = stage["metadata"]
            is_closed = known.get("isClosed")
            yield {
                "object_type": object_type, "pipeline_id": pipeline["id"], "stage_id": stage["id"],
                "label": stage["label"], "display_order": stage["displayOrder"],
                "is_closed": None if is_closed is None else is_closed == "true",
                "probability": known.get("probability"), "ticket_state": known.get("ticketState"),
                "archived": stage["archived"], "created_at": stage.get("createdAt"),
                "updated_at": stage.get("updatedAt"), "archived_at": stage.get("archivedAt"),
            }  # fmt: skip


def _each_pipeline(company: Company) -> Iterable[tuple[str, dict[str, Any]]]:
    return ((object_type, p) for object_type, pipelines in company.pipelines.items() for p in pipelines)


def _truth(company: Company) -> dict[str, Any]:
    return {
        "company": company.name,
        "seed": company.seed,
        "as_of": company.as_of,
        "rollout": company.rollout,
        "truth": company.truth,
        "purged": company.purged,
    }
