"""Every KPI value says what its records are from: the CRM, files of one kind, or both."""

from __future__ import annotations

from pathlib import Path

from tests.crmlift.files_night import night

KPIS = (
    "win_rate", "closed_opportunities", "avg_deal_size", "sales_cycle_days", "pipeline_velocity", "sus_score", "nps", "tco",
    "customer_retention_rate",
)  # fmt: skip
DEALS = {
    "path": "deals.csv", "entity": "opportunity",
    "columns": {"id": "no", "status": "state", "amount": "sum", "account": "firm", "created_at": "opened", "closed_at": "closed"},
}  # fmt: skip
ANSWERS = {
    "responded_at": "at", "score": "score", "survey_kind": "kind", "id": "no",
    **{f"item_{n}": f"s{n}" for n in range(1, 11)},
}  # fmt: skip
COSTS = {
    "path": "costs.csv",
    "entity": "cost_item",
    "columns": {"category": "what", "period_start": "at", "amount": "sum"},
}


def test_by_sources_by_ids_by_tables_and_by_parts(tmp_path: Path) -> None:
    (tmp_path / "deals.csv").write_text(
        "no,state,sum,firm,opened,closed\n"
        + "".join(f"{n},won,100,F{n % 3},2024-0{n % 6 + 1}-03,2024-0{n % 6 + 3}-05\n" for n in range(36))
    )
    for name in ("own", "form"):
        (tmp_path / f"{name}.csv").write_text(
            f"no,at,kind,score,{','.join(f's{n}' for n in range(1, 11))}\n"
            + "".join(f"{n},2024-0{3 if name == 'own' else 4}-02,sus,{',4' * 10}\n" for n in range(6))
            + "".join(f"n{n},2024-05-02,nps,9{',' * 10}\n" for n in range(6))
        )
    (tmp_path / "costs.csv").write_text("what,at,sum\ntraining,2024-03-01,500\n")
    own = {"path": "own.csv", "entity": "survey_response", "columns": ANSWERS}
    form = {"form": {"path": "form.csv", "entity": "survey_response", "columns": ANSWERS}}
    with night(
        tmp_path, {"deals": DEALS, "own": own, "costs": COSTS}, kpis=KPIS, others={"forms": form},
        rollouts=[{"id": "crm", "waves": [{"id": "w", "members": ["A"], "go_live": "2025-01-06"}]}],
    ) as connection:  # fmt: skip
        found = connection.execute(
            "select kpi_id, period_start::varchar, data_origin from metrics.kpi_value where period_grain = 'month' "
            "and segment_dim = 'all' and source_id = 'all' and n > 0 order by all"
        ).fetchall()
    origins: dict[str, set[str]] = {}
    for kpi_id, _, origin in found:
        origins.setdefault(kpi_id, set()).add(origin)
    assert origins == {
        "avg_deal_size": {"legacy"}, "closed_opportunities": {"legacy"}, "sales_cycle_days": {"legacy"},
        "win_rate": {"legacy"}, "pipeline_velocity": {"legacy"}, "customer_retention_rate": {"legacy"},
        "nps": {"mixed"}, "sus_score": {"legacy", "survey"}, "tco": {"manual"},
    }  # fmt: skip
    assert [(day, origin) for kpi_id, day, origin in found if kpi_id == "sus_score"] == [
        ("2024-03-01", "legacy"), ("2024-04-01", "survey"),
    ]  # fmt: skip
