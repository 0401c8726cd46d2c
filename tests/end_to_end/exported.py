"""What core must hold, counted in the files the simulator exports, without any of our models; and what core holds."""

from __future__ import annotations

from pathlib import Path

import duckdb

from tests.end_to_end.conftest import Night, crmlift

CORE_OF = {
    "account": {"salesforce": ["Account"], "hubspot": ["companies"]},
    "contact": {"salesforce": ["Contact"], "hubspot": ["contacts"]},
    "opportunity": {"salesforce": ["Opportunity"], "hubspot": ["deals"]},
    "ticket": {"salesforce": ["Case"], "hubspot": ["tickets"]},
    "activity": {"salesforce": ["Task", "Event"], "hubspot": ["calls", "emails", "meetings", "tasks", "notes"]},
    "app_user": {"salesforce": ["User"], "hubspot": ["owners"]},
    "login_event": {"salesforce": ["LoginHistory"], "hubspot": ["login_activity"]},
}
COPIED = {
    "campaign": ("sf", "salesforce/Campaign"),
    "product": ("sf", "salesforce/Product2"),
    "opportunity_line": ("sf", "salesforce/OpportunityLineItem"),
    "survey_response": ("hs", "hubspot/feedback_submissions"),
}
"""core table → the one stream it comes from, row by row."""
STAGES = ("OpportunityStage", "CaseStatus")
DELETED = {"salesforce": "IsDeleted", "hubspot": "archived"}
TECHNICAL = ("IsChild", "IsRecurrence")
"""Flags of records that are no activity of their own: a colleague's copy of a meeting, the pattern of a series."""
SOURCE_OF = {"salesforce": "sf", "hubspot": "hs"}


def truth(folder: Path) -> dict[str, dict[str, tuple[int, int]]]:
    """core table → source → (records, of them deleted), counted in the exported files."""
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for table, sources in CORE_OF.items():
        for system, streams in sources.items():
            total = gone = 0
            for stream in streams:
                path = folder / system / f"{stream}.parquet"
                columns = {row[0] for row in duckdb.sql(f"describe select * from '{path}'").fetchall()}
                flag = DELETED[system] if DELETED[system] in columns and table != "login_event" else "false"
                own = " and ".join(f"not {name}" for name in TECHNICAL if name in columns) or "true"
                row = duckdb.sql(f"select count(*), count(*) filter ({flag}) from '{path}' where {own}").fetchone()
                assert row is not None
                total, gone = total + row[0], gone + row[1]
            found.setdefault(table, {})[SOURCE_OF[system]] = (total, gone)
    return found


def one(sql: str) -> int:
    """The number a query gives."""
    (count,) = duckdb.sql(sql).fetchone() or (0,)
    return int(count)


def derived_truth(folder: Path) -> dict[str, dict[str, int]]:
    """What the other core tables must hold, counted in the exported files without any of our models."""
    found: dict[str, dict[str, int]] = {}
    for table, (source, stream) in COPIED.items():
        found[table] = {source: one(f"select count(*) from '{folder}/{stream}.parquet'")}
    found["pipeline_stage"] = {
        "sf": sum(one(f"select count(*) from '{folder}/salesforce/{name}.parquet'") for name in STAGES),
        "hs": one(f"select count(*) from '{folder}/hubspot/pipeline_stages.parquet'"),
    }
    found["lead"] = {
        "sf": one(f"select count(*) from '{folder}/salesforce/Lead.parquet'"),
        "hs": one(f"select count(hs_v2_date_entered_lead) from '{folder}/hubspot/contacts.parquet'"),
    }
    rows = duckdb.sql(
        f"select OpportunityId, StageName from '{folder}/salesforce/OpportunityHistory.parquet' "
        "order by OpportunityId, CreatedDate, Id"
    ).fetchall()
    moved = sum(row != before for row, before in zip(rows, [None, *rows], strict=False))
    silent = one(f"select count(*) from '{folder}/salesforce/Opportunity.parquet'") - len({deal for deal, _ in rows})
    found["opportunity_stage_history"] = {
        "sf": moved + silent, "hs": changes(folder, "deals", "dealstage")
    }  # fmt: skip
    found["ticket_status_history"] = {
        "hs": changes(folder, "tickets", "hs_pipeline_stage"),
        "sf": one(f"select count(*) from '{folder}/salesforce/Case.parquet'")
        + one(f"select count(*) from '{folder}/salesforce/CaseHistory.parquet' where Field = 'Status'"),
    }
    return found


def changes(folder: Path, records: str, name: str) -> int:
    """How often a property took another value, each record's first one counted."""
    rows = duckdb.sql(
        f"select record_id, value from '{folder}/hubspot/{records}_history.parquet' where property = '{name}' "
        "order by record_id, seq"
    ).fetchall()
    return sum(row != before for row, before in zip(rows, [None, *rows], strict=False))


def derived(night: Night) -> dict[str, dict[str, int]]:
    tables = [*COPIED, "pipeline_stage", "lead", "opportunity_stage_history", "ticket_status_history"]
    return {
        table: {
            str(source): int(str(count))
            for source, count in night.query(
                f"select source_id, count(*) from core.{table} where source_id <> 'sheets' group by all"
            )
        }
        for table in tables
    }


def logins_of(*folders: Path) -> dict[str, tuple[int, int]]:
    """Log-ins of all these exports together: the sources forget them after months, the warehouse keeps them."""
    found = {}
    for system, [stream] in CORE_OF["login_event"].items():
        files = [str(folder / system / f"{stream}.parquet") for folder in folders]
        [(count,)] = duckdb.sql(f"select count(distinct columns('(?i)^id$')) from read_parquet({files})").fetchall()
        found[SOURCE_OF[system]] = (count, 0)
    return found


def counted(night: Night, table: str) -> dict[str, tuple[int, int]]:
    deleted = "is_deleted" if table != "login_event" else "false"
    rows = night.query(f"select source_id, count(*), count(*) filter ({deleted}) from core.{table} group by all")
    return {str(source): (int(str(total)), int(str(gone))) for source, total, gone in rows}


def exported(folder: Path, day: str) -> Path:
    done = crmlift("simulate", "--as-of", day, "--export", str(folder), home=folder)
    assert done.returncode == 0, done.stderr
    return folder
