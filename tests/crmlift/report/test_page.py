"""The page: what a manager reads, in both languages, for controlled and uncontrolled designs, and with hostile names."""

from __future__ import annotations

import html
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from crmlift.errors import WarehouseFailure
from crmlift.report import write_report
from tests.crmlift.published_fixture import build, empty, put

VOID = {"meta", "br", "link", "img", "hr", "input"}


class Reader(HTMLParser):
    """Checks that tags nest and collects text, ids and links."""

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.text: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.tags.append(tag)
        self.ids += [known["id"]] if known.get("id") else []  # type: ignore[list-item]
        self.links += [known["href"]] if known.get("href") else []  # type: ignore[list-item]
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] not in ("style", "title", "desc"):
            self.text.append(data)


def read(path: Path) -> tuple[Reader, str]:
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    assert reader.stack == []
    return reader, " ".join(" ".join(reader.text).split()).replace("\u00a0", " ")


@pytest.fixture(scope="module")
def page(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(company, tmp_path_factory.mktemp("report"))


def test_the_answer_comes_first(page: Path) -> None:
    _, text = read(page)
    assert "The rollout improved 4 of the 6 goal KPIs." in text
    assert (
        "1 worsened, 1 cannot be told yet. A plain before/after comparison would have claimed 5 improvements." in text
    )
    assert text.index("The rollout improved") < text.index("Were the goals reached?") < text.rindex("How to read this")


def test_a_card_shows_effect_interval_naive_claim_and_caveats(page: Path) -> None:
    _, text = read(page)
    card = text[text.index("KPI by KPI") :]
    card = card[card.index("Won revenue") : card.index("Win rate Goal")]
    for words in (
        "€369k / week", "€425k / week", "Without the rollout €380k / week", "+11.8 %", "+4.2 … +19.9 %",
        "would claim +24.3 % ; the difference is growth, season, who went live when, or what it leaves out.",
        "The largest 1 % of the records make up 34% of the total", "5,200 records before, 2,100 after",
        "Planned look: 26 weeks", "100 % is each team’s own level",
    ):  # fmt: skip
        assert words in card, words


def test_goals_say_where_the_target_lies(page: Path) -> None:
    _, text = read(page)
    goals = text[text.index("Were the goals reached?") : text.index("All effects side by side")]
    assert "−15 % by 31 Dec 2026 the whole interval lies beyond the target" in goals  # lead response −41 … −26
    assert "−15 % by 31 Dec 2026 the whole interval falls short of the target" in goals  # first response rose
    assert goals.count("the target lies inside the interval") == 4
    assert "too noisy; would need a change of ≥ 12 %" in goals


def test_what_was_not_judged_and_why(page: Path) -> None:
    _, text = read(page)
    part = text[text.index("What was not judged, and why") : text.index("Alerts An") if "Alerts An" in text else None]
    assert "Activity capture not comparable: nothing was recorded before" in part
    assert "Weekly active users no values on either side of the go-live" in part
    assert "Ticket resolution time cannot tell yet: the first planned look has not been reached" in part


def test_alerts_quality_and_provenance(page: Path) -> None:
    _, text = read(page)
    assert "First response to tickets 19 Oct 2026 2.2 h 1.7 h open, warning" in text
    assert "sf 2 Nov 2026 2 102,330 3 2 of 2 checked" in text
    assert "sf.Opportunity.Lost_Reason__c missing field 2.9 %" in text
    assert "Run run-2026-11-02 As of 2 Nov 2026".lower() in text.lower()


def test_waves_and_teams(page: Path) -> None:
    _, text = read(page)
    part = text[text.index("By wave and team") : text.index("What was not judged")]
    assert re.search(r"wave-1 3 Nov 2025 \? \+9\.8 %", part), "a wave alone is undecided"
    assert "Київ B2B" in part and "Vienna" not in part, "teams that are not live have no after"


def test_one_file_that_needs_nothing_else(page: Path) -> None:
    reader, _ = read(page)
    source = page.read_text(encoding="utf-8")
    assert all(link.startswith("#") and link[1:] in reader.ids for link in reader.links)
    assert len(reader.ids) == len(set(reader.ids))
    assert "script" not in reader.tags and "img" not in reader.tags and "link" not in reader.tags
    assert "http" not in source.replace("http-equiv", "") and "@import" not in source and "url(" not in source
    assert source.count("<caption>") == source.count("<table")
    assert source.count("<svg") == source.count("<title>") - 1 == source.count("<desc>") > 15
    assert len(source.encode()) < 120_000


def test_rendering_is_deterministic(company: Path, page: Path, tmp_path: Path) -> None:
    assert write_report(company, tmp_path / "again").read_bytes() == page.read_bytes()


def test_ukrainian(company: Path, tmp_path: Path) -> None:
    path = write_report(company, tmp_path, locale="uk")
    _, text = read(path)
    assert '<html lang="uk">' in path.read_text(encoding="utf-8")
    assert "Впровадження покращило 4 цільових KPI із 6." in text
    assert "1 погіршився, про 1 ще не можна сказати." in text
    assert "Виручка за виграними угодами" in text and "+11,8 %" in text
    assert "Найбільший 1 % записів становить 34% суми" in text
    for english in ("improved", "worsened", "cannot tell", "Before", "Alerts", "interval"):
        assert english not in text, english


def test_without_controls_no_effect_is_claimed(tmp_path: Path) -> None:
    path = build(tmp_path / "a.duckdb", method="series_averaged")
    _, text = read(write_report(path, tmp_path))
    assert "4 of the 6 goal KPIs changed for the better, beyond their own history." in text
    assert "other causes at the same time cannot be ruled out" in text
    assert "The rollout improved" not in text and "Without the rollout" not in text
    assert "better, beyond its own history" in text


def test_hostile_names_are_text(company: Path, tmp_path: Path) -> None:
    hostile = """<img src=x onerror="alert('1')">{{ 7*7 }}</style>"""
    copy = tmp_path / "hostile.duckdb"
    shutil.copy(company, copy)
    connection = duckdb.connect(str(copy))
    for statement in (
        "update config.setting set value = $h", "update config.rollout set name = $h", "update core.team set name = $h",
        "update config.goal_target set statement = $h", "update ops.data_quality_finding set message = $h, field = $h",
        "update ops.alert set reason = $h, segment_value = $h",
        "update metrics.kpi set name_en = $h, question_en = $h", "update evaluation.kpi_current set caveats = [$h]",
        "update evaluation.kpi_current set reason = $h where reason is not null",
        "update ops.load set source_id = $h",
    ):  # fmt: skip
        connection.execute(statement, {"h": hostile})
    connection.close()
    path = write_report(copy, tmp_path)
    reader, _ = read(path)
    source = path.read_text(encoding="utf-8")
    assert "img" not in reader.tags and "<img" not in source
    assert source.count("</style>") == 1
    assert "49" not in re.findall(r"alert\(.{0,20}?(49)", source)
    assert html.escape("<img src=x") in source


def test_unknown_values_are_a_dash_never_zero(company: Path, tmp_path: Path) -> None:
    copy = tmp_path / "null.duckdb"
    shutil.copy(company, copy)
    connection = duckdb.connect(str(copy))
    columns = ("pre_value", "post_value", "counterfactual_value", "effect", "effect_rel", "effect_rel_ci_low", "mde80",
               "effect_rel_ci_high", "naive_change_rel", "provisional_effect_rel", "n_pre", "n_post", "look", "method",
               "pre_start", "caveats", "diagnostics")  # fmt: skip
    connection.execute(f"update evaluation.kpi_current set {', '.join(f'{c} = null' for c in columns)}")
    connection.execute("update evaluation.kpi_current set post_value = 'nan'::double")
    connection.execute("update metrics.kpi set unit = null, question_en = null, family = null, name_uk = null")
    connection.close()
    for locale in ("en", "uk"):
        _, text = read(write_report(copy, tmp_path, locale=locale))
        assert "—" in text
        assert not re.search(r"\b(nan|None|null)\b", text, flags=re.IGNORECASE)


def test_an_empty_database_says_so(tmp_path: Path) -> None:
    empty(tmp_path / "e.duckdb").close()
    _, text = read(write_report(tmp_path / "e.duckdb", tmp_path))
    assert "Nothing has been judged yet." in text
    assert "No load is on record." in text


def test_without_a_rollout_the_page_says_so_and_shows_the_figures(tmp_path: Path) -> None:
    path = build(tmp_path / "none.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from config.rollout; delete from config.rollout_wave")
        connection.execute("delete from evaluation.kpi_current")
    for locale, words in (
        ("en", ("No rollout is declared", "The figures so far", "Win rate", "the CRM")),
        ("uk", ("Запуску не оголошено", "Цифри на сьогодні", "з CRM")),
    ):
        _, text = read(write_report(path, tmp_path, locale=locale))
        assert all(word in text for word in words), text[:600]


def test_no_goals_and_two_rollouts(tmp_path: Path) -> None:
    path = build(tmp_path / "two.duckdb")
    connection = duckdb.connect(str(path))
    connection.execute("delete from config.goal_target")
    put(connection, "config.rollout", rollout_id="b2", name="Second rollout", base_currency="EUR")
    connection.execute(
        "insert into evaluation.kpi_current select * replace ('b2' as rollout_id) from evaluation.kpi_current"
    )
    connection.close()
    reader, text = read(write_report(path, tmp_path))
    assert "The rollout improved 4 of the 9 KPIs." in text
    assert "No goals were declared; all 9 KPIs are shown" in text
    assert "Second rollout" in text
    assert len(reader.ids) == len(set(reader.ids)), "anchors stand once"


def test_failures_say_what_to_do(company: Path, tmp_path: Path) -> None:
    with pytest.raises(WarehouseFailure, match="Nothing is published yet"):
        write_report(tmp_path / "missing.duckdb", tmp_path)
    blocked = tmp_path / "report"
    blocked.write_text("a file")
    with pytest.raises(WarehouseFailure, match="could not be written") as caught:
        write_report(company, blocked)
    assert caught.value.exit_code == 10 and "crmlift report" in str(caught.value)


def test_nothing_half_written_stays(company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = write_report(company, tmp_path).read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("crmlift.report.page.os.fsync", full)
    with pytest.raises(WarehouseFailure, match="No space left"):
        write_report(company, tmp_path, locale="uk")
    assert [p.name for p in tmp_path.iterdir()] == ["index.html"]
    assert (tmp_path / "index.html").read_bytes() == first
