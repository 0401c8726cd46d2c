"""The whole job without credentials: simulated CRMs, the real nightly DAG, tables and report."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from connectors.errors import ExpectedFailure
from crmlift import pipeline
from crmlift.errors import ConfigurationFailure
from crmlift.places import DAGS, ROOT
from crmlift.settings_file import DEMO_SETTINGS, secret_variable

log = logging.getLogger(__name__)

START_SECONDS = 90
SERVED = "simulator/served.json"
INPUTS = "inputs"
PROGRESS_MARK = "crmlift: "

GOALS: tuple[tuple[str, str, str, str], ...] = (
    ("win-more", "win_rate", "sales", "We win a larger share of the deals we close"),
    ("win-more-of-new", "cohort_win_rate", "sales", "We win more of the deals we open"),
    ("sell-more", "won_revenue", "sales", "We sell more"),
    ("more-wins", "won_deals", "sales", "We win more deals"),
    ("bigger-deals", "avg_deal_size", "sales", "Deals become larger"),
    ("faster-sales", "sales_cycle_days", "sales", "Deals close sooner"),
    ("convert-leads", "lead_conversion_rate", "sales", "More leads become deals"),
    ("answer-leads", "lead_response_minutes", "process", "Leads hear from us sooner"),
    ("answer-requests", "first_response_minutes", "process", "Customers hear from us sooner"),
    ("solve-requests", "resolution_hours", "process", "Requests are solved sooner"),
)
"""What the simulated company hoped for, declared before the rollout: goal id, KPI, family, statement."""


class DagRunFailure(ExpectedFailure):
    """A task of the DAG run failed; carries the exit code and the words of the step's own failure."""

    def __init__(self, told: list[str], exit_code: int, log: Path) -> None:
        what = "\n".join(told) or "The DAG run failed."
        super().__init__(
            what, saved="What finished stays; the same command goes on.", next_step=f"the whole log is {log}"
        )
        self.exit_code = exit_code


@dataclass(frozen=True)
class DemoSpec:
    """What to simulate and where to put it."""

    company: str = "known"
    seed: int = 7
    size: str = "small"
    as_of: str | None = None
    home: Path = Path("data")
    data: Path | None = None


@contextmanager
def simulator(spec: DemoSpec) -> Iterator[Mapping[str, Any]]:
    """The simulator as a child process on a free loopback port; stopped by its pid at the end.

    Yields its address, certificate, credentials and rollout. Raises ConfigurationFailure when it does not start.
    """
    ready, log = spec.home / "simulator" / "ready.json", spec.home / "simulator" / "simulator.log"
    ready.parent.mkdir(parents=True, exist_ok=True)
    ready.unlink(missing_ok=True)
    command = [
        sys.executable, "-m", "crmlift.cli.main", "simulate", "--company", spec.company, "--seed", str(spec.seed),
        "--size", spec.size, "--port", "0", "--ready-file", str(ready), "--files", str(spec.home / INPUTS),
        *(["--as-of", spec.as_of] if spec.as_of else []),
        *(["--data", str(spec.data.absolute())] if spec.data else []),
    ]  # fmt: skip
    with log.open("w") as output:
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT)
    try:
        yield _wait(child, ready, log)
    finally:
        child.terminate()
        try:
            child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        ready.unlink(missing_ok=True)


def _wait(child: subprocess.Popen[bytes], ready: Path, log: Path) -> Mapping[str, Any]:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if ready.exists():
            info: Mapping[str, Any] = json.loads(ready.read_text())
            return info
        if child.poll() is not None:
            break
        time.sleep(0.05)
    told = log.read_text()[-1500:].strip()
    raise ConfigurationFailure("The simulator did not start.", why=told, next_step=f"see {log}")


def settings_for(spec: DemoSpec, info: Mapping[str, Any]) -> dict[str, Any]:
    """The demo's `crmlift.yml`, as a company that runs both CRMs would write it; given files are a Salesforce only."""
    rollout = info["rollout"]
    trust = {"ca_bundle": info["ca_file"]}
    salesforce = {"type": "salesforce", "instance_url": info["url"], **trust}
    if spec.data:
        company = {"name": spec.data.name, "currency": info["currency"]}
        return {"company": company, "sources": {"sf": salesforce}}
    return {
        "company": {
            "name": f"Simulated company ({spec.company})",
            "currency": "EUR",
            "timezone": "Europe/Kyiv",
        },
        "sources": {
            "sf": salesforce,
            "hs": {"type": "hubspot", "base_url": info["url"], **trust},
            "sheets": _sheets(spec, info),
        },
        "rollouts": [rollout],
        "goals": [
            {"id": goal, "rollout": rollout["id"], "kpi": kpi, "family": family, "statement": statement}
            for goal, kpi, family, statement in GOALS
        ],
        "kpis": {"cohort_win_rate": {"h_days": 90}},
    }


def _sheets(spec: DemoSpec, info: Mapping[str, Any]) -> dict[str, Any]:
    """The company's spreadsheets as a source."""
    folder = spec.home.absolute() / INPUTS
    return {"type": "files", "path": str(folder), "mapping": str(folder / "mapping.yml"), "as_of": info["as_of"]}


def run_demo(spec: DemoSpec, *, with_airflow: bool) -> None:
    """Serve the company, run the night over it, leave the tables and the report below `spec.home`.

    with_airflow: the real DAG on SQLite metadata; else the same steps without a scheduler. Raises what the steps
    raise, or ConfigurationFailure when the DAG run failed or the home holds another company or a later day.
    """
    home = spec.home.absolute()
    home.mkdir(parents=True, exist_ok=True)
    served = f"the files of {spec.data}" if spec.data else f"company {spec.company!r}, seed {spec.seed}"
    _tell(f"{served}: starting the simulated CRMs")
    _refuse_another(spec, home)
    with simulator(replace(spec, home=home)) as info:
        _refuse_earlier(info["as_of"], home)
        settings = home / DEMO_SETTINGS
        settings.write_text(
            "# Written by crmlift demo; yours is made by crmlift init.\n"
            + yaml.safe_dump(settings_for(spec, info), allow_unicode=True, sort_keys=False)
        )
        os.environ |= _environment(home, settings, info)
        (home / SERVED).write_text(json.dumps(_identity(spec) | {"as_of": info["as_of"]}))
        _tell(f"they answer on {info['url']} as of {info['as_of']}")
        if with_airflow:
            _run_dag(home)
        else:
            pipeline.run(run_id=pipeline.new_run_id())


def _identity(spec: DemoSpec) -> dict[str, Any]:
    """What makes one simulated company another."""
    if spec.data:
        return {"data": str(spec.data.absolute())}
    return {"company": spec.company, "seed": spec.seed, "size": spec.size}


def _served_before(home: Path) -> dict[str, Any]:
    path = home / SERVED
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def _refuse_another(spec: DemoSpec, home: Path) -> None:
    """One home holds one company: another's records would be merged into the first one's tables."""
    if spec.data and not spec.data.is_dir():
        raise ConfigurationFailure(f"There is no folder {spec.data}.", next_step="give a folder of CSV files")
    before = _served_before(home)
    before.pop("as_of", None)
    if before and before != _identity(spec):
        held = ", ".join(f"{name} {value}" for name, value in before.items())
        raise ConfigurationFailure(
            f"{home} holds another simulated company ({held}).", saved="Nothing was changed.",
            next_step="choose another folder with --out DIR, or remove this one",
        )  # fmt: skip


def _refuse_earlier(as_of: str, home: Path) -> None:
    """Time does not run back: what was read later would stay in the tables."""
    before = _served_before(home).get("as_of", as_of)
    if as_of < before:
        raise ConfigurationFailure(
            f"{home} was read as of {before[:10]} already; {as_of[:10]} lies before.", saved="Nothing was changed.",
            next_step=f"run it with --as-of {before[:10]} or later, or with another --out DIR",
        )  # fmt: skip


def _tell(line: str) -> None:
    log.info("event=demo", extra={"people": line})


def _environment(home: Path, settings: Path, info: Mapping[str, Any]) -> dict[str, str]:
    return {
        "CRMLIFT_HOME": str(home),
        "CRMLIFT_CONFIG": str(settings),
        secret_variable("sf", "client_id"): info["client_id"],
        secret_variable("sf", "client_secret"): info["client_secret"],
        secret_variable("hs", "access_token"): info["access_token"],
    }


def _run_dag(home: Path) -> None:
    """`python -m dags.local crm_nightly` in a process of its own, so that airflow sees its environment first."""
    airflow_home = home / "airflow"
    environment = os.environ | {
        "AIRFLOW_HOME": str(airflow_home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{airflow_home / 'airflow.db'}",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "CRMLIFT_TASK_RETRIES": "0",
    }
    airflow_home.mkdir(parents=True, exist_ok=True)
    log = airflow_home / "last-run.log"
    _tell("the DAG crm_nightly, in one process, on SQLite metadata")
    told: list[str] = []
    with log.open("w") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "dags.local", "crm_nightly"],
            cwd=ROOT, env=environment, stdout=output, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert child.stderr is not None
        for line in child.stderr:
            if line.startswith(PROGRESS_MARK):
                level, _, text = line.removeprefix(PROGRESS_MARK).rstrip().partition(" ")
                told += [text] if level == "ERROR" else []
                _tell(text)
            output.write(line)
        code = child.wait()
    if code:
        raise DagRunFailure(told, code, log)
