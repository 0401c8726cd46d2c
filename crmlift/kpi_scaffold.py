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
_GIVEN = """\
opportunity_id,source_id,status,is_countable,is_deleted,amount_base,created_at,closed_at,initial_owner_id,team_id
sf:won,sf,won,true,false,100,2026-01-01T00:00:00Z,2026-01-11T00:00:00Z,sf:u1,team:a
sf:lost,sf,lost,true,false,50,2026-01-01T00:00:00Z,2026-01-21T00:00:00Z,sf:u1,team:a
sf:open,sf,open,true,false,50,2026-01-01T00:00:00Z,,sf:u1,team:a
sf:deleted,sf,won,true,true,50,2026-01-01T00:00:00Z,2026-01-21T00:00:00Z,sf:u1,team:a
sf:merged,sf,won,false,false,50,2026-01-01T00:00:00Z,2026-01-21T00:00:00Z,sf:u1,team:a
sf:tomorrow,sf,won,true,false,50,2026-01-01T00:00:00Z,2026-11-03T00:00:00Z,sf:u1,team:a
"""
_EXPECTED = {"proportion": (1, 0), "nps": (1, -1), "count": (1, 1), "duration": (10, 20)}


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
    won, lost = _EXPECTED.get(stat_type, (100, 50))
    title = kpi_id.replace("_", " ").capitalize()
    unit = _UNIT.get(stat_type, "base_currency")
    contents = {
        registry / family / f"{kpi_id}.yml": _YML.format(title=title, family=family, unit=unit, stat_type=stat_type),
        registry / family / f"{kpi_id}.sql": _SQL.format(num=num),
        golden / kpi_id / "given.core.opportunity.csv": _GIVEN,
        golden / kpi_id / "expect.csv": f"unit_id,num,den,observed\nsf:won,{won},1,true\nsf:lost,{lost},1,true\n",
    }
    for path, text in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(contents)
