"""A blocking finding in a whole night: the verdict goes, the planned look waits, and both come back."""

from __future__ import annotations

from pathlib import Path

import duckdb

from crmlift import pipeline

VERDICT = (
    "select verdict, reason, list_aggregate(list_transform(caveats, c -> contains(c, 'all_wrong')::int), 'sum') "
    "from evaluation.kpi_current where kpi_id = 'won_deals'"
)
LOOKS = "select distinct look from evaluation.kpi_effect where kpi_id = 'won_deals' order by all"


def ask(home: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        return connection.execute(sql).fetchall()


def test_a_blocking_finding_takes_the_verdict_and_postpones_the_look(small_home: Path) -> None:
    before = ask(small_home, VERDICT)
    looks = ask(small_home, LOOKS)
    assert before[0][1] != "data_quality"
    assert len(looks) > 1
    ask(
        small_home,
        "insert into ops.data_quality_finding (finding_id, rule_id, severity, object, affected_kpis, message, state) "
        "values ('f', 'all_wrong', 'blocking', 'opportunity', ['won_deals'], 'It is all wrong.', 'open')",
    )
    ask(small_home, "delete from evaluation.kpi_effect where kpi_id = 'won_deals'")
    pipeline.evaluate(run_id="blocked")
    assert ask(small_home, VERDICT) == [("not_comparable", "data_quality", 1)]
    assert ask(small_home, LOOKS) == [("provisional",)]
    ask(small_home, "update ops.data_quality_finding set state = 'resolved' where finding_id = 'f'")
    pipeline.evaluate(run_id="mended")
    assert ask(small_home, VERDICT) == before
    assert ask(small_home, LOOKS) == looks
