"""`kpi` and `sql`: what is computed, from what, and whether its definitions hold."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import duckdb
import typer
from rich.tree import Tree

from crmlift.cli.output import Json, print_json, print_table, results
from crmlift.errors import ConfigurationFailure, UsageFailure
from crmlift.places import KPIS, MODELS
from crmlift.settings_file import load_settings
from crmlift.warehouse.store import published

if TYPE_CHECKING:
    from crmlift.registry import Kpi
    from crmlift.sql_models import Lineage, Model

FED = ("raw_", "config.", "ops.")
"""Schemas that nothing is made below of."""

kpi_app = typer.Typer(no_args_is_help=True, help="The KPI registry (metrics/kpis).")
sql_app = typer.Typer(no_args_is_help=True, help="The SQL models (transforms).")


def _kpis() -> list[Kpi]:
    from crmlift.registry import load_registry

    return load_registry(KPIS, load_settings(must_exist=False).settings.kpis)


def _models() -> list[Model]:
    from crmlift.sql_models import load_models

    return load_models(MODELS)


@kpi_app.command("list")
def kpi_list(as_json: Json = False) -> None:
    """All KPIs, with the question each answers."""
    rows = [
        (k.kpi_id, k.definition.family, k.definition.stat_type, k.definition.direction, k.questions["en"])
        for k in _kpis()
        if not k.definition.is_input
    ]
    columns = ["kpi_id", "family", "type", "better", "question"]
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table(columns, rows)


@kpi_app.command("show")
def kpi_show(kpi_id: Annotated[str, typer.Argument(help="As in  crmlift kpi list.")], as_json: Json = False) -> None:
    """What a KPI means, what it is computed from, and its last values."""
    from crmlift.registry import kpi_lineage

    kpis = {k.kpi_id: k for k in _kpis()}
    if kpi_id not in kpis:
        near = get_close_matches(kpi_id, kpis, n=1)
        hint = f"did you mean {near[0]}?  " if near else ""
        raise UsageFailure(f"There is no KPI {kpi_id!r}.", next_step=f"{hint}crmlift kpi list  shows all")
    kpi = kpis[kpi_id]
    described: dict[str, Any] = {
        **kpi.definition.model_dump(exclude={"params", "horizon_days"}, exclude_defaults=True),
        "min_n": kpi.definition.min_n,
        "min_important_change": kpi.definition.min_important_change,
        "params": kpi.params,
        "horizon_days": kpi.horizon_days,
        "definition_version": kpi.definition_version,
    }
    values, versions, reach = _last_values(kpi_id), _versions(kpi_id), _reach(values_of=kpi_id)
    lineage = kpi_lineage(kpi, _models())
    if as_json:
        made_from = {source.name: sorted(source.names() - {source.name}) for source in lineage.sources}
        print_json({"kpi_id": kpi_id, **described, "values": values, **reach, "versions": versions,
                    "lineage": made_from, "sql": kpi.sql})  # fmt: skip
        return
    _tell(kpi, described, values, reach, versions, lineage)


def _tell(
    kpi: Kpi,
    described: dict[str, Any],
    values: list[dict[str, Any]],
    reach: dict[str, Any],
    versions: list[dict[str, Any]],
    lineage: Lineage,
) -> None:
    console = results()
    print_table(
        [kpi.kpi_id, ""], [(name, _plain(value)) for name, value in described.items() if value not in (None, {}, ())]
    )
    if values:
        print_table(list(values[0]), [list(row.values()) for row in values], title="\nLast values")
        if reach and reach["months_without"] > 1:
            console.print(
                f"Nothing counts after {reach['newest_month']:%Y-%m}, though the data are as of "
                f"{reach['data_as_of']:%Y-%m-%d}: the records end there, or later ones are not read."
            )
    else:
        console.print("No values are published yet:  crmlift run  or  crmlift demo")
    if len(versions) > 1:
        print_table(list(versions[0]), [list(row.values()) for row in versions], title="\nVersions of the definition")
    console.print(f"\nMade from {', '.join(source.name for source in lineage.sources)}")
    console.print(f"and below them from {', '.join(sorted(n for n in lineage.names() if n.startswith(FED)))}")
    console.print(f"Step by step:  crmlift sql lineage {sorted(kpi.all_reads())[0]}")


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key}: {inner}" for key, inner in value.items())
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _last_values(kpi_id: str) -> list[dict[str, Any]]:
    """The newest months of everybody in which anything counts; the newest segments of a KPI that has no whole."""
    return _published(
        "select period_start, segment_value as segment, value, ci_low, ci_high, n, status, reason "
        "from metrics.kpi_value where kpi_id = $kpi and period_grain = 'month' and source_id = 'all' "
        "qualify segment_dim = coalesce(max(case segment_dim when 'all' then 'all' end) over (), segment_dim) "
        "and period_start <= coalesce(max(case when n > 0 then period_start end) over (), period_start) "
        "order by period_start desc, segment limit 6",
        kpi_id,
    )


def _reach(*, values_of: str) -> dict[str, Any]:
    """The newest month in which anything counts, and how many months of the data come after it."""
    found = _published(
        "select v.newest_month, l.data_as_of, date_diff('month', v.newest_month, l.data_as_of) as months_without from "
        "(select max(period_start) as newest_month from metrics.kpi_value "
        "where kpi_id = $kpi and period_grain = 'month' and source_id = 'all' and n > 0) as v, "
        "(select cast(max(window_until) as timestamp) as data_as_of from ops.load) as l "
        "where v.newest_month is not null and l.data_as_of is not null",
        values_of,
    )
    return found[0] if found else {}


def _versions(kpi_id: str) -> list[dict[str, Any]]:
    """Every version its definition had since the first night, newest first."""
    return _published(
        "select definition_version, parameters, first_used_at, last_used_at from metrics.kpi_definition "
        "where kpi_id = $kpi order by last_used_at desc, first_used_at desc",
        kpi_id,
    )


def _published(query: str, kpi_id: str) -> list[dict[str, Any]]:
    analytics = load_settings(must_exist=False).places.analytics
    if not analytics.exists():
        return []
    with published(analytics) as connection:
        try:
            found = connection.execute(query, {"kpi": kpi_id})
        except (duckdb.CatalogException, duckdb.BinderException):
            return []  # published by an earlier version, without this table or column
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@kpi_app.command("new")
def kpi_new(
    kpi_id: Annotated[str, typer.Argument(help="Such as demo_rate: lower case, digits and _.")],
    family: Annotated[str, typer.Option(help="Folder below metrics/kpis.")] = "sales",
    stat_type: Annotated[str, typer.Option("--type", help="proportion, sum, count, mean, ratio, duration or nps.")] = (
        "proportion"
    ),
) -> None:
    """Start a KPI: its yml, its SQL and a golden test that passes, to be changed from there."""
    from crmlift.kpi_scaffold import scaffold

    for path in scaffold(kpi_id, family, stat_type, registry=KPIS):
        results().print(str(path), soft_wrap=True)
    results().print(
        "\nNext: write the question and the SQL, then  crmlift kpi check  and  "
        "python -m pytest tests/metrics_kpis"
    )  # fmt: skip


@kpi_app.command("check")
def kpi_check() -> None:
    """Check every KPI: columns, their types, grain, guards, parameters, tables, both languages."""
    from crmlift.registry_check import check_registry, core_tables

    kpis, models = _kpis(), _models()
    warehouse = load_settings(must_exist=False).places.warehouse
    with core_tables(warehouse, models) as connection:
        problems = check_registry(kpis, models, connection)
    _report_problems(problems, f"{sum(not k.definition.is_input for k in kpis)} KPIs are sound.")


@sql_app.command("list")
def sql_list(as_json: Json = False) -> None:
    """All models, with grain and what they are."""
    rows = [(m.name, ", ".join(m.declared.grain), m.declared.description) for m in _models()]
    if as_json:
        print_json([dict(zip(("model", "grain", "description"), row, strict=True)) for row in rows])
    else:
        print_table(["model", "grain", "description"], rows)


@sql_app.command("lineage")
def sql_lineage(model: Annotated[str, typer.Argument(help="Such as core.opportunity.")]) -> None:
    """What a table is made from, down to the raw ones."""
    from crmlift.sql_models import lineage

    models = _models()
    names = [m.name for m in models]
    if model not in names:
        near = get_close_matches(model, names, n=1)
        hint = f"did you mean {near[0]}?  " if near else ""
        raise UsageFailure(f"There is no model {model!r}.", next_step=f"{hint}crmlift sql list  shows all")
    results().print(_tree(lineage(models, model)))


@sql_app.command("check")
def sql_check() -> None:
    """Check every model: it parses, reads only earlier layers, and describes its columns."""
    from crmlift.sql_models import check_models

    models = _models()
    _report_problems(check_models(models), f"{len(models)} models are sound.")


@sql_app.command("dictionary")
def sql_dictionary(
    write: Annotated[
        Path | None, typer.Option("--write", help="Write the page to this file, such as docs/data-dictionary.md.")
    ] = None,
) -> None:
    """Every published table and column with its meaning, type and unit, as a Markdown page."""
    from crmlift.dictionary import dictionary

    page = dictionary()
    if write is None:
        sys.stdout.write(page)
        return
    write.write_text(page, encoding="utf-8")
    results().print(f"{page.count('### ')} tables are described in {write}.")


def _tree(node: Lineage, branch: Tree | None = None, shown: set[str] | None = None) -> Tree:
    """A node's sources are drawn where it comes first; later it only stands with its name."""
    shown = set() if shown is None else shown
    is_again = node.name in shown and bool(node.sources)
    label = f"{node.name} [dim](as above)[/dim]" if is_again else node.name
    here = Tree(label) if branch is None else branch.add(label)
    if not is_again:
        shown.add(node.name)
        for source in node.sources:
            _tree(source, here, shown)
    return here


def _report_problems(problems: list[str], fine: str) -> None:
    if problems:
        raise ConfigurationFailure(
            f"{len(problems)} definitions are wrong.", why="\n".join(f"  {p}" for p in problems),
            next_step="mend the files named above, then run the same command again",
        )  # fmt: skip
    results().print(fine)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(kpi_app, name="kpi", rich_help_panel="Look")
    app.add_typer(sql_app, name="sql", rich_help_panel="Look")
