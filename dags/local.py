"""Run one DAG here and now, in this process, on SQLite metadata: what `crmlift demo` does.

python -m dags.local crm_nightly
The places (AIRFLOW_HOME, CRMLIFT_HOME, CRMLIFT_CONFIG) come from the environment, set before airflow is imported.
"""

from __future__ import annotations

import importlib
import sys

from airflow.utils.db import initdb
from airflow.utils.state import DagRunState


def main(name: str) -> int:
    """Make the metadata database if it is new, run the DAG, return 0 if it succeeded."""
    initdb()
    module = importlib.import_module(f"dags.{name}")
    dag = getattr(module, name)()
    run = dag.test()
    return 0 if run.state == DagRunState.SUCCESS else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
