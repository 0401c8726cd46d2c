"""The values handed to `crmlift assess`: what they count, and whether they are what their kind means."""

from __future__ import annotations

from typing import Any

import numpy as np

from crmlift.assess_options import AssessOptions
from crmlift.assess_table import AssessTable
from crmlift.errors import UsageFailure
from metrics.question import Bools, Floats, Kind, Times

CODED = (-1.0, 0.0, 1.0)
PROMOTER, PASSIVE = 9, 7


def is_binary(num: Floats) -> bool:
    """Whether nothing but 0 and 1 is known."""
    return bool(np.isin(num[np.isfinite(num)], (0.0, 1.0)).all())


def values(
    table: AssessTable, options: AssessOptions, at: Times, as_of: np.datetime64, *, is_of_periods: bool
) -> tuple[Floats, Floats, Bools, Kind, dict[str, str]]:
    """Numerator, denominator, observed, the kind (as asked, or what the columns suggest), and what to tell of them."""
    den = table.number(options.denominator) if options.denominator else np.ones(len(at))
    is_quantile = options.quantile is not None or options.kind == "quantile"
    observed = np.ones(len(at), dtype=bool)
    if options.end:
        end = table.moment(options.end)
        is_open = np.isnat(end) | (end > as_of)
        stop = np.where(is_open, as_of.astype("datetime64[s]"), end)
        days = (stop - at).astype("timedelta64[s]").astype(float) / 86400
        return days, den, ~is_open, "quantile" if is_quantile else "duration", {}
    if options.value is None:
        return np.ones(len(at)), den, observed, "ratio" if options.denominator else "count", {}
    is_share = options.kind == "proportion" and options.denominator is None
    num = table.number(options.value, is_share=is_share, scale=options.scale)
    if options.kind == "nps":
        num, told = nps_codes(num, options.nps_scale, options.value)
        return num, den, observed, "nps", {"nps": told}
    kind: Any = "quantile" if is_quantile else options.kind or ("ratio" if options.denominator else None)
    if kind is None:
        kind = "proportion" if not is_of_periods and is_binary(num) else "mean"
    check_values(num, den, kind, options)
    return num, den, observed, kind, {}


def nps_codes(num: Floats, said: str | None, column: str) -> tuple[Floats, str]:
    """Answers as −1, 0 and 1, and how they were read; UsageFailure for what is no answer, or may be either."""
    known = num[np.isfinite(num)]
    is_coded, is_answer = np.isin(known, CODED), (known == np.round(known)) & (known >= 0) & (known <= 10)
    if said is None and is_coded.all() and is_answer.all() and len(known):
        raise UsageFailure(
            f"Column {column} holds only 0 and 1, which may be answers of 0 to 10 or codes of them.",
            why="Either a 1 is the answer 1 (a detractor), or it stands for a promoter.",
            next_step="add  --nps-scale 0-10  or  --nps-scale coded",
        )
    if said == "coded" or (said is None and is_coded.all()):
        _refuse_others(num, is_coded, column, "−1, 0 or 1")
        return num, "codes of −1, 0 and 1"
    if said is None and np.mean(is_answer) < 0.5 and (np.abs(known) <= 100).all():
        raise UsageFailure(
            f"Column {column} holds scores, not answers.", why="An NPS is made of answers of 0 to 10, one a row.",
            next_step="judge ready-made scores with  --kind mean",
        )  # fmt: skip
    _refuse_others(num, is_answer, column, "a whole number from 0 to 10")
    coded = np.where(num >= PROMOTER, 1.0, np.where(num >= PASSIVE, 0.0, -1.0))
    return np.where(np.isfinite(num), coded, np.nan), "answers of 0 to 10: 9 and 10 count +1, 0 to 6 count −1"


def _refuse_others(num: Floats, is_fine: np.ndarray[tuple[int], np.dtype[np.bool_]], column: str, wanted: str) -> None:
    if not is_fine.all():
        known = num[np.isfinite(num)]
        raise UsageFailure(
            f"Column {column} holds {int((~is_fine).sum())} values that are no answer.",
            why=f"{known[~is_fine][0]:g} is not {wanted}.",
            next_step="mend them or leave them empty; ready-made scores are judged with --kind mean",
        )


def check_values(num: Floats, den: Floats, kind: str, options: AssessOptions) -> None:
    """UsageFailure for values their kind cannot have."""
    known, below = num[np.isfinite(num)], den[np.isfinite(den)]
    name = options.value
    if options.denominator and (below < 0).any():
        raise UsageFailure(f"Column {options.denominator} holds negative numbers; nothing can be divided by them.")
    if kind == "count" and ((known < 0).any() or (known != np.round(known)).any()):
        raise UsageFailure(
            f"Column {name} holds negative or broken numbers, which are no counts.", next_step="use --kind sum or mean"
        )
    if kind == "duration" and (known < 0).all() and len(known):
        raise UsageFailure(f"All times in {name} are negative.", next_step="check --value")
    if kind != "proportion":
        return
    if options.denominator:
        both = np.isfinite(num) & np.isfinite(den)
        if (num[both] > den[both]).any() or (num[both] < 0).any():
            raise UsageFailure(
                f"{name} is sometimes more than {options.denominator}, so it is no part of it.",
                next_step="use --kind ratio, or name the whole with --denominator",
            )
    elif (known < 0).any() or (known > 1).any():
        worst = known[(known < 0) | (known > 1)][0]
        raise UsageFailure(
            f"Column {name} holds {worst:g}; a proportion lies between 0 and 1.",
            why=f"{worst:g} may be {worst:g} %, or a number of cases.",
            next_step="add --scale 0.01 if it is per cent; or name the cases in all with --denominator",
        )
