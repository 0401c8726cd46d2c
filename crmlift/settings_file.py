"""Reading `crmlift.yml` and the environment; every problem says which line to change and how."""

from __future__ import annotations

import difflib
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from connectors import registry
from crmlift.errors import ConfigurationFailure
from crmlift.places import KPIS
from crmlift.settings import FilesSettings, HubspotSettings, Places, SalesforceSettings, Settings
from crmlift.source_settings import model_of

DEMO_SETTINGS = "demo.yml"

SECRET_KEYS: Mapping[str, tuple[str, ...]] = {
    "salesforce": (
        "client_id", "client_secret", "private_key", "username", "password", "security_token", "refresh_token",
    ),
    "hubspot": ("access_token", "client_id", "client_secret", "refresh_token"),
    "files": (),
}  # fmt: skip
"""Secrets of the types whose settings stand in `crmlift.settings`; other connectors name theirs."""


def secret_keys(source_type: str) -> tuple[str, ...]:
    """The secrets a source of this type takes."""
    return SECRET_KEYS[source_type] if source_type in SECRET_KEYS else registry.secret_names(source_type)


@dataclass(frozen=True)
class Loaded:
    """Settings with where they came from. `given` is the file as parsed, empty when there is no file."""

    settings: Settings
    path: Path
    given: Mapping[str, Any]
    places: Places


def home_directory() -> Path:
    """CRMLIFT_HOME, or ./data."""
    return Path(os.environ.get("CRMLIFT_HOME", "data")).absolute()


def load_settings(path: Path | None = None, *, must_exist: bool = True) -> Loaded:
    """Settings from `path`, else CRMLIFT_CONFIG, else ./crmlift.yml, else those of the last demo in the home.

    Raises ConfigurationFailure for a missing, unreadable, malformed or invalid file.
    """
    path = path or Path(os.environ.get("CRMLIFT_CONFIG", "crmlift.yml"))
    demo = home_directory() / DEMO_SETTINGS
    if "CRMLIFT_CONFIG" not in os.environ and not path.exists() and demo.exists():
        path = demo
    given: Mapping[str, Any] = {}
    if path.exists():
        given = _parse(path)
    elif must_exist:
        raise ConfigurationFailure(
            f"There is no settings file {path}.",
            next_step="crmlift init  writes a commented one; or set CRMLIFT_CONFIG to where yours is",
        )
    try:
        settings = Settings.model_validate(given)
    except ValidationError as problem:
        raise _explained(problem, path, given) from None
    _refuse_unknown_kpis(settings, path)
    return Loaded(settings, path, given, Places(home_directory()))


def _refuse_unknown_kpis(settings: Settings, path: Path) -> None:
    """A goal on a KPI that does not exist would silently never be judged."""
    known = sorted(file.stem for file in KPIS.glob("*/*.yml"))
    named = [(f"goals.{place}.kpi", goal.kpi) for place, goal in enumerate(settings.goals)]
    named += [(f"kpis.{kpi_id}", kpi_id) for kpi_id in settings.kpis]
    named += [(f"benefits.{place}.kpi", benefit.kpi) for place, benefit in enumerate(settings.benefits)]
    named += [(f"benchmarks.{place}.kpi", benchmark.kpi) for place, benchmark in enumerate(settings.benchmarks)]
    wrong = [(where, kpi_id) for where, kpi_id in named if kpi_id not in known]
    if not wrong:
        return
    lines = []
    for where, kpi_id in wrong:
        near = difflib.get_close_matches(kpi_id, known, n=1)
        lines.append(f"  {where}: there is no KPI {kpi_id!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    raise ConfigurationFailure(
        "The settings file names KPIs that do not exist.", where=str(path), why="\n".join(lines),
        next_step="crmlift kpi list  shows them all; mend the file, then run  crmlift config show",
    )  # fmt: skip


def _parse(path: Path) -> Mapping[str, Any]:
    try:
        parsed = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark
        where = f"{path}, line {mark.line + 1}, column {mark.column + 1}" if mark else str(path)
        raise ConfigurationFailure(
            "The settings file is not valid YAML.",
            where=where,
            why=f"{(problem.problem or 'the text cannot be parsed').capitalize()}.",
            next_step=f"mend that line in {path}, then run  crmlift config show",
        ) from None
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigurationFailure(
            "The settings file cannot be read.", where=str(path), why=f"{type(problem).__name__}: {problem}.",
            next_step="check the permissions and that it is UTF-8 text",
        ) from None  # fmt: skip
    if parsed is None:
        return {}
    if not isinstance(parsed, dict):
        raise ConfigurationFailure(
            "The settings file must hold sections such as company: and sources:.", where=str(path),
            next_step="crmlift init  shows the shape",
        )  # fmt: skip
    return parsed


def _explained(problem: ValidationError, path: Path, given: Mapping[str, Any]) -> ConfigurationFailure:
    lines = []
    for error in problem.errors():
        where = ".".join(str(part) for part in error["loc"] if part not in SECRET_KEYS)
        if error["type"] == "extra_forbidden":
            name = str(error["loc"][-1])
            known = _keys_at(error["loc"][:-1], given)
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
            lines.append(f"  {where}: there is no such key; {hint}")
        else:
            lines.append(f"  {where or 'file'}: {error['msg'].removeprefix('Value error, ')}")
    return ConfigurationFailure(
        "The settings file has values crmlift cannot use.",
        where=str(path),
        why="\n".join(lines),
        next_step=f"mend {path}, then run  crmlift config show",
    )


def _keys_at(location: tuple[int | str, ...], given: Mapping[str, Any]) -> list[str]:
    """Valid keys at a place in the file, following the models."""
    here: Any = Settings
    if location[:1] == ("sources",) and len(location) > 1:
        model = model_of(given["sources"][location[1]]["type"])
        here, location = (model, location[2:]) if model is not None else (here, location)
    for part in location:
        if part == "salesforce":
            here = SalesforceSettings
        elif part == "hubspot":
            here = HubspotSettings
        elif part == "files":
            here = FilesSettings
        elif isinstance(here, type) and issubclass(here, BaseModel) and part in here.model_fields:
            here = here.model_fields[str(part)].annotation
            while get_origin(here) is not None and get_origin(here) is not Literal:
                models = [a for a in get_args(here) if isinstance(a, type) and issubclass(a, BaseModel)]
                here = models[0] if models else None
    is_model = isinstance(here, type) and issubclass(here, BaseModel)
    return sorted(here.model_fields) if is_model else []


def source_secrets(source_id: str, source_type: str, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Secrets of a source from CRMLIFT_<SOURCE>_<KEY>; a value starting with `@` names a file to read it from.

    Raises ConfigurationFailure when such a file cannot be read.
    """
    environment = os.environ if environment is None else environment
    found = {}
    for key in secret_keys(source_type):
        name = secret_variable(source_id, key)
        value = environment.get(name)
        if value and value.startswith("@"):
            try:
                value = Path(value[1:]).read_text(encoding="utf-8").strip()
            except OSError as problem:
                raise ConfigurationFailure(
                    f"{name} names a file that cannot be read.", why=f"{type(problem).__name__}.",
                    next_step=f"check the path after the @ in {name}",
                ) from None  # fmt: skip
        if value:
            found[key] = value
    return found


def secret_variable(source_id: str, key: str) -> str:
    """The environment variable that holds a source's secret."""
    plain = "".join(c if c.isalnum() else "_" for c in source_id).upper()
    return f"CRMLIFT_{plain}_{key.upper()}"


def salt(places: Places) -> str:
    """The salt of personal keys: CRMLIFT_SALT, else a file made once below the home, readable by its owner only."""
    given = os.environ.get("CRMLIFT_SALT")
    if given:
        return given
    if not places.salt.exists():
        places.home.mkdir(parents=True, exist_ok=True)
        fresh = places.salt.with_suffix(".new")
        fresh.write_text(secrets.token_hex(32))
        fresh.chmod(stat.S_IRUSR | stat.S_IWUSR)
        fresh.replace(places.salt)
    return places.salt.read_text()


def provenance(loaded: Loaded) -> Iterator[tuple[str, Any, str]]:
    """Every setting as (dotted name, value, where it came from); secrets only as set or not set."""

    def walk(prefix: str, value: Any, given: Any) -> Iterator[tuple[str, Any, str]]:
        if isinstance(value, dict) and value:
            for key, inner in value.items():
                below = given.get(key, _ABSENT) if isinstance(given, Mapping) else _ABSENT
                yield from walk(f"{prefix}.{key}" if prefix else key, inner, below)
        else:
            yield prefix, value, "default" if given is _ABSENT else str(loaded.path)

    yield from walk("", loaded.settings.model_dump(mode="json"), loaded.given)
    yield "home", str(loaded.places.home), "CRMLIFT_HOME" if "CRMLIFT_HOME" in os.environ else "default"
    for source_id, source in loaded.settings.sources.items():
        for key in secret_keys(source.type):
            name = secret_variable(source_id, key)
            if name in os.environ:
                yield f"sources.{source_id}.{key}", "(set)", f"environment {name}"


_ABSENT = object()


def connection_secrets(login: str | None, password: str | None, extra: Mapping[str, Any]) -> dict[str, str]:
    """Secrets from the parts of an Airflow connection.

    Texts of `extra` win; else login and password are the client id and secret, and a password without a login is an
    access token. A connector takes those it knows.
    """
    found = {key: value for key, value in extra.items() if isinstance(value, str) and value}
    if login and password:
        found = {"client_id": login, "client_secret": password} | found
    elif password:
        found = {"access_token": password} | found
    return found
