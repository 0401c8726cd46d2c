"""The commands of the README and docs/: each exists with its options, and the queries among them answer what is promised."""

from __future__ import annotations

import json
import re
import shlex
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import typer.main

from crmlift.cli.main import app
from tests.end_to_end.conftest import ROOT, Night, crmlift
from tests.end_to_end.recomputed_frames import reader
from tests.end_to_end.recomputed_queries_frames import verdicts

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCED = re.compile(r"^```([a-z]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
QUERY = re.compile(r'crmlift query "((?:select|show)\b[^"]+)"')
GO_LIVE = "2026-03-02"


def commands() -> dict[str, list[str]]:
    """What follows `crmlift` in blocks of code and in `code` within text → the page it stands on."""
    found: dict[str, list[str]] = {}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        shell = [block for language, block in FENCED.findall(text) if language in ("", "sh")]
        blocks = [re.sub(r"(?m)(?:^|\s)#.*$", "", block) for block in shell]
        lines = re.findall(r'\bcrmlift ((?:"[^"]*"|[^"\n|])+)', "\n".join(blocks))
        inline = re.findall(r"`crmlift ([^`…|]+)`", FENCED.sub("", text))
        for command in (*lines, *inline):
            found.setdefault(command.strip(), []).append(page.name)
    return found


def readme_queries() -> dict[str, str]:
    """The first table a query of the README reads → the query."""
    sql = QUERY.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    return {match[1]: one for one in sql if (match := re.search(r"from (\S+)", one))}


def printed_queries() -> list[str]:
    """Queries that commands tell people to run next, as they stand in the code."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "crmlift").rglob("*.py")))
    return sorted({*QUERY.findall(code), *re.findall(r"'query \"([^\"]+)\"'", code)})


@pytest.mark.parametrize("command", sorted(commands()))
def test_a_documented_command_exists_with_its_options(command: str) -> None:
    place: Any = typer.main.get_command(app)
    words = shlex.split(command)
    while hasattr(place, "commands") and words and not words[0].startswith("-"):
        assert words[0] in place.commands, command
        place = place.commands[words.pop(0)]
    known = {name for option in place.params for name in (*option.opts, *option.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= known, command


def test_the_commands_are_found() -> None:
    """The search above sees what people see."""
    assert {"run", "doctor", "init", "config show", "demo --as-of 2026-11-03"} <= set(commands())
    assert any(command.startswith("query") for command in commands())
    assert len(commands()) > 30
    assert set(readme_queries()) == {"evaluation.kpi_current", "core.opportunity"}
    assert len(printed_queries()) >= 3


def answered(night: Night, sql: str) -> list[dict[str, object]]:
    done = crmlift("query", sql, "--json", home=night.home)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def test_the_readme_asks_for_one_verdict_a_kpi(first_night: Night) -> None:
    found = answered(first_night, readme_queries()["evaluation.kpi_current"])
    with duckdb.connect(str(first_night.home / "analytics.duckdb"), read_only=True) as connection:
        expected = verdicts(reader(connection)).set_index("kpi_id")
    assert len(found) == len({row["kpi_id"] for row in found}) == len(expected) > 20
    for row in found:
        wanted = expected.loc[str(row["kpi_id"])]
        assert (row["rollout_id"], row["verdict"]) == (wanted["rollout_id"], wanted["verdict"])
        for name in ("effect_rel", "effect_rel_ci_low", "effect_rel_ci_high"):
            assert row[name] == pytest.approx(wanted[name], nan_ok=True) or (row[name] is None and wanted.isna()[name])


def test_the_readme_counts_deals_that_count(first_night: Night) -> None:
    found = answered(first_night, readme_queries()["core.opportunity"])
    with duckdb.connect(str(first_night.home / "analytics.duckdb"), read_only=True) as connection:
        deals = reader(connection)("core.opportunity")
    deals = deals[deals["is_countable"] & ~deals["is_deleted"]].groupby("status")
    expected = {(status, len(part), round(float(part["amount_base"].sum()), 2)) for status, part in deals}
    rows = [list(row.values()) for row in found]
    assert {(status, count, round(float(str(amount)), 2)) for status, count, amount in rows} == expected
    assert len(rows) == 3


@pytest.mark.parametrize("sql", printed_queries())
def test_a_query_that_a_command_names_next(first_night: Night, sql: str) -> None:
    """It answers with all rows of what it reads, or with as many as it says."""
    found = answered(first_night, sql)
    if match := re.fullmatch(r"select \* from (\S+)", sql):
        assert [(len(found),)] == first_night.query(f"select count(*) from {match[1]}")
    elif match := re.search(r"limit (\d+)", sql):
        assert len(found) == int(match[1])
    else:
        tables = first_night.query("select count(*) from duckdb_tables() where database_name = 'analytics'")
        views = first_night.query(
            "select count(*) from duckdb_views() where database_name = 'analytics' and not internal"
        )
        assert len(found) == int(str(tables[0][0])) + int(str(views[0][0])) > 60


def test_the_tables_the_documents_name_are_published(first_night: Night) -> None:
    published = {f"{schema}.{table}" for schema, table in first_night.query(
        "select table_schema, table_name from information_schema.tables"
    )}  # fmt: skip
    for page in (ROOT / "README.md", ROOT / "docs" / "queries.md"):
        text = page.read_text(encoding="utf-8")
        named = set(re.findall(r"`((?:core|config|metrics|evaluation|ops)\.[a-z_]+)", text))
        waiting = {table for table in named if f"Follows with `{table}`" in text}
        assert named - waiting <= published, page.name


def test_the_last_values_of_a_kpi(first_night: Night) -> None:
    """`crmlift kpi show win_rate` ends with the newest months of everybody that are known."""
    done = crmlift("kpi", "show", "win_rate", home=first_night.home)
    assert done.returncode == 0, done.stderr
    newest = first_night.query(
        "select period_start::varchar, n from metrics.kpi_value where kpi_id = 'win_rate' and period_grain = 'month' "
        "and segment_dim = 'all' and source_id = 'all' and value is not null order by period_start desc limit 1"
    )
    [(month, n)] = newest
    assert re.search(rf"{month}\s+all\s.*\s{n}\s", done.stdout)


def test_assess_as_the_documents_ask_it(tmp_path: Path) -> None:
    """Deals that grew by a half with the go-live: the README's command says so."""
    [command] = [c for c in commands() if c.startswith("assess deals.csv")]
    first, lines = date(2024, 1, 1), ["closed,amount"]
    for week in range(148):
        day = first + timedelta(weeks=week)
        rise = 1.5 if day.isoformat() >= GO_LIVE else 1.0
        lines += [
            f"{day + timedelta(days=i % 5)},{rise * (1000 + 37 * ((week * 7 + i * 11) % 13)):.2f}" for i in range(20)
        ]
    (tmp_path / "deals.csv").write_text("\n".join(lines), encoding="utf-8")
    words = [str(tmp_path / word) if word == "deals.csv" else word for word in shlex.split(command)]
    done = crmlift(*words, "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["verdict"], told["pre_end"]) == ("improved", GO_LIVE)
    assert told["effect_rel_ci_low"] < 0.5 < told["effect_rel_ci_high"]
