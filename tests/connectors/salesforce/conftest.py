"""One small org over https for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crmlift.simulator.options import ServerOptions
from crmlift.simulator.server import ServerInfo, running_simulator
from tests.crmlift.simulator.small_company import small_company


@pytest.fixture(scope="module")
def server() -> Iterator[ServerInfo]:
    with running_simulator(small_company(), ServerOptions(bulk_page_size=500, rest_page_size=200)) as info:
        yield info
