"""Answers to the questions of operations (O1–O12) in pandas, sharing no SQL with the documents."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd

from tests.end_to_end.recomputed_frames import ZONE, Frames, days
from tests.end_to_end.recomputed_queries_frames import (
    Row,
    answer,
    local_days,
    now,
    ordered,
    rollout,
    today,
    values,
    verdicts,
    where,
)

BY_SEVERITY = {"critical": 0, "blocking": 0, "warning": 1, "info": 2}
LINKED = {
    "data entry": "opp_field_completeness", "training": "time_to_activation_days", "integration": "activity_capture_rate",
    "reports": "data_freshness_hours", "speed": "core_action_user_rate",
}  # fmt: skip


def o1(frame: Frames) -> list[Row]:
    runs = frame("ops.run")
    newest = runs.loc[runs["started_at"] == runs["started_at"].max(), "run_id"].max()
    found = where(runs, run_id=newest)
    found["is_fine"] = found["state"] == "success"
    found = ordered(found, "is_fine", "started_at", "step", "source_id", "object")
    return answer(found, "step source_id object state rows_in rows_out rows_rejected finished_at error")


def o2(frame: Frames) -> list[Row]:
    settings = frame("config.setting")
    files = settings.loc[settings["value"] == "files", "name"].str.removeprefix("source.")
    loads = frame("ops.load")
    loads = loads[~loads["source_id"].isin(files)]
    found = loads.groupby(["source_id", "stream"], as_index=False)["window_until"].max()
    lag = found["window_until"].max() - found["window_until"]
    found["hours"] = (lag / pd.Timedelta(hours=1)).round(1)
    found = ordered(found[lag > pd.Timedelta(hours=30)], "-hours", "source_id", "stream")
    return answer(found, "source_id stream window_until hours")


def o3(frame: Frames) -> list[Row]:
    found = where(frame("ops.alert"), state="open")
    found["place"] = found["severity"].map(BY_SEVERITY)
    found = ordered(found, "place", "-fired_at", "kpi_id", "segment_dim", "segment_value")
    return answer(found, "kpi_id segment_dim segment_value severity observed expected n reason fired_at dq_blocked")


def o4(frame: Frames) -> list[Row]:
    findings = where(frame("ops.data_quality_finding"), state="open", severity=["blocking", "warning"])
    out = []
    for alert in where(frame("ops.alert"), state=["open", "muted"]).itertuples():
        about = [
            one
            for one in findings.itertuples()
            if alert.kpi_id in list_of(one.affected_kpis)
            or (one.severity == "blocking" and not list_of(one.affected_kpis))
        ]
        head = (alert.kpi_id, alert.state, alert.period_start)
        out += [(*head, f.rule_id, f.severity, f.object, f.source_id, f.fail_pct, f.message) for f in about]
        if not about and (alert.state == "muted" or alert.dq_blocked):
            out.append((*head, None, None, None, None, None, alert.reason))
    names = [f"c{place}" for place in range(9)]
    return answer(ordered(pd.DataFrame(out, columns=names), *names), " ".join(names))


def list_of(value: object) -> list[object]:
    """What a list column holds; an unknown one holds nothing."""
    return list(value) if hasattr(value, "__len__") else []  # type: ignore[call-overload]


def o5(frame: Frames) -> list[Row]:
    found = values(frame, "weekly_active_user_rate", "week", "team")
    found = found[found["is_mature"]].sort_values("period_start").groupby("segment_value", as_index=False).tail(1)
    names = frame("core.team").set_index("team_id")["name"]
    waves = where(frame("config.rollout_wave"), rollout_id=rollout(frame), scope_type="team")
    found["team"] = found["segment_value"].map(names).fillna(found["segment_value"])
    found["wave"] = found["segment_value"].map(waves.set_index("scope_value")["wave_id"])
    return answer(ordered(found, "value", "team"), "team wave period_start value n")


def seats(frame: Frames) -> pd.DataFrame:
    """People with a seat who may use it."""
    people = frame("core.app_user")
    return people[people[["is_human", "is_licensed", "is_active"]].fillna(False).all(axis=1)]


def o6(frame: Frames) -> list[Row]:
    worked = frame("core.user_day")
    worked["day"] = pd.to_datetime(worked["activity_date"])
    worked = worked[worked["user_id"].isin(seats(frame)["user_id"]) & (worked["day"] < today(frame))]
    active = worked[worked["core_actions"] > 0]
    ago = (today(frame) - active["day"]).dt.days
    last_week = active[ago <= 7].groupby("user_id").size()
    counts = [
        len(seats(frame)),
        worked.loc[worked["is_logged_in"] | (worked["core_actions"] > 0), "user_id"].nunique(),
        active["user_id"].nunique(),
        active.loc[ago <= 28, "user_id"].nunique(),
        int((last_week >= 3).sum()),
    ]
    steps = [
        "has a seat", "has come", "has recorded work", "did so in the last four weeks", "on three days of the last week"
    ]  # fmt: skip
    shares = [None, *(later / before for before, later in pairwise(counts))]
    return list(zip(map(float, range(1, 6)), steps, map(float, counts), shares, strict=True))


def o7(frame: Frames) -> list[Row]:
    worked = frame("core.user_day")
    last = worked[worked["core_actions"] > 0].groupby("user_id")["activity_date"].max()
    found = seats(frame).copy()
    found["last"] = pd.to_datetime(found["user_id"].map(last))
    idle = (today(frame) - found["last"]).dt.days
    found = found[found["last"].isna() | (idle > 30)]
    found["was_here"] = found["last"].notna()
    return answer(ordered(found, "was_here", "last", "user_id"), "user_id source_id team_id last")


def o8(frame: Frames) -> list[Row]:
    found = where(
        frame("evaluation.kpi_current"), kpi_id="resolution_hours", segment_dim="all", rollout_id=rollout(frame)
    )
    found["is_wave"] = found["wave_id"] != "all"
    return answer(
        ordered(found, "is_wave", "wave_id"),
        "wave_id look pre_value post_value counterfactual_value effect effect_ci_low effect_ci_high verdict reason",
    )


def o9(frame: Frames) -> list[Row]:
    found = values(frame, "sla_attainment_rate", "month", "priority")
    return answer(
        ordered(found, "period_start", "segment_value"), "period_start segment_value value ci_low ci_high n status"
    )


def o10(frame: Frames) -> list[Row]:
    found = where(frame("ops.data_quality_finding"), state="open")
    found["kpis"] = [
        len(list_of(kpis)) or (len(frame("metrics.kpi")) if severity == "blocking" else 0)
        for kpis, severity in zip(found["affected_kpis"], found["severity"], strict=True)
    ]
    found["place"] = found["severity"].map(BY_SEVERITY)
    found = ordered(found, "place", "-kpis", "-failing_rows", "rule_id", "source_id", "object", "field")
    return answer(found, "rule_id severity source_id object field failing_rows fail_pct kpis message")


def o11(frame: Frames) -> list[Row]:
    said = frame("core.survey_response")
    is_employee = (said["audience"] == "employee") | said["user_id"].notna()
    said = said[said["theme"].notna() & is_employee & ~said["is_deleted"].fillna(False)].copy()
    said["round"] = said["wave"].fillna(said["responded_at"].dt.tz_convert(ZONE).dt.strftime("%Y-%m"))
    said["is_complaint"] = said["sentiment"] == "negative"
    found = said.groupby(["round", "theme"], as_index=False).agg(
        mentions=("theme", "size"), complaints=("is_complaint", "sum")
    )
    found["share"] = found["mentions"] / found["round"].map(said.groupby("round").size())
    found["kpi"] = found["theme"].map(LINKED)
    told = verdicts(frame).set_index("kpi_id")
    found["effect"], found["verdict"] = found["kpi"].map(told["effect_rel"]), found["kpi"].map(told["verdict"])
    found = ordered(found[found["mentions"] >= 5], "-round", "-complaints", "-mentions", "theme")
    return answer(found, "round theme mentions complaints share kpi effect verdict")


def o12(frame: Frames) -> list[Row]:
    found = frame("core.lead")
    hour = days(1 / 24)
    is_late = found["first_touch_at"].isna() | (found["first_touch_at"] - found["created_at"] > hour)
    is_yesterday = local_days(found["created_at"]) == today(frame) - days(1)
    is_counted = ~found["is_deleted"] & found["merged_into_id"].isna()
    had_time = now(frame) - found["created_at"] >= hour
    found = ordered(found[is_late & is_yesterday & is_counted & had_time], "created_at", "lead_id")
    return answer(found, "lead_id owner_id team_id source_channel created_at first_touch_at")


OPERATIONS = {"O1": o1, "O2": o2, "O3": o3, "O4": o4, "O5": o5, "O6": o6, "O7": o7, "O8": o8, "O9": o9, "O10": o10,
              "O11": o11, "O12": o12}  # fmt: skip
