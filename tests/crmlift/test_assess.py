"""`crmlift assess`: any CSV in, an honest verdict out, and what to do when the file does not fit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from connectors.errors import ExpectedFailure
from crmlift.assess import AssessOptions, assess_file, explain, read_as_line
from tests.crmlift.assessing import Written

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "published_results"
published = pytest.mark.skipif(not DATA.is_dir(), reason="the published data sets are not beside the repository")


def weekly_csv(effect: float = 0.3, separator: str = ",", comma: bool = False, date: str = "%Y-%m-%d") -> str:
    """156 weeks of a growing, seasonal figure that changes in week 110 (2026-12-14)."""
    rng = np.random.default_rng(3)
    t = np.arange(156)
    value = 100 * np.exp(
        0.05 * t / 52 + 0.1 * np.sin(t / 8.3) + rng.normal(0, 0.04, 156) + (t >= 110) * np.log1p(effect)
    )
    days = [(np.datetime64("2024-11-04") + 7 * int(k)).astype("datetime64[D]").item().strftime(date) for k in t]
    figures = [f"{v:.4f}".replace(".", ",") if comma else f"{v:.4f}" for v in value]
    return "\n".join([separator.join(["week", "sales"]), *map(separator.join, zip(days, figures, strict=True))]) + "\n"


WEEKLY = AssessOptions(date="week", value="sales", go_live="2026-12-14")


def test_weekly_figures_give_a_verdict_with_the_published_fields(written: Written) -> None:
    (verdict,) = assess_file(written(weekly_csv()), WEEKLY)
    assert verdict["verdict"] == "improved"
    assert verdict["look"] == "single"
    assert verdict["effect_rel_ci_low"] < 0.3 < verdict["effect_rel_ci_high"]
    assert verdict["post_start"] == "2027-01-25"
    json.dumps(verdict, allow_nan=False)


def test_semicolons_decimal_commas_and_dotted_dates_are_the_same_file(written: Written) -> None:
    plain = assess_file(written(weekly_csv()), WEEKLY)
    local = assess_file(written(weekly_csv(separator=";", comma=True, date="%d.%m.%Y")), WEEKLY)
    assert plain[0].pop("read_as")["numbers"] == {"sales": "decimal point"}
    assert local[0].pop("read_as")["numbers"] == {"sales": "decimal comma"}
    assert local == plain


def test_it_explains_itself_in_at_most_five_lines(written: Written) -> None:
    text = explain(assess_file(written(weekly_csv()), WEEKLY)[0])
    assert text.startswith("Improved: sales changed by +")
    assert "beyond its own history" in text
    assert "plain averages would claim" in text
    assert len(text.splitlines()) <= 5


def test_a_narrow_interval_around_nothing_asks_what_would_matter(written: Written) -> None:
    sheet = written(weekly_csv(effect=0.0))
    (verdict,) = assess_file(sheet, WEEKLY)
    assert "Too small to matter? Add --min-important" in explain(verdict)
    (asked,) = assess_file(sheet, replace(WEEKLY, min_important=0.2))
    assert asked["verdict"] == "no_material_change"


@published
def test_seat_belts(written: Written) -> None:
    options = AssessOptions(
        date="month", value="drivers", go_live="1983-02-01", covariates=("kms", "PetrolPrice"), log=True, better="lower"
    )
    (verdict,) = assess_file(DATA / "Seatbelts.csv", options)
    assert verdict["verdict"] == "improved"
    assert -0.25 < verdict["effect_rel"] < -0.15
    assert verdict["effect_rel_ci_low"] < -0.23 < verdict["effect_rel_ci_high"] < 0


@published
def test_minimum_wages() -> None:
    options = AssessOptions(date="year", value="lemp", unit="countyreal", go_live_column="first.treat", better="higher")
    (verdict,) = assess_file(DATA / "mpdta.csv", options)
    found = verdict["diagnostics"]["callaway_santanna"]
    assert found["control"] == "never_treated"
    assert found["dynamic"]["estimate"] == pytest.approx(-0.0772, abs=5e-5)
    assert found["group_time"]["2006:2007"]["estimate"] == pytest.approx(-0.0412, abs=5e-5)
    assert verdict["effect"] == pytest.approx(found["simple"]["estimate"], abs=0.02)


def deals_csv(teams: int = 12, effect: float = 0.4) -> str:
    """Deals of teams in three waves, some never; won more often from six weeks after go-live on."""
    rng = np.random.default_rng(5)
    lines = ["team,created,closed,won,live,region"]
    start = np.datetime64("2024-11-04")
    for team in range(teams):
        wave = team % 4
        live = None if wave == 3 else start + 7 * (52 + 8 * wave)
        for day in rng.integers(0, 104 * 7, 700):
            created = start + int(day)
            lifted = live is not None and created >= live + 42
            won = rng.random() < 0.3 * (1 + effect * lifted)
            closed = created + int(rng.exponential(20)) + 1
            shown = closed if closed < start + 104 * 7 else ""
            lines.append(f"T{team},{created},{shown},{int(won)},{live or 'never'},{'NS'[team // 4 % 2]}")
    return "\n".join(lines) + "\n"


DEALS = AssessOptions(date="created", value="won", unit="team", go_live_column="live")


def test_events_of_teams_with_dates_of_their_own(written: Written) -> None:
    (verdict,) = assess_file(written(deals_csv()), DEALS)
    assert verdict["method"] == "imputation_ratio_randomised"
    assert verdict["kind"] == "proportion"
    assert verdict["effect_rel_ci_low"] < 0.4 < verdict["effect_rel_ci_high"]


def test_an_empty_end_is_a_case_still_open(written: Written) -> None:
    (verdict,) = assess_file(written(deals_csv()), replace(DEALS, value=None, end="closed", better="lower"))
    assert verdict["kind"] == "duration"
    assert verdict["kpi_id"] == "days to closed"
    assert 15 < verdict["pre_value"] < 25
    assert verdict["verdict"] in ("inconclusive", "no_material_change")


def test_a_quantile_of_cases_still_open(written: Written) -> None:
    slow = replace(DEALS, value=None, end="closed", better="lower", quantile=0.5)
    (verdict,) = assess_file(written(deals_csv()), slow)
    assert verdict["kind"] == "quantile"
    assert 10 < verdict["pre_value"] < 20
    assert verdict["verdict"] in ("inconclusive", "no_material_change")


@pytest.mark.parametrize(("change", "words"), [
    ({"quantile": 1.5}, "--quantile cannot be 1.5"), ({"quantile": 0.5, "kind": "sum"}, "contradict"),
])  # fmt: skip
def test_a_quantile_that_is_none_is_refused(written: Written, change: dict[str, object], words: str) -> None:
    with pytest.raises(ExpectedFailure, match=words):
        assess_file(written(deals_csv()), replace(DEALS, **change))  # type: ignore[arg-type]


def test_rows_alone_are_counted(written: Written) -> None:
    (verdict,) = assess_file(written(deals_csv()), replace(DEALS, value=None))
    assert verdict["kind"] == "count"
    assert verdict["diagnostics"]["value_per"] == "week"


def test_segments_are_judged_apart_and_corrected_together(written: Written) -> None:
    verdicts = assess_file(written(deals_csv(teams=16)), replace(DEALS, by=("region",)))
    assert [v["segment_value"] for v in verdicts] == ["N", "S"]
    assert {v["segment_dim"] for v in verdicts} == {"region"}
    assert all(v["q_value"] is not None for v in verdicts)


def test_rows_without_a_value_are_said_to_be_left_out(written: Written) -> None:
    text = weekly_csv().replace("\n", "\n2027-06-07,\n", 1)
    (verdict,) = assess_file(written(text), WEEKLY)
    assert verdict["read_as"]["left_out"] == {"without a value": 1}
    assert "1 row left out (1 without a value)" in read_as_line(verdict["read_as"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"date": "day"}, "It has: week, sales."),
        ({"covariates": ("price",)}, "--covariates price"),
        ({"go_live": None}, "--go-live DATE, --go-live-column"),
        ({"go_live_column": "week"}, "--go-live DATE, --go-live-column"),
        ({"go_live": None, "go_live_column": "week"}, "--unit"),
        ({"go_live": "soon"}, "2026-03-02"),
        ({"kind": "median"}, "proportion"),
        ({"kind": "duration", "value": None}, "--end"),
        ({"better": "bigger"}, "higher, lower"),
        ({"value": "week"}, "not a number"),
        ({"date": "sales"}, "not a date"),
        ({"go_live": "2031-01-06"}, "after all rows"),
        ({"go_live": "1999-01-04"}, "before all rows"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_cure(written: Written, change: dict[str, object], words: str) -> None:
    with pytest.raises(ExpectedFailure) as refused:
        assess_file(written(weekly_csv()), replace(WEEKLY, **change))  # type: ignore[arg-type]
    assert refused.value.exit_code == 2
    assert words in str(refused.value)


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(ExpectedFailure, match="no file") as refused:
        assess_file(tmp_path / "absent.csv", WEEKLY)
    assert refused.value.exit_code == 2


def test_a_file_that_is_no_csv_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(b"PK\x03\x04\x00\x00\xff\xfe" * 50)
    with pytest.raises(ExpectedFailure) as refused:
        assess_file(path, WEEKLY)
    assert refused.value.exit_code == 2


def test_days_and_months_that_may_be_swapped_are_refused(written: Written) -> None:
    text = "day,n\n" + "".join(f"{1 + k % 9:02d}/{1 + k % 12:02d}/2025,1\n" for k in range(50))
    with pytest.raises(ExpectedFailure, match="nothing tells day from month"):
        assess_file(written(text), AssessOptions(date="day", value="n", go_live="2025-06-01"))


def test_a_unit_with_two_dates_is_refused(written: Written) -> None:
    text = deals_csv().replace("T0,", "T1,", 3)
    with pytest.raises(ExpectedFailure, match="more than one go-live"):
        assess_file(written(text), DEALS)


def treated_csv(marks: str = "0011") -> str:
    """Twelve shops with four monthly values; the first is marked as `marks` says."""
    lines = ["shop,month,sales,changed"]
    for shop in range(12):
        for month, mark in enumerate(marks if shop == 0 else "0000"):
            lines.append(f"s{shop},2026-{month + 1:02d}-01,{100 + shop + month},{mark}")
    return "\n".join(lines) + "\n"


TREATED = AssessOptions(date="month", value="sales", unit="shop", treated="changed")


def test_marks_in_the_rows_say_when_a_unit_changed(written: Written) -> None:
    (verdict,) = assess_file(written(treated_csv()), TREATED)
    assert verdict["diagnostics"]["design"] == "controls"


@pytest.mark.parametrize(("marks", "words"), [("0101", "later not"), ("0002", "0 and 1")])
def test_marks_that_contradict_themselves_are_refused(written: Written, marks: str, words: str) -> None:
    with pytest.raises(ExpectedFailure, match=words):
        assess_file(written(treated_csv(marks)), TREATED)


def test_a_shifting_mix_is_held_constant_on_request(written: Written) -> None:
    rng = np.random.default_rng(1)
    lines = ["day,won,kind"]
    for day in range(700):
        for _ in range(6):
            kind = "new" if rng.random() < (0.5 if day < 500 else 0.2) else "renewal"
            won = int(rng.random() < (0.15 if kind == "new" else 0.45))
            lines.append(f"{np.datetime64('2024-01-01') + day},{won},{kind}")
    options = AssessOptions(date="day", value="won", go_live="2025-05-15", mix=("kind",))
    (verdict,) = assess_file(written("\n".join(lines) + "\n"), options)
    assert verdict["diagnostics"]["mix_held"]["held"] == "kind"
    assert any("mix by kind shifted" in words for words in verdict["caveats"])
    assert {row["segment"] for row in verdict["diagnostics"]["segments"]} == {"new", "renewal"}
