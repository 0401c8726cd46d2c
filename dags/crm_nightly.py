"""The night: extract → load → transform → measure → evaluate → alert → publish → send, report.

Sources are read side by side into the landing zone; from the load on there is one writer. A source, or an object of
one, that cannot be read leaves its data as they were and does not stop the others; the run fails all the same, when it
is done. Every task is short, idempotent, and safe to clear and run again. Secrets come from the Airflow connection
`crmlift_<source>` if there is one, else from the environment (CRMLIFT_<SOURCE>_<KEY>).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, Connection, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException, AirflowSkipException

from connectors.errors import ExpectedFailure
from crmlift import pipeline
from crmlift.settings_file import connection_secrets, load_settings

schedule = load_settings(must_exist=False).settings.schedule
evaluation = Asset("crmlift://evaluation")
log = logging.getLogger("crmlift.dag")


def _run(step: Callable[..., dict[str, Any]], *arguments: str, **options: Any) -> dict[str, Any]:
    """A step of the night under this DAG run's id; a failure that no retry can mend fails the task at once."""
    try:
        return step(*arguments, run_id=str(get_current_context()["run_id"]), **options)
    except ExpectedFailure as failure:
        log.error("%s", failure, extra={"exit_code": failure.exit_code})
        if failure.is_retryable:
            raise
        raise AirflowFailException(str(failure)) from failure


def _secrets(source_id: str) -> dict[str, str] | None:
    try:
        found = Connection.get(f"crmlift_{source_id}")
    except AirflowNotFoundException:
        return None
    return connection_secrets(found.login, found.password, found.extra_dejson)


@dag(
    dag_id="crm_nightly",
    schedule=schedule.cron,
    catchup=False,
    max_active_runs=1,
    default_args={
        "retries": int(os.environ.get("CRMLIFT_TASK_RETRIES", "2")),
        "retry_delay": timedelta(minutes=1),
    },
    tags=["crmlift"],
    doc_md=__doc__,
)
def crm_nightly() -> None:
    """Wire the steps of `crmlift.pipeline`."""

    @task
    def sources() -> list[str]:
        return pipeline.source_ids()

    @task(map_index_template="{{ source_id }}")
    def extract(source_id: str) -> dict[str, Any]:
        get_current_context()["source_id"] = source_id  # type: ignore[typeddict-unknown-key]
        return _run(pipeline.extract_what_can_be, source_id, secrets=_secrets(source_id))

    @task(trigger_rule="one_failed", retries=0)
    def unread() -> None:
        raise AirflowFailException("A source could not be read, see its task; the night went on without it.")

    @task(trigger_rule="all_done", retries=0)
    def refused(summaries: Iterable[dict[str, Any]]) -> None:
        told = [summary for summary in summaries if summary and "refused" in summary]
        for summary in told:
            log.error("%s", summary["refused"], extra={"exit_code": summary["exit_code"]})
        if told:
            raise AirflowFailException("Some objects could not be read, see above; the night went on without them.")
        raise AirflowSkipException("Every object was read.")

    @task(trigger_rule="all_done_min_one_success")
    def load() -> dict[str, Any]:
        return _run(pipeline.load, is_night=True)

    @task
    def transform() -> dict[str, Any]:
        return _run(pipeline.transform)

    @task
    def measure() -> dict[str, Any]:
        return _run(pipeline.measure)

    @task
    def evaluate() -> dict[str, Any]:
        return _run(pipeline.evaluate)

    @task
    def alert() -> dict[str, Any]:
        return _run(pipeline.detect)

    @task(outlets=[evaluation])
    def publish() -> dict[str, Any]:
        return _run(pipeline.publish)

    @task
    def send() -> dict[str, Any]:
        return _run(pipeline.send)

    @task
    def report() -> dict[str, Any]:
        return _run(pipeline.report)

    read = extract.expand(source_id=sources())
    read >> unread()
    refused(read)
    written = read >> load() >> transform() >> measure() >> evaluate() >> alert()
    written >> publish() >> [send(), report()]


crm_nightly()
