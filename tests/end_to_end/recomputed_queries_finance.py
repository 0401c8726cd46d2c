"""Answers to the questions of finance (C1–C12) in pandas, sharing no SQL with the documents."""

from __future__ import annotations

import pandas as pd

from tests.end_to_end.recomputed_frames import Frames, days
from tests.end_to_end.recomputed_queries_frames import Row, answer, ordered, rollout, today, values, verdicts, where


def c1(frame: Frames) -> list[Row]:
    found = values(frame, ["roi_pct", "npv", "payback_months"], "month", "all")
    return answer(ordered(found, "kpi_id", "period_start"), "kpi_id period_start value ci_low ci_high status reason")


def costs(frame: Frames) -> pd.DataFrame:
    """Cost items with what they come to, entered as an amount or as hours."""
    found = frame("config.cost_item")
    found["cost"] = found["amount_base"].astype(float).fillna(found["hours"] * found["hourly_rate_base"])
    return found


def c3(frame: Frames) -> list[Row]:
    found = where(costs(frame), rollout_id=rollout(frame))
    keys = ["category", "certainty", "is_incremental"]
    parts = found.groupby(keys, as_index=False, dropna=False).agg(
        total=("cost", lambda cost: cost.sum(min_count=1)), unknown=("cost", lambda cost: cost.isna().sum())
    )
    return answer(ordered(parts, "-total", *keys), "category certainty is_incremental total unknown")


def c5(frame: Frames) -> list[Row]:
    told = where(frame("evaluation.kpi_current"), wave_id="all", segment_dim="all")
    columns = ["look", "effect_rel", "effect_rel_ci_low", "effect_rel_ci_high", "verdict"]
    found = frame("config.benefit_item").merge(
        told[["rollout_id", "kpi_id", *columns]], how="left", on=["rollout_id", "kpi_id"]
    )
    found["is_backed"] = (found["verdict"] == "improved") & found["look"].isin(["13w", "26w", "52w"])
    return answer(
        ordered(found, "-is_backed", "benefit_id"),
        "benefit_id kpi_id mechanism attribution_low attribution_mode attribution_high risk_adjustment look effect_rel "
        "effect_rel_ci_low effect_rel_ci_high verdict is_backed evidence",
    )


def goals(frame: Frames) -> pd.DataFrame:
    """Goals of the rollout with the verdicts on their KPIs."""
    columns = ["kpi_id", "effect_rel", "effect_rel_ci_low", "effect_rel_ci_high", "verdict", "reason", "look"]
    told = verdicts(frame)[columns]
    return where(frame("config.goal_target"), rollout_id=rollout(frame)).merge(told, how="left", on="kpi_id")


def c6(frame: Frames) -> list[Row]:
    return answer(
        ordered(goals(frame), "goal_family", "goal_id"),
        "goal_family goal_id kpi_id target_change_rel effect_rel effect_rel_ci_low effect_rel_ci_high verdict reason look "
        "target_date",
    )


def c7(frame: Frames) -> list[Row]:
    out: list[Row] = []
    for family, part in goals(frame).groupby("goal_family"):
        weights, verdict = part["weight"], part["verdict"]
        shares = [weights[verdict == v].sum() / weights.sum() for v in ("improved", "worsened", "no_material_change")]
        out.append((family, float(len(part)), *map(float, shares), float(1 - sum(shares))))
    return out


def c8(frame: Frames) -> list[Row]:
    found = where(frame("metrics.kpi_value"), kpi_id="clv_simple", period_grain="month", source_id="all")
    found = found.dropna(subset=["value"])
    found["is_part"] = found["segment_dim"] != "all"
    return answer(
        ordered(found, "is_part", "period_start", "segment_dim", "segment_value"),
        "period_start segment_dim segment_value value ci_low ci_high n status",
    )


def c9(frame: Frames) -> list[Row]:
    """The licences of the month, day by day; its seats from the contract in force at the end of its last whole week."""
    month = values(frame, "licence_utilisation", "month", "all").query("is_mature")["period_start"].max()
    end = month + pd.DateOffset(months=1)
    by_day: list[float] = []
    for item in where(costs(frame), category="licence").itertuples():
        first = item.period_start
        last = item.period_end if pd.notna(item.period_end) else first
        paid = pd.date_range(first, max(last - days(1), first))
        by_day += [item.cost / len(paid)] * int(((paid >= month) & (paid < end)).sum())
    cost = float(sum(by_day)) if by_day else None
    sunday = pd.date_range(month, end - days(1), freq="W-SUN")[-1]
    seats, people = bought(frame, sunday), at_work(frame, sunday)
    idle = None if cost is None else max(1 - people / seats, 0.0) * cost
    known = cost == cost
    return [(str(month), seats, people, cost if known else None, idle if known else None)]


def bought(frame: Frames, day: pd.Timestamp) -> float:
    """Seats paid for on a day."""
    seats = frame("config.licence_seat")
    is_valid = (seats["valid_from"] <= day) & (seats["valid_to"].isna() | (seats["valid_to"] > day))
    return float(seats.loc[is_valid, "seats_purchased"].sum())


def at_work(frame: Frames, day: pd.Timestamp) -> float:
    """People with a seat in a CRM we pay for who recorded work in the thirty days up to this one."""
    worked = where(frame("core.user_day").query("core_actions > 0"))
    worked["day"] = pd.to_datetime(worked["activity_date"])
    people = where(frame("core.app_user"), is_human=True, is_licensed=True)
    people = people[people["source_id"].isin(frame("config.licence_seat")["source_id"])]
    is_recent = (worked["day"] <= day) & (worked["day"] > day - days(30))
    return float(worked.loc[is_recent & worked["user_id"].isin(people["user_id"]), "user_id"].nunique())


def c10(frame: Frames) -> list[Row]:
    units = frame("metrics.kpi").set_index("kpi_id")["unit"]
    known = where(frame("config.benchmark"), definition_match=["exact", "close"])
    is_fresh = known["expires_on"].isna() | (known["expires_on"] >= today(frame))
    is_same = known["unit"].isna() | (known["unit"] == known["kpi_id"].map(units))
    known = known[is_fresh & is_same & known["value"].notna() & (known["value"] != 0)]
    known["grade"] = known["quality_grade"].fillna("Z")
    # exact comes after close in the alphabet
    known = ordered(known, "-definition_match", "grade", "-retrieved_on", "benchmark_id").drop_duplicates("kpi_id")
    known = known.rename(columns={"value": "market"})[
        ["kpi_id", "definition_match", "market", "publisher", "retrieved_on", "source_url"]
    ]
    gaps = values(frame, "benchmark_gap", "month", "benchmarked_kpi").drop(columns="kpi_id")
    found = gaps.rename(columns={"segment_value": "kpi_id"}).merge(known, how="left", on="kpi_id")
    found["place"] = [
        None if pd.isna(gap) else "above" if low > 0 else "below" if high < 0 else "cannot tell"
        for gap, low, high in zip(found["value"], found["ci_low"], found["ci_high"], strict=True)
    ]
    return answer(
        ordered(found, "value", "kpi_id"),
        "kpi_id value ci_low ci_high n place definition_match market publisher retrieved_on source_url reason",
    )


def c11(frame: Frames) -> list[Row]:
    scores = values(frame, "crm_fit_score", "month", "product")[
        ["segment_value", "value", "ci_low", "ci_high", "reason"]
    ]
    found = frame("config.crm_product").merge(scores, how="left", left_on="product_id", right_on="segment_value")
    found["together"] = found["tco_3y_base"].astype(float) + found["switch_cost_base"].astype(float)
    return answer(
        ordered(found, "-value", "product_id"),
        "product_id name value ci_low ci_high reason tco_3y_base switch_cost_base together",
    )


FINANCE = {"C1": c1, "C3": c3, "C5": c5, "C6": c6, "C7": c7, "C8": c8, "C9": c9, "C10": c10, "C11": c11}
