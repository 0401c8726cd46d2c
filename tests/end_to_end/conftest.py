"""One demo night for the whole session: the real DAG over company `known`, read by an impatient analyst meanwhile."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).parent.parent.parent
FIRST_DAY, SECOND_DAY = "2026-11-02", "2026-11-03"


def crmlift(*arguments: str, home: Path, timeout: float = 280, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user does, in a process of its own."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("CRMLIFT_", "AIRFLOW_"))}
    return subprocess.run(
        [sys.executable, "-m", "crmlift.cli.main", *arguments],
        cwd=ROOT, env=clean | {"CRMLIFT_HOME": str(home), "NO_COLOR": "1"} | environment,
        capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip


@dataclass
class Reader(threading.Thread):
    """Opens the published file read-only in a process of its own, over and over, and keeps every failure."""

    path: Path
    failures: list[str] = field(default_factory=list)
    reads: int = 0
    is_done: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        while not self.is_done.wait(0.02):
            if not self.path.exists():
                continue
            try:
                with duckdb.connect(str(self.path), read_only=True) as connection:
                    connection.execute("select count(*) from core.opportunity").fetchone()
                self.reads += 1
            except duckdb.Error as problem:
                self.failures.append(str(problem))


@dataclass(frozen=True)
class Night:
    """What a demo left: its home, what it printed, and how the reader fared."""

    home: Path
    printed: str
    told: str
    reads: int
    failures: list[str]

    def query(self, sql: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.home / "analytics.duckdb"), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(sql).fetchall()


def run_night(home: Path, *arguments: str) -> Night:
    reader = Reader(home / "analytics.duckdb")
    reader.start()
    done = crmlift("demo", "--out", str(home), *arguments, home=home)
    reader.is_done.set()
    reader.join()
    assert done.returncode == 0, done.stderr[-3000:]
    return Night(home, done.stdout, done.stderr, reader.reads, reader.failures)


@pytest.fixture(scope="session")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """The DAG through Airflow over company known. Workers of one test run share the night, and work on copies of it."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        yield run_night(tmp_path_factory.mktemp("demo"), "--as-of", FIRST_DAY)
        return
    shared = tmp_path_factory.getbasetemp().parent / "first_night"
    shared.mkdir(exist_ok=True)
    kept = shared / "night.json"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            night = run_night(shared / "home", "--as-of", FIRST_DAY)
            kept.write_text(json.dumps([night.printed, night.told, night.reads, night.failures]), encoding="utf-8")
    home = tmp_path_factory.mktemp("demo") / "home"
    shutil.copytree(shared / "home", home)
    yield Night(home, *json.loads(kept.read_text(encoding="utf-8")))
