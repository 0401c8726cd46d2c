"""A whole night's evaluation: fifty KPIs with twenty segments each, three years of weeks, forty teams in four waves.

`python -m benchmarks.evaluation`: seconds on this machine, and what a single verdict costs.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from crmlift.config_tables import team_id
from crmlift.evaluate import evaluate
from crmlift.settings import CompanySettings, GoalSettings, RolloutSettings, Settings, WaveSettings
from crmlift.warehouse.store import work_database

START, WEEKS, TEAMS, WAVES, CONTROLS = date(2023, 11, 6), 156, 40, 4, 8
KINDS = ("sum", "count", "mean", "proportion", "ratio")
GOAL_SECONDS = 60.0


def settings(kpis: int) -> Settings:
    """Forty teams: four waves a quarter apart from the hundredth week on, and eight that keep the old ways."""
    each = (TEAMS - CONTROLS) // WAVES
    waves = tuple(
        WaveSettings(
            id=f"w{wave}", go_live=START + timedelta(weeks=100 + 6 * wave), learning_days=42,
            members=tuple(f"team {team}" for team in range(each * wave, each * (wave + 1))),
        )
        for wave in range(WAVES)
    )  # fmt: skip
    controls = tuple(f"team {team}" for team in range(TEAMS - CONTROLS, TEAMS))
    goals = tuple(GoalSettings(id=f"g{k}", rollout="crm", kpi=f"kpi_{k:02d}") for k in range(min(kpis, 10)))
    rollout = RolloutSettings(id="crm", waves=waves, controls=controls)
    return Settings(company=CompanySettings(timezone="UTC"), rollouts=(rollout,), goals=goals)


def fill(connection: duckdb.DuckDBPyConnection, given: Settings, kpis: int, segments: int) -> int:
    """Units of every KPI: one a team, week and segment; the rows written."""
    connection.execute("create table core.team as select null::varchar as team_id, null::varchar as region where false")
    connection.execute(
        "create table core.opportunity (opportunity_id varchar, currency_code varchar, fx_rate_to_base double, "
        "created_at timestamptz, closed_at timestamptz); "
        "create table core.source_instance (source_id varchar, system varchar)"
    )
    for wave in given.rollouts[0].waves:
        connection.executemany(
            "insert into config.rollout_wave values (?, 'crm', 'team', ?, ?, ?, false)",
            [[wave.id, team_id(member), wave.go_live, wave.learning_days] for member in wave.members],
        )
    connection.executemany(
        "insert into config.rollout_wave values ('controls', 'crm', 'team', ?, null, 0, true)",
        [[team_id(member)] for member in given.rollouts[0].controls],
    )
    connection.execute(
        "insert into metrics.kpi_segment_set select 'kpi_' || lpad(k::varchar, 2, '0'), s, "
        "map {'segment': 'segment ' || s} from range($kpis) a(k), range($segments) b(s)",
        {"kpis": kpis, "segments": segments},
    )
    for k in range(kpis):
        kind = KINDS[k % len(KINDS)]
        connection.execute(
            "insert into metrics.kpi (kpi_id, direction, stat_type, unit, min_important_change, definition_version) "
            "values (?, 'higher', ?, 'units', 0.05, '1')",
            [f"kpi_{k:02d}", kind],
        )
        value = "(u.noise < 0.3)::double" if kind == "proportion" else "round(exp(u.noise) * 100) / 100"
        connection.execute(
            "insert into metrics.kpi_unit "
            "(kpi_id, unit_id, event_at, team_id, num, den, observed, segment_set, source_id) "
            "select $kpi, concat_ws('-', t.team, w.week, s.segment), timezone('UTC', $start::timestamp) "
            "+ to_days((7 * w.week)::int + s.segment % 7), 'team:team-' || t.team, "
            f"{value}, 1.0, true, s.segment, 'sf' "
            "from range($teams) t(team), range($weeks) w(week), range($segments) s(segment), "
            "lateral (select (hash(t.team, w.week, s.segment, $kpi) % 1000003) / 1000003.0 as noise) u",
            {"kpi": f"kpi_{k:02d}", "start": START, "teams": TEAMS, "weeks": WEEKS, "segments": segments},
        )
    return kpis * TEAMS * WEEKS * segments


def main(arguments: list[str] | None = None) -> int:
    """Print the figures; 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kpis", type=int, default=50)
    parser.add_argument("--segments", type=int, default=20)
    asked = parser.parse_args(arguments)
    given = settings(asked.kpis)
    with (
        tempfile.TemporaryDirectory(prefix="crmlift-bench-") as folder,
        work_database(Path(folder) / "warehouse.duckdb") as connection,
    ):
        rows = fill(connection, given, asked.kpis, asked.segments)
        used, started = os.times(), time.perf_counter()
        as_of = datetime(START.year, START.month, START.day, tzinfo=UTC) + timedelta(weeks=WEEKS)
        written = evaluate(connection, given, as_of=as_of, run_id="bench")
        seconds, now = time.perf_counter() - started, os.times()
    cpu = now.user + now.system - used.user - used.system
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{asked.kpis} KPIs x {asked.segments} segments, {rows:,} units, {written} verdicts")
    print(
        f"  seconds {seconds:.1f} (goal {GOAL_SECONDS:.0f}), of CPU {cpu:.1f}, a verdict {1000 * cpu / written:.0f} ms"
    )
    print(f"  peak memory {memory:,.0f} MB")
    return int(seconds > GOAL_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
