"""A new KPI to fill in: yml, SQL and a golden test that are whole and pass, so that every change is a small one."""

from __future__ import annotations

import re
from pathlib import Path

from crmlift.errors import UsageFailure
from crmlift.registry import KPI_ROOT

GOLDEN = Path(__file__).parent.parent / "tests" / "metrics_kpis" / "golden"
TYPES = ("proportion", "sum", "count", "mean", "ratio", "duration", "nps")
_YML = """name:
  en: "{title}"
  uk: "{title} (назва українською)"
question:
  en: "What does {title} ask?"
  uk: "На яке питання відповідає {title}?"
family: {family}
unit: {unit}
direction: higher
stat_type: {stat_type}
entity: core.opportunity
event_time: closed_at
formula: "Say in one sentence what is divided by what, and what is left out"
segments: [all, team, region, wave]
min_n: 30
min_important_change: 0.05
alert: {{template: none}}
owner: analytics
sources:
  - "Where the definition comes from"
"""
_SQL = """-- Question: what does each row say?
-- Grain:    one row per closed opportunity_id
-- Excludes: deleted deals; merged, duplicate, test and negative deals
select
    opportunity_id as unit_id,
    closed_at as event_at,
    initial_owner_id as owner_id,
    team_id,
    {num} as num,
    1.0 as den,
    true as observed,
    source_id,
    account_id
from core.opportunity
where status in ('won', 'lost') and is_countable and not is_deleted and closed_at <= $as_of
"""
_NUM = {
    "proportion": "case when status = 'won' then 1.0 else 0.0 end",
    "nps": "case when status = 'won' then 1.0 else -1.0 end",
    "count": "1.0",
    "duration": "epoch(closed_at - created_at) / 86400.0",
}
_UNIT = {"proportion": "share", "ratio": "share", "nps": "points_-100_100", "duration": "days", "count": "deals"}
_HEADER = (
    "opportunity_id,source_id,status,is_countable,is_deleted,currency_code,amount_native,amount_base,created_at,closed_at,"
    "owner_id,initial_owner_id,team_id"
)
_ROWS = (
    ("won", "won,true,false,EUR,100,100", "2026-01-01T00:00:00Z,2026-01-11T00:00:00Z", "sf:u1,sf:u1"),
    ("lost", "lost,true,false,EUR,50,50", "2026-01-01T00:00:00Z,2026-01-21T00:00:00Z", "sf:u1,sf:u1"),
    ("open", "open,true,false,EUR,50,50", "2026-01-01T00:00:00Z,", "sf:u1,sf:u1"),
    ("deleted", "won,true,true,EUR,50,50", "2026-01-01T00:00:00Z,2026-01-21T00:00:00Z", "sf:u1,sf:u1"),
    ("merged", "won,false,false,EUR,50,50", "2026-01-01T00:00:00Z,2026-01-21T00:00:00Z", "sf:u1,sf:u1"),
    ("dollars", "won,true,false,USD,50,45", "2026-01-01T00:00:00Z,2026-01-21T00:00:00Z", "sf:u1,sf:u1"),
    ("reassigned", "won,true,false,EUR,50,50", "2026-01-01T00:00:00Z,2026-01-21T00:00:00Z", "sf:u2,sf:u1"),
    ("last second", "won,true,false,EUR,50,50", "2026-09-20T20:59:59Z,2026-09-30T20:59:59Z", "sf:u1,sf:u1"),
    ("next month", "won,true,false,EUR,50,50", "2026-09-20T21:00:00Z,2026-09-30T21:00:00Z", "sf:u1,sf:u1"),
    ("tomorrow", "won,true,false,EUR,50,50", "2026-01-01T00:00:00Z,2026-11-03T00:00:00Z", "sf:u1,sf:u1"),
)
"""A deal for every case a query about closed deals can get wrong; the clocks of the tests are those of Kyiv."""
_GIVEN = "\n".join(
    [_HEADER, *(f"sf:{name},sf,{facts},{times},{owners},team:a" for name, facts, times, owners in _ROWS), ""]
)
_COUNTED = {
    "won": ("2026-01-11 00:00:00+00", "2026-01-11"),
    "lost": ("2026-01-21 00:00:00+00", "2026-01-21"),
    "dollars": ("2026-01-21 00:00:00+00", "2026-01-21"),
    "reassigned": ("2026-01-21 00:00:00+00", "2026-01-21"),
    "last second": ("2026-09-30 20:59:59+00", "2026-09-30"),
    "next month": ("2026-09-30 21:00:00+00", "2026-10-01"),
}
"""The deals that count: when they were closed, and the local day."""
_EXPECTED = {
    "proportion": (1, 0, 1, 1, 1, 1),
    "nps": (1, -1, 1, 1, 1, 1),
    "count": (1, 1, 1, 1, 1, 1),
    "duration": (10, 20, 20, 20, 10, 10),
}


def _expected(stat_type: str) -> str:
    nums = _EXPECTED.get(stat_type, (100, 50, 45, 50, 50, 50))
    lines = [
        f"sf:{name},{event_at},{day},sf:u1,team:a,{num},1,true"
        for (name, (event_at, day)), num in zip(_COUNTED.items(), nums, strict=True)
    ]
    return "\n".join(["unit_id,event_at,day,owner_id,team_id,num,den,observed", *lines, ""])


def scaffold(
    kpi_id: str, family: str, stat_type: str, *, registry: Path = KPI_ROOT, golden: Path = GOLDEN
) -> list[Path]:
    """Write the files of a new KPI; returns them. Nothing is written when any of them is there already.

    Raises UsageFailure for an id that is taken or no id, and for a type this cannot scaffold.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", kpi_id):
        raise UsageFailure(f"{kpi_id!r} is no KPI id.", next_step="use lower-case letters, digits and _")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", family) or family == "shared":
        raise UsageFailure(
            f"{family!r} is no family.", next_step="such as sales, process, adoption; see  crmlift kpi list"
        )
    if stat_type not in TYPES:
        raise UsageFailure(f"There is no type {stat_type!r} to scaffold.", next_step=f"one of {', '.join(TYPES)}")
    if taken := [*registry.glob(f"*/{kpi_id}.*"), *([golden / kpi_id] if (golden / kpi_id).exists() else [])]:
        raise UsageFailure(f"{kpi_id} is there already.", where=str(taken[0]), next_step="crmlift kpi list  shows all")
    num = _NUM.get(stat_type, "cast(amount_base as double)")
    title = kpi_id.replace("_", " ").capitalize()
    unit = _UNIT.get(stat_type, "base_currency")
    contents = {
        registry / family / f"{kpi_id}.yml": _YML.format(title=title, family=family, unit=unit, stat_type=stat_type),
        registry / family / f"{kpi_id}.sql": _SQL.format(num=num),
        golden / kpi_id / "given.core.opportunity.csv": _GIVEN,
        golden / kpi_id / "expect.csv": _expected(stat_type),
    }
    for path, text in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(contents)
