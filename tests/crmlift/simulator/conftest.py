"""One small simulator over https for the server tests of a module, clients that trust it, and `known` at two moments."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from crmlift.simulator.build import build_company
from crmlift.simulator.company import Company
from crmlift.simulator.options import HS_SERVICE_KEY
from crmlift.simulator.server import ServerInfo, running_simulator
from tests.crmlift.simulator.clients import salesforce_session, trusting_session
from tests.crmlift.simulator.small_company import small_company
from tests.crmlift.simulator.two_moments import EARLIER, LATER


@pytest.fixture(scope="package")
def earlier() -> Company:
    return build_company("known", as_of=EARLIER)


@pytest.fixture(scope="package")
def later() -> Company:
    return build_company("known", as_of=LATER)


@pytest.fixture(scope="module")
def server() -> Iterator[ServerInfo]:
    with running_simulator(small_company()) as info:
        yield info


@pytest.fixture
def salesforce(server: ServerInfo) -> requests.Session:
    return salesforce_session(server)


@pytest.fixture
def hubspot(server: ServerInfo) -> requests.Session:
    session = trusting_session(server)
    session.headers["Authorization"] = f"Bearer {HS_SERVICE_KEY}"
    return session
