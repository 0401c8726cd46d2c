"""What the documented queries of analysts must answer, found in pandas from the published tables."""

from __future__ import annotations

import pandas as pd

from tests.end_to_end.answers_operations import current
from tests.end_to_end.recomputed import SHARES, deals
from tests.end_to_end.recomputed_frames import AS_OF, ZONE, Frames

HOUR = pd.Timedelta(hours=1)


def values(frame: Frames, kpi_id: str, segment_dim: str, grain: str) -> pd.DataFrame:
    """The values of a KPI over all sources."""
    found = frame("metrics.kpi_value")
    return found[
        (found["kpi_id"] == kpi_id) & (found["segment_dim"] == segment_dim) & (found["source_id"] == "all")
        & (found["period_grain"] == grain)
    ]  # fmt: skip


def by_period(rows: pd.DataFrame, grain: str) -> pd.Series:
    """The first local day of the month or quarter of each row."""
    local = rows["at"].dt.tz_convert(ZONE).dt.tz_localize(None)
    return local.dt.to_period("M" if grain == "month" else "Q").dt.start_time


def shares_from_records(frame: Frames, kpi_id: str, grain: str) -> pd.DataFrame:
    """Sums of the KPI's own records by period and team."""
    rows = SHARES[kpi_id](frame)
    rows = rows[(rows["at"] < AS_OF) & rows["observed"].astype(bool)].dropna(subset=["num"])
    return rows.assign(period_start=by_period(rows, grain), team=rows["team"].fillna("unknown"))


def o9(frame: Frames) -> pd.DataFrame:
    found = values(frame, "sla_attainment_rate", "priority", "month").rename(columns={"segment_value": "priority"})
    columns = ["period_start", "priority", "value", "ci_low", "ci_high", "n", "status"]
    return found.sort_values(["period_start", "priority"])[columns]


def a1(frame: Frames) -> pd.DataFrame:
    columns = ["kpi_id", "look", "method", "pre_value", "post_value", "effect_rel", "effect_rel_ci_low"]
    columns += ["effect_rel_ci_high", "q_value", "verdict", "reason", "caveats"]
    return current(frame).sort_values(["q_value", "kpi_id"])[columns]


def a2(frame: Frames) -> pd.DataFrame:
    found = frame("evaluation.kpi_effect")
    first = frame("config.rollout")["rollout_id"].min()
    found = found[(found["segment_dim"] == "all") & (found["wave_id"] == "all") & (found["rollout_id"] == first)]
    out = []
    for kpi_id, looks in found.sort_values(["as_of", "look"]).groupby("kpi_id"):
        planned, nightly = looks[looks["look"] != "provisional"], looks[looks["look"] == "provisional"]
        by_look = (planned["look"] + ": " + planned["verdict"]).tolist()
        tonight = nightly["verdict"].iloc[-1] if len(nightly) else None
        out.append((kpi_id, by_look or None, planned["verdict"].nunique(), tonight))
    told = pd.DataFrame(out, columns=["kpi_id", "by_look", "verdicts", "tonight"])
    return told.sort_values(["verdicts", "kpi_id"], ascending=[False, True])


def a3(frame: Frames) -> pd.DataFrame:
    found = frame("metrics.kpi_value")
    today = AS_OF.tz_convert(ZONE).tz_localize(None).normalize()
    found = found[
        ~found["is_mature"] & (found["segment_dim"] == "all") & (found["source_id"] == "all")
        & (found["period_grain"] == "month") & (pd.to_datetime(found["mature_after"]) > today)
    ]  # fmt: skip
    columns = ["kpi_id", "period_grain", "period_start", "value", "n", "n_censored", "mature_after"]
    return found.sort_values(["mature_after", "kpi_id", "period_start"])[columns]


def a4(frame: Frames) -> pd.DataFrame:
    told = {}
    for name, kpi_id in (("by_close", "win_rate"), ("by_creation", "cohort_win_rate")):
        sums = shares_from_records(frame, kpi_id, "month").groupby("period_start")[["num", "den"]].sum()
        told[name] = sums["num"] / sums["den"]
    both = pd.concat([values(frame, kpi_id, "all", "month") for kpi_id in ("win_rate", "cohort_win_rate")])
    told["is_mature"] = (
        both.assign(period_start=pd.to_datetime(both["period_start"])).groupby("period_start")["is_mature"].all()
    )
    return pd.DataFrame(told).reset_index()


def a5(frame: Frames) -> pd.DataFrame:
    records = shares_from_records(frame, "win_rate", "quarter")
    sums = records.groupby("period_start").agg(num=("num", "sum"), den=("den", "sum")).reset_index()
    columns = {"win_rate": sums["num"] / sums["den"], "deals": sums["den"], "in_all": sums["den"]}
    return sums[["period_start"]].assign(**columns)


def a6(frame: Frames) -> pd.DataFrame:
    records = shares_from_records(frame, "win_rate", "quarter")
    sums = records.groupby(["period_start", "team"], as_index=False)["den"].sum()
    sums["share"] = sums["den"] / sums.groupby("period_start")["den"].transform("sum")
    return sums[["period_start", "team", "share"]]


def a7(frame: Frames) -> pd.DataFrame:
    found = frame("evaluation.segment_effect")
    first = frame("config.rollout")["rollout_id"].min()
    found = found[(found["kpi_id"] == "win_rate") & (found["rollout_id"] == first)]
    found = found[found["as_of"] == found["as_of"].max()].assign(size=lambda f: f["pooled_effect"].abs())
    columns = ["look", "segment_dim", "segment_value", "pooled_effect", "pooled_ci_low", "pooled_ci_high"]
    return found.sort_values("size", ascending=False)[[*columns, "is_relative", "n_post"]].head(20)


def a8(frame: Frames) -> pd.DataFrame:
    stays = frame("core.opportunity_stage_history")[["opportunity_id", "stage_key", "entered_at", "exited_at"]]
    stages = frame("core.pipeline_stage")
    stays = stays[stays["opportunity_id"].isin(deals(frame)["opportunity_id"])]
    stays = stays.merge(stages.loc[~stages["is_closed"], ["stage_key", "canonical_stage"]], on="stage_key")
    until = stays["exited_at"].fillna(AS_OF)
    stays["days"] = (until.dt.floor("h") - stays["entered_at"].dt.floor("h")) / HOUR / 24
    stays["is_open"] = stays["exited_at"].isna()
    found = stays.groupby("canonical_stage", as_index=False).agg(
        days_so_far=("days", "median"), open_share=("is_open", "mean"), stays=("days", "size")
    )
    return found.sort_values("days_so_far", ascending=False)


def a9(frame: Frames) -> pd.DataFrame:
    found = frame("core.opportunity")
    found = found[(found["status"] != "open") & ~found["is_deleted"]]
    counted = found.groupby(["source_id", "close_basis", "status"], dropna=False).size().reset_index(name="deals")
    return counted.sort_values(["source_id", "deals"], ascending=[True, False])


def a10(frame: Frames) -> pd.DataFrame:
    found = frame("core.opportunity")
    found = found[found["is_deleted"] | ~found["is_countable"]]
    found = found.assign(why=found["exclude_reason"].mask(found["is_deleted"], "deleted"))
    found["amount_base"] = found["amount_base"].astype(float)
    told = found.groupby(["source_id", "why", "status"], dropna=False, as_index=False).agg(
        deals=("why", "size"), amount_base=("amount_base", lambda a: a.sum(min_count=1))
    )
    return told.sort_values(["deals", "source_id", "why", "status"], ascending=[False, True, True, True])


def a11(frame: Frames) -> pd.DataFrame:
    found = frame("config.legacy_kpi_period")
    return found.groupby(["kpi_id", "comparability"], as_index=False, dropna=False).agg(
        periods=("period_start", "size"), first_period=("period_start", "min"), note=("definition_note", "max")
    )


def a12(frame: Frames) -> pd.DataFrame:
    known, force = frame("metrics.kpi_definition"), frame("metrics.kpi").set_index("kpi_id")["definition_version"]
    known["is_in_force"] = known["definition_version"] == known["kpi_id"].map(force)
    columns = ["kpi_id", "definition_version", "first_used_at", "last_used_at", "is_in_force", "formula", "parameters"]
    return known.sort_values(["kpi_id", "first_used_at", "definition_version"])[columns]
