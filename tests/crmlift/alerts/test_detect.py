"""Detection on a work database: what fires, what stays quiet, what is muted, and that a second run changes nothing."""

from __future__ import annotations

import sys
from datetime import timedelta

import duckdb
import pytest

from crmlift.alerts import Alert, detect
from crmlift.alerts.rules import Rule, rules_of
from crmlift.registry import load_registry
from crmlift.settings import AlertSettings
from tests.crmlift.alerts.alert_night import AS_OF, MONDAY, RULES, add_week, night, replace_last_week, table
from tests.crmlift.published_fixture import put

LAST_WEEK = MONDAY - timedelta(days=7)


def run(connection: duckdb.DuckDBPyConnection, *, weeks_later: int = 0, run_id: str = "r1") -> list[Alert]:
    as_of = AS_OF + timedelta(weeks=weeks_later)
    connection.execute("update ops.cursor set read_until = ? where source_id = 'sf'", [as_of])
    return detect(connection, as_of=as_of, run_id=run_id, settings=AlertSettings(), rules=RULES)


def test_a_steady_company_is_quiet() -> None:
    connection = night()
    assert run(connection) == []
    assert table(connection, "ops.alert") == table(connection, "ops.outbox") == []


def test_a_win_rate_that_drops_in_one_team() -> None:
    connection = night()
    replace_last_week(connection, win_rate=0.0, bad_team="team:beta", deals=180)
    (alert,) = run(connection)
    assert (alert.kpi_id, alert.rule_id, alert.period_start, alert.n) == ("win_rate", "prop_drop", LAST_WEEK, 180)
    assert alert.expected == pytest.approx(0.4)
    assert alert.observed == pytest.approx(48 / 180)
    assert alert.top_contributor == "Beta"
    assert alert.severity == "critical" and alert.is_new
    assert alert.p_value is not None and alert.p_value < 0.01
    (channels, subject, body) = connection.execute(
        "select list(channel order by channel), any_value(subject), any_value(body) from ops.outbox"
    ).fetchone()  # type: ignore[misc]
    assert channels == ["console", "file"]
    assert subject == "Win rate fell: 26.7\u00a0% instead of 40.0\u00a0%"
    assert "27\u00a0Jul\u00a02026 – 2\u00a0Aug\u00a02026" in body
    assert "−13.3\u00a0pp against the 6 periods before" in body
    assert "It rests on 180 records." in body
    assert "The largest part of it: Beta." in body
    assert "crmlift kpi show win_rate" in body
    assert "owner" not in body, "no personal data"


@pytest.mark.parametrize(
    ("change", "kpi_id", "words"),
    [
        ({"size": 3000.0}, "avg_deal_size", "Average deal size fell"),
        ({"cycle": 55.0}, "sales_cycle_days", "Sales cycle rose"),
        ({"deals": 30}, "won_revenue", "Won revenue fell"),
    ],
)
def test_each_template_finds_its_drop(change: dict[str, float], kpi_id: str, words: str) -> None:
    connection = night()
    replace_last_week(connection, **change)
    alerts = {alert.kpi_id: alert for alert in run(connection)}
    assert kpi_id in alerts
    subjects = connection.execute("select subject from ops.outbox where alert_id = ?", [alerts[kpi_id].alert_id])
    assert all(words in subject for (subject,) in subjects.fetchall())


def test_an_alert_counts_units_not_what_they_weigh() -> None:
    """Five fields are asked of every deal: 180 deals are 180 records, not 900."""
    connection = night()
    replace_last_week(connection, win_rate=0.1, deals=180)
    connection.execute("update metrics.kpi_unit set num = 5 * num, den = 5 where kpi_id = 'win_rate'")
    (alert,) = run(connection)
    assert (alert.kpi_id, alert.n, alert.observed) == ("win_rate", 180, pytest.approx(0.1))


def test_an_alert_of_durations_counts_those_still_running() -> None:
    connection = night()
    replace_last_week(connection, cycle=55.0, deals=96)
    (alert,) = [a for a in run(connection) if a.kpi_id == "sales_cycle_days"]
    assert alert.n == 96


def test_an_alert_about_a_level_counts_the_units_of_its_newest_week() -> None:
    """Three weeks beyond the line make an incident; it rests on the deals of the last one, not on three records."""
    connection = night(weeks=12)
    replace_last_week(connection, deals=66)
    rule = Rule("win_rate", "level", "proportion", "higher", {"warn": 0.6, "crit": 0.1, "consecutive": 3})
    (alert,) = detect(connection, as_of=AS_OF, run_id="r", settings=AlertSettings(), rules=[rule])
    assert (alert.rule_id, alert.period_start, alert.n) == ("level", LAST_WEEK, 66)


def test_too_few_records_say_nothing() -> None:
    connection = night(weeks=3)
    replace_last_week(connection, win_rate=0.0, deals=6)
    connection.execute("delete from metrics.kpi_unit where event_at < ?", [LAST_WEEK])
    assert run(connection) == []


def test_a_rerun_changes_nothing_and_sends_nothing_twice() -> None:
    connection = night()
    replace_last_week(connection, win_rate=0.1)
    first = run(connection)
    before = table(connection, "ops.alert"), table(connection, "ops.outbox")
    again = run(connection, run_id="r2")
    assert (table(connection, "ops.alert"), table(connection, "ops.outbox")) == before
    assert [a.alert_id for a in again] == [a.alert_id for a in first]
    assert [a.is_new for a in again] == [False]


def test_an_incident_merges_resolves_and_cools_down() -> None:
    connection = night()
    replace_last_week(connection, win_rate=0.1)
    (opened,) = run(connection)
    add_week(connection, MONDAY, seed=101, win_rate=0.1)
    (merged,) = run(connection, weeks_later=1)
    assert merged.alert_id == opened.alert_id and not merged.is_new
    assert merged.period_start == LAST_WEEK, "the incident began there"
    add_week(connection, MONDAY + timedelta(weeks=1), seed=102)
    assert run(connection, weeks_later=2) == []
    state, resolved_at = connection.execute("select state, resolved_at from ops.alert").fetchone()  # type: ignore[misc]
    assert state == "resolved" and resolved_at == AS_OF + timedelta(weeks=2)
    add_week(connection, MONDAY + timedelta(weeks=2), seed=103, win_rate=0.0)
    (later,) = run(connection, weeks_later=3)
    assert later.is_new and later.alert_id != opened.alert_id, "the cool-down of seven days is over"
    assert len(table(connection, "ops.outbox")) == 4


def test_a_relapse_within_the_cool_down_reopens_without_a_message() -> None:
    connection = night()
    replace_last_week(connection, win_rate=0.1)
    (opened,) = run(connection)
    connection.execute("update ops.alert set state = 'resolved', resolved_at = ?", [AS_OF - timedelta(days=2)])
    (again,) = run(connection)
    assert again.alert_id == opened.alert_id and not again.is_new
    assert connection.execute("select state, resolved_at from ops.alert").fetchall() == [("open", None)]
    assert len(table(connection, "ops.outbox")) == 2


@pytest.mark.parametrize("affected", [["win_rate"], None])
def test_a_blocking_finding_mutes_before_scoring(affected: list[str] | None) -> None:
    connection = night()
    replace_last_week(connection, win_rate=0.1)
    put(connection, "ops.data_quality_finding", finding_id="f", rule_id="status_contradicts", severity="blocking",
        affected_kpis=affected, state="open")  # fmt: skip
    assert run(connection) == []
    rows = connection.execute(
        "select kpi_id, state, dq_blocked, reason, observed from ops.alert order by kpi_id"
    ).fetchall()
    words = "Not scored: the data failed the check “status contradicts”."
    assert ("win_rate", "muted", True, words, None) in rows
    assert len(rows) == (1 if affected else len(RULES))
    assert table(connection, "ops.outbox") == []
    connection.execute("update ops.data_quality_finding set state = 'resolved'")
    assert [a.kpi_id for a in run(connection)] == ["win_rate"]
    assert connection.execute("select count(*) from ops.alert where state = 'muted'").fetchone() == (0,)


def test_a_warning_finding_does_not_mute() -> None:
    connection = night()
    replace_last_week(connection, win_rate=0.1)
    put(connection, "ops.data_quality_finding", finding_id="f", rule_id="r", severity="warning",
        affected_kpis=["win_rate"], state="open")  # fmt: skip
    assert [a.kpi_id for a in run(connection)] == ["win_rate"]


def test_a_stale_source_mutes_its_kpis_and_marks_their_open_incident() -> None:
    connection = night()
    replace_last_week(connection, win_rate=0.1)
    run(connection)
    put(connection, "ops.cursor", source_id="hs", stream="deals", read_until=AS_OF + timedelta(hours=40))
    assert run(connection) == []
    states = dict(connection.execute("select rule_id, dq_blocked from ops.alert where kpi_id = 'win_rate'").fetchall())
    assert states == {"prop_drop": True, "muted": True}
    assert (
        "source sf" in connection.execute("select any_value(reason) from ops.alert where state = 'muted'").fetchone()[0]
    )  # type: ignore[index]


def test_messages_in_ukrainian() -> None:
    connection = night()
    put(connection, "config.setting", name="locale", value="uk")
    replace_last_week(connection, win_rate=0.0, bad_team="team:beta", deals=180)
    run(connection)
    subject, body = connection.execute("select any_value(subject), any_value(body) from ops.outbox").fetchone()  # type: ignore[misc]
    assert subject == "Частка виграних угод: показник знизився: 26,7\u00a0% замість 40,0\u00a0%"
    assert "Найбільша частка: Beta." in body and "Спирається на 180 записів." in body


def test_an_alert_about_a_level_counts_the_records_of_its_newest_week() -> None:
    connection = night()
    for back, value, n in ((3, 70.0, 50), (2, 64.0, 41), (1, 61.0, 23)):
        monday = MONDAY - timedelta(weeks=back)
        put(
            connection, "metrics.kpi_value", kpi_id="sus_score", period_grain="week", period_start=monday, segment_dim="all",
            segment_value="all", source_id="all", value=value, n=n, is_mature=True,
        )  # fmt: skip
    rule = Rule("sus_score", "level", "mean", "higher", {"warn": 68, "crit": 50, "consecutive": 2})
    found = detect(connection, as_of=AS_OF, run_id="r", settings=AlertSettings(), rules=[rule])
    assert [(alert.kpi_id, alert.severity, alert.n) for alert in found] == [("sus_score", "warning", 23)]
    (body,) = connection.execute("select any_value(body) from ops.outbox").fetchone()  # type: ignore[misc]
    assert "It rests on 23 records." in body


def test_quarters_are_those_of_the_fiscal_year(monkeypatch: pytest.MonkeyPatch) -> None:
    connection, starts = night(), []
    put(connection, "config.setting", name="fiscal_year_start", value="2")
    module = sys.modules["crmlift.alerts.detect"]
    monkeypatch.setattr(module, "watch", lambda night, rule: starts.append(night.fiscal_year_start))
    run(connection)
    assert starts and set(starts) == {2}


def test_every_rule_of_the_registry_can_be_run() -> None:
    connection = night(weeks=12)
    rules = rules_of(load_registry())
    assert {rule.template for rule in rules} >= {"prop_drop", "mean_shift", "dur_up", "sum_seasonal"}
    assert detect(connection, as_of=AS_OF, run_id="r", settings=AlertSettings(), rules=rules) == []
