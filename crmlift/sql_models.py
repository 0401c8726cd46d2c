"""The models of `transforms/`: one SQL file and the yml beside it are one table; how they depend on each other.

A model is a plain SELECT. Its schema follows from its layer's folder, its name from its file. The yml declares the
grain, the columns with their units, the checks, and for staging the native columns it reads. `run_by` names the step
that runs a model itself; all others are run by whoever hands them to `run_models`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Literal

import sqlglot
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlglot import exp

from crmlift.errors import ConfigurationFailure

BESIDE = ("core.merged_record", "core.user_identity", "core.account_domain")
"""Tables that hold a little of every object: through them every KPI would seem to hang on every stream."""
LAYERS = ("staging", "core", "metrics", "evaluation")
STAGING, CORE, METRICS, EVALUATION = range(1, 5)
ALWAYS_READABLE = ("config", "ops", "kept")
ACCUMULATED = ("core.opportunity_snapshot",)
"""Tables that steps append to, night by night; models may read what earlier nights left."""
_FastLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_COLUMN = re.compile(r"^(?P<meaning>.*?)\s*(?:\[(?P<unit>[^\]]*)\])?$", re.DOTALL)


class Check(BaseModel):
    """A rule of a model: a condition that no row may meet, or a number its rows (those `where`) must equal."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]
    failing_rows: str | None = None
    rows_equal: str | None = None
    where: str = "true"
    level: Literal["fail", "warn"] = "fail"
    field: str | None = None


class _Declaration(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    description: str = ""
    grain: tuple[str, ...] = ()
    columns: dict[str, str] = Field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    run_by: str = ""
    reads: tuple[str, ...] = ()
    native: dict[str, str] = Field(default_factory=dict)
    native_like: dict[str, str] = Field(default_factory=dict)
    dispensable: tuple[str, ...] = ()
    validity: tuple[str, ...] = ()


@dataclass(frozen=True)
class Model:
    """One table or view, named `<schema>.<name>`; `tree` is the parsed `sql`, `declared` what its yml says."""

    name: str
    path: Path
    sql: str
    tree: exp.Query
    declared: _Declaration

    @property
    def schema(self) -> str:
        """The schema it is created in, which is the name of its layer."""
        return self.name.partition(".")[0]

    @property
    def layer(self) -> int:
        """The number of its layer: STAGING, CORE, METRICS or EVALUATION."""
        return LAYERS.index(self.schema) + 1

    @property
    def is_view(self) -> bool:
        """Staging models are views over the raw tables; all others are tables."""
        return self.layer == STAGING

    @cached_property
    def reads(self) -> frozenset[str]:
        """Qualified names of the tables it selects from."""
        return tables_in(self.tree)

    @cached_property
    def parameters(self) -> frozenset[str]:
        """Names of the bound parameters it uses."""
        return parameters_in(self.tree)

    @cached_property
    def columns(self) -> dict[str, tuple[str, str | None]]:
        """Column → (meaning, unit) as the yml declares them."""
        found = {}
        for name, text in self.declared.columns.items():
            match = _COLUMN.match(text.strip())
            found[name] = (match["meaning"], match["unit"]) if match else (text, None)
        return found


@dataclass(frozen=True)
class Lineage:
    """A table and what it is made from."""

    name: str
    sources: tuple[Lineage, ...] = ()

    def names(self) -> set[str]:
        """Every table in the tree."""
        return {self.name}.union(*(source.names() for source in self.sources))


def tables_in(tree: exp.Expr) -> frozenset[str]:
    """Qualified names of the tables a statement reads; common table expressions have no schema and are left out."""
    return frozenset(f"{t.db}.{t.name}" for t in tree.find_all(exp.Table) if t.db)


def parameters_in(tree: exp.Expr) -> frozenset[str]:
    """Names of the bound parameters a statement uses."""
    return frozenset(str(p.name) for p in tree.find_all(exp.Placeholder))


def parse_select(path: Path) -> tuple[str, exp.Query]:
    """The text and syntax tree of a file that must hold exactly one SELECT.

    Raises ConfigurationFailure with the place of the mistake.
    """
    return _parsed(path.read_text(encoding="utf-8").strip().rstrip(";"), path)


@lru_cache(maxsize=512)
def _parsed(sql: str, path: Path) -> tuple[str, exp.Query]:
    try:
        tree = sqlglot.parse_one(sql, dialect="duckdb")
    except sqlglot.errors.ParseError as problem:
        first = problem.errors[0] if problem.errors else {}
        raise ConfigurationFailure(
            "The SQL cannot be parsed.", where=f"{path}, line {first.get('line', '?')}",
            why=str(first.get("description", problem)), next_step=f"mend {path}, then run  crmlift sql check",
        ) from None  # fmt: skip
    if not isinstance(tree, exp.Query):
        raise ConfigurationFailure(
            "A model must be one plain SELECT.", where=str(path),
            next_step="write the SELECT only; the runner creates the table",
        )  # fmt: skip
    return sql, tree


def read_yaml(path: Path) -> Mapping[str, object]:
    """The mapping in a yml file; ConfigurationFailure when it is missing or malformed."""
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), _FastLoader)
    except FileNotFoundError:
        raise ConfigurationFailure(
            "A description file is missing.", where=str(path),
            next_step="write it: grain, columns with their meaning and [unit], checks",
        ) from None  # fmt: skip
    except yaml.YAMLError as problem:
        raise ConfigurationFailure("The file is not valid YAML.", where=str(path), why=str(problem)) from None
    return found if isinstance(found, dict) else {}


def explain(problem: ValidationError) -> str:
    """A validation error in one line for each wrong key."""
    return "\n".join(f"  {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in problem.errors())


def load_models(root: Path, layers: Iterable[int] = (STAGING, CORE, METRICS, EVALUATION)) -> list[Model]:
    """The models of these layers below `root` (the `transforms` folder), each after those it reads.

    Raises ConfigurationFailure for a file that cannot be read, and for a circle.
    """
    return in_order([_load(path) for layer in layers for path in sorted(root.glob(f"{layer}_*/*.sql"))])


def _load(path: Path) -> Model:
    layer = path.parent.name.partition("_")[2]
    if layer not in LAYERS:
        raise ConfigurationFailure(
            f"There is no layer {layer!r}.", where=str(path), next_step=f"use one of {', '.join(LAYERS)}"
        )
    sql, tree = parse_select(path)
    described = path.with_suffix(".yml")
    try:
        declared = _Declaration.model_validate(_listed(read_yaml(described), "reads", "grain"))
    except ValidationError as problem:
        raise ConfigurationFailure(
            "The description of a model is wrong.", where=str(described), why=explain(problem)
        ) from None
    return Model(f"{layer}.{path.stem}", path, sql, tree, declared)


def _listed(data: Mapping[str, object], *keys: str) -> dict[str, object]:
    """Lets `reads: one` stand for `reads: [one]`."""
    return {k: [v] if k in keys and isinstance(v, str) else v for k, v in data.items()}


def in_order(models: Sequence[Model]) -> list[Model]:
    """Each model after those it reads, by name where free. Raises ConfigurationFailure for a circle."""
    by_name = {m.name: m for m in sorted(models, key=lambda m: m.name)}
    ordered: dict[str, Model] = {}
    open_names: list[str] = []

    def visit(name: str) -> None:
        if name in ordered:
            return
        if name in open_names:
            circle = " → ".join([*open_names[open_names.index(name) :], name])
            raise ConfigurationFailure(
                "Models read each other in a circle.",
                where=circle,
                next_step="break it with a table of its own",
            )
        open_names.append(name)
        for source in sorted(by_name[name].reads & by_name.keys()):
            visit(source)
        open_names.pop()
        ordered[name] = by_name[name]

    for layer in LAYERS:
        for name in by_name:
            if name.startswith(layer + "."):
                visit(name)
    return list(ordered.values())


def lineage(models: Iterable[Model], name: str) -> Lineage:
    """What a table is made from, down to the raw tables."""
    by_name = {m.name: m for m in models}

    def tree(of: str) -> Lineage:
        model = by_name.get(of)
        return Lineage(of, tuple(tree(s) for s in sorted(model.reads)) if model else ())

    return tree(name)


def check_models(models: Sequence[Model]) -> list[str]:
    """What is wrong with the models, one line each; empty when all is well.

    A layer reads only its own or an earlier one (staging reads the raw tables, nobody else does), every column past
    staging is documented, every grain column exists, views take no parameters, nothing selects `*` past staging.
    """
    known = {m.name for m in models}
    problems = []
    for model in models:
        problems += [f"{model.path}: {text}" for text in [*_wrong_reads(model, known), *_wrong_columns(model)]]
        if model.is_view and model.parameters:
            problems.append(f"{model.path}: a view takes no parameters ({', '.join(sorted(model.parameters))})")
    return problems


def _wrong_reads(model: Model, known: set[str]) -> list[str]:
    allowed = {*LAYERS[: model.layer], *ALWAYS_READABLE}
    problems = []
    for table in sorted(model.reads):
        schema = table.partition(".")[0]
        if schema.startswith("raw_"):
            declared = {r.rstrip("?").lower() for r in model.declared.reads}
            if model.layer != STAGING:
                problems.append(f"reads {table}; only staging reads raw tables")
            elif table.lower() not in declared:
                problems.append(f"reads {table}, which `reads:` in its yml does not declare")
        elif schema not in allowed:
            problems.append(f"reads {table}, a later layer")
        elif schema in ("staging", "core") and table not in known and table not in ACCUMULATED:
            problems.append(f"reads {table}, which no model makes")
    return problems


def _wrong_columns(model: Model) -> list[str]:
    selected = [name for name in model.tree.named_selects if name]
    problems = [f"grain column {g} is not selected" for g in model.declared.grain if g not in selected]
    if not model.declared.grain:
        problems.append("declares no grain")
    if model.layer == STAGING:
        return problems
    if any(isinstance(s.unalias(), exp.Star) for s in model.tree.selects):
        problems.append("selects *; name the columns")
    problems += [f"column {c} is not described in its yml" for c in selected if c not in model.declared.columns]
    problems += [f"its yml describes {c}, which is not selected" for c in model.declared.columns if c not in selected]
    return problems
