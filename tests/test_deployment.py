"""Containers and DAGs as a deployment would load them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_compose_file_is_valid() -> None:
    done = run(str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "docker-compose.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_secret_of_the_compose_file_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name in ("AIRFLOW_FERNET_KEY", "AIRFLOW_SECRET_KEY", "AIRFLOW_JWT_SECRET", "POSTGRES_PASSWORD"):
        assert f"${{{name}:?" in text
        assert f"${{{name}:-" not in text
    services = yaml.safe_load(text)["services"]
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_the_dockerfile_is_sound() -> None:
    done = run(str(BIN / "hadolint"), "Dockerfile")
    assert done.returncode == 0, done.stdout


def test_the_dags_import_without_a_settings_file_and_wire_the_steps(tmp_path: Path) -> None:
    code = (
        "from airflow.dag_processing.dagbag import DagBag\n"
        "bag = DagBag('dags')\n"
        "print(bag.import_errors, sorted(bag.dags), [t.task_id for t in bag.dags['crm_nightly'].topological_sort()])"
    )
    done = run(
        sys.executable, "-c", code, AIRFLOW_HOME=str(tmp_path), AIRFLOW__CORE__LOAD_EXAMPLES="false",
        AIRFLOW__LOGGING__LOGGING_LEVEL="ERROR", CRMLIFT_HOME=str(tmp_path), CRMLIFT_CONFIG=str(tmp_path / "none.yml"),
    )  # fmt: skip
    last = done.stdout.strip().splitlines()[-1]
    assert last.startswith("{} ['crm_nightly']"), done.stdout + done.stderr
    order = [last.index(f"'{t}'") for t in ("extract", "load", "transform", "measure", "evaluate", "alert", "publish")]
    assert order == sorted(order)
