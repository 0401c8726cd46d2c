"""A small published database for the tests of scorecard, report and alerts: rows written by a seeded generator."""

from __future__ import annotations

from datetime import date, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

AS_OF = date(2026, 11, 2)
START = date(2024, 11, 4)
RUN_ID = "run-2026-11-02"
WAVES = {"wave-1": date(2025, 11, 3), "wave-2": date(2026, 1, 12), "wave-3": date(2026, 3, 23)}
TEAMS = {
    "wave-1": ("Київ B2B", "Lviv Inside", "Odesa Field"),
    "wave-2": ("Warsaw B2B", "Kraków Field", "Brno Inside"),
    "wave-3": ("Berlin B2B", "Hamburg Field", "Köln Inside"),
    None: ("Vienna B2B", "Graz Field", "Linz Inside"),
}
# kpi_id: (name_en, name_uk, question_en, family, unit, direction, stat_type, level, weekly n a team, effect)
KPIS: dict[str, tuple[str, str, str, str, str, str, str, float, float, float]] = {
    "won_revenue": ("Won revenue", "Виручка за виграними угодами", "Do we sell more?", "sales", "base_currency",
                    "higher", "sum", 8200.0, 5, 0.12),
    "win_rate": ("Win rate", "Частка виграних угод", "Do we win more of what we close?", "sales", "share", "higher",
                 "proportion", 0.31, 12, 0.10),
    "cohort_win_rate": ("Win rate of the creation cohort", "Частка виграшів когорти", "Do we win more of what we open?",
                        "sales", "share", "higher", "proportion", 0.24, 12, 0.0),
    "avg_deal_size": ("Average deal size", "Середній розмір угоди", "Are deals larger?", "sales", "base_currency",
                      "higher", "mean", 7600.0, 5, 0.0),
    "sales_cycle_days": ("Sales cycle", "Тривалість циклу продажу", "Do deals close sooner?", "sales", "days",
                         "lower", "duration", 46.0, 8, -0.18),
    "lead_response_minutes": ("Lead response time", "Час реакції на ліда", "Do leads wait less?", "process", "minutes",
                              "lower", "duration", 260.0, 20, -0.35),
    "first_response_minutes": ("First response to tickets", "Перша відповідь на звернення",
                               "Do customers wait less for a first answer?", "process", "minutes", "lower",
                               "duration", 95.0, 25, 0.16),
    "resolution_hours": ("Ticket resolution time", "Час вирішення звернення", "Are tickets solved sooner?", "process",
                         "hours", "lower", "duration", 31.0, 25, -0.05),
    "weekly_active_user_rate": ("Weekly active users", "Щотижнева активність користувачів", "Do people use it?",
                                "adoption", "share", "higher", "ratio", 0.55, 9, 0.0),
    "activity_capture_rate": ("Activity capture", "Повнота фіксації активностей", "Is work written down?", "adoption",
                              "share", "higher", "proportion", 0.62, 14, 0.0),
}  # fmt: skip
# kpi_id: verdict, reason, effect_rel, low, high, naive, mde80, caveats
VERDICTS: dict[str, tuple[Any, ...]] = {
    "won_revenue": (
        "improved",
        None,
        0.118,
        0.042,
        0.199,
        0.243,
        0.09,
        ["The largest 1 % of the records make up 34% of the total; a few of them can turn the result."],
    ),
    "win_rate": ("improved", None, 0.094, 0.031, 0.161, 0.138, 0.08, []),
    "cohort_win_rate": (
        "inconclusive",
        "too_noisy",
        0.041,
        -0.047,
        0.137,
        0.112,
        0.12,
        ["Fewer than two full years before the go-live: season and effect are hard to tell apart."],
    ),
    "avg_deal_size": ("no_material_change", None, 0.004, -0.031, 0.040, 0.081, 0.05, []),
    "sales_cycle_days": ("improved", None, -0.162, -0.231, -0.088, -0.327, 0.1, []),
    "lead_response_minutes": ("improved", None, -0.338, -0.41, -0.26, -0.36, 0.1, []),
    "first_response_minutes": (
        "worsened",
        None,
        0.149,
        0.061,
        0.243,
        0.02,
        0.1,
        ["Leaving out a single team turns the sign of the change."],
    ),
    "resolution_hours": ("inconclusive", "provisional", None, None, None, -0.094, None, []),
    "activity_capture_rate": ("not_comparable", "nothing_recorded_before", None, None, None, None, None, []),
}
GOALS = (
    "won_revenue",
    "win_rate",
    "cohort_win_rate",
    "sales_cycle_days",
    "lead_response_minutes",
    "first_response_minutes",
)
KPI_CURRENT = """
create table evaluation.kpi_current as
select * exclude (definition_version, run_id, computed_at), null::date as provisional_as_of,
    null::double as provisional_effect_rel, null::double as provisional_ci_low, null::double as provisional_ci_high,
    null::varchar as provisional_verdict, null::double as naive_change_rel
from evaluation.kpi_effect limit 0
"""


def team_id(name: str) -> str:
    return "team:" + "".join(c if c.isalnum() else "-" for c in name.lower())


def empty(path: Path | str) -> duckdb.DuckDBPyConnection:
    """A work database with every table and no rows."""
    connection = duckdb.connect(str(path))
    connection.execute("set timezone = 'UTC'")
    connection.execute(resources.files("crmlift.warehouse").joinpath("tables.sql").read_text(encoding="utf-8"))
    connection.execute(KPI_CURRENT)
    return connection


def put(connection: duckdb.DuckDBPyConnection, table: str, **values: Any) -> None:
    """Insert one row, columns by name."""
    marks = ", ".join("?" for _ in values)
    connection.execute(f"insert into {table} ({', '.join(values)}) values ({marks})", list(values.values()))


def build(path: Path | str, *, method: str = "imputation_ratio_randomised") -> Path:
    """The whole company at AS_OF."""
    connection = empty(path)
    connection.execute("begin")
    _config(connection)
    for kpi_id in KPIS:
        put_kpi(connection, kpi_id)
        _values(connection, kpi_id)
    for kpi_id in VERDICTS:
        _verdicts(connection, kpi_id, method)
    _operations(connection)
    connection.execute("commit")
    connection.close()
    return Path(path)


def put_kpi(connection: duckdb.DuckDBPyConnection, kpi_id: str, **overrides: Any) -> None:
    name_en, name_uk, question, family, unit, direction, stat_type, *_ = KPIS[kpi_id]
    row = {
        "kpi_id": kpi_id, "name_en": name_en, "name_uk": name_uk, "question_en": question, "question_uk": None,
        "family": family, "unit": unit, "direction": direction, "stat_type": stat_type,
        "formula": f"formula of {kpi_id}",
        "guard_kpi_id": "cohort_win_rate" if kpi_id == "win_rate" else None, "definition_version": "v1",
        "min_n": 30, "min_important_change": 0.05,
    }  # fmt: skip
    put(connection, "metrics.kpi", **{**row, **overrides})


def _config(connection: duckdb.DuckDBPyConnection) -> None:
    put(connection, "config.rollout", rollout_id="crm-2025", name="CRM for sales and service", base_currency="EUR")
    put(connection, "config.setting", name="company_name", value="Horizont Trade & Co")
    connection.execute("create table core.team (team_id varchar, name varchar)")
    for wave_id, teams in TEAMS.items():
        for team in teams:
            put(connection, "core.team", team_id=team_id(team), name=team)
            put(
                connection, "config.rollout_wave", wave_id=wave_id or "controls", rollout_id="crm-2025",
                scope_type="team", scope_value=team_id(team), go_live_date=WAVES.get(wave_id or ""),
                learning_days=42, is_control=wave_id is None,
            )  # fmt: skip
    for i, kpi_id in enumerate(GOALS):
        put(
            connection, "config.goal_target", goal_id=f"goal-{i + 1}", rollout_id="crm-2025", kpi_id=kpi_id,
            goal_family="sales", statement=f"Better {KPIS[kpi_id][0].lower()}", weight=1.0 - i / 10,
            target_change_rel=-0.15 if KPIS[kpi_id][5] == "lower" else 0.10, target_date=date(2026, 12, 31),
            min_important_change=0.05,
        )  # fmt: skip


def _values(connection: duckdb.DuckDBPyConnection, kpi_id: str) -> None:
    """Weekly and monthly values for everybody and for each team."""
    *_, stat_type, level, weekly, effect = KPIS[kpi_id]
    rng = np.random.default_rng([20261123, list(KPIS).index(kpi_id)])
    weeks = [START + timedelta(weeks=w) for w in range((AS_OF - START).days // 7)]
    cells: dict[tuple[str, date, str], np.ndarray] = {}
    for wave_id, teams in TEAMS.items():
        for t, team in enumerate(teams):
            for w, week in enumerate(weeks):
                live = wave_id is not None and week >= WAVES[wave_id] + timedelta(days=42)
                growth = 1 + 0.08 * w / 52 if stat_type in ("sum", "count") else 1 - 0.04 * w / 52
                mean = level * (0.85 + 0.15 * t) * growth * (1 + effect * live)
                n = max(1, int(rng.poisson(weekly)))
                num = rng.binomial(n, min(mean, 0.95)) if level < 1 else rng.gamma(4 * n, mean / 4)
                if kpi_id == "activity_capture_rate" and not live:
                    continue
                cell = np.array([num, n, n], dtype=float)
                for grain, start in (("week", week), ("month", week.replace(day=1))):
                    for segment in ("all", team_id(team)):
                        key = (grain, start, segment)
                        cells[key] = cells.get(key, np.zeros(3)) + cell
    rows = []
    for (grain, start, segment), (num, den, n) in sorted(cells.items()):
        end = start + timedelta(days=7) if grain == "week" else (start + timedelta(days=31)).replace(day=1)
        value = num if stat_type in ("sum", "count") else num / den
        rows.append(
            (kpi_id, grain, start, end, "all" if segment == "all" else "team", segment, "all", num, den,
             int(n), 0, value,
             value * 0.9, value * 1.1, "ok", end <= AS_OF, end, "crm", "v1", RUN_ID)
        )  # fmt: skip
    put_values(connection, rows)


VALUE_COLUMNS = [
    "kpi_id", "period_grain", "period_start", "period_end", "segment_dim", "segment_value", "source_id", "numerator",
    "denominator", "n", "n_censored", "value", "ci_low", "ci_high", "status", "is_mature", "mature_after",
    "data_origin", "definition_version", "run_id",
]  # fmt: skip


def put_values(connection: duckdb.DuckDBPyConnection, rows: list[tuple[Any, ...]]) -> None:
    """Insert into metrics.kpi_value, fast."""
    connection.register("given_rows", pd.DataFrame(rows, columns=VALUE_COLUMNS))
    names = ", ".join(VALUE_COLUMNS)
    connection.execute(f"insert into metrics.kpi_value ({names}) select {names} from given_rows")
    connection.unregister("given_rows")


def _verdicts(connection: duckdb.DuckDBPyConnection, kpi_id: str, method: str) -> None:
    """The pooled verdict, and one a wave (wider, so mostly undecided)."""
    verdict, reason, rel, low, high, naive, mde, caveats = VERDICTS[kpi_id]
    *_, stat_type, level, weekly, _effect = KPIS[kpi_id]
    pre = level * weekly * 9 if stat_type == "sum" else level
    for i, wave_id in enumerate(["all", *WAVES]):
        is_all = wave_id == "all"
        shift = 0.0 if is_all else (i - 2) * 0.02
        known = rel is not None
        wide = 1.0 if is_all else 1.9
        expected = pre * 1.03
        effect = None if not known else rel + shift
        ends = (None, None) if not known else (effect - (rel - low) * wide, effect + (high - rel) * wide)
        decided = is_all or not known or ends[0] > 0 or ends[1] < 0
        put(
            connection, "evaluation.kpi_current", rollout_id="crm-2025", wave_id=wave_id, kpi_id=kpi_id,
            segment_dim="all", segment_value="all", as_of=AS_OF, look="26w", method=method if known else "none",
            verdict=verdict if decided else "inconclusive", reason=reason if decided else "too_noisy",
            pre_value=None if verdict == "not_comparable" else pre,
            post_value=None if verdict == "not_comparable" else expected * (1 + (effect or -0.05)),
            counterfactual_value=expected if known else None,
            effect_rel=effect, effect_rel_ci_low=ends[0], effect_rel_ci_high=ends[1],
            effect=expected * effect if known else None, effect_ci_low=expected * ends[0] if known else None,
            effect_ci_high=expected * ends[1] if known else None,
            p_value=0.01 if known else None, q_value=0.02 if known else None, mde80=mde, min_important_change=0.05,
            caveats=caveats, diagnostics='{"interval_level": 0.95}', n_pre=5200, n_post=2100,
            pre_start=START, pre_end=WAVES["wave-1"], post_start=date(2025, 12, 15), post_end=AS_OF,
            provisional_as_of=AS_OF,
            provisional_effect_rel=(rel if known else -0.06) if verdict != "not_comparable" else None,
            provisional_ci_low=(low if known else -0.14) if verdict != "not_comparable" else None,
            provisional_ci_high=(high if known else 0.03) if verdict != "not_comparable" else None,
            provisional_verdict="inconclusive", naive_change_rel=naive,
        )  # fmt: skip


def _operations(connection: duckdb.DuckDBPyConnection) -> None:
    for source_id, stream, rows in (("sf", "Opportunity", 14210), ("sf", "Task", 88120), ("hs", "tickets", 30110)):
        put(
            connection, "ops.load", manifest=f"{source_id}/{stream}", source_id=source_id, stream=stream, run_id=RUN_ID,
            window_until="2026-11-02T00:00:00Z", rows_read=rows, rows_rejected=3 if stream == "Task" else 0,
            rows_in_table=rows, rows_in_source=rows, is_reconciled=True, loaded_at="2026-11-02T00:10:00Z",
        )  # fmt: skip
    put(
        connection, "ops.data_quality_finding", finding_id="dq-1", rule_id="missing_field", severity="warning",
        object="Opportunity", field="Lost_Reason__c", source_id="sf", failing_rows=410, total_rows=14210,
        fail_pct=2.89, affected_kpis=["win_rate"], message="The reason a deal was lost is not recorded.", state="open",
    )  # fmt: skip
    put(
        connection, "ops.alert", alert_id="a1", kpi_id="first_response_minutes", rule_id="dur_up", severity="warning",
        segment_dim="all", segment_value="all", period_start=date(2026, 10, 19), observed=131.0, expected=104.0,
        threshold=0.2, n=288, p_value=0.0004, reason="median up", top_contributor="Köln Inside", dq_blocked=False,
        state="open", fired_at="2026-11-02T00:15:00Z", dedupe_key="k", run_id=RUN_ID,
    )  # fmt: skip
