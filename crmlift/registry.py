"""The KPI registry: `metrics/kpis/<family>/<id>.yml` says what a KPI means, the SQL beside it gives its unit rows.

The SQL returns one row a unit (a deal, a ticket, an answer, a user-week) for all history up to `$as_of`:
`unit_id, event_at, owner_id, team_id, num, den, observed`, then if known `source_id`, `account_id` and the segment
columns the yml lists. The engine, not the KPI, assigns periods and segments and aggregates by `stat_type`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import duckdb
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlglot import exp

from crmlift.errors import ConfigurationFailure
from crmlift.sql_models import (
    BESIDE,
    Lineage,
    Model,
    explain,
    lineage,
    parameters_in,
    parse_select,
    read_yaml,
    tables_in,
)

KPI_ROOT = Path(__file__).parent.parent / "metrics" / "kpis"
CONTRACT = ("unit_id", "event_at", "owner_id", "team_id", "num", "den", "observed")
OPTIONAL = ("source_id", "account_id")
ENGINE_SEGMENTS = ("all", "team", "region", "wave", "account_segment", "industry")
ENGINE_PARAMETERS = ("as_of", "timezone", "base_currency")
_TYPES = {
    "num": ("DOUBLE", "DECIMAL", "INTEGER", "BIGINT"),
    "den": ("DOUBLE", "DECIMAL", "INTEGER", "BIGINT"),
    "event_at": ("TIMESTAMP WITH TIME ZONE",),
    "observed": ("BOOLEAN",),
}

StatType = Literal["sum", "count", "mean", "proportion", "ratio", "duration", "nps", "snapshot_count"]
Both = dict[Literal["en", "uk"], Annotated[str, Field(min_length=1)]]


class KpiDefinition(BaseModel):
    """The yml of a KPI.

    horizon_days: proportions, the age at which a unit's outcome is final; durations, the restriction time of the mean.
    A string names the parameter that holds it.
    factors: KPIs whose product it is. min_important_change: relative. segments: those of ENGINE_SEGMENTS come
    from the engine, others must be columns of the SQL.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Both
    question: Both
    family: str
    unit: str
    direction: Literal["higher", "lower"]
    stat_type: StatType
    entity: str
    event_time: str
    formula: str
    notes: str = ""
    params: dict[str, float | int | str] = Field(default_factory=dict)
    horizon_days: float | str | None = None
    guard: str | None = None
    factors: tuple[str, ...] = ()
    segments: tuple[str, ...] = ("all", "team", "region", "wave")
    min_n: int = 30
    min_important_change: float = Field(0.05, gt=0)
    alert: dict[str, Any] = Field(default_factory=lambda: {"template": "none"})
    owner: str = "analytics"
    sources: tuple[str, ...] = ()


class Kpi:
    """A KPI of the registry: its definition with the parameters in force, its query and its version."""

    def __init__(self, path: Path, definition: KpiDefinition, overrides: Mapping[str, Any]) -> None:
        self.kpi_id, self.path, self.definition = path.stem, path, definition
        self.sql, self.tree = parse_select(path.with_suffix(".sql"))
        self.params: dict[str, Any] = {**definition.params, **overrides}
        self.parameters = parameters_in(self.tree)
        self.reads = tables_in(self.tree)

    @property
    def horizon_days(self) -> float | None:
        """The definition's horizon, looked up in the parameters where it names one."""
        horizon = self.definition.horizon_days
        found = self.params.get(horizon) if isinstance(horizon, str) else horizon
        return None if found is None else float(found)

    @property
    def own_segments(self) -> tuple[str, ...]:
        """Segment columns the SQL itself gives."""
        return tuple(s for s in self.definition.segments if s not in ENGINE_SEGMENTS)

    @property
    def definition_version(self) -> str:
        """Changes with the meaning: the SQL (not its layout or comments), the parameters, the statistical type."""
        sql = self.tree.sql(dialect="duckdb", comments=False)
        meaning = [sql, sorted((k, str(v)) for k, v in self.params.items()), self.definition.stat_type]
        return hashlib.sha256(json.dumps(meaning).encode()).hexdigest()[:10]

    def bound(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters its query uses, the KPI's own ones over the engine's."""
        return {name: self.params[name] if name in self.params else given[name] for name in self.parameters}


def load_registry(root: Path = KPI_ROOT, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> list[Kpi]:
    """All KPIs below `root` by id. `overrides`: KPI id → parameters that replace the definition's (settings `kpis:`).

    Raises ConfigurationFailure for a file that cannot be used, a KPI defined twice, or an override that fits nothing.
    """
    overrides = overrides or {}
    kpis: dict[str, Kpi] = {}
    for path in sorted(root.glob("*/*.yml"), key=lambda p: p.stem):
        if path.stem in kpis:
            raise ConfigurationFailure(f"KPI {path.stem!r} is defined twice.", where=f"{kpis[path.stem].path}, {path}")
        kpis[path.stem] = Kpi(path, _definition(path), overrides.get(path.stem, {}))
    for kpi_id, given in overrides.items():
        known = kpis[kpi_id].definition.params if kpi_id in kpis else {}
        if unknown := [name for name in given if name not in known]:
            raise ConfigurationFailure(
                f"Settings give KPI {kpi_id!r} parameters it does not have: {', '.join(unknown)}.", where="kpis",
                next_step=f"known here: {', '.join(known) or 'none'}; see  crmlift kpi show {kpi_id}",
            )  # fmt: skip
    return list(kpis.values())


def _definition(path: Path) -> KpiDefinition:
    try:
        return KpiDefinition.model_validate(read_yaml(path))
    except ValidationError as problem:
        raise ConfigurationFailure(
            "A KPI is defined wrongly.", where=str(path), why=explain(problem), next_step="crmlift kpi check"
        ) from None


def kpis_beside(models: Iterable[Model]) -> Sequence[Kpi]:
    """The registry in the same checkout as the models; empty when there is none."""
    root = next((m.path.parents[2] / "metrics" / "kpis" for m in models), None)
    if root is None or not root.is_dir():
        return ()
    newest = max((p.stat().st_mtime_ns for p in root.glob("*/*")), default=0)
    return _registry_as_of(root, newest)


@lru_cache(maxsize=4)
def _registry_as_of(root: Path, newest: int) -> Sequence[Kpi]:
    return tuple(load_registry(root))


def kpi_lineage(kpi: Kpi, models: Iterable[Model]) -> Lineage:
    """What a KPI is computed from, down to the raw tables."""
    models = list(models)
    return Lineage(kpi.kpi_id, tuple(lineage(models, table) for table in sorted(kpi.reads)))


def kpis_by_table(kpis: Iterable[Kpi], models: Iterable[Model]) -> dict[str, tuple[str, ...]]:
    """Table → the KPIs that are computed from it, directly or not."""
    models = [m for m in models if m.name not in BESIDE]
    feeds: dict[str, set[str]] = {}
    below = {m.name: lineage(models, m.name).names() for m in models}
    for kpi in kpis:
        for table in set().union(*(below.get(t, {t}) for t in kpi.reads)):
            feeds.setdefault(table, set()).add(kpi.kpi_id)
    return {table: tuple(sorted(ids)) for table, ids in feeds.items()}


def check_registry(
    kpis: Sequence[Kpi], models: Sequence[Model], connection: duckdb.DuckDBPyConnection | None = None
) -> list[str]:
    """What is wrong with the registry, one line each; empty when all is well.

    Contract columns in order, guards that exist, a horizon that is a number, segment columns, parameters, tables. With
    a connection whose core tables exist, each query is also prepared and its column types compared with the contract.
    """
    known = {k.kpi_id for k in kpis}
    made = {m.name for m in models}
    problems = []
    for kpi in kpis:
        found = [*_wrong_columns(kpi), *_wrong_references(kpi, known, made)]
        if connection is not None and not found:
            found += _wrong_types(kpi, connection)
        problems += [f"{kpi.kpi_id}: {text}" for text in found]
    return problems


def _wrong_columns(kpi: Kpi) -> list[str]:
    selected = kpi.tree.named_selects
    problems = []
    if tuple(selected[: len(CONTRACT)]) != CONTRACT:
        problems.append(f"its SQL must select {', '.join(CONTRACT)} first, in this order")
    extra = set(selected[len(CONTRACT) :]) - set(OPTIONAL)
    problems += [f"segment {s} is not a column of its SQL" for s in kpi.own_segments if s not in extra]
    problems += [f"column {c} is not listed in segments" for c in sorted(extra - set(kpi.own_segments))]
    if any(isinstance(s.unalias(), exp.Star) for s in kpi.tree.selects):
        problems.append("its SQL selects *; name the columns")
    return problems


def _wrong_references(kpi: Kpi, known: set[str], made: set[str]) -> list[str]:
    problems = []
    guard = kpi.definition.guard
    if guard is not None and guard not in known:
        problems.append(f"its guard {guard} is no KPI")
    problems += [f"its factor {f} is no KPI" for f in kpi.definition.factors if f not in known]
    if kpi.definition.horizon_days is not None and kpi.horizon_days is None:
        problems.append(f"its horizon names {kpi.definition.horizon_days}, which is no parameter of it")
    unknown = kpi.parameters - set(kpi.params) - set(ENGINE_PARAMETERS)
    problems += [f"parameter ${p} is given by nobody" for p in sorted(unknown)]
    problems += [f"parameter {p} is not used by its SQL" for p in kpi.params if p not in kpi.parameters]
    for table in sorted(kpi.reads):
        if table.startswith("core.") and table not in made and table != "core.opportunity_snapshot":
            problems.append(f"it reads {table}, which no model makes")
        elif table.partition(".")[0] not in ("core", "config"):
            problems.append(f"it reads {table}; a KPI reads core and config only")
    return problems


def _wrong_types(kpi: Kpi, connection: duckdb.DuckDBPyConnection) -> list[str]:
    sample: dict[str, Any] = {"as_of": datetime.now(UTC), "timezone": "UTC", "base_currency": "EUR"}
    try:
        described = connection.execute(f"describe {kpi.sql}", kpi.bound(sample)).fetchall()
    except duckdb.Error as problem:
        return [f"its SQL does not run: {str(problem).splitlines()[0]}"]
    types = {row[0]: row[1] for row in described}
    return [f"column {c} is {types[c]}, not {t[0]}" for c, t in _TYPES.items() if not types[c].startswith(t)]
