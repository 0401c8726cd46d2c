"""KPIs again, in pandas from the published core tables, sharing no SQL with the product.

Each function gives rows with `at` (UTC), `team`, `num`, `den`, and `observed` where a unit can be too young or unfinished.
"""

from __future__ import annotations

import pandas as pd

from tests.end_to_end.recomputed_frames import AS_OF, ZONE, Frames, days, rows
from tests.end_to_end.recomputed_service import (
    ces_mean,
    csat_top2,
    customer_retention_rate,
    enps,
    first_response_minutes,
    nps,
    perceived_usefulness,
    reopen_rate,
    resolution_hours,
    sla_attainment_rate,
    survey_response_rate,
    sus_score,
    ticket_contact_rate,
)  # fmt: skip


def deals(frame: Frames) -> pd.DataFrame:
    found = frame("core.opportunity")
    found["amount_base"] = found["amount_base"].astype(float)
    return found[found["is_countable"] & ~found["is_deleted"]]


def closed(frame: Frames, *statuses: str) -> pd.DataFrame:
    found = deals(frame)
    return found[found["status"].isin(statuses) & (found["closed_at"] <= AS_OF)]


def leads(frame: Frames) -> pd.DataFrame:
    found = frame("core.lead")
    return found[~found["is_deleted"] & found["merged_into_id"].isna() & (found["created_at"] <= AS_OF)]


def won_revenue(frame: Frames) -> pd.DataFrame:
    found = closed(frame, "won").dropna(subset=["amount_base"])
    return rows(found, "closed_at", found["amount_base"])


def won_deals(frame: Frames) -> pd.DataFrame:
    return rows(closed(frame, "won"), "closed_at", 1.0)


def win_rate(frame: Frames) -> pd.DataFrame:
    found = closed(frame, "won", "lost")
    return rows(found, "closed_at", (found["status"] == "won") * 1.0)


def win_rate_amount(frame: Frames) -> pd.DataFrame:
    found = closed(frame, "won", "lost")
    found = found[found["amount_base"] > 0]
    return rows(found, "closed_at", found["amount_base"].where(found["status"] == "won", 0.0), found["amount_base"])


def horizon(frame: Frames, kpi_id: str) -> pd.Timedelta:
    """The age at which an outcome counts, as the settings of the night have it."""
    return days(float(frame("metrics.kpi").set_index("kpi_id")["horizon_days"][kpi_id]))


def cohort_win_rate(frame: Frames) -> pd.DataFrame:
    found, age = deals(frame), horizon(frame, "cohort_win_rate")
    is_won = (found["status"] == "won") & (found["closed_at"] < found["created_at"] + age)
    return rows(found, "created_at", is_won * 1.0, 1.0, found["created_at"] + age <= AS_OF)


def avg_deal_size(frame: Frames) -> pd.DataFrame:
    found = closed(frame, "won")
    found = found[found["amount_base"] > 0]
    return rows(found, "closed_at", found["amount_base"])


def pipeline_created(frame: Frames) -> pd.DataFrame:
    found = deals(frame).dropna(subset=["amount_base"])
    found = found[found["created_at"] <= AS_OF]
    return rows(found, "created_at", found["amount_base"])


def opp_field_completeness(frame: Frames) -> pd.DataFrame:
    found = deals(frame)
    asked = ["amount_base", "expected_close_date", "account_id", "lead_source"]
    is_lost = found["status"] == "lost"
    filled = found[asked].notna().sum(axis=1) + (found["loss_reason"].notna() & is_lost)
    return rows(found, "created_at", filled.astype(float), 4.0 + is_lost)


def activity_capture_rate(frame: Frames) -> pd.DataFrame:
    found, activity = closed(frame, "won"), frame("core.activity")
    kept = activity[activity["is_completed"].fillna(False) & ~activity["is_automated"] & ~activity["is_deleted"]]
    both = kept.merge(found[["opportunity_id", "closed_at"]], on="opportunity_id")
    logged = both[both["occurred_at"] <= both["closed_at"]].groupby("opportunity_id").size()
    return rows(found, "closed_at", (found["opportunity_id"].map(logged).fillna(0) >= 2) * 1.0)


def lead_conversion_rate(frame: Frames) -> pd.DataFrame:
    found, age = leads(frame), horizon(frame, "lead_conversion_rate")
    soon = found["converted_at"] < found["created_at"] + age
    return rows(found, "created_at", soon * 1.0, 1.0, found["created_at"] + age <= AS_OF)


def lead_response_within_1h(frame: Frames) -> pd.DataFrame:
    found = leads(frame)
    soon = found["first_touch_at"] <= found["created_at"] + days(1 / 24)
    return rows(found, "created_at", soon * 1.0, 1.0, found["created_at"] + days(1 / 24) <= AS_OF)


def entered(frame: Frames) -> pd.DataFrame:
    history = frame("core.opportunity_stage_history")
    stages = frame("core.pipeline_stage")
    found = history[(history["basis"] != "current_record") & (history["entered_at"] <= AS_OF)]
    columns = ["stage_key", "stage_order", "is_closed", "is_won", "pipeline_native_id"]
    return found.merge(stages[columns], on="stage_key")


def stage_conversion_rate(frame: Frames) -> pd.DataFrame:
    found = entered(frame).sort_values(["opportunity_id", "seq"])
    teams = deals(frame).set_index("opportunity_id")["team_id"]
    out = []
    for (deal, _), moves in found.groupby(["opportunity_id", "pipeline_native_id"], dropna=False):
        if deal not in teams.index:
            continue
        steps = list(moves[["stage_order", "is_closed", "is_won", "entered_at"]].itertuples(index=False))
        seen = set()
        for place, (order, is_closed, _, at) in enumerate(steps):
            if is_closed or order in seen:
                continue
            seen.add(order)
            later = [
                s.entered_at for s in steps[place + 1 :] if s.is_won or (not s.is_closed and s.stage_order > order)
            ]
            is_past = bool(later) and min(later) < at + days(90)
            out.append((at, teams[deal], is_past * 1.0, 1.0, at + days(90) <= AS_OF))
    return pd.DataFrame(out, columns=["at", "team", "num", "den", "observed"])


def local_day(at: pd.Timestamp) -> pd.Timestamp:
    return at.tz_convert(ZONE).tz_localize(None).normalize()


def core_action_user_rate(frame: Frames) -> pd.DataFrame:
    worked = frame("core.user_day")
    worked["date"] = pd.to_datetime(worked["activity_date"])
    worked["monday"] = worked["date"] - pd.to_timedelta(worked["date"].dt.dayofweek, unit="D")
    active = worked[worked["core_actions"] > 0].groupby(["user_id", "monday"]).size()
    people = frame("core.app_user")
    people = people[people["is_human"] & people["is_licensed"]]
    since = frame("core.source_instance").set_index("source_id")["history_available_from"]
    today = AS_OF.tz_convert(ZONE).tz_localize(None)
    out = []
    for person in people.itertuples():
        if pd.isna(since.get(person.source_id)) or pd.isna(person.provisioned_at):
            continue
        first = max(pd.Timestamp(since[person.source_id]), local_day(person.provisioned_at))
        last = local_day(person.deactivated_at) if pd.notna(person.deactivated_at) else None
        for monday in pd.date_range(first, today - days(7), freq="W-MON"):
            if last is None or last >= monday + days(7):
                at = monday.tz_localize(ZONE).tz_convert("UTC")
                out.append((at, person.team_id, (active.get((person.user_id, monday), 0) >= 3) * 1.0, 1.0, True))
    return pd.DataFrame(out, columns=["at", "team", "num", "den", "observed"])


def tco(frame: Frames) -> pd.DataFrame:
    out = []
    today = AS_OF.tz_convert(ZONE).tz_localize(None).normalize()
    for item in frame("config.cost_item").itertuples():
        amount = item.amount_base if pd.notna(item.amount_base) else item.hours * item.hourly_rate_base
        if not item.is_incremental or pd.isna(amount):
            continue
        start = pd.Timestamp(item.period_start)
        end = max(pd.Timestamp(item.period_end), start + days(1))
        for day in pd.date_range(start, end - days(1)):
            if day < today:
                out.append(
                    (day.tz_localize(ZONE).tz_convert("UTC"), None, float(amount) / (end - start).days, 1.0, True)
                )
    return pd.DataFrame(out, columns=["at", "team", "num", "den", "observed"])


SHARES = {
    f.__name__: f
    for f in (
        win_rate, win_rate_amount, cohort_win_rate, avg_deal_size, opp_field_completeness, activity_capture_rate,
        lead_conversion_rate, lead_response_within_1h, reopen_rate, sla_attainment_rate, nps, enps, csat_top2, ces_mean, sus_score,
        perceived_usefulness, survey_response_rate, stage_conversion_rate, core_action_user_rate,
        customer_retention_rate, ticket_contact_rate,
    )
}  # fmt: skip
TOTALS = {f.__name__: f for f in (won_revenue, won_deals, pipeline_created, tco)}


def sales_cycle_days(frame: Frames) -> pd.DataFrame:
    found = deals(frame)
    is_open = found["status"] == "open"
    is_whole = (found["closed_at"] >= found["created_at"]) & (found["closed_at"] <= AS_OF)
    found = found[is_open | is_whole]
    until = found["closed_at"].where(found["status"] != "open").fillna(AS_OF)
    return rows(found, "created_at", (until - found["created_at"]) / days(1), 1.0, found["status"] != "open")


def lead_response_minutes(frame: Frames) -> pd.DataFrame:
    found = leads(frame)
    found = found[found["first_touch_at"].isna() | (found["first_touch_at"] <= AS_OF)]
    given_up = found["disqualified_at"].fillna(AS_OF)
    until = found["first_touch_at"].fillna(given_up.where(given_up > found["created_at"], found["created_at"]))
    lasted = (until - found["created_at"]) / pd.Timedelta(minutes=1)
    return rows(found, "created_at", lasted, 1.0, found["first_touch_at"].notna())


def stage_dwell_days(frame: Frames) -> pd.DataFrame:
    found = entered(frame).merge(deals(frame)[["opportunity_id", "team_id"]], on="opportunity_id")
    found = found[~found["is_closed"] & (found["exited_at"].isna() | (found["exited_at"] <= AS_OF))]
    lasted = (found["exited_at"].fillna(AS_OF) - found["entered_at"]) / days(1)
    return rows(found, "entered_at", lasted, 1.0, found["exited_at"].notna())


DURATIONS = {
    f.__name__: f
    for f in (
        sales_cycle_days,
        lead_response_minutes,
        first_response_minutes,
        resolution_hours,
        stage_dwell_days,
    )
}
