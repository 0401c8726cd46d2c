"""One command a step of the night, and `run` for all of them."""

from __future__ import annotations

import logging
from typing import Annotated, Any

import typer

from crmlift.cli.output import Json, print_json, print_table
from crmlift.settings_file import load_settings
from crmlift.warehouse.store import published

EXIT_ALERT = 14

log = logging.getLogger(__name__)

Only = Annotated[str | None, typer.Option("--only", help="One source id, as in crmlift.yml; all of them if not given.")]
Full = Annotated[bool, typer.Option("--full", help="Read everything again instead of what changed.")]
ExitOnAlert = Annotated[bool, typer.Option("--exit-on-alert", help="Exit with 14 while an alert is open.")]


def extract(only: Only = None, full: Full = False, as_json: Json = False) -> None:
    """Land what changed in the sources since the last run (an interrupted extraction goes on where it was)."""
    from crmlift import pipeline
    from crmlift.refusals import PartlyRead

    run_id, done, failures = pipeline.new_run_id(), [], []
    for source_id in [only] if only else pipeline.source_ids():
        try:
            done.append(pipeline.extract(source_id, run_id=run_id, full=full))
        except PartlyRead as partly:
            done.append(pipeline.summary_of(partly.done, run_id))
            failures.append(partly)
    _show(done, as_json)
    for failure in failures[1:]:
        log.error("%s", failure)
    if failures:
        raise failures[0]


def load(as_json: Json = False) -> None:
    """Bring landed pages into the raw tables: typed, merged on keys, exactly once."""
    from crmlift import pipeline

    _show([pipeline.load(run_id=pipeline.new_run_id())], as_json)


def transform(as_json: Json = False) -> None:
    """Rebuild staging and core tables from the raw ones (transforms/1_staging, transforms/2_core)."""
    from crmlift import pipeline

    _show([pipeline.transform(run_id=pipeline.new_run_id())], as_json)


def measure(as_json: Json = False) -> None:
    """Compute every KPI by period and segment, and check the quality of the data."""
    from crmlift import pipeline

    _show([pipeline.measure(run_id=pipeline.new_run_id())], as_json)


def evaluate(as_json: Json = False) -> None:
    """Compare the time before and after each rollout, and reach verdicts."""
    from crmlift import pipeline

    _show([pipeline.evaluate(run_id=pipeline.new_run_id())], as_json)


def publish(as_json: Json = False) -> None:
    """Put a finished copy in the place of analytics.duckdb."""
    from crmlift import pipeline

    _show([pipeline.publish(run_id=pipeline.new_run_id())], as_json)


def alert(exit_on_alert: ExitOnAlert = False, as_json: Json = False) -> None:
    """Run the alert rules, and send what was not sent yet."""
    from crmlift import pipeline

    run_id = pipeline.new_run_id()
    _show(
        [pipeline.detect(run_id=run_id), pipeline.publish(run_id=run_id), pipeline.send(run_id=run_id)],
        as_json,
    )
    _exit_on_alert(exit_on_alert)


def report(as_json: Json = False) -> None:
    """Write the report page from the published tables, and show the scorecard."""
    from crmlift import pipeline

    done = pipeline.report(run_id=pipeline.new_run_id())
    if as_json:
        print_json(done)
    else:
        _show_scorecard()


def run(full: Full = False, exit_on_alert: ExitOnAlert = False, as_json: Json = False) -> None:
    """All steps of the night, without Airflow: what the DAG calls."""
    from crmlift import pipeline

    done = pipeline.run(run_id=pipeline.new_run_id(), full=full)
    if as_json:
        print_json([{"step": name, **summary} for name, summary in done])
    else:
        _show_scorecard()
    _exit_on_alert(exit_on_alert)


def rebuild(as_json: Json = False) -> None:
    """Make the warehouse again from the landing zone, beside the old one, and publish it.

    [bold]When:[/bold] after a mended connector schema, a changed salt, or an upgrade that says so.
    A damaged warehouse.duckdb is moved away first; what only it knew (below) is lost then.
    The sources are not asked: every landed page is replayed in its order, then transform, measure and evaluate run.

    [bold]What stays:[/bold] what no source can tell again: nightly snapshots of the pipeline, teams, days of use,
    verdicts of earlier nights, alerts, findings.

    [bold]Safe to stop:[/bold] the old warehouse serves until the new one is whole, which takes its place in one step.
    Readers of analytics.duckdb notice nothing. It needs room for a second copy, and no night can run meanwhile.
    """
    from crmlift import pipeline
    from crmlift.rebuild import rebuild as rebuild_warehouse

    done = rebuild_warehouse(run_id=pipeline.new_run_id())
    if as_json:
        print_json([{"step": name, **summary} for name, summary in done])
        return
    rows = [(name, summary.get("rows") or summary.get("rows_read") or summary.get("values") or summary.get("effects")
             or summary.get("tables"), summary.get("seconds")) for name, summary in done]  # fmt: skip
    print_table(["step", "rows", "seconds"], rows)
    print_table(["Next"], [['crmlift query "select * from ops.run order by started_at desc limit 5"']])


def _show_scorecard() -> None:
    from crmlift.cli.scorecard import show_scorecard

    show_scorecard(load_settings())


def _exit_on_alert(wanted: bool) -> None:
    if not wanted:
        return
    with published(load_settings().places.analytics) as connection:
        found = connection.execute("select count(*) from ops.alert where state = 'open'").fetchone()
    if found and found[0]:
        raise typer.Exit(EXIT_ALERT)


def _show(summaries: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(summaries)
        return
    for summary in summaries:
        print_table(list(summary), [list(summary.values())])


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (extract, load, transform, measure, evaluate, publish, alert, report, run, rebuild):
        app.command(rich_help_panel="The night, step by step")(command)
