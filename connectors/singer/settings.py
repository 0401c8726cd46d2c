"""The section of a Singer source in `crmlift.yml`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET_NAME = re.compile(r"(?i)(passw(or)?d|passphrase|secret|credentials?|api_?key|private_?key|(^|_)(token|pat))$")

_USER_INFO = re.compile(r"://[^/@\s:]+:[^/@\s]+@")


class SingerSettings(BaseModel):
    """A tap: its command, its configuration and what of its catalog to read.

    Strings of `config` and `environment` may hold ${NAME}: the environment variable NAME, or that text of the Airflow
    connection. Secrets come only so.
    """

    command: str | tuple[str, ...] = Field(description="the tap, such as .venv-taps/bin/tap-hubspot")
    config: dict[str, Any] = Field(default_factory=dict, description="the tap's own settings; secrets as ${NAME}")
    environment: dict[str, str] = Field(default_factory=dict, description="variables for the tap's process")
    catalog: str | None = Field(None, description="a catalog file; without one the tap is asked to discover")
    catalog_option: Literal["catalog", "properties"] = "catalog"
    select: tuple[str, ...] = Field((), description="streams to read, as patterns")
    exclude: tuple[str, ...] = Field((), description="streams or stream.property not to read, as patterns")
    metadata: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="stream pattern: {replication-method: INCREMENTAL, replication-key: …}"
    )
    keys: dict[str, tuple[str, ...]] = Field(default_factory=dict, description="stream: key where the tap names none")
    snapshots: tuple[str, ...] = Field((), description="streams every read of which is whole: what is absent is gone")
    system: str | None = Field(None, pattern="^[a-z][a-z0-9_]*$", description="raw tables go to raw_<system>")
    idle_minutes: float = Field(30.0, gt=0, description="silence after which the tap is taken for stuck")

    model_config = ConfigDict(hide_input_in_errors=True)

    @field_validator("config", "environment")
    @classmethod
    def _no_secrets(cls, given: dict[str, Any]) -> dict[str, Any]:
        for name, value in _leaves(given):
            if not isinstance(value, str) or not value or _PLACEHOLDER.search(value):
                continue
            if _SECRET_NAME.search(name) or _USER_INFO.search(value):
                raise ValueError(f"{name} looks like a secret; write ${{NAME}} and set that environment variable")
        return given

    @property
    def argv(self) -> list[str]:
        """The command, word by word."""
        return shlex.split(self.command) if isinstance(self.command, str) else list(self.command)

    @property
    def system_name(self) -> str:
        """`system`, or tap_<name> after the command: tap_hubspot for …/bin/tap-hubspot."""
        if self.system:
            return self.system
        words = [word.rsplit("/", 1)[-1] for word in self.argv]
        name = next((word for word in words if "tap" in word), words[0] if words else "tap")
        plain = re.sub(r"[^a-z0-9]+", "_", name.lower().removesuffix(".py")).strip("_")
        return plain if plain.startswith("tap") else f"tap_{plain}"


def placeholders(value: Any) -> set[str]:
    """Names of all ${NAME} in a value."""
    return {name for _, text in _leaves({"": value}) if isinstance(text, str) for name in _PLACEHOLDER.findall(text)}


def filled(value: Any, known: Mapping[str, str]) -> Any:
    """The value with every ${NAME} replaced."""
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda found: known[found[1]], value)
    if isinstance(value, dict):
        return {key: filled(inner, known) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [filled(inner, known) for inner in value]
    return value


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, str(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner, name)
    else:
        yield name, value
