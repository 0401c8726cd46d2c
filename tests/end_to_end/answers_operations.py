"""What the documented queries of operations must answer, found in pandas from the published tables."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd

from tests.end_to_end.recomputed_frames import AS_OF, ZONE, Frames, days

HOUR = pd.Timedelta(hours=1)
SEVERITY = {"blocking": 0, "critical": 0, "warning": 1}


def sources_of(frame: Frames, kind: str) -> set[str]:
    """The sources of a type."""
    named = frame("config.setting").dropna()
    chosen = named[named["name"].str.startswith("source.") & (named["value"] == kind)]
    return set(chosen["name"].str.removeprefix("source."))


def current(frame: Frames) -> pd.DataFrame:
    """The verdicts of the whole company about the first rollout."""
    found = frame("evaluation.kpi_current")
    first = frame("config.rollout")["rollout_id"].min()
    return found[(found["segment_dim"] == "all") & (found["wave_id"] == "all") & (found["rollout_id"] == first)]


def local(at: pd.Series) -> pd.Series:
    """Days in the company's time zone."""
    return at.dt.tz_convert(ZONE).dt.tz_localize(None).dt.normalize()


def o1(frame: Frames) -> pd.DataFrame:
    runs = frame("ops.run").sort_values("started_at")
    last = runs[runs["run_id"] == runs["run_id"].iloc[-1]].assign(is_done=lambda r: r["state"] == "success")
    columns = ["step", "source_id", "object", "state", "rows_in", "rows_out", "rows_rejected", "finished_at", "error"]
    return last.sort_values(["is_done", "started_at", "source_id", "object"])[columns]


def o2(frame: Frames) -> pd.DataFrame:
    loads = frame("ops.load")
    loads = loads[~loads["source_id"].isin(sources_of(frame, "files"))]
    read = loads.groupby(["source_id", "stream"], as_index=False)["window_until"].max()
    read = read.rename(columns={"window_until": "read_until"})
    read["hours_behind"] = (read["read_until"].max().floor("h") - read["read_until"].dt.floor("h")) // HOUR
    return read[read["hours_behind"] > 30].sort_values(
        ["hours_behind", "source_id", "stream"], ascending=[False, True, True]
    )


def o3(frame: Frames) -> pd.DataFrame:
    alerts = frame("ops.alert")
    alerts = alerts[alerts["state"] == "open"].assign(rank=lambda a: a["severity"].map(SEVERITY).fillna(2))
    columns = ["kpi_id", "segment_dim", "segment_value", "severity", "observed", "expected", "n", "reason", "fired_at"]
    return alerts.sort_values(["rank", "fired_at"], ascending=[True, False])[columns]


def o4(frame: Frames) -> pd.DataFrame:
    alerts, findings = frame("ops.alert"), frame("ops.data_quality_finding")
    findings = findings[(findings["state"] == "open") & (findings["severity"] != "info")]
    touched = findings.explode("affected_kpis").rename(columns={"affected_kpis": "kpi_id"})
    both = alerts.loc[alerts["state"] == "open", ["kpi_id", "period_start"]].merge(touched, on="kpi_id")
    return both[["kpi_id", "period_start", "rule_id", "severity", "object", "source_id", "fail_pct", "message"]]


def o5(frame: Frames) -> pd.DataFrame:
    values, names = frame("metrics.kpi_value"), frame("core.team").set_index("team_id")["name"]
    weeks = values[
        (values["kpi_id"] == "weekly_active_user_rate") & (values["segment_dim"] == "team") & values["is_mature"]
        & (values["source_id"] == "all") & (values["period_grain"] == "week")
    ]  # fmt: skip
    newest = weeks.sort_values("period_start").drop_duplicates("segment_value", keep="last")
    newest["team"] = newest["segment_value"].map(names).fillna(newest["segment_value"])
    return newest.sort_values(["value", "team"])[["team", "period_start", "value", "n"]]


def o6(frame: Frames) -> pd.DataFrame:
    users, days_of = frame("core.app_user"), frame("core.user_day")
    users = users[users["is_human"] & users["is_licensed"] & users["is_active"]]
    days_of["day"] = pd.to_datetime(days_of["activity_date"])
    today = days_of["day"].max()
    worked = days_of[days_of["core_actions"] > 0]
    lately = worked[worked["day"] > today - days(28)]
    week = worked[worked["day"] > today - days(7)].groupby("user_id")["day"].nunique()
    here = set(users["user_id"])
    steps = [
        ("has a seat", here),
        ("has come", here & set(days_of.loc[days_of["is_logged_in"] | (days_of["core_actions"] > 0), "user_id"])),
        ("has recorded work", here & set(worked["user_id"])),
        ("did so in the last four weeks", here & set(lately["user_id"])),
        ("on three days of the last week", here & set(week[week >= 3].index)),
    ]
    counts = [len(people) for _, people in steps]
    shares = [None, *(now / before for before, now in pairwise(counts))]
    names = [name for name, _ in steps]
    return pd.DataFrame({"step_order": range(1, 6), "step": names, "users": counts, "share_of_previous": shares})


def o7(frame: Frames) -> pd.DataFrame:
    users, days_of = frame("core.app_user"), frame("core.user_day")
    days_of["day"] = pd.to_datetime(days_of["activity_date"])
    last = days_of[days_of["core_actions"] > 0].groupby("user_id")["day"].max()
    users = users[users["is_human"] & users["is_licensed"] & users["is_active"]]
    users = users.assign(last_core_action=users["user_id"].map(last))
    thirty = pd.date_range(end=days_of["day"].max(), periods=30)
    idle = users[~users["last_core_action"].isin(thirty)]
    idle = idle.sort_values(["last_core_action", "user_id"], na_position="first")
    return idle[["user_id", "source_id", "team_id", "last_core_action"]]


def o8(frame: Frames) -> pd.DataFrame:
    found = frame("evaluation.kpi_current")
    found = found[
        (found["kpi_id"] == "resolution_hours") & (found["segment_dim"] == "all")
        & (found["rollout_id"] == frame("config.rollout")["rollout_id"].min())
    ].assign(is_wave=lambda f: f["wave_id"] != "all")  # fmt: skip
    columns = ["wave_id", "look", "pre_value", "post_value", "counterfactual_value", "effect", "effect_ci_low"]
    return found.sort_values(["is_wave", "wave_id"])[[*columns, "effect_ci_high", "verdict", "reason"]]


def o10(frame: Frames) -> pd.DataFrame:
    found = frame("ops.data_quality_finding")
    found = found[found["state"] == "open"].assign(
        kpis=lambda f: f["affected_kpis"].map(len), rank=lambda f: f["severity"].map(SEVERITY).fillna(2)
    )
    found = found.sort_values(["rank", "kpis", "failing_rows"], ascending=[True, False, False])
    return found[["rule_id", "severity", "source_id", "object", "field", "failing_rows", "fail_pct", "kpis", "message"]]


def o11(frame: Frames) -> pd.DataFrame:
    told = frame("core.survey_response")
    told = told[
        told["theme"].notna() & ((told["audience"] == "employee") | told["user_id"].notna()) & ~told["is_deleted"]
    ]
    told = told.assign(
        round=told["wave"].fillna(told["responded_at"].dt.strftime("%Y-%m")), is_bad=told["sentiment"] == "negative"
    )
    themes = told.groupby(["round", "theme"], as_index=False).agg(
        mentions=("theme", "size"), complaints=("is_bad", "sum")
    )
    themes = themes[themes["mentions"] >= 5]
    themes["share"] = themes["mentions"] / themes.groupby("round")["mentions"].transform("sum")
    themes["kpi_id"] = themes["theme"].map({
        "data entry": "opp_field_completeness", "training": "time_to_activation_days", "speed": "core_action_user_rate",
        "integration": "activity_capture_rate", "reports": "data_freshness_hours",
    })  # fmt: skip
    both = themes.merge(current(frame)[["kpi_id", "effect_rel", "verdict"]], on="kpi_id", how="left")
    return both.sort_values(["round", "complaints", "mentions", "theme"], ascending=[False, False, False, True])


def o12(frame: Frames) -> pd.DataFrame:
    leads = frame("core.lead")
    yesterday = AS_OF.tz_convert(ZONE).tz_localize(None).normalize() - days(1)
    waited = leads["first_touch_at"].fillna(AS_OF) - leads["created_at"]
    is_kept = ~leads["is_deleted"] & leads["merged_into_id"].isna()
    found = leads[(local(leads["created_at"]) == yesterday) & is_kept & (waited > HOUR)]
    columns = ["lead_id", "owner_id", "team_id", "source_channel", "created_at", "first_touch_at"]
    return found.sort_values(["created_at", "lead_id"])[columns]
