"""Waves of teams, regions, segments and users: who is in one, and what says that nobody is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic import ValidationError

from crmlift.config_tables import fill_config
from crmlift.evaluate import evaluate
from crmlift.quality import check_quality
from crmlift.settings import Places, Settings
from crmlift.settings_file import Loaded
from tests.crmlift.measured import at, run, won
from tests.golden import AS_OF

Connection = duckdb.DuckDBPyConnection
TEAMS = {"North": {"region": "West", "segment": "SMB"}, "South": {"region": "East", "segment": "Enterprise"}}


def settings(scope: str, *members: str, controls: tuple[str, ...] = (), **more: Any) -> Settings:
    wave = {"id": "w", "scope": scope, "members": members, "go_live": "2026-01-05"}
    return Settings.model_validate(
        {"teams": TEAMS, "rollouts": [{"id": "r", "waves": [wave], "controls": controls}], **more}
    )


def given(connection: Connection, chosen: Settings, tmp_path: Path) -> None:
    """Two teams as the settings describe them, with deals of two years each; the account is of another region."""
    fill_config(connection, Loaded(chosen, tmp_path / "crmlift.yml", {}, Places(tmp_path)), "r")
    connection.execute(
        "insert into core.team (team_id, name, region, segment) select team_id, name, region, segment from config.team; "
        "insert into core.account (account_id, region, segment, is_deleted) values ('sf:a', 'East', 'Enterprise', false)"
    )
    for number, name in enumerate(TEAMS):
        closed = [at("2024-12-02T12:00") + timedelta(days=2 * day + number) for day in range(340)]
        won(
            connection, closed, [100.0 + number] * 340, team_id=f"team:{name.lower()}", account_id="sf:a",
            initial_owner_id=f"sf:{name}",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("scope", "member"), [("team", "North"), ("region", "West"), ("segment", "SMB"), ("user", "sf:North")]
)
def test_a_wave_is_its_teams_whatever_names_them(
    connection: Connection, tmp_path: Path, scope: str, member: str
) -> None:
    """The values of the wave and the units that are judged are the same: those of the team, not of the account."""
    chosen = settings(scope, member)
    given(connection, chosen, tmp_path)
    run(connection, "avg_deal_size")
    told = connection.execute(
        "select segment_value, sum(n), min(value), max(value) from metrics.kpi_value "
        "where segment_dim = 'wave' and period_grain = 'month' group by all order by 1"
    ).fetchall()
    assert told == [("unknown", 340, 101.0, 101.0), ("w", 340, 100.0, 100.0)]
    evaluate(connection, chosen, as_of=AS_OF, run_id="r")
    judged = connection.execute(
        "select n_pre + n_post > 200, pre_value, post_value from evaluation.kpi_effect where look = 'provisional' "
        "and segment_dim = 'all' and kpi_id = 'avg_deal_size'"
    ).fetchall()
    assert judged == [(True, 100.0, 100.0)]


@pytest.mark.parametrize(
    ("scope", "known", "unknown"),
    [("team", "North", "Nrth"), ("region", "West", "Wst"), ("segment", "SMB", "Mid"), ("user", "sf:u", "sf:x")],
)
def test_a_member_nobody_knows_is_a_finding(
    connection: Connection, tmp_path: Path, scope: str, known: str, unknown: str
) -> None:
    connection.execute("insert into core.app_user (user_id, source_id, is_active) values ('sf:u', 'sf', true)")
    query = (
        "select object, failing_rows, total_rows, sample_ids from ops.data_quality_finding "
        "where rule_id = 'unknown_member' and state = 'open' order by 1"
    )
    chosen = settings(scope, known, controls=(unknown,))
    given(connection, chosen, tmp_path)
    check_quality(connection, as_of=AS_OF, run_id="r")
    written = "team:nrth" if scope == "team" else unknown
    assert connection.execute(query).fetchall() == [("rollout_wave", 1, 2, [written])]
    connection.execute("delete from config.rollout_wave where is_control; update config.team set team_id = 'team:gone' "
                       "where name = 'South'")  # fmt: skip
    check_quality(connection, as_of=AS_OF, run_id="r")
    assert connection.execute(query).fetchall() == [("team", 1, 2, ["South"])]


@pytest.mark.parametrize(
    ("row", "failing"),
    [
        ("('x', 'r', 'team', 'team:south', null, 0, true)", None),
        ("('x', 'r', 'region', 'East', null, 0, true)", (2, 2)),  # of another scope than the settings
        ("('x', 'other', 'team', 'team:south', null, 0, true)", (1, 2)),  # of a rollout the settings have not
    ],
)
def test_members_of_files_must_suit_the_settings(
    connection: Connection, tmp_path: Path, row: str, failing: tuple[int, int] | None
) -> None:
    given(connection, settings("team", "North"), tmp_path)
    connection.execute(f"insert into config.rollout_wave values {row}")
    check_quality(connection, as_of=AS_OF, run_id="r")
    found = connection.execute(
        "select failing_rows, total_rows from ops.data_quality_finding where rule_id = 'unknown_member'"
    ).fetchone()
    assert found == failing


@pytest.mark.parametrize(
    ("waves", "said"),
    [
        ([{"id": "w", "go_live": "2026-01-05"}], "wave 'w' of scope team needs members"),
        ([{"id": "w", "scope": "company", "members": ["North"], "go_live": "2026-01-05"}], "takes no members"),
        (
            [
                {"id": "w", "members": ["North"], "go_live": "2026-01-05"},
                {"id": "v", "scope": "segment", "members": ["SMB"], "go_live": "2026-01-05"},
            ],
            "waves of scope team and segment; one scope",
        ),
        ([{"id": "w", "scope": "country", "members": ["UA"], "go_live": "2026-01-05"}], "'segment'"),
    ],
)
def test_waves_that_would_mean_nobody_are_refused(waves: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Settings.model_validate({"rollouts": [{"id": "r", "waves": waves}]})


def test_everybody_leaves_no_controls() -> None:
    wave = {"id": "w", "scope": "company", "go_live": "2026-01-05"}
    alone = Settings.model_validate({"rollouts": [{"id": "r", "waves": [wave]}]})
    assert alone.rollouts[0].waves[0].members == ("all",)
    with pytest.raises(ValidationError, match="nobody is left as a control"):
        Settings.model_validate({"rollouts": [{"id": "r", "waves": [wave], "controls": ["North"]}]})
