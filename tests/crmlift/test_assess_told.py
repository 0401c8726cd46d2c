"""What `crmlift assess` says of an effect: its present size, its unit, what it can be at most, and why there is none."""

from __future__ import annotations

import numpy as np

from crmlift.assess import AssessOptions, assess_file, explain
from tests.crmlift.assessing import Written


def columns(**values: object) -> str:
    """A file of these columns."""
    rows = zip(*([str(each) for each in column] for column in values.values()), strict=True)  # type: ignore[attr-defined]
    return "\n".join([",".join(values), *map(",".join, rows)]) + "\n"


def weeks(count: int) -> list[str]:
    return [str(np.datetime64("2024-01-01") + 7 * k) for k in range(count)]


def told(written: Written, values: object, go_live: int, **more: object) -> str:
    path = written(columns(week=weeks(len(values)), figure=values))  # type: ignore[arg-type]
    options = AssessOptions(date="week", value="figure", go_live=weeks(go_live + 1)[-1], **more)  # type: ignore[arg-type]
    return explain(assess_file(path, options)[0])


def test_an_effect_that_went_is_told_with_its_present_size(written: Written) -> None:
    shape = np.r_[np.zeros(100), np.clip(0.6 * (1 - np.arange(46) / 22), 0, None)]
    text = told(written, np.round(200 * np.exp(shape + np.random.default_rng(4).normal(0, 0.05, 146)), 2), 100)
    first = text.splitlines()[0]
    assert first.startswith("Not certain: figure changed by +") and "but it did not last" in first
    assert " At first (the first" in first and "now (the last" in first
    assert text.count("in the first") <= 1


def test_a_figure_around_zero_is_told_in_its_own_unit(written: Written) -> None:
    values = np.round(np.random.default_rng(5).normal(0, 6, 140) + np.where(np.arange(140) >= 105, 15.0, 0.0), 2)
    text = told(written, values, 105, min_important=0.05)
    assert "%" not in text.replace("95 % interval", "")
    assert "cannot be applied to a base near zero" in text
    assert "Subtracting the plain averages would claim +1" in text


def test_complaints_that_stop_fall_by_no_more_than_all(written: Written) -> None:
    values = np.where(np.arange(120) < 90, np.random.default_rng(6).poisson(5, 120), 0)
    first = told(written, values, 90, kind="count", better="lower").splitlines()[0]
    assert first.startswith("Improved: figure changed by −100 % (95 % interval −100 % to −9")


def test_a_line_that_never_moves_is_not_called_too_little(written: Written) -> None:
    text = told(written, [42] * 120, 90)
    assert "the figure never moved, so there is no change to see" in text and "not enough" not in text
    assert told(written, [42] * 120, 90, min_important=0.1).startswith("No change that matters")


def test_what_could_not_be_estimated_says_why(written: Written) -> None:
    values = np.random.default_rng(7).normal(50, 3, 104)
    assert told(written, values, 100).startswith(
        "Not certain: figure could not be estimated. No whole period lies after the learning window"
    )


def test_the_smallest_rise_or_fall_is_told_in_the_direction_hoped_for(written: Written) -> None:
    values = np.exp(np.random.default_rng(8).normal(3, 0.6, 120))
    assert "A rise of about" in told(written, values, 90)
    fall = told(written, values, 90, better="lower")
    assert "A fall of about" in fall
    assert int(fall.split("A fall of about ")[1].split(" %")[0]) < 100


def test_planned_units_are_told_from_those_that_changed(written: Written) -> None:
    rng, days = np.random.default_rng(9), np.array(weeks(104))
    teams = 22
    dates = [weeks(70)[-1] if team < 6 else "2027-03-01" for team in range(teams)]
    text = columns(
        week=np.tile(days, teams), team=np.repeat([f"t{k}" for k in range(teams)], 104), live=np.repeat(dates, 104),
        figure=np.round(rng.lognormal(3, 0.1, 104 * teams), 2),
    )  # fmt: skip
    options = AssessOptions(date="week", value="figure", unit="team", go_live_column="live")
    assert "(22 units, of which 16 are planned to go live later)" in explain(assess_file(written(text), options)[0])
