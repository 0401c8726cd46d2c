"""The KPI registry: `metrics/kpis/<family>/<id>.yml` says what a KPI means, the SQL beside it gives its unit rows.

The SQL returns one row a unit (a deal, a ticket, an answer, a user-week) for all history up to `$as_of`:
`unit_id, event_at, owner_id, team_id, num, den, observed`, then if known `source_id`, `account_id`, what the engine
makes bands and causes of (`amount_base`, `provisioned_at`, `cause`), and the segment columns the yml lists. The engine,
not the KPI, assigns periods and segments and aggregates by `stat_type`. KPIs that differ in a parameter only share a
file of `metrics/kpis/shared`. A composite is an expression over other KPIs; a model is a function of `metrics/` over
the rows of its SQL, whose columns are the function's own.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import sqlglot
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
OPTIONAL = ("source_id", "account_id", "amount_base", "provisioned_at", "cause")
ENGINE_SEGMENTS = ("all", "team", "region", "wave", "account_segment", "industry", "size_band", "tenure_band")
ENGINE_PARAMETERS = ("as_of", "timezone", "base_currency")
DERIVED = ("composite", "model")

_PARAMETER = re.compile(r"\{(\w+)\}")
_WRITTEN = re.compile(r"--[^\n]*|/\*.*?\*/|\s+", re.DOTALL)
"""What a query may change without meaning something else: comments and layout."""

StatType = Literal[
    "sum", "count", "mean", "proportion", "ratio", "duration", "nps", "snapshot_count", "snapshot_ratio",
    "snapshot_max", "composite", "model",
]  # fmt: skip
Grain = Literal["day", "week", "month", "quarter", "year"]
NoEffect = Literal[
    "composite", "model", "snapshot", "begins_at_go_live", "needs_snapshots", "few_periods", "cost_side", "input",
    "on_goal_only",
]  # fmt: skip
Both = Annotated[dict[Literal["en", "uk"], Annotated[str, Field(min_length=1)]], Field(min_length=2)]


class KpiDefinition(BaseModel):
    """The yml of a KPI.

    horizon_days: proportions, the age at which a unit's outcome is final; durations, the restriction time of the mean.
    A string names the parameter that holds it. factors: KPIs whose product it is. min_important_change: relative.
    segments: those of ENGINE_SEGMENTS come from the engine, others must be columns of the SQL. sql: a shared file
    below `metrics/kpis`, without which the one beside the yml is read. expr: of composites, over KPI ids and
    parameters. function: of models, `module.function` in `metrics`. name, question: a parameter in braces stands for
    its value in force. grains: of composites and models. after: models that read verdicts run after the evaluation.
    cluster: of ratios, whose units are not independent of each other. min_cell: a cell with fewer units is not shown
    at all. survey: the kind of survey whose answers it counts, so that who answers can be held against what they say.
    no_effect: why no rollout is judged by it (on_goal_only: unless a goal names it). is_input: a part of composites
    only, no KPI of its own. is_exact: declared amounts, which have no sampling error.
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
    sql: str | None = None
    expr: str | None = None
    function: str | None = None
    grains: tuple[Grain, ...] = ("month", "quarter", "year")
    after: Literal["measure", "evaluate"] = "measure"
    cluster: Literal["unit", "owner", "account"] = "owner"
    min_cell: int = Field(1, ge=1)
    no_effect: NoEffect | None = None
    survey: str | None = None
    is_input: bool = False
    is_exact: bool = False
    guard: str | None = None
    factors: tuple[str, ...] = ()
    segments: tuple[str, ...] = ("all", "team", "region", "wave")
    min_n: int = 30
    min_important_change: float = Field(0.05, gt=0)
    alert: dict[str, Any] = Field(default_factory=lambda: {"template": "none"})
    owner: str = "analytics"
    sources: tuple[str, ...] = ()


class Kpi:
    """A KPI of the registry: its definition with the parameters in force, its query and its version.

    names, questions: its texts by locale, with the parameters in force.
    """

    def __init__(self, path: Path, definition: KpiDefinition, overrides: Mapping[str, Any]) -> None:
        self.kpi_id, self.path, self.definition = path.stem, path, definition
        self.params: dict[str, Any] = {**definition.params, **overrides}
        self.names = {locale: self._filled(text) for locale, text in definition.name.items()}
        self.questions = {locale: self._filled(text) for locale, text in definition.question.items()}
        self.parts: dict[str, Kpi] = {}
        self.sql_path = path.parent.parent / definition.sql if definition.sql else path.with_suffix(".sql")
        self.tree: exp.Query | None = None
        self.parameters: frozenset[str] = frozenset()
        self.reads: frozenset[str] = frozenset()
        if definition.stat_type != "composite":
            self.sql, self.tree = parse_select(self.sql_path)
            self.parameters, self.reads = parameters_in(self.tree), tables_in(self.tree)
        else:
            self.sql = definition.expr or ""

    @property
    def is_derived(self) -> bool:
        """Made from other KPIs' values or by a model, not summed from units."""
        return self.definition.stat_type in DERIVED

    @property
    def columns(self) -> tuple[str, ...]:
        """What its SQL selects."""
        return tuple(self.tree.named_selects) if self.tree is not None else ()

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

    @cached_property
    def definition_version(self) -> str:
        """Changes with the meaning: SQL (not layout or comments), parameters, type, horizon, and that of its parts."""
        d = self.definition
        sql = " ".join(_WRITTEN.sub(" ", self.sql).split()) if self.tree is not None else ""
        meaning = [sql, sorted((k, str(v)) for k, v in self.params.items()), d.stat_type, self.horizon_days]
        meaning += [d.expr, d.function, sorted((k, part.definition_version) for k, part in self.parts.items())]
        return hashlib.sha256(json.dumps(meaning).encode()).hexdigest()[:10]

    def _filled(self, text: str) -> str:
        def value(found: re.Match[str]) -> str:
            if found[1] not in self.params:
                raise ConfigurationFailure(
                    f"The texts of KPI {self.kpi_id!r} name {found[0]}, which is no parameter of it.",
                    where=str(self.path),
                    next_step=f"known here: {', '.join(self.params) or 'none'}",
                )
            given = self.params[found[1]]
            return given if isinstance(given, str) else f"{given:g}"

        return _PARAMETER.sub(value, text)

    def bound(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters its query uses, the KPI's own ones over the engine's."""
        return {name: self.params[name] if name in self.params else given[name] for name in self.parameters}

    def all_reads(self) -> set[str]:
        """The tables it and its parts read."""
        return set(self.reads).union(*(part.all_reads() for part in self.parts.values()))


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
    for kpi in kpis.values():
        kpi.parts = {name: kpis[name] for name in names_in(kpi.definition.expr) if name in kpis and name != kpi.kpi_id}
    return list(kpis.values())


def names_in(expr: str | None) -> tuple[str, ...]:
    """The KPIs and parameters a composite's expression names."""
    if not expr:
        return ()
    found = {node.name for node in sqlglot.parse_one(expr, dialect="duckdb").find_all(exp.Column)}
    return tuple(sorted(found))


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
    made = (lineage(models, table) for table in sorted(kpi.reads))
    return Lineage(kpi.kpi_id, (*(kpi_lineage(part, models) for part in kpi.parts.values()), *made))


def kpis_by_table(kpis: Iterable[Kpi], models: Iterable[Model]) -> dict[str, tuple[str, ...]]:
    """Table → the KPIs that are computed from it, directly or not."""
    models = [m for m in models if m.name not in BESIDE]
    feeds: dict[str, set[str]] = {}
    below = {m.name: lineage(models, m.name).names() for m in models}
    for kpi in kpis:
        for table in set().union(*(below.get(t, {t}) for t in kpi.all_reads())):
            feeds.setdefault(table, set()).add(kpi.kpi_id)
    return {table: tuple(sorted(ids)) for table, ids in feeds.items()}
