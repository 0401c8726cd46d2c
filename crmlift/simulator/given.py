"""A company from given CSV files, served as Salesforce objects: `company_from_files`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from crmlift.errors import UsageFailure
from crmlift.simulator.clock import DEFAULT_AS_OF
from crmlift.simulator.company import Company, SimField, SimTable, Value
from crmlift.simulator.given_layout import mapped_tables, read_layout, shipped_layout
from crmlift.simulator.given_values import Raw, fits, infer, parse, read_rows
from crmlift.simulator.ids import KEY_PREFIX, salesforce_ids
from crmlift.simulator.sales_fields import FIELDS

MAPPING = "mapping.yml"


def company_from_files(directory: Path, *, as_of: datetime | None = None, mapping: Path | None = None) -> Company:
    """The CSV files of a directory as a Salesforce org; it has no HubSpot, no rollout and no known truth.

    With `mapping` (or `mapping.yml` in the directory, or the file names of a shipped layout) the files may have any
    layout; otherwise each is named as its object, `Opportunity.csv`, and its header gives the fields. as_of only sets
    the clock: the files are served as they are. Raises UsageFailure for missing, unreadable or unsuitable files.
    """
    if not directory.is_dir():
        raise UsageFailure("There is no such folder of data files.", where=str(directory), next_step="correct --data")
    own = directory / MAPPING
    layout = read_layout(mapping or own) if mapping or own.is_file() else shipped_layout(directory)
    if layout:
        tables = mapped_tables(layout, directory)
        name, moment = layout.name, as_of or layout.as_of or _latest(tables)
    else:
        tables = _native_tables(directory)
        name, moment = directory.resolve().name, as_of or _latest(tables)
    _complete(tables, moment)
    return Company(name=name, seed=0, as_of=moment, salesforce=tables)


def _native_tables(directory: Path) -> dict[str, SimTable]:
    paths = {path.stem: path for path in sorted(directory.glob("*.csv"))}
    if not paths.keys() & FIELDS.keys():
        raise UsageFailure(
            "None of the given files is named as a Salesforce object.",
            where=directory.name,
            why=f"CSV files found: {', '.join(p.name for p in paths.values()) or 'none'}.",
            next_step=f"name them as objects (Opportunity.csv, User.csv, …) or put a {MAPPING} beside them",
        )
    return {name: _native_table(name, read_rows(path)) for name, path in paths.items()}


def _native_table(name: str, raw: list[Raw]) -> SimTable:
    known = {f.name: f for f in FIELDS.get(name, ())}
    header = list(raw[0]) if raw else [f.name for f in known.values()]
    fields: list[SimField] = []
    for column in header:
        values = [row[column] for row in raw]
        declared = known.get(column)
        fields.append(
            declared if declared and fits(declared, values) else SimField(column, infer(column, values), column)
        )
    rows = [{f.name: parse(row[f.name], f.type) for f in fields} for row in raw]
    prefix = KEY_PREFIX.get(name, "a00")
    if "Id" not in header:
        fields.insert(0, SimField("Id", "id", "Id", 18))
        rows = [{"Id": i, **row} for i, row in zip(salesforce_ids(prefix, range(len(rows))), rows, strict=True)]
    return SimTable(name, tuple(fields), rows, key_prefix=prefix)


def _latest(tables: dict[str, SimTable]) -> datetime:
    """A second after the last change anywhere in the files; the simulator's usual present if they tell no times."""
    stamps = ("SystemModstamp", "LastModifiedDate", "CreatedDate", "LoginTime")
    found = [v for t in tables.values() for row in t.rows for s in stamps if isinstance(v := row.get(s), datetime)]
    return max(found) + timedelta(seconds=1) if found else DEFAULT_AS_OF


def _complete(tables: dict[str, SimTable], moment: datetime) -> None:
    """Add what every object of the kind has and the files do not tell: nothing is deleted, nothing changed since."""
    for table in tables.values():
        standard = [f for f in FIELDS.get(table.name, ()) if f.name in ("IsDeleted", "CreatedDate", "SystemModstamp")]
        missing = [f for f in standard if f.name not in {g.name for g in table.fields}]
        table.fields = (*table.fields, *missing)
        for row in table.rows:
            for field in missing:
                row[field.name] = False if field.name == "IsDeleted" else _stamp(row, moment)


def _stamp(row: dict[str, Value], moment: datetime) -> Value:
    candidates = (row.get("LastModifiedDate"), row.get("CreatedDate"))
    return next((c for c in candidates if isinstance(c, datetime)), moment.astimezone(UTC) - timedelta(seconds=1))
