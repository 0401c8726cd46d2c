"""Sections of `crmlift.yml` for sources whose settings a connector brings itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from connectors import registry

HERE = frozenset({"salesforce", "hubspot", "files"})
"""Types whose settings stand in `crmlift.settings`."""


class Section(BaseModel):
    """A part of the file: frozen, and strict about its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AnySource(Section):
    """What the engine asks of every source."""

    lookback_minutes: int = Field(10, ge=0, description="overlap of two incremental windows")


@cache
def model_of(source_type: str) -> type[BaseModel] | None:
    """The section's model: the connector's own with what every source has; None for types that stand here.

    Raises SettingsFailure for a plugin that cannot be loaded, ValueError for an unknown type.
    """
    if source_type in HERE:
        return None
    known = registry.source_types()
    if source_type not in known:
        raise ValueError(f"there is no source type {source_type!r}; known: {', '.join(known)}")
    given = registry.settings_model(source_type)
    bases = (AnySource,) if given is None else (given, AnySource)
    kind: Any = Literal[source_type]
    return create_model(f"{source_type.title()}Section", __base__=bases, type=(kind, ...))


def section_of_any_type(value: Any, handler: Callable[[Any], Any]) -> Any:
    """A pydantic validator: the section of a source by its type, ours or a plugin's."""
    if isinstance(value, BaseModel) or not isinstance(value, dict) or not isinstance(value.get("type"), str):
        return handler(value)
    model = model_of(value["type"])
    return handler(value) if model is None else model.model_validate(value)
