"""Published Salesforce clients, unchanged, against company `known`: every object, as many records as the export.

`make foreign` installs them into `.venv-foreign/<name>` and runs this; a client that is not there is skipped.
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from simple_salesforce import Salesforce

from crmlift.simulator.build import build_company
from crmlift.simulator.detour import detour
from crmlift.simulator.export import export_company
from crmlift.simulator.options import (
    SF_CLIENT_ID,
    SF_CLIENT_SECRET,
    SF_PASSWORD,
    SF_REFRESH_TOKEN,
    SF_SECURITY_TOKEN,
    SF_USERNAME,
    ServerOptions,
)
from crmlift.simulator.server import ServerInfo, running_simulator
from tests.crmlift.simulator.clients import trusting_session

pytestmark = pytest.mark.slow

CLIENTS = Path(os.environ.get("CRMLIFT_FOREIGN", Path(__file__).parents[2] / ".venv-foreign"))
HOSTS = ("login.salesforce.com", "test.salesforce.com")
START = "2020-01-01T00:00:00Z"
OAUTH = {"client_id": SF_CLIENT_ID, "client_secret": SF_CLIENT_SECRET, "refresh_token": SF_REFRESH_TOKEN}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[int, int]]:
    """Object → rows in the export, and those of them that are not deleted."""
    company, folder = build_company("known", seed=7, size="small"), tmp_path_factory.mktemp("export")
    export_company(company, folder)
    counts = {}
    for path in (folder / "salesforce").glob("*.parquet"):
        table = pq.read_table(path)
        gone = sum(table["IsDeleted"].to_pylist()) if "IsDeleted" in table.column_names else 0
        counts[path.stem] = table.num_rows, table.num_rows - gone
    return counts


@pytest.fixture(scope="module")
def server() -> Iterator[ServerInfo]:
    company = build_company("known", seed=7, size="small")
    with running_simulator(company, ServerOptions(job_polls=0), names=HOSTS) as info:
        yield info


@pytest.fixture
def environment(server: ServerInfo) -> Iterator[dict[str, str]]:
    """What a client's process is told: the way to salesforce.com and whom to trust there."""
    with detour(server.port) as proxy:
        told = {"https_proxy": proxy, "HTTPS_PROXY": proxy, "no_proxy": "", "NO_PROXY": ""}
        trusted = dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"), str(server.ca_file))
        yield {**os.environ, **told, **trusted}


@pytest.fixture
def sf(server: ServerInfo) -> Salesforce:
    return Salesforce(
        username=SF_USERNAME,
        password=SF_PASSWORD,
        security_token=SF_SECURITY_TOKEN,
        domain=f"{server.host}/login",
        session=trusting_session(server),
    )


def command(client: str, program: str) -> str:
    path = CLIENTS / client / "bin" / program
    if not path.exists():
        pytest.skip(f"{client} is not installed: make foreign")
    return str(path)


def messages(program: list[str], environment: Mapping[str, str], folder: Path) -> Iterator[dict[str, Any]]:
    """The JSON lines a program writes; the test fails with its last words when it does."""
    with (folder / "errors").open("w+") as errors:
        done = subprocess.Popen(program, env=dict(environment), cwd=folder, stdout=subprocess.PIPE, stderr=errors)
        assert done.stdout is not None
        said = []
        for line in done.stdout:
            if line.startswith(b"{"):
                yield json.loads(line)
            else:
                said.append(line.decode())
        done.wait()
        errors.seek(0)
        assert done.returncode == 0, "".join(said)[-3000:] + errors.read()[-3000:]


def written(folder: Path, name: str, data: object) -> str:
    path = folder / name
    path.write_text(json.dumps(data))
    return str(path)


def all_rows(exported: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    return {name: total for name, (total, _) in exported.items() if total}


def test_simple_salesforce_by_rest(sf: Salesforce, exported: Mapping[str, tuple[int, int]]) -> None:
    objects = [each["name"] for each in sf.describe()["sobjects"]]  # type: ignore[index]
    assert set(objects) == set(exported)
    found = {}
    for name in objects:
        fields = ", ".join(field["name"] for field in getattr(sf, name).describe()["fields"])
        every = sum(1 for _ in sf.query_all_iter(f"SELECT {fields} FROM {name}", include_deleted=True))
        living = sum(1 for _ in sf.query_all_iter(f"SELECT Id FROM {name}"))
        found[name] = every, living
    assert found == exported


def test_simple_salesforce_by_bulk_2(sf: Salesforce, exported: Mapping[str, tuple[int, int]]) -> None:
    found = {}
    for name in exported:
        fields = ", ".join(field["name"] for field in getattr(sf, name).describe()["fields"])
        pages = getattr(sf.bulk2, name).query_all(f"SELECT {fields} FROM {name}", wait=0.01)
        every = sum(sum(1 for _ in csv.DictReader(io.StringIO(page))) for page in pages)
        living = sum(
            sum(1 for _ in csv.DictReader(io.StringIO(page)))
            for page in getattr(sf.bulk2, name).query(f"SELECT Id FROM {name}", wait=0.01)
        )
        found[name] = every, living
    assert found == exported


def test_simple_salesforce_by_bulk_1(sf: Salesforce, exported: Mapping[str, tuple[int, int]]) -> None:
    found = {}
    for name in exported:
        fields = ", ".join(field["name"] for field in getattr(sf, name).describe()["fields"])
        bulk = getattr(sf.bulk, name)
        every = len(list(bulk.query_all(f"SELECT {fields} FROM {name}", wait=0)))
        found[name] = every, len(list(bulk.query(f"SELECT Id FROM {name}", wait=0)))
    assert found == exported


@pytest.mark.parametrize("api_type", ["REST", "BULK"])
def test_the_singer_tap(
    api_type: str, environment: Mapping[str, str], exported: Mapping[str, tuple[int, int]], tmp_path: Path
) -> None:
    tap = command("tap-salesforce", "tap-salesforce")
    settings = {**OAUTH, "start_date": START, "api_type": api_type, "select_fields_by_default": True}
    config = written(tmp_path, "config.json", settings)
    found = subprocess.run([tap, "--config", config, "--discover"], env=environment, capture_output=True, cwd=tmp_path)
    assert found.returncode == 0, found.stderr.decode()[-3000:]
    catalog = json.loads(found.stdout)
    for stream in catalog["streams"]:
        (about,) = [entry["metadata"] for entry in stream["metadata"] if not entry["breadcrumb"]]
        about |= {"selected": True, "replication-key": about.get("valid-replication-keys", [None])[0]}
    program = [tap, "--config", config, "--properties", written(tmp_path, "catalog.json", catalog)]
    records = Counter(each["stream"] for each in messages(program, environment, tmp_path) if each["type"] == "RECORD")
    assert dict(records) == all_rows(exported)


@pytest.mark.parametrize("force_bulk", [False, True])
def test_airbyte(
    force_bulk: bool, environment: Mapping[str, str], exported: Mapping[str, tuple[int, int]], tmp_path: Path
) -> None:
    source = command("airbyte-source-salesforce", "source-salesforce")
    settings = {**OAUTH, "start_date": START, "force_use_bulk_api": force_bulk, "stream_slice_step": "P3650D"}
    config = written(tmp_path, "config.json", settings)
    program = [source, "check", "--config", config]
    (status,) = [
        each["connectionStatus"] for each in messages(program, environment, tmp_path) if "connectionStatus" in each
    ]
    assert status["status"] == "SUCCEEDED", status
    program = [source, "discover", "--config", config]
    (catalog,) = [each["catalog"] for each in messages(program, environment, tmp_path) if "catalog" in each]
    chosen = {"streams": [_configured(stream) for stream in catalog["streams"]]}
    program = [source, "read", "--config", config, "--catalog", written(tmp_path, "catalog.json", chosen)]
    records = _airbyte_ids(messages(program, environment, tmp_path))
    assert {name: len(ids) for name, ids in records.items()} == all_rows(exported)


def _configured(stream: Mapping[str, Any]) -> dict[str, Any]:
    mode = "incremental" if "incremental" in stream["supported_sync_modes"] else "full_refresh"
    return {"stream": stream, "sync_mode": mode, "destination_sync_mode": "append"}


def _airbyte_ids(found: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    """By Id: it reads records at the seams of its windows twice. Its stream `Describe` is no object."""
    ids: dict[str, set[str]] = {}
    for each in found:
        if each["type"] == "RECORD" and each["record"]["stream"] != "Describe":
            ids.setdefault(each["record"]["stream"], set()).add(each["record"]["data"]["Id"])
    return ids
