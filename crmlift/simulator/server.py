"""The simulated CRMs on one port, and how they are run."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, ExceptionHandler

from crmlift.simulator.company import Company
from crmlift.simulator.edge import Edge
from crmlift.simulator.faults import FaultPlan
from crmlift.simulator.hubspot import routes as hubspot_routes
from crmlift.simulator.hubspot.errors import HubSpotError
from crmlift.simulator.hubspot.portal import HubSpotPortal
from crmlift.simulator.options import ServerOptions
from crmlift.simulator.pipedrive import routes as pipedrive_routes
from crmlift.simulator.pipedrive.account import PipedriveAccount, PipedriveError
from crmlift.simulator.salesforce import routes as salesforce_routes
from crmlift.simulator.salesforce.errors import OAuthError, SalesforceError, on_oauth_error
from crmlift.simulator.salesforce.jobs import JobBook
from crmlift.simulator.salesforce.org import SalesforceOrg
from crmlift.simulator.served import ServedCompany, SimulatedClock
from crmlift.simulator.tls import make_certificate

LOOPBACK = "127.0.0.1"
_START_SECONDS = 10.0
_BACKLOG = 512
_KEEP_ALIVE_SECONDS = 120  # clients that poll every few seconds keep their connection


@dataclass(frozen=True)
class ServerInfo:
    """Where a running simulator is. ca_file is what clients must trust, None over plain http."""

    base_url: str
    port: int
    ca_file: Path | None
    app: Starlette

    @property
    def host(self) -> str:
        """`127.0.0.1:PORT`, as simple-salesforce wants an instance."""
        return self.base_url.partition("://")[2]

    @property
    def served(self) -> ServedCompany:
        """The company being served: `set_company` exchanges it, `refresh` after editing rows in place."""
        served = self.app.state.served
        assert isinstance(served, ServedCompany)
        return served

    @property
    def faults(self) -> FaultPlan | None:
        """The storm and its counts."""
        faults: FaultPlan | None = self.app.state.faults
        return faults


def create_app(company: Company, options: ServerOptions | None = None) -> Starlette:
    """The application serving one company as Salesforce (`/services`), Pipedrive (`/v1`, `/api/v2`) and HubSpot."""
    options = options or ServerOptions()
    served = ServedCompany(company, SimulatedClock(company.as_of, options.is_clock_ticking))
    faults = FaultPlan(options.faults, options.fault_seed, options.fault_share) if options.faults else None
    org, portal = SalesforceOrg(served, options), HubSpotPortal(served, options)
    handlers = {
        SalesforceError: salesforce_routes.on_error,
        OAuthError: on_oauth_error,
        HubSpotError: hubspot_routes.on_error,
        PipedriveError: pipedrive_routes.on_error,
    }
    app = Starlette(
        routes=[*salesforce_routes.ROUTES, *pipedrive_routes.ROUTES, *hubspot_routes.ROUTES],
        exception_handlers=cast(dict[type[Exception], ExceptionHandler], handlers),
    )
    app.router.redirect_slashes = False
    app.state.served, app.state.faults = served, faults
    salesforce_routes.install(app, org)
    app.state.salesforce_jobs = JobBook(org, faults)
    app.state.hubspot, app.state.pipedrive = portal, PipedriveAccount(served, options)
    app.add_middleware(salesforce_routes.SalesforceGate, org=org)
    app.add_middleware(hubspot_routes.HubSpotGate, portal=portal)
    app.add_middleware(pipedrive_routes.PipedriveGate, account=app.state.pipedrive)
    app.add_middleware(Edge, served=served, options=options, faults=faults)
    return app


def serve(
    company: Company,
    host: str = LOOPBACK,
    port: int = 0,
    certfile: Path | None = None,
    keyfile: Path | None = None,
    options: ServerOptions | None = None,
    on_ready: Callable[[ServerInfo], None] | None = None,
) -> None:
    """Serve until interrupted. port 0 takes a free one; on_ready is called once requests are answered.

    https needs certfile and keyfile (`tls.make_certificate` makes a pair for the loopback address).
    """
    with _Listener(company, host, port, certfile, keyfile, options or ServerOptions()) as listener:
        ready = threading.Thread(target=listener.announce, args=(on_ready,), daemon=True)
        if on_ready is not None:
            ready.start()
        listener.server.run(sockets=[listener.socket])


@contextlib.contextmanager
def running_simulator(
    company: Company,
    options: ServerOptions | None = None,
    *,
    port: int = 0,
    is_https: bool = True,
    folder: Path | None = None,
    names: Sequence[str] = (),
) -> Iterator[ServerInfo]:
    """Serve in a thread on the loopback address for the time of a `with` block.

    folder: where the certificate goes, a temporary one if not given. names: further hosts it vouches for.
    """
    with contextlib.ExitStack() as stack:
        certfile = keyfile = None
        if is_https:
            place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crmlift-tls-")))
            certfile, keyfile = make_certificate(place, names)
        listener = stack.enter_context(
            _Listener(company, LOOPBACK, port, certfile, keyfile, options or ServerOptions())
        )
        thread = threading.Thread(
            target=listener.server.run, kwargs={"sockets": [listener.socket]}, name="crmlift-simulator", daemon=True
        )
        thread.start()
        stack.callback(thread.join, _START_SECONDS)
        stack.callback(listener.stop)
        if not listener.wait_until_ready():
            raise RuntimeError("the simulator did not start")
        yield listener.info


class _Listener:
    """A bound socket and the server to run on it."""

    def __init__(
        self,
        company: Company,
        host: str,
        port: int,
        certfile: Path | None,
        keyfile: Path | None,
        options: ServerOptions,
    ) -> None:
        self.app = create_app(company, options)
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self.socket.bind((host, port))
        except OSError:
            self.socket.close()
            raise
        self.is_ready = threading.Event()
        config = uvicorn.Config(
            cast(ASGIApp, self.app),
            log_level="critical",
            access_log=False,
            date_header=False,
            server_header=False,
            lifespan="off",
            http="h11",  # the other one writes header names in lower case; some clients look for Content-Type only
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=1,
            ssl_certfile=str(certfile) if certfile else None,
            ssl_keyfile=str(keyfile) if keyfile else None,
        )
        self.server = _Server(config, self.is_ready)
        bound = int(self.socket.getsockname()[1])
        scheme = "https" if certfile else "http"
        self.info = ServerInfo(f"{scheme}://{host}:{bound}", bound, certfile, self.app)

    def __enter__(self) -> _Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def wait_until_ready(self) -> bool:
        return self.is_ready.wait(_START_SECONDS)

    def announce(self, on_ready: Callable[[ServerInfo], None] | None) -> None:
        if self.wait_until_ready() and on_ready is not None:
            on_ready(self.info)

    def stop(self) -> None:
        self.server.should_exit = self.server.force_exit = True  # idle connections are not waited for


class _Server(uvicorn.Server):
    """uvicorn, telling when it answers."""

    def __init__(self, config: uvicorn.Config, is_ready: threading.Event) -> None:
        super().__init__(config)
        self._is_ready = is_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._is_ready.set()
