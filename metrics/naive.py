"""What a dashboard would claim: the average after go-live less the average before. Shown beside ours, never used."""

from __future__ import annotations

import numpy as np

from metrics.question import ADDITIVE_KINDS, CENSORED_KINDS, Question


def naive_change(question: Question, end: np.datetime64) -> dict[str, float]:
    """naive_pre, naive_post and naive_change_rel of the teams that went live, all rows up to `end`.

    Durations and quantiles count finished cases only, shares count young cases as failures: that is what dashboards do.
    """
    day = question.at.astype("datetime64[D]")
    go_live = question.go_live[question.unit]
    asked = ~np.isnat(go_live) & (day < end)
    if question.focus is not None:
        asked &= question.focus[question.unit]
    if question.kind in CENSORED_KINDS:
        asked &= question.observed
    sides = asked & (day < go_live), asked & (day >= go_live)
    if not sides[0].any() or not sides[1].any():
        return {}
    found = []
    start = day[asked].min()
    dates = question.go_live[np.unique(question.unit[asked])]
    spans = (dates - start).astype(float).sum(), (end - dates).astype(float).sum()
    for side, days in zip(sides, spans, strict=True):
        below = days if question.kind in ADDITIVE_KINDS else question.den[side].sum()
        if question.kind == "quantile":
            found.append(float(np.quantile(question.num[side], question.share)))
            continue
        if question.kind == "duration":
            below = float(side.sum())
        found.append(float(question.num[side].sum() / below) if below > 0 else float("nan"))
    if question.kind in ADDITIVE_KINDS:
        found = [value * 7 * len(dates) for value in found]
    pre, post = found
    if not pre or not np.isfinite([pre, post]).all():
        return {}
    return {"naive_pre": pre, "naive_post": post, "naive_change_rel": (post - pre) / abs(pre)}
