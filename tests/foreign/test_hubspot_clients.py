"""Clients nobody here wrote, unchanged, against the simulated HubSpot: what they count is what the export holds.

hubspot-api-client comes with the development environment. The others have dependencies that fight ours, so each lives
in an environment of its own below `.venv-foreign` (or the folder CRMLIFT_FOREIGN names), which `make foreign`
fills; a client that is not there is skipped. They insist on https://api.hubapi.com: a proxy leads them here, and
`sitecustomize` has them trust the simulator's certificate. dlt's source is the one ingestr ships.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hubspot
import pyarrow.parquet as pq
import pytest

from crmlift.simulator.detour import detour
from crmlift.simulator.export import export_company
from crmlift.simulator.options import HS_SERVICE_KEY
from crmlift.simulator.server import ServerInfo, running_simulator
from tests.crmlift.simulator.every_object import CUSTOM, every_object

pytestmark = pytest.mark.slow

CLIENTS = Path(os.environ.get("CRMLIFT_FOREIGN", Path(__file__).parents[2] / ".venv-foreign"))
VENDOR = "api.hubapi.com"
TRUST = "import os, certifi\ncertifi.where = certifi.core.where = lambda: os.environ['SSL_CERT_FILE']\n"
AIRBYTE = {
    "companies": "companies", "contacts": "contacts", "deals": "deals", "engagements_calls": "calls",
    "engagements_emails": "emails", "engagements_meetings": "meetings", "engagements_notes": "notes",
    "engagements_tasks": "tasks", "leads": "leads", "tickets": "tickets", CUSTOM: CUSTOM, "owners": "owners",
}  # fmt: skip
"""Its stream → ours. Not products, line_items, goals, deal_splits: version 5.7.0 pages them by `offset`, which HubSpot
does not know, and never ends."""
MELTANO = [
    "companies", "contacts", "deals", "tickets", "leads", "products", "line_items", "quotes", "calls", "emails",
    "meetings", "notes", "tasks", "communications", "postal_mail", "feedback_submissions", "goal_targets", CUSTOM,
    "owners",
]  # fmt: skip
DLT = ["companies", "contacts", "deals", "tickets", "products", "quotes"]
DLT_RUN = """
import json, sys, dlt
from ingestr.src.hubspot import hubspot
folder, key, custom = sys.argv[1:]
place = dlt.destinations.duckdb(folder + "/dlt.duckdb")
pipeline = dlt.pipeline("foreign", pipelines_dir=folder, destination=place, dataset_name="d")
pipeline.run(hubspot(api_key=key, include_history=True, custom_object=custom))
counts = {t["name"]: pipeline.dataset()[t["name"]].df().shape[0] for t in pipeline.default_schema.data_tables()}
print(json.dumps(counts))
"""


@dataclass(frozen=True)
class Stage:
    """A running simulator, what its export holds, and the environment in which clients find it."""

    server: ServerInfo
    export: Path
    environment: Mapping[str, str]
    folder: Path

    def exported(self, stream: str, is_archived: bool = False) -> int:
        flags = pq.read_table(self.export / "hubspot" / f"{stream}.parquet", columns=["archived"]).column("archived")
        return sum(flag is is_archived for flag in flags.to_pylist())

    def run(self, client: str, program: str, *arguments: str | Path) -> str:
        path = CLIENTS / client / "bin" / program
        if not path.exists():
            pytest.skip(f"{client} is not installed in {CLIENTS} (make foreign)")
        done = subprocess.run([path, *arguments], env=self.environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-500:]
        return done.stdout

    def write(self, name: str, content: Any) -> Path:
        path = self.folder / name
        path.write_text(json.dumps(content))
        return path


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder, company = tmp_path_factory.mktemp("foreign"), every_object()
    export_company(company, folder / "export")
    (folder / "sitecustomize.py").write_text(TRUST)
    with running_simulator(company, names=(VENDOR,), folder=folder) as server, detour(server.port) as proxy:
        kept = {k: v for k, v in os.environ.items() if k.lower() not in {"no_proxy", "http_proxy", "all_proxy"}}
        found = {"HTTPS_PROXY": proxy, "https_proxy": proxy, "SSL_CERT_FILE": str(server.ca_file)}
        found["REQUESTS_CA_BUNDLE"] = found["SSL_CERT_FILE"]
        quiet = {"RUNTIME__DLTHUB_TELEMETRY": "false", "DO_NOT_TRACK": "1", "PYTHONPATH": str(folder)}
        yield Stage(server, folder / "export", {**kept, **found, **quiet}, folder)


def records(lines: str, wanted: str = "RECORD") -> Iterator[dict[str, Any]]:
    """Singer's and Airbyte's messages of one type."""
    for line in lines.splitlines():
        if line.startswith("{") and (message := json.loads(line)).get("type") == wanted:
            yield message


def test_hubspot_api_client(stage: Stage) -> None:
    client = hubspot.HubSpot(
        access_token=HS_SERVICE_KEY, host=stage.server.base_url, ssl_ca_cert=str(stage.server.ca_file)
    )
    for stream in [path.stem for path in (stage.export / "hubspot").glob("*.parquet")]:
        if stream in MELTANO and stream != "owners":
            assert len(client.crm.objects.get_all(stream)) == stage.exported(stream), stream
            assert len(client.crm.objects.get_all(stream, archived=True)) == stage.exported(stream, True), stream
    assert len(client.crm.owners.get_all()) == stage.exported("owners")


def test_meltano_tap_hubspot(stage: Stage) -> None:
    settings = {"access_token": HS_SERVICE_KEY, "custom_object_types": [CUSTOM], "associations": {"deals": ["tickets"]}}
    config = stage.write("meltano.json", settings)
    said = stage.run("meltano-tap-hubspot", "tap-hubspot", "--config", config)
    counts = Counter(message["stream"] for message in records(said))
    assert {name: counts[name] for name in MELTANO} == {name: stage.exported(name) for name in MELTANO}
    links = pq.read_table(stage.export / "hubspot" / "deals_associations.parquet").to_pylist()
    assert counts["deals_tickets_associations"] == sum(link["to_object"] == "tickets" for link in links) > 0
    assert counts["deal_pipelines"] == counts["ticket_pipelines"] == 1


def test_meltano_tap_hubspot_reads_only_what_changed(stage: Stage) -> None:
    config = stage.write("meltano.json", {"access_token": HS_SERVICE_KEY, "start_date": "2026-01-10T00:00:00Z"})
    catalog = json.loads(stage.run("meltano-tap-hubspot", "tap-hubspot", "--config", config, "--discover"))
    catalog["streams"] = [s for s in catalog["streams"] if s["stream"] == "companies"]
    said = stage.run("meltano-tap-hubspot", "tap-hubspot", "--config", config, "--catalog", stage.write("c", catalog))
    rows = every_object().hubspot["companies"].rows
    changed = [r for r in rows if not r["archived"] and str(r["updatedAt"]) >= "2026-01-10"]
    assert 0 < len(changed) == len(list(records(said)))


def test_airbyte_source_hubspot(stage: Stage) -> None:
    credentials = {"credentials_title": "Private App Credentials", "access_token": HS_SERVICE_KEY}
    config = stage.write("airbyte.json", {"start_date": "2020-01-01T00:00:00Z", "credentials": credentials})
    program = ("airbyte-source-hubspot", "source-hubspot")
    (found,) = records(stage.run(*program, "discover", "--config", config), "CATALOG")
    chosen = [s for s in found["catalog"]["streams"] if s["name"] in {*AIRBYTE, "deals_archived", "owners_archived"}]
    modes = {"sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
    catalog = stage.write("catalog.json", {"streams": [{"stream": stream, **modes} for stream in chosen]})
    said = stage.run(*program, "read", "--config", config, "--catalog", catalog)
    counts = Counter(message["record"]["stream"] for message in records(said))
    assert {name: counts[name] for name in AIRBYTE} == {name: stage.exported(own) for name, own in AIRBYTE.items()}
    assert counts["deals_archived"] == stage.exported("deals", True) > 0
    assert counts["owners_archived"] == stage.exported("owners", True) > 0


def test_dlt_hubspot_source(stage: Stage) -> None:
    run = ("ingestr", "python", "-W", "ignore", "-c", DLT_RUN, str(stage.folder), HS_SERVICE_KEY, CUSTOM)
    counts = json.loads(stage.run(*run).splitlines()[-1])
    assert {name: counts[name] for name in DLT} == {name: stage.exported(name) for name in DLT}
    assert counts["custom"] == stage.exported(CUSTOM)
