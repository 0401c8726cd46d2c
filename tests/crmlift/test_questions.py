"""Who was asked and who answered, before and after the teams' own go-lives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import duckdb
import numpy as np
import pytest

from crmlift.questions import SCOPE_COLUMN, Kpi, Scope, response_rates
from crmlift.settings import RolloutSettings, WaveSettings

NPS = Kpi("nps", "nps", "higher", "points", 0.0, None, "1", "nps")
NOW = datetime(2026, 11, 1, tzinfo=UTC)
ROLLOUT = RolloutSettings(id="crm", waves=(WaveSettings(id="w1", members=("a",), go_live=date(2026, 1, 1)),))


def scope(kind: str = "team") -> Scope:
    days = np.array([], dtype="datetime64[D]")
    return Scope(SCOPE_COLUMN[kind], (), days, np.array([], dtype=np.int64), (), np.array([]))


@pytest.fixture(name="connection")
def _connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Team a: 40 asked before (20 answer), 40 in the learning window (none), 50 after (10); team b lives later."""
    with duckdb.connect() as connection:
        connection.execute(
            "set TimeZone = 'UTC'; create schema core; create schema config; "
            "create table core.team as select unnest(['a', 'b']) as team_id, 'north' as region; "
            "create table config.rollout_wave as select * from (values ('w1', 'crm', 'a', date '2026-01-01', 30), "
            "('w2', 'crm', 'b', date '2026-06-01', 30)) t(wave_id, rollout_id, scope_value, go_live_date, learning_days)"
        )
        connection.execute(
            "create table core.survey_invitation as select team_id, 'nps' as survey_kind, sent_at::timestamptz as sent_at, "
            "case when n < answered then team_id || sent_at || n end as response_id, false as is_deleted from (values "
            "('a', '2025-12-01', 40, 20), ('a', '2026-01-15', 40, 0), ('a', '2026-03-01', 50, 10), "
            "('b', '2026-03-01', 60, 60), ('b', '2026-08-01', 20, 20)) t(team_id, sent_at, asked, answered), "
            "range(asked) r(n); "
            "create table core.survey_response as select response_id, sent_at + interval 2 day as responded_at, "
            "false as is_deleted from (select distinct on (response_id) * from core.survey_invitation "
            "where response_id is not null)"
        )
        yield connection


def test_shares_before_and_after_each_teams_own_go_live(connection: duckdb.DuckDBPyConnection) -> None:
    assert response_rates(connection, NPS, ROLLOUT, scope(), "w1", NOW) == (0.5, 0.2)
    assert response_rates(connection, NPS, ROLLOUT, scope(), "all", NOW) == (80 / 100, 30 / 70)


def test_unknown_where_few_were_asked_or_nobody_knows_whom(connection: duckdb.DuckDBPyConnection) -> None:
    assert response_rates(connection, NPS, ROLLOUT, scope(), "w2", NOW) is None, "only 20 were asked after it went live"
    assert response_rates(connection, NPS, ROLLOUT, scope("user"), "all", NOW) is None
    other = Kpi("win_rate", "proportion", "higher", "share", 0.0, None, "1", None)
    assert response_rates(connection, other, ROLLOUT, scope(), "all", NOW) is None


def test_the_young_have_not_refused_yet_and_the_late_did_not_answer_in_time(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    assert response_rates(connection, NPS, ROLLOUT, scope(), "w1", datetime(2026, 3, 20, tzinfo=UTC)) is None
    connection.execute("update core.survey_response set responded_at = responded_at + interval 40 day")
    assert response_rates(connection, NPS, ROLLOUT, scope(), "w1", NOW) == (0.0, 0.0)
