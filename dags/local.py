"""Run one DAG here and now, in this process, on SQLite metadata: what `crmlift demo` does.

python -m dags.local crm_nightly
The places (AIRFLOW_HOME, CRMLIFT_HOME, CRMLIFT_CONFIG) come from the environment, set before airflow is imported.
Lines for people go to stderr, each after a mark; everything else a scheduler would log is on stdout.
"""

from __future__ import annotations

import importlib
import logging
import sys

from airflow.utils.db import initdb
from airflow.utils.state import DagRunState

from crmlift.demo import PROGRESS_MARK


class _ForPeople(logging.Handler):
    """Passes crmlift's events to stderr and remembers the exit code of a failure."""

    exit_code = 0

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:
            self.exit_code = getattr(record, "exit_code", 1)
        for line in record.getMessage().splitlines():
            print(f"{PROGRESS_MARK}{record.levelname} {line}", file=sys.__stderr__, flush=True)


def main(name: str) -> int:
    """Make the metadata database if it is new, run the DAG; 0, or the exit code of the step that failed."""
    people = _ForPeople()
    initdb()
    logger = logging.getLogger("crmlift")
    logger.addHandler(people)
    logger.setLevel(logging.INFO)
    dag = getattr(importlib.import_module(f"dags.{name}"), name)()
    run = dag.test()
    return 0 if run.state == DagRunState.SUCCESS else people.exit_code or 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
