"""A rollout that changed nothing, over and over: how often is something claimed?"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest
from scipy.stats import binom

from tests.end_to_end.conftest import crmlift

SEEDS = range(1, 21)
ERROR_RATE = 0.05


@pytest.mark.slow
def test_a_rollout_that_changed_nothing_is_not_called_a_change(tmp_path: Path) -> None:
    """At most 5 % of such companies may see any goal KPI called improved or worsened (within Monte-Carlo error)."""
    claims: dict[int, list[str]] = {}
    for seed in SEEDS:
        home = tmp_path / str(seed)
        done = crmlift(
            "demo", "--company", "null", "--seed", str(seed), "--direct", "--out", str(home), home=home, timeout=900
        )
        assert done.returncode == 0, done.stderr[-2000:]
        with duckdb.connect(str(home / "analytics.duckdb"), read_only=True) as connection:
            found = connection.execute(
                "select kpi_id, verdict from evaluation.kpi_current where wave_id = 'all' and goal_id is not null "
                "and verdict in ('improved', 'worsened')"
            ).fetchall()
        claims[seed] = [f"{kpi} {verdict}" for kpi, verdict in found]
        print(f"seed {seed}: {claims[seed] or 'nothing claimed'}", flush=True)
        shutil.rmtree(home)
    wrong = {seed: found for seed, found in claims.items() if found}
    print(f"\nfalse claims in {len(wrong)} of {len(claims)} null companies: {json.dumps(wrong)}")
    assert len(wrong) <= binom.ppf(0.99, len(claims), ERROR_RATE)
