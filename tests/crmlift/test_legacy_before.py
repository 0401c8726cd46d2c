"""Figures people brought stand before an effect where no records reach back, and are refused where they cannot."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from crmlift.evaluate import evaluate
from crmlift.legacy_values import add_legacy_values
from crmlift.settings import Settings
from tests.crmlift.files_night import AS_OF, night

KPIS = ("win_rate", "won_revenue", "sales_cycle_days")
ROLLOUT = {
    "id": "crm",
    "waves": [{"id": "w", "members": ["North", "South"], "go_live": "2025-02-03", "learning_days": 30}],
}
DEALS = {
    "path": "deals.csv", "entity": "opportunity",
    "columns": {"id": "no", "status": "state", "amount": "sum", "team": "team", "created_at": "opened", "closed_at": "closed"},
}  # fmt: skip


def months(first: int, count: int) -> list[tuple[date, date]]:
    starts = [date(first + m // 12, m % 12 + 1, 1) for m in range(count + 1)]
    return list(itertools.pairwise(starts))


def deals(path: Path) -> None:
    """Since the go-live 40 deals end a month, 18 to 20 of them won."""
    rows = ["no,state,sum,team,opened,closed"]
    for number, (start, _) in enumerate(months(2025, 22)):
        for deal in range(40 if start > date(2025, 2, 1) else 0):
            state = "won" if deal < 18 + number % 3 else "lost"
            rows.append(f"{number}-{deal},{state},100,{('North', 'South')[deal % 2]},{start},{start.replace(day=20)}")
    path.write_text("\n".join(rows) + "\n")


@pytest.fixture(name="connection", scope="module")
def _connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("night")
    deals(folder / "deals.csv")
    with night(folder, {"deals": DEALS}, kpis=KPIS, rollouts=[ROLLOUT]) as connection:
        yield connection


def judged(
    connection: duckdb.DuckDBPyConnection, brought: Sequence[tuple[Any, ...]], *kpis: str
) -> dict[tuple[str, str], dict[str, Any]]:
    """(KPI, look) → its row of kpi_effect, when these figures were brought and these KPIs are judged."""
    connection.begin()
    try:
        connection.executemany(
            "insert into config.legacy_kpi_period by name select $1 as kpi_id, $2 as period_start, $3 as period_end, "
            "$4 as segment_key, $5 as numerator, $6 as denominator, $7 as value, $8 as n, $9 as comparability, "
            "$10 as definition_note",
            list(brought),
        )
        connection.execute("delete from metrics.kpi_unit where kpi_id not in (select unnest(?))", [list(kpis)])
        add_legacy_values(connection, "r")
        settings = Settings.model_validate({"company": {"timezone": "Europe/Kyiv"}, "rollouts": [ROLLOUT]})
        evaluate(connection, settings, as_of=AS_OF, run_id="r")
        return rows_of(connection)
    finally:
        connection.rollback()


def rows_of(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], dict[str, Any]]:
    found = connection.execute("select * from evaluation.kpi_effect")
    names = [column[0] for column in found.description or []]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return {(row["kpi_id"], row["look"]): row for row in rows}


def figures(comparability: str = "same", n: int | None = 40, note: str | None = None) -> list[tuple[Any, ...]]:
    """Two years of months: 10 to 12 of 40 won, 1,000 to 1,200 in revenue."""
    rows: list[tuple[Any, ...]] = []
    for number, (start, end) in enumerate(months(2023, 24)):
        won = 10 + number % 3
        rows.append(("win_rate", start, end, "all", won, 40, None, n, comparability, note))
        rows.append(("won_revenue", start, end, "all", None, None, won * 100, n, comparability, note))
        rows.append(("sales_cycle_days", start, end, "all", None, None, 19, n, comparability, note))
    return rows


def test_without_figures_there_is_nothing_to_compare_with(connection: duckdb.DuckDBPyConnection) -> None:
    row = judged(connection, [("nps", "2024-01-01", "2024-02-01", "all", None, None, 5, 9, "same", "")], "win_rate")[
        "win_rate", "52w"
    ]
    assert (row["verdict"], row["reason"], row["data_origin"]) == ("not_comparable", "nothing_recorded_before", "crm")


def test_comparable_figures_are_the_time_before(connection: duckdb.DuckDBPyConnection) -> None:
    rows = judged(connection, figures("adjusted"), *KPIS)
    share, money = rows["win_rate", "52w"], rows["won_revenue", "52w"]
    assert share["data_origin"] == money["data_origin"] == "legacy_aggregate"
    assert share["pre_value"] == pytest.approx(11 / 40, abs=0.01)
    assert share["post_value"] == pytest.approx(19 / 40, abs=0.01)
    assert share["verdict"] == money["verdict"] == "improved"
    assert share["effect_ci_low"] < 8 / 40 < share["effect_ci_high"] and share["effect_ci_low"] > 0
    assert share["pre_start"] == date(2023, 1, 1) and share["pre_end"] == date(2025, 1, 1)
    assert share["post_start"] == date(2025, 4, 1), "the first whole month after the learning window"
    told = ["The time before is told by figures brought along, not by records.", "They were adjusted to our definition"]
    assert all(any(caveat.startswith(words) for caveat in share["caveats"]) for words in told)
    cycle = rows["sales_cycle_days", "52w"]
    assert cycle["verdict"] == "not_comparable" and "distribution" in cycle["caveats"][0]


def test_a_look_knows_only_the_months_that_were_over(connection: duckdb.DuckDBPyConnection) -> None:
    row = judged(connection, figures(), "win_rate")["win_rate", "13w"]
    assert (row["as_of"], row["post_end"]) == (date(2025, 6, 4), date(2025, 6, 1))


def test_a_figure_without_its_number_is_a_point(connection: duckdb.DuckDBPyConnection) -> None:
    row = judged(connection, figures(n=None), "won_revenue")["won_revenue", "52w"]
    assert (row["verdict"], row["reason"]) == ("inconclusive", "point_only")
    assert row["effect"] > 0 and any("point comparison" in caveat for caveat in row["caveats"])


def test_figures_counted_in_another_way_are_refused(connection: duckdb.DuckDBPyConnection) -> None:
    row = judged(connection, figures("not_comparable", note="offers not deals"), "win_rate")["win_rate", "52w"]
    assert (row["verdict"], row["effect"], row["data_origin"]) == ("not_comparable", None, "crm")
    assert row["caveats"][0] == "The figures brought along from before cannot be compared: offers not deals."


def test_few_figures_describe_and_judge_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    row = judged(connection, figures()[-6:], "win_rate")["win_rate", "52w"]
    assert (row["verdict"], row["reason"], row["effect"]) == ("inconclusive", "not_enough_data", None)
    assert row["pre_value"] == pytest.approx(11.5 / 40, abs=0.02) and row["post_value"] == pytest.approx(
        0.475, abs=0.02
    )


def test_figures_of_teams_are_of_teams(connection: duckdb.DuckDBPyConnection) -> None:
    brought = [
        ("win_rate", start, end, f"team:{team}", 5 + number % 3, 20, None, 20, "same", None)
        for number, (start, end) in enumerate(months(2023, 24)) for team in ("north", "south")
    ]  # fmt: skip
    row = judged(connection, brought, "win_rate")["win_rate", "52w"]
    assert row["data_origin"] == "legacy_aggregate" and row["verdict"] == "improved"
    assert row["pre_value"] == pytest.approx(6 / 20, abs=0.01)
