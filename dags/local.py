"""Run one DAG here and now, in this process, on SQLite metadata: what `crmlift demo` does.

python -m dags.local crm_nightly
The places (AIRFLOW_HOME, CRMLIFT_HOME, CRMLIFT_CONFIG) come from the environment, set before airflow is imported.
Lines for people go to stderr, each after a mark; everything else a scheduler would log is on stdout.
"""

from __future__ import annotations

import importlib
import sys

from airflow.utils.db import initdb
from airflow.utils.state import DagRunState

from crmlift.demo import PROGRESS_MARK
from crmlift.progress import tell_people


def _say(level: str, line: str) -> None:
    print(f"{PROGRESS_MARK}{level} {line}", file=sys.__stderr__, flush=True)


def main(name: str) -> int:
    """Make the metadata database if it is new, run the DAG; 0, or the exit code of the step that failed."""
    initdb()
    people = tell_people(_say)
    dag = getattr(importlib.import_module(f"dags.{name}"), name)()
    run = dag.test()
    return 0 if run.state == DagRunState.SUCCESS else people.exit_code or 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
