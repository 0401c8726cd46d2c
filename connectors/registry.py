"""Which settings make which connector; a new source adds its line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, cast

from connectors.contract import Connector
from connectors.errors import SettingsFailure

OPENERS = {
    "salesforce": ("connectors.salesforce.connector", "open_salesforce"),
    "hubspot": ("connectors.hubspot.connector", "open_hubspot"),
    "files": ("connectors.files.connector", "open_files"),
}
"""Source type → module and function; imported only when asked for, vendors' clients are slow to import."""


def open_connector(source_id: str, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """The connector of a source, chosen by `settings["type"]`; nothing is sent yet.

    SettingsFailure for an unknown type or settings that cannot be used.
    """
    source_type = settings.get("type")
    if source_type not in OPENERS:
        raise SettingsFailure(
            f"The type {source_type!r} of source {source_id} is unknown.",
            where=f"sources.{source_id}.type",
            next_step=f"set it to one of: {', '.join(sorted(OPENERS))}",
        )
    module, function = OPENERS[source_type]
    opener = cast(
        "Callable[[str, Mapping[str, Any], Mapping[str, str]], Connector]",
        getattr(import_module(module), function),
    )
    return opener(source_id, settings, secrets)
