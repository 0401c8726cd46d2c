"""Which settings make which connector."""

from __future__ import annotations

import subprocess
import sys

import pytest

from connectors.errors import SettingsFailure
from connectors.registry import open_connector


def test_a_source_is_opened_by_its_type_and_nothing_is_sent() -> None:
    connector = open_connector(
        "sf",
        {"type": "salesforce", "domain": "acme.my.salesforce.com"},
        {"client_id": "id", "client_secret": "secret"},
    )
    assert (connector.system, connector.source_id, connector.api_calls) == ("salesforce", "sf", 0)


def test_an_unknown_type_is_a_settings_failure_that_lists_the_known() -> None:
    with pytest.raises(SettingsFailure, match="files, hubspot, pipedrive, salesforce, singer") as caught:
        open_connector("x", {"type": "siebel"}, {})
    assert caught.value.exit_code == 10


def test_vendors_clients_are_imported_only_when_asked_for() -> None:
    code = "import sys, connectors.registry; print('simple_salesforce' in sys.modules, 'hubspot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
