"""Service, surveys and customers again, in pandas from the published core tables; see recomputed.py."""

from __future__ import annotations

import itertools

import pandas as pd

from tests.end_to_end.recomputed_frames import AS_OF, ZONE, Frames, days, rows


def tickets(frame: Frames) -> pd.DataFrame:
    found = frame("core.ticket")
    return found[found["is_countable"] & ~found["is_deleted"] & (found["created_at"] <= AS_OF)]


def reopen_rate(frame: Frames) -> pd.DataFrame:
    history = frame("core.ticket_status_history").sort_values(["ticket_id", "seq"])
    history["next_at"] = history.groupby("ticket_id")["entered_at"].shift(-1)
    found = history[(history["status"] == "closed") & (history["entered_at"] <= AS_OF)]
    kept = frame("core.ticket")
    kept = kept[kept["is_countable"] & ~kept["is_deleted"]]
    found = found.merge(kept[["ticket_id", "team_id"]], on="ticket_id")
    is_back = found["next_at"] < found["entered_at"] + days(14)
    return rows(found, "entered_at", is_back * 1.0, 1.0, found["entered_at"] + days(14) <= AS_OF)


def sla_attainment_rate(frame: Frames) -> pd.DataFrame:
    found = tickets(frame)
    due = found["sla_first_response_due_at"]
    found = found[due.notna() & (found["sla_first_response_met"].notna() | (due < AS_OF))]
    return rows(found, "sla_first_response_due_at", (found["sla_first_response_met"] == True) * 1.0)  # noqa: E712


def answers(frame: Frames, kind: str, audience: str) -> pd.DataFrame:
    found = frame("core.survey_response")
    is_asked = (found["survey_kind"] == kind) & (found["audience"] == audience)
    return found[is_asked & ~found["is_deleted"] & (found["responded_at"] <= AS_OF)]


def promoters(frame: Frames, kind: str, audience: str) -> pd.DataFrame:
    found = answers(frame, kind, audience)
    found = found[(found["scale_min"] == 0) & (found["scale_max"] == 10) & found["score"].between(0, 10)].copy()
    found["month"] = found["responded_at"].dt.tz_convert(ZONE).dt.tz_localize(None).dt.to_period("M")
    found["who"] = found["respondent_key"].fillna(found["response_id"])
    found = found.sort_values(["responded_at", "response_id"], ascending=[False, True])
    found = found.drop_duplicates(["who", "month"])
    return rows(found, "responded_at", (found["score"] >= 9) * 1.0 - (found["score"] <= 6) * 1.0, 0.01)


def nps(frame: Frames) -> pd.DataFrame:
    return promoters(frame, "nps", "customer")


def enps(frame: Frames) -> pd.DataFrame:
    return promoters(frame, "enps", "employee")


def csat_top2(frame: Frames) -> pd.DataFrame:
    found = answers(frame, "csat", "customer")
    return rows(found, "responded_at", (found["score"] >= found["scale_max"] - 1) * 1.0)


def ces_mean(frame: Frames) -> pd.DataFrame:
    found = answers(frame, "ces", "customer")
    found = found[(found["scale_min"] == 1) & (found["scale_max"] == 7)].dropna(subset=["score"])
    return rows(found, "responded_at", found["score"])


def sus_score(frame: Frames) -> pd.DataFrame:
    found = answers(frame, "sus", "employee")
    is_whole = found["item_scores"].map(lambda s: s is not None and len(s) == 10 and all(1 <= i <= 5 for i in s))
    found = found[is_whole.astype(bool)]
    points = found["item_scores"].map(lambda s: 2.5 * (sum(s[::2]) - 5 + 25 - sum(s[1::2])))
    return rows(found, "responded_at", points.astype(float))


def perceived_usefulness(frame: Frames) -> pd.DataFrame:
    found = answers(frame, "tam_pu", "employee")
    return rows(
        found, "responded_at", found["item_scores"].map(lambda s: pd.Series(s, dtype=float).mean()).astype(float)
    )


def survey_response_rate(frame: Frames) -> pd.DataFrame:
    """Anonymous answers of a wave are spread over those of the team, or of the wave, who have not answered."""
    found = frame("core.survey_invitation")
    found = found[~found["is_deleted"] & (found["sent_at"] <= AS_OF)]
    kept = frame("core.survey_response")
    kept = kept[~kept["is_deleted"]]
    at = found["response_id"].map(kept.set_index("response_id")["responded_at"])
    in_time = found["response_id"].notna() & (at.isna() | (at < found["sent_at"] + days(14)))
    share = in_time * 1.0
    for (kind, wave), asked in found[~in_time].groupby(["survey_kind", "wave"]):
        since, until = asked["sent_at"].min() - days(1), asked["sent_at"].max() + days(14)
        told = kept[(kept["survey_kind"] == kind) & (kept["wave"] == wave) & (kept["is_anonymous"] == True)]  # noqa: E712
        told = told[(told["responded_at"] >= since) & (told["responded_at"] < until)]
        waiting = asked["team_id"].value_counts()
        of_team = told["team_id"].where(told["team_id"].isin(waiting.index))
        spread = asked["team_id"].map(of_team.value_counts() / waiting).fillna(0.0)
        share[asked.index] = (spread + of_team.isna().sum() / len(asked)).clip(upper=1.0)
    return rows(found, "sent_at", share, 1.0, found["sent_at"] + days(14) <= AS_OF)


def customers(frame: Frames) -> pd.DataFrame:
    bought = frame("core.customer_transaction").merge(frame("core.account")[["account_id", "domain"]], how="left")
    bought["customer"] = bought["domain"].where(bought["domain"].fillna("") != "").fillna(bought["account_id"])
    return bought[bought["occurred_at"] <= AS_OF]


def starts(first: pd.Timestamp, last: pd.Timestamp) -> list[pd.Timestamp]:
    """Starts of local months, as UTC."""
    return [m.tz_localize(ZONE).tz_convert("UTC") for m in pd.date_range(first, last, freq="MS")]


def customer_retention_rate(frame: Frames) -> pd.DataFrame:
    bought = customers(frame)
    first = bought["occurred_at"].min().tz_convert(ZONE).tz_localize(None) + days(365)
    first = first.to_period("M").to_timestamp() + pd.DateOffset(months=1)
    out = []
    for end in starts(first, AS_OF.tz_convert(ZONE).tz_localize(None)):
        start = end - days(365)
        before = bought[(bought["occurred_at"] >= start - days(365)) & (bought["occurred_at"] < start)]
        since = set(bought[(bought["occurred_at"] >= start) & (bought["occurred_at"] < end)]["customer"])
        out += [(end, None, (name in since) * 1.0, 1.0, True) for name in before["customer"].unique()]
    return pd.DataFrame(out, columns=["at", "team", "num", "den", "observed"])


def ticket_contact_rate(frame: Frames) -> pd.DataFrame:
    bought, accounts = customers(frame), frame("core.account")[["account_id", "domain"]]
    found = frame("core.ticket")
    found = found[found["is_countable"] & ~found["is_deleted"]]
    writers = frame("core.contact").set_index("contact_id")["account_id"]
    found["account_id"] = found["account_id"].fillna(found["contact_id"].map(writers))
    found = found.drop(columns="domain", errors="ignore").merge(accounts, how="left", on="account_id")
    found["customer"] = found["domain"].where(found["domain"].fillna("") != "").fillna(found["account_id"])
    first = bought["occurred_at"].min().tz_convert(ZONE).tz_localize(None).to_period("M").to_timestamp()
    months = starts(first, AS_OF.tz_convert(ZONE).tz_localize(None))
    out = []
    for start, end in itertools.pairwise(months):
        asked = found[(found["created_at"] >= start) & (found["created_at"] < end)]
        if not len(asked) or asked["customer"].notna().mean() < 0.5:
            continue
        counts = asked["customer"].value_counts()
        active = bought[(bought["occurred_at"] >= end - days(365)) & (bought["occurred_at"] < end)]["customer"].unique()
        out += [(start, None, 100.0 * counts.get(name, 0), 1.0, True) for name in active]
    return pd.DataFrame(out, columns=["at", "team", "num", "den", "observed"])


def resolution_hours(frame: Frames) -> pd.DataFrame:
    found = tickets(frame)
    lasted = (found["closed_at"].fillna(AS_OF) - found["created_at"]) / pd.Timedelta(hours=1)
    return rows(found, "created_at", lasted, 1.0, found["closed_at"].notna())


def first_response_minutes(frame: Frames) -> pd.DataFrame:
    found = tickets(frame)
    answer = found["first_response_at"]
    found = found[answer.isna() | ((answer >= found["created_at"]) & (answer <= AS_OF))]
    until = found["closed_at"].fillna(AS_OF)
    until = found["first_response_at"].fillna(until.where(until > found["created_at"], found["created_at"]))
    lasted = (until - found["created_at"]) / pd.Timedelta(minutes=1)
    return rows(found, "created_at", lasted, 1.0, found["first_response_at"].notna())
