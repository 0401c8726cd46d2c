"""Which rows of a file count for `crmlift assess`: repeated ones, gaps, periods that are not over, ends before starts."""

from __future__ import annotations

import numpy as np
import pytest

from crmlift.assess import AssessOptions, explain
from tests.crmlift.assessing import FIRST, GO_LIVE, WEEKS, Written, csv, judged, weeks


def deals(share: float = 0.0, ids: bool = True, spread: bool = False) -> str:
    """Won deals with an amount; after the go-live a share of them stands twice (spread: with another company)."""
    rng = np.random.default_rng(4)
    lines = ["id,closed,amount,company"] if ids else ["closed,kind"]
    for number, day in enumerate(np.sort(rng.integers(0, WEEKS * 7, 900))):
        one = f"D{number},{FIRST + int(day)},{rng.lognormal(5, 0.6):.2f}," if ids else f"{FIRST + int(day)},"
        times = 2 if day >= 735 and rng.random() < share else 1
        lines += [one + (f"C{number % 90 + extra}" if spread else f"C{number % 90}") for extra in range(times)]
    return "\n".join(lines) + "\n"


DEALS = AssessOptions(date="closed", value="amount", kind="sum", go_live=GO_LIVE)


@pytest.mark.parametrize(("spread", "sense"), [(False, "equal in every column"), (True, "equal in id, closed, amount")])
def test_rows_that_stand_twice_are_pointed_out(spread: bool, sense: str, written: Written) -> None:
    verdict = judged(written(deals(0.5, spread=spread)), DEALS)
    [words] = [words for words in verdict["caveats"] if "repeat another one" in words]
    assert sense in words and "0 % of the rows before" in words
    again = int(words.split(" ")[0])
    lines = deals(0.5, spread=spread).splitlines()[1:]
    assert again == len(lines) - len({line.partition(",")[0] for line in lines})
    assert not any("repeat" in words for words in judged(written(deals()), DEALS)["caveats"])


def test_rows_entered_twice_under_new_ids_are_pointed_out(written: Written) -> None:
    lines = deals(0.5).splitlines()
    renumbered = [lines[0], *(f"R{number},{line.partition(',')[2]}" for number, line in enumerate(lines[1:]))]
    [words] = [w for w in judged(written("\n".join(renumbered) + "\n"), DEALS)["caveats"] if "repeat another one" in w]
    assert "equal in every column but id" in words
    assert int(words.split(" ")[0]) == len(lines) - len(set(lines))
    alike = ["id,day,amount,branch", *(f"{n},{FIRST + n // 2},{5 * (n // 2 % 4)},B" for n in range(1800))]
    options = AssessOptions(date="day", value="amount", kind="sum", go_live=GO_LIVE)
    assert not any("repeat" in words for words in judged(written("\n".join(alike) + "\n"), options)["caveats"])


def test_events_that_are_alike_by_nature_are_not_pointed_out(written: Written) -> None:
    verdict = judged(written(deals(ids=False)), AssessOptions(date="closed", go_live=GO_LIVE))
    assert verdict["kind"] == "count" and not any("repeat" in words for words in verdict["caveats"])


def user_days(active: float) -> str:
    """A row for each user and day with a log-in; users with an even number go live."""
    rng = np.random.default_rng(6)
    lines = ["day,user,live"]
    for user in range(16):
        live = FIRST + 350 if user % 2 == 0 else None
        for day in range(500):
            often = active if live is not None and FIRST + day >= live else 0.5
            if rng.random() < often:
                lines.append(f"{FIRST + day},u{user},{live or ''}")
    return "\n".join(lines) + "\n"


LOGINS = AssessOptions(date="day", unit="user", go_live_column="live")


def test_rows_of_user_days_are_counted(written: Written) -> None:
    verdict = judged(written(user_days(0.8)), LOGINS)
    assert verdict["read_as"]["rows_are"] == "events"
    assert verdict["verdict"] == "improved"
    lines = user_days(0.8).splitlines()[1:]
    before = [line for line in lines if line.endswith(str(FIRST + 350)) and line[:10] < str(FIRST + 350)]
    assert verdict["pre_value"] == pytest.approx(len(before) / 50, rel=0.02)


def with_gaps(zeros: bool) -> str:
    """Deals a week, none in every other week from week 105 on."""
    rng = np.random.default_rng(7)
    values = rng.integers(1, 5, WEEKS)
    values[105::2] = 0
    return csv([row for row in weeks(values.tolist()) if zeros or row[1]])


def test_weeks_without_a_row_count_as_zero_and_are_told(written: Written) -> None:
    told = judged(written(with_gaps(zeros=True)), kind="count")
    assert told["verdict"] == "worsened" and told["read_as"]["gaps"] == "no gaps"
    left = judged(written(with_gaps(zeros=False)), kind="count")
    assert left["effect_rel"] == pytest.approx(told["effect_rel"], abs=0.03)
    assert left["read_as"]["gaps"] == "17 of 139 weeks without a row count as 0"
    assert any("add --gaps unknown" in words for words in left["caveats"])
    unknown = judged(written(with_gaps(zeros=False)), kind="count", gaps="unknown")
    assert unknown["effect_rel"] > -0.2 and "not known" in unknown["read_as"]["gaps"]
    mean = judged(written(with_gaps(zeros=False)))
    assert any("--kind count or --kind sum" in words for words in mean["caveats"])


def test_where_zeros_are_written_a_gap_is_not_known(written: Written) -> None:
    rows = with_gaps(zeros=True).splitlines()
    del rows[50:55]
    verdict = judged(written("\n".join(rows) + "\n"), kind="count")
    assert verdict["read_as"]["gaps"] == "5 of 140 weeks without a row are not known"


def test_the_period_that_is_not_over_is_left_out(written: Written) -> None:
    months = [(np.datetime64("2020-01") + k).astype("datetime64[D]") for k in range(71)]
    rng = np.random.default_rng(9)
    values = 1000 * np.exp(rng.normal(0, 0.04, 71))
    values[-1] /= 3
    path = written(csv(list(zip(months, values.round(2), strict=True))))
    verdict = judged(path, kind="sum", go_live="2025-05-01", as_of="2025-11-11")
    assert verdict["read_as"]["left_out"] == {"of a period not over by 2025-11-11": 1}
    assert verdict["verdict"] == "inconclusive" and abs(verdict["effect_rel"]) < 0.1


def test_ends_before_starts_are_left_out_and_counted(written: Written) -> None:
    rows = [(FIRST + k, FIRST + k + (2 if k % 10 else -3)) for k in range(900)]
    options = AssessOptions(date="week", end="sales", go_live=GO_LIVE, better="lower")
    for quantile in (None, 0.5):
        verdict = judged(written(csv(rows)), options, quantile=quantile)
        assert verdict["read_as"]["left_out"] == {"with their end before their start": 90}


def test_a_long_silence_among_many_events_is_told(written: Written) -> None:
    lines = [line for line in deals(ids=False).splitlines() if not "2024-03-01" <= line[:10] < "2024-05-01"]
    verdict = judged(written("\n".join(lines) + "\n"), AssessOptions(date="closed", go_live=GO_LIVE))
    assert any("no row between 2024-02-" in words for words in verdict["caveats"])
    assert "Bear in mind" in explain(verdict)
