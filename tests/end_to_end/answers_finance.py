"""What the documented queries of finance must answer, found in pandas from the published tables."""

from __future__ import annotations

import pandas as pd

from tests.end_to_end.answers_analysts import values
from tests.end_to_end.recomputed_frames import AS_OF, ZONE, Frames

MONTHS_A_YEAR = 12


def whole(frame: Frames) -> pd.DataFrame:
    """The verdicts of the whole company, of every rollout."""
    found = frame("evaluation.kpi_current")
    return found[(found["segment_dim"] == "all") & (found["wave_id"] == "all")]


def c1(frame: Frames) -> pd.DataFrame:
    found = pd.concat([values(frame, kpi_id, "all", "month") for kpi_id in ("roi_pct", "npv", "payback_months")])
    columns = ["kpi_id", "period_start", "value", "ci_low", "ci_high", "status", "reason"]
    return found.sort_values(["kpi_id", "period_start"])[columns]


def c3(frame: Frames) -> pd.DataFrame:
    items = frame("config.cost_item")
    items = items[items["rollout_id"] == frame("config.rollout")["rollout_id"].min()]
    priced = items["amount_base"].astype(float).fillna(items["hours"] * items["hourly_rate_base"])
    costs = items.assign(cost_base=priced).groupby(["category", "certainty"], as_index=False, dropna=False)["cost_base"]
    return costs.sum(min_count=1).sort_values("cost_base", ascending=False)


def c5(frame: Frames) -> pd.DataFrame:
    judged = whole(frame)[
        ["rollout_id", "kpi_id", "look", "effect_rel", "effect_rel_ci_low", "effect_rel_ci_high", "verdict"]
    ]
    both = frame("config.benefit_item").merge(judged, on=["rollout_id", "kpi_id"], how="left")
    both["is_backed"] = (both["verdict"] == "improved") & (both["look"] != "provisional")
    columns = ["benefit_id", "kpi_id", "mechanism", "attribution_low", "attribution_mode", "attribution_high"]
    columns += ["risk_adjustment", "look", "effect_rel", "effect_rel_ci_low", "effect_rel_ci_high", "verdict"]
    return both.sort_values(["is_backed", "benefit_id"], ascending=[False, True])[[*columns, "is_backed", "evidence"]]


def goals(frame: Frames) -> pd.DataFrame:
    """The goals of the first rollout with the verdict of each."""
    wanted = frame("config.goal_target")
    wanted = wanted[wanted["rollout_id"] == frame("config.rollout")["rollout_id"].min()]
    judged = whole(frame)[
        ["rollout_id", "kpi_id", "effect_rel", "effect_rel_ci_low", "effect_rel_ci_high", "verdict", "reason"]
    ]
    return wanted.merge(judged, on=["rollout_id", "kpi_id"], how="left")


def c6(frame: Frames) -> pd.DataFrame:
    columns = ["goal_family", "goal_id", "kpi_id", "target_change_rel", "effect_rel", "effect_rel_ci_low"]
    columns += ["effect_rel_ci_high", "verdict", "reason", "target_date"]
    return goals(frame).sort_values(["goal_family", "goal_id"])[columns]


def c7(frame: Frames) -> pd.DataFrame:
    out = []
    for family, part in goals(frame).groupby("goal_family"):
        weight, verdict = part["weight"].fillna(0.0), part["verdict"].fillna("inconclusive")
        shares = [
            weight[verdict.isin(kinds)].sum() / weight.sum()
            for kinds in (["improved"], ["worsened"], ["inconclusive", "not_comparable"])
        ]
        out.append((family, len(part), *shares))
    return pd.DataFrame(out, columns=["goal_family", "goals", "improved_share", "worsened_share", "unknown_share"])


def c8(frame: Frames) -> pd.DataFrame:
    found = frame("metrics.kpi_value")
    found = found[
        (found["kpi_id"] == "clv_simple") & (found["source_id"] == "all") & (found["period_grain"] == "month")
        & found["value"].notna()
    ].assign(is_part=lambda f: f["segment_dim"] != "all")  # fmt: skip
    columns = ["period_start", "segment_dim", "segment_value", "value", "ci_low", "ci_high", "n", "status"]
    return found.sort_values(["is_part", "period_start", "segment_dim", "segment_value"])[columns]


def c9(frame: Frames) -> pd.DataFrame:
    used = values(frame, "licence_utilisation", "all", "month")
    used = used[used["is_mature"] & used["value"].notna()].sort_values("period_start").iloc[-1]
    month = pd.Timestamp(used["period_start"])
    cost = 0.0
    for item in frame("config.cost_item").itertuples():
        first, after = pd.Timestamp(item.period_start), pd.Timestamp(item.period_end)
        if item.category == "licence" and first < month + pd.DateOffset(months=1) and after > month:
            months = (after.year - first.year) * MONTHS_A_YEAR + after.month - first.month
            cost += float(item.amount_base) / max(months, 1)
    row = (used["period_start"], used["value"], cost, (1 - used["value"]) * cost)
    return pd.DataFrame([row], columns=["month", "used", "licences_a_month_base", "idle_cost_a_month_base"])


def c10(frame: Frames) -> pd.DataFrame:
    gaps = values(frame, "benchmark_gap", "benchmarked_kpi", "month").sort_values("period_start")
    gaps = gaps.drop_duplicates("segment_value", keep="last").drop(columns="kpi_id")
    known, today = frame("config.benchmark"), AS_OF.tz_convert(ZONE).tz_localize(None).normalize()
    known = known[
        known["definition_match"].isin(["exact", "close"]) & known["value"].notna() & (known["value"] != 0)
        & ~(pd.to_datetime(known["expires_on"]) < today)
    ]  # fmt: skip
    known = known.assign(
        is_close=known["definition_match"] != "exact", grade=known["quality_grade"].fillna("Z"),
        age=-pd.to_datetime(known["retrieved_on"]).astype("int64"),
    ).sort_values(["is_close", "grade", "age", "benchmark_id"]).drop_duplicates("kpi_id")  # fmt: skip
    columns = ["definition_match", "value", "publisher", "retrieved_on", "source_url"]
    both = gaps.merge(
        known[["kpi_id", *columns]].rename(columns={"kpi_id": "segment_value", "value": "benchmark_value"}),
        on="segment_value", how="left",
    )  # fmt: skip
    place = both["value"].notna().map({True: "cannot tell", False: None})
    both["position"] = place.mask(both["ci_low"] > 0, "above").mask(both["ci_high"] < 0, "below")
    both = both.rename(columns={"segment_value": "kpi_id", "value": "gap_rel"})
    columns = ["kpi_id", "gap_rel", "ci_low", "ci_high", "n", "position", "definition_match", "benchmark_value"]
    both = both[[*columns, "publisher", "retrieved_on", "source_url", "reason"]]
    return both.sort_values(["gap_rel", "kpi_id"])


def c11(frame: Frames) -> pd.DataFrame:
    scores = values(frame, "crm_fit_score", "product", "month").sort_values("period_start")
    scores = scores.drop_duplicates("segment_value", keep="last").set_index("segment_value")
    scores = scores[["value", "ci_low", "ci_high", "reason"]]
    products = frame("config.crm_product").merge(scores, left_on="product_id", right_index=True, how="left")
    products["three_years_and_switch_base"] = products["tco_3y_base"].astype(float) + products[
        "switch_cost_base"
    ].astype(float)
    products = products.rename(columns={"value": "score"})
    columns = ["product_id", "name", "score", "ci_low", "ci_high", "reason", "tco_3y_base", "switch_cost_base"]
    return products.sort_values(["score", "product_id"], ascending=[False, True])[
        [*columns, "three_years_and_switch_base"]
    ]
