"""What people declared in `crmlift.yml`, as tables the SQL models and analysts can join."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import duckdb

from connectors.errors import SettingsFailure
from connectors.files.mapping import read_mapping
from crmlift.completeness import RECORDS
from crmlift.config_files import fill_inputs
from crmlift.extract import landed_findings
from crmlift.raw_reading import Readings
from crmlift.settings import FilesSettings
from crmlift.settings_file import Loaded
from crmlift.warehouse.record_ids import is_short_id, whole_id

CORE_ENTITIES = {*RECORDS, "survey_invitation", "account", "contact", "user"}
"""Entities of files that verdicts rest on; the others are inputs such as costs."""


def team_id(name: str) -> str:
    """The company-wide key of a team, the same for both CRMs and for the rollout's waves."""
    return "team:" + re.sub(r"[\W_]+", "-", name.lower()).strip("-")


def fill_config(
    connection: duckdb.DuckDBPyConnection, loaded: Loaded, run_id: str, readings: Readings | None = None
) -> None:
    """Replace config.* by the settings; note what the sources lack as data-quality findings."""
    settings = loaded.settings
    currency = settings.company.currency
    mapping = _record_mapping(connection, loaded)
    connection.execute("delete from config.setting; delete from config.rollout")
    connection.execute("delete from config.rollout_wave; delete from config.goal_target; delete from config.team")
    pairs = [
        ("company_name", settings.company.name),
        ("base_currency", currency),
        ("timezone", settings.company.timezone),
        ("fiscal_year_start", str(settings.company.fiscal_year_start)),
        ("locale", settings.company.locale),
        ("country", settings.company.country),
        ("own_domains", "users" if settings.company.domains is None else "settings"),
        *((f"domain.{domain}", domain) for domain in settings.company.domains or ()),
        *((f"source.{name}", source.type) for name, source in settings.sources.items()),
        ("record_mapping", mapping),
        *(
            (f"system.{name}", source.system)
            for name, source in settings.sources.items()
            if isinstance(source, FilesSettings) and source.system
        ),
    ]
    connection.executemany("insert into config.setting values (?, ?)", pairs)
    for name, team in settings.teams.items():
        connection.execute(
            "insert or ignore into config.team values (?, ?, ?, ?)", [team_id(name), name, team.region, team.segment]
        )
    for rollout in settings.rollouts:
        connection.execute(
            "insert into config.rollout values (?, ?, ?, null)",
            [rollout.id, rollout.name or rollout.id, currency],
        )
        rows: list[tuple[Any, ...]] = [
            (
                f"{wave.id}",
                rollout.id,
                wave.scope,
                _scope_value(wave.scope, member),
                wave.go_live,
                wave.learning_days,
                False,
            )
            for wave in rollout.waves
            for member in wave.members
        ]
        scope = rollout.waves[0].scope
        rows += [("controls", rollout.id, scope, _scope_value(scope, m), None, 0, True) for m in rollout.controls]
        connection.executemany("insert into config.rollout_wave values (?, ?, ?, ?, ?, ?, ?)", rows)
    for goal in settings.goals:
        connection.execute(
            "insert into config.goal_target values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [goal.id, goal.rollout, goal.family, goal.kpi, goal.statement, goal.target_change, goal.target_date,
             goal.min_important_change, goal.weight],
        )  # fmt: skip
    fill_inputs(connection, settings, readings or Readings())
    _complete_ids(connection)
    _note_source_findings(connection, loaded, run_id)


def _record_mapping(connection: duckdb.DuckDBPyConnection, loaded: Loaded) -> str:
    """A short name for how files are mapped to records; that of the night before while a mapping cannot be used."""
    told = {}
    try:
        for name, source in loaded.settings.sources.items():
            if isinstance(source, FilesSettings):
                given = dict(source.files)
                if source.mapping:
                    given |= read_mapping(loaded.path.parent / Path(source.mapping).expanduser())
                told[name] = {
                    k: v for k, v in given.items() if isinstance(v, dict) and v.get("entity") in CORE_ENTITIES
                }
    except SettingsFailure:  # told by the extraction, which read nothing
        found = connection.execute("select value from config.setting where name = 'record_mapping'").fetchone()
        return str(found[0]) if found else ""
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:12] if told else ""


def _scope_value(scope: str, member: str) -> str:
    return team_id(member) if scope == "team" and not member.startswith("team:") else member


def _complete_ids(connection: duckdb.DuckDBPyConnection) -> None:
    """Users of waves by the id core has: people copy the short one of Salesforce from a report or an address line."""
    name = "regexp_replace(scope_value, '^.*:', '')"
    connection.execute(
        "update config.rollout_wave set scope_value = left(scope_value, length(scope_value) - 15) || "
        f"{whole_id(name)} where scope_type = 'user' and {is_short_id(name)}"
    )


def _note_source_findings(connection: duckdb.DuckDBPyConnection, loaded: Loaded, run_id: str) -> None:
    """What sources do not show or give us stays an open finding until they do."""
    found = {
        f"source:{one['source_id']}:{one['rule_id']}:{one['object']}:{one['field'] or ''}": one
        for one in landed_findings(loaded.places.landing)
    }
    connection.execute(
        "update ops.data_quality_finding set state = 'resolved' "
        "where state = 'open' and starts_with(finding_id, 'source:') and not list_contains(?, finding_id)",
        [list(found)],
    )
    for finding_id, one in found.items():
        connection.execute(
            "insert into ops.data_quality_finding "
            "(finding_id, rule_id, severity, object, field, source_id, message, first_seen_at, last_seen_at, state, "
            "run_id) values (?, ?, 'info', ?, ?, ?, ?, now(), now(), 'open', ?) "
            "on conflict do update set last_seen_at = now(), state = 'open', message = excluded.message, "
            "severity = excluded.severity, affected_kpis = null, run_id = excluded.run_id, "
            "first_seen_at = case when state = 'open' then first_seen_at else excluded.first_seen_at end",
            [finding_id, one["rule_id"], one["object"], one["field"], one["source_id"], one["message"], run_id],
        )
