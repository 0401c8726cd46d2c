"""`crmlift simulate`: serve the fake Salesforce, HubSpot and Pipedrive."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from crmlift.cli.output import errors
from crmlift.errors import UsageFailure
from crmlift.simulator.faults import STORMS
from crmlift.simulator.options import PD_API_TOKEN, REFUSALS, RateTier, ServerOptions

Size = Annotated[str, typer.Option("--size", help="small, medium or large.")]


def simulate(
    company: Annotated[
        str, typer.Option(help="known: effects we planted; null: a rollout that changed nothing.")
    ] = "known",
    seed: Annotated[int, typer.Option(help="Another seed, another company of the same kind.")] = 7,
    size: Size = "small",
    as_of: Annotated[str | None, typer.Option(help="The simulated present, e.g. 2026-11-03.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 8443,
    certfile: Annotated[Path | None, typer.Option(help="TLS certificate; made on the spot if not given.")] = None,
    keyfile: Annotated[Path | None, typer.Option(help="Key of the certificate.")] = None,
    http: Annotated[bool, typer.Option("--http", help="Plain http (simple-salesforce insists on https).")] = False,
    faults: Annotated[
        str | None,
        typer.Option(
            help="A storm: errors, limits, drops, truncated, expired, slow, failed, shuffled, skewed, all; or refusals "
            "(an object of each vendor is withheld for good), repeats (records come twice)."
        ),
    ] = None,
    latency: Annotated[str, typer.Option(help="Wait before each answer, e.g. 150ms.")] = "0ms",
    rate_limits: Annotated[
        str | None, typer.Option(help="HubSpot tier: free, professional, enterprise, oauth.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Serve the CSV files of a folder as objects instead.")] = None,
    export_to: Annotated[
        Path | None, typer.Option("--export", help="Write what would be served as Parquet, and stop.")
    ] = None,
    files: Annotated[
        Path | None, typer.Option(help="Also write the company's spreadsheets (costs, quotas, surveys …) there.")
    ] = None,
    pipedrive: Annotated[
        bool, typer.Option("--pipedrive", help="With --export: the sales side as Pipedrive holds it, too.")
    ] = False,
    ready_file: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Serve a made-up company as Salesforce (/services/…), HubSpot (/crm/…) and Pipedrive (/api/v2/…) on one port."""
    from crmlift.simulator.run import SimulationSpec, export, serve_company

    spec = SimulationSpec(company, seed, size, _instant(as_of), data)
    if export_to is not None:
        export(spec, export_to, with_pipedrive=pipedrive)
        errors.print(f"Wrote {export_to}")
        return
    if ready_file is not None:
        threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    serve_company(
        spec,
        host=host,
        port=port,
        certfile=certfile,
        keyfile=keyfile,
        plain_http=http,
        options=ServerOptions(
            latency_s=_seconds(latency),
            rate_limits=_one_of(rate_limits, get_args(RateTier), "tier"),
            faults=None if faults in {"refusals", "repeats"} else _one_of(faults, STORMS, "storm"),
            refused=REFUSALS if faults == "refusals" else (),
            has_repeats=faults == "repeats",
        ),
        on_ready=lambda info: _tell(info, ready_file),
        files=files,
    )


def _end_with_parent(parent: int) -> None:
    """Stop serving when the program that started this one is gone, however it ended."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGINT)


def _tell(info: dict[str, object], ready_file: Path | None) -> None:
    if ready_file is not None:
        fresh = ready_file.with_suffix(".new")
        fresh.write_text(json.dumps(info, default=str))
        fresh.replace(ready_file)
        return
    errors.print(f"Serving company {info['company']} as of {info['as_of']} on {info['url']}")
    if info.get("ca_file"):
        errors.print(f"Trust its certificate:  {info['ca_file']}")
    errors.print(f"Salesforce client id / secret: {info['client_id']} / {info['client_secret']}")
    errors.print(f"HubSpot service key: {info['access_token']}\nPipedrive API token: {PD_API_TOKEN}\nCtrl-C ends it.")


def _one_of(name: str | None, known: Iterable[str], what: str) -> Any:
    if name is not None and name not in known:
        raise UsageFailure(f"There is no {what} {name!r}.", next_step=f"choose from: {', '.join(known)}")
    return name


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageFailure(
            f"{text!r} is not a date or time.", next_step="write it as 2026-11-03 or 2026-11-03T06:00"
        ) from None
    return found


def _seconds(text: str) -> float:
    number, unit = (text[:-2], 0.001) if text.endswith("ms") else (text.removesuffix("s"), 1.0)
    try:
        return float(number) * unit
    except ValueError:
        raise UsageFailure(f"{text!r} is not a duration.", next_step="write it as 150ms or 0.2s") from None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Try")(simulate)
