"""Answers to the questions of analysts (A1–A12) in pandas, sharing no SQL with the documents."""

from __future__ import annotations

import pandas as pd

from tests.end_to_end.recomputed_frames import Frames, days
from tests.end_to_end.recomputed_queries_frames import (
    Row,
    answer,
    now,
    ordered,
    rollout,
    today,
    values,
    verdicts,
    where,
)


def a1(frame: Frames) -> list[Row]:
    return answer(
        ordered(verdicts(frame), "q_value", "kpi_id"),
        "kpi_id look method pre_value post_value effect_rel effect_rel_ci_low effect_rel_ci_high q_value verdict reason caveats",
    )


def a2(frame: Frames) -> list[Row]:
    looks = where(frame("evaluation.kpi_effect"), rollout_id=rollout(frame), wave_id="all", segment_dim="all")
    in_force = frame("metrics.kpi").set_index("kpi_id")["definition_version"]
    is_asked = (looks["look"] != "provisional") & (looks["definition_version"] == looks["kpi_id"].map(in_force))
    looks = ordered(looks[is_asked], "as_of", "look")
    looks["told"] = looks["look"] + ": " + looks["verdict"]
    found = verdicts(frame)
    found["by_look"] = found["kpi_id"].map(looks.groupby("kpi_id")["told"].agg(tuple))
    found["verdicts"] = found["kpi_id"].map(looks.groupby("kpi_id")["verdict"].nunique()).fillna(0)
    return answer(
        ordered(found, "-verdicts", "kpi_id"),
        "kpi_id by_look verdicts provisional_effect_rel provisional_ci_low provisional_ci_high",
    )


def a3(frame: Frames) -> list[Row]:
    found = where(frame("metrics.kpi_value"), period_grain="month", segment_dim="all", source_id="all", is_mature=False)
    found = found[found["n"].fillna(0) + found["n_censored"].fillna(0) > 0]
    found = found[(found["mature_after"] > today(frame)) | (found["n_censored"] > 0)]
    return answer(
        ordered(found, "mature_after", "kpi_id", "period_start"),
        "kpi_id period_start value n n_censored mature_after status reason",
    )


def a4(frame: Frames) -> list[Row]:
    found = values(frame, ["win_rate", "cohort_win_rate"], "month", "all")
    rates = found.pivot(index="period_start", columns="kpi_id", values="value")
    rates["is_mature"] = found.groupby("period_start")["is_mature"].all()
    return answer(rates.reset_index(), "period_start win_rate cohort_win_rate is_mature")


def quarters(frame: Frames) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Win rates by quarter: of the teams, and of everybody by the quarter's first day."""
    everybody = values(frame, "win_rate", "quarter", "all").set_index("period_start")
    return values(frame, "win_rate", "quarter", "team"), everybody


def a5(frame: Frames) -> list[Row]:
    teams, everybody = quarters(frame)
    found = teams.groupby("period_start")[["numerator", "denominator", "n"]].sum()
    found["rate"] = found["numerator"] / found["denominator"]
    found["missing"] = everybody["n"] - found["n"]
    return answer(found.reset_index(), "period_start rate n missing")


def a6(frame: Frames) -> list[Row]:
    teams, everybody = quarters(frame)
    teams["share"] = teams["denominator"] / teams["period_start"].map(everybody["denominator"])
    return answer(ordered(teams, "period_start", "segment_value"), "period_start segment_value share")


def a7(frame: Frames) -> list[Row]:
    found = where(frame("evaluation.segment_effect"), kpi_id="win_rate", rollout_id=rollout(frame))
    found = found[found["as_of"] == found["as_of"].max()]
    found["size"] = found["pooled_effect"].abs()
    found = ordered(found, "-size", "segment_dim", "segment_value").head(20)
    return answer(found, "look segment_dim segment_value pooled_effect pooled_ci_low pooled_ci_high is_relative n_post")


def counted(frame: Frames) -> pd.DataFrame:
    """Deals that sales figures count."""
    found = frame("core.opportunity")
    return found[found["is_countable"] & ~found["is_deleted"]]


def a8(frame: Frames) -> list[Row]:
    stays = frame("core.opportunity_stage_history")
    is_told = stays["basis"] != "current_record"
    stays = stays[is_told & stays["opportunity_id"].isin(counted(frame)["opportunity_id"])]
    stages = where(frame("core.pipeline_stage"), is_closed=False)
    found = stays.merge(stages[["stage_key", "canonical_stage"]], on="stage_key")
    found["days"] = (found["exited_at"].fillna(now(frame)) - found["entered_at"]) / days(1)
    found["is_open"] = found["exited_at"].isna()
    found = found.groupby("canonical_stage", as_index=False).agg(
        days=("days", "median"), open_share=("is_open", "mean"), stays=("days", "size")
    )
    return answer(ordered(found, "-days", "canonical_stage"), "canonical_stage days open_share stays")


def a9(frame: Frames) -> list[Row]:
    deals = counted(frame)
    found = deals[deals["status"] != "open"].groupby(["source_id", "close_basis", "status"], dropna=False)
    counts = found.size().reset_index(name="deals")
    return answer(ordered(counts, "source_id", "-deals", "close_basis", "status"), "source_id close_basis status deals")


def a10(frame: Frames) -> list[Row]:
    deals = frame("core.opportunity")
    deals["amount_base"] = deals["amount_base"].astype(float)
    deals = deals[~deals["opportunity_id"].isin(counted(frame)["opportunity_id"])]
    deals["why"] = deals["exclude_reason"].fillna("deleted")
    found = deals.groupby(["source_id", "why", "status"], as_index=False).agg(
        deals=("why", "size"),
        amount=("amount_base", lambda amounts: amounts.sum(min_count=1)),
        unknown=("amount_base", lambda amounts: amounts.isna().sum()),
    )
    return answer(ordered(found, "-deals", "source_id", "why", "status"), "source_id why status deals amount unknown")


def a11(frame: Frames) -> list[Row]:
    out = []
    for (kpi_id, comparability), part in frame("config.legacy_kpi_period").groupby(["kpi_id", "comparability"]):
        notes = "; ".join(sorted(set(part["definition_note"].dropna()))) or None
        out.append((kpi_id, comparability, part["period_start"].nunique(), part["period_start"].min(), notes))
    names = "kpi_id comparability periods first notes"
    return answer(pd.DataFrame(out, columns=names.split()), names)


def a12(frame: Frames) -> list[Row]:
    found = frame("metrics.kpi_definition")
    in_force = frame("metrics.kpi").set_index("kpi_id")["definition_version"]
    found["is_in_force"] = found["definition_version"] == found["kpi_id"].map(in_force)
    aside = frame("metrics.kpi_value_superseded").groupby(["kpi_id", "definition_version"]).size()
    keys = zip(found["kpi_id"], found["definition_version"], strict=True)
    found["aside"] = [int(aside.get(key, 0)) for key in keys]
    found["rows"] = found.groupby("kpi_id")["kpi_id"].transform("size")
    found = ordered(found, "-rows", "kpi_id", "first_used_at", "definition_version")
    return answer(found, "kpi_id definition_version first_used_at last_used_at is_in_force aside")


ANALYSTS = {"A1": a1, "A2": a2, "A3": a3, "A4": a4, "A5": a5, "A6": a6, "A7": a7, "A8": a8, "A9": a9, "A10": a10,
            "A11": a11, "A12": a12}  # fmt: skip
