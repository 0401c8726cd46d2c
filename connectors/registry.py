"""Which settings make which connector: ours are listed here, others are found by the entry point group.

An installed package adds a source type `notes` with

    [project.entry-points."crmlift.connectors"]
    notes = "acme_notes:NotesConnector"

where NotesConnector keeps `connectors.contract.Connector`. Ours stand in BUILT_IN instead: crmlift is used from a
checkout. Nothing is imported before it is asked for: vendors' clients are slow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from connectors.contract import Connector
from connectors.errors import SettingsFailure

GROUP = "crmlift.connectors"
BUILT_IN: Mapping[str, str] = {
    "salesforce": "connectors.salesforce.connector:open_salesforce",
    "hubspot": "connectors.hubspot.connector:open_hubspot",
    "files": "connectors.files.connector:open_files",
    "pipedrive": "connectors.pipedrive.connector:PipedriveConnector",
    "singer": "connectors.singer.connector:SingerConnector",
}
"""Source type → `module:name` of a connector class, or of a function with the same arguments."""

Opener = Callable[[str, Mapping[str, Any], Mapping[str, str]], Connector]


def source_types() -> list[str]:
    """Every type a source may have."""
    return sorted({*BUILT_IN, *_installed()})


def settings_model(source_type: str) -> type[Any] | None:
    """The pydantic model a type's section must fit; None where the type has none of its own.

    SettingsFailure for an unknown type, or a plugin that cannot be imported.
    """
    model: type[Any] | None = getattr(_opener(source_type), "settings_model", None)
    return model


def secret_names(source_type: str) -> tuple[str, ...]:
    """Secrets a type is handed. SettingsFailure as in `settings_model`."""
    return tuple(getattr(_opener(source_type), "secret_names", ()))


def open_connector(source_id: str, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """The connector of a source, chosen by `settings["type"]`; nothing is sent yet.

    SettingsFailure for an unknown type or settings that cannot be used.
    """
    return _opener(str(settings.get("type")), f"sources.{source_id}.type")(source_id, settings, secrets)


@cache
def _installed() -> dict[str, EntryPoint]:
    return {found.name: found for found in entry_points(group=GROUP) if found.name not in BUILT_IN}


def _opener(source_type: str, where: str = "sources") -> Opener:
    plugin = _installed().get(source_type)
    if plugin is not None:
        try:
            return cast(Opener, plugin.load())
        except Exception as problem:
            raise SettingsFailure(
                f"The plugin of source type {source_type!r} cannot be loaded.",
                where=plugin.value,
                why=f"{type(problem).__name__}: {problem}",
                next_step="mend or reinstall its package, or remove the source from crmlift.yml",
            ) from problem
    if source_type not in BUILT_IN:
        raise SettingsFailure(
            f"There is no source type {source_type!r}.",
            where=where,
            why=f"Known: {', '.join(source_types())}.",
            next_step="set type to one of these, or install the package that brings it",
        )
    module, _, name = BUILT_IN[source_type].partition(":")
    return cast(Opener, getattr(import_module(module), name))
