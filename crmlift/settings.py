"""What `crmlift.yml` may say: one file, unknown keys refused with the nearest valid one; secrets never live here."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints, WrapValidator, field_validator, model_validator

from crmlift.settings_inputs import BenchmarkSettings, BenefitSettings, CostSettings
from crmlift.source_settings import Section, section_of_any_type

RESERVED_IDS = {"all", "legacy"}
Share = Annotated[float, Field(gt=0, le=1)]
Domain = Annotated[str, StringConstraints(to_lower=True, pattern=r"^[^\s/@:.]+(\.[^\s/@:.]+)+$")]


class CompanySettings(Section):
    """Who the company is, and how its figures are shown."""

    name: str = "My company"
    currency: str = Field("EUR", pattern="^[A-Z]{3}$", description="base currency, ISO 4217")
    timezone: str = Field("UTC", description="reporting time zone, IANA name")
    fiscal_year_start: int = Field(1, ge=1, le=12, description="month the fiscal year starts in")
    locale: Literal["en", "uk"] = "en"
    country: str | None = Field(None, description="ISO 3166 code, for public holidays in alert rules")
    domains: tuple[Domain, ...] | None = Field(
        None, description="the company's own: deals with accounts of them are not counted; told from users if not given"
    )

    @field_validator("domains")
    @classmethod
    def _without_www(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if value is None else tuple(dict.fromkeys(domain.removeprefix("www.") for domain in value))

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as problem:
            raise ValueError(f"{value!r} is not an IANA time zone such as Europe/Kyiv") from problem
        return value


class _Source(Section):
    include: tuple[str, ...] = Field((), description="extra objects to read, as patterns")
    exclude: tuple[str, ...] = Field((), description="objects not to read, as patterns")
    ca_bundle: str | None = Field(None, description="certificate file to trust besides the system's")
    lookback_minutes: int = Field(10, ge=0, description="overlap of two incremental windows")


class SalesforceSettings(_Source):
    """A Salesforce org."""

    type: Literal["salesforce"]
    domain: str = Field("login", description="login, test, or your My Domain host")
    instance_url: str | None = Field(None, description="full address, instead of domain")
    auth: Literal["client_credentials", "jwt", "refresh_token", "password"] = "client_credentials"
    api_version: str = "62.0"
    field_include: tuple[str, ...] = Field((), description="only these fields, as patterns of Field or Object.Field")
    field_exclude: tuple[str, ...] = Field((), description="fields not to read, as patterns")
    formula_refresh_days: int = Field(7, ge=0, description="objects with formulas are read whole this often; 0: never")
    refresh_token_file: str | None = Field(None, description="where a rotated refresh token is kept")
    bulk_threshold_rows: int = Field(2000, ge=0, description="more rows than this go through Bulk API 2.0")
    api_budget_share: Share = 0.5


class HubspotSettings(_Source):
    """A HubSpot account."""

    type: Literal["hubspot"]
    base_url: str = "https://api.hubapi.com"
    api_version: str = "2026-03"
    property_exclude: tuple[str, ...] = ()
    history_properties: dict[str, tuple[str, ...]] | None = None
    associations: dict[str, tuple[str, ...]] | None = None
    association_refresh_days: int = Field(7, ge=0, description="in how many days all links are read again; 0: never")
    reconcile: bool = False
    rate_limit: Share = 1.0


class FilesSettings(Section):
    """Spreadsheets and exports: an old system, surveys, and what people bring along (costs, quotas, benchmarks …)."""

    type: Literal["files"]
    path: str = Field(".", description="folder or fsspec address that patterns of files lie below")
    mapping: str | None = Field(None, description="YAML file with a section files: which column is what")
    files: dict[str, Any] = Field(default_factory=dict, description="the same, written here")
    timezone: str | None = Field(None, description="of times without one; the company's if not given")
    as_of: datetime | None = Field(None, description="up to when the files tell, if that is not the day they are read")
    system: Literal["legacy", "survey", "manual"] | None = Field(None, description="what it is; told from its entities")
    lookback_minutes: int = Field(0, ge=0, description="files are read whole; of no effect")


SourceSettings = Annotated[SalesforceSettings | HubspotSettings | FilesSettings, Field(discriminator="type")]
"""Types whose settings stand here; `crmlift.source_settings` finds those of every other connector."""


class TeamSettings(Section):
    """What no source tells of a team, or tells otherwise."""

    region: str | None = Field(None, min_length=1)
    segment: str | None = Field(None, min_length=1, description="market segment the team serves")


class WaveSettings(Section):
    """Who went live together, and when."""

    id: str
    scope: Literal["team", "region", "segment", "user", "company"] = "team"
    members: tuple[str, ...] = Field(
        ("all",), min_length=1, description="names of teams, regions or segments of teams, ids of users"
    )
    go_live: date
    learning_days: int = Field(60, ge=0)

    @model_validator(mode="after")
    def _members_suit_the_scope(self) -> WaveSettings:
        if (self.scope == "company") != (self.members == ("all",)):
            raise ValueError(
                f"wave {self.id!r} of scope {self.scope} needs members"
                if self.scope != "company"
                else f"wave {self.id!r} of scope company is everybody and takes no members"
            )
        return self


class RolloutSettings(Section):
    """One introduction of a CRM, in waves, with whoever has not got it as controls."""

    id: str
    name: str = ""
    waves: tuple[WaveSettings, ...] = Field(min_length=1)
    controls: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_scope(self) -> RolloutSettings:
        scopes = list(dict.fromkeys(wave.scope for wave in self.waves))
        if len(scopes) > 1:
            raise ValueError(
                f"rollout {self.id!r} has waves of scope {' and '.join(scopes)}; one scope for all of them"
            )
        if scopes == ["company"] and self.controls:
            raise ValueError(f"rollout {self.id!r} is of everybody, so nobody is left as a control")
        return self

    @model_validator(mode="after")
    def _each_member_once(self) -> RolloutSettings:
        seen: dict[str, str] = {}
        for place, members in [*((w.id, w.members) for w in self.waves), ("controls", self.controls)]:
            for member in members:
                if member in seen:
                    raise ValueError(f"{member!r} stands in {seen[member]!r} and in {place!r}; one wave each")
                seen[member] = place
        return self


class GoalSettings(Section):
    """What the rollout was meant to achieve; its KPIs are judged together, with multiple-testing correction."""

    id: str
    rollout: str
    kpi: str
    statement: str = ""
    family: str = ""
    target_change: float | None = Field(None, description="relative: 0.10 is ten per cent more")
    target_date: date | None = None
    min_important_change: float | None = Field(None, gt=0)
    weight: float = Field(1.0, gt=0)


class AlertSettings(Section):
    """Where alerts go. Apprise addresses come from CRMLIFT_ALERT_URLS, comma separated."""

    channels: tuple[Literal["console", "file", "apprise"], ...] = ("console", "file")


class PrivacySettings(Section):
    """Personal data: e-mail addresses leave the landing zone only as salted hashes."""

    publish_user_names: bool = False
    publish_raw: tuple[str, ...] = Field((), description="sources whose raw tables are published, but personal columns")


class ScheduleSettings(Section):
    """When the nightly run starts."""

    cron: str = "0 2 * * *"
    timezone: str = "UTC"


class Settings(Section):
    """The whole file."""

    company: CompanySettings = CompanySettings()
    sources: dict[str, Annotated[SourceSettings, WrapValidator(section_of_any_type)]] = Field(default_factory=dict)
    teams: dict[str, TeamSettings] = Field(default_factory=dict, description="name of a team → its region and segment")
    rollouts: tuple[RolloutSettings, ...] = ()
    goals: tuple[GoalSettings, ...] = ()
    costs: tuple[CostSettings, ...] = ()
    benefits: tuple[BenefitSettings, ...] = ()
    benchmarks: tuple[BenchmarkSettings, ...] = ()
    kpis: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="KPI parameters: cohort_win_rate: {h_days: 90}"
    )
    alerts: AlertSettings = AlertSettings()
    privacy: PrivacySettings = PrivacySettings()
    schedule: ScheduleSettings = ScheduleSettings()

    @field_validator("sources")
    @classmethod
    def _no_reserved_ids(cls, sources: dict[str, Any]) -> dict[str, Any]:
        for name in RESERVED_IDS & set(sources):
            raise ValueError(f"a source cannot be called {name!r}; that word has a meaning of its own in the tables")
        return sources

    @model_validator(mode="after")
    def _published_sources_are_there(self) -> Settings:
        for name in self.privacy.publish_raw:
            if name not in self.sources:
                raise ValueError(f"privacy.publish_raw names {name!r}; sources: {', '.join(self.sources) or 'none'}")
        return self

    @model_validator(mode="after")
    def _goals_name_rollouts(self) -> Settings:
        known = [rollout.id for rollout in self.rollouts]
        for goal in self.goals:
            if goal.rollout not in known:
                raise ValueError(f"goal {goal.id!r} names rollout {goal.rollout!r}; there is {known or 'none'}")
        return self


class Places:
    """Where things lie below CRMLIFT_HOME."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.landing = home / "landing"
        self.warehouse = home / "warehouse.duckdb"
        self.analytics = home / "analytics.duckdb"
        self.report = home / "report"
        self.alerts = home / "alerts"
        self.salt = home / "salt"
