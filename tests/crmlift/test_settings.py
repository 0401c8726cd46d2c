"""`crmlift.yml`: what it may say, and the words for what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmlift.cli.setup import TEMPLATE
from crmlift.errors import ConfigurationFailure
from crmlift.settings import Places
from crmlift.settings_file import connection_secrets, load_settings, provenance, salt, source_secrets


@pytest.fixture(autouse=True)
def _empty_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRMLIFT_CONFIG", raising=False)
    monkeypatch.setenv("CRMLIFT_HOME", str(tmp_path / "home"))


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "crmlift.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_template_is_valid(tmp_path: Path) -> None:
    loaded = load_settings(written(tmp_path, TEMPLATE.read_text(encoding="utf-8")))
    assert set(loaded.settings.sources) == {"sf", "hs"}
    assert loaded.settings.rollouts[0].waves[1].learning_days == 60


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("company: {nam: x}", "company.nam: there is no such key; did you mean 'name'?"),
        ("sources: {sf: {type: salesforce, domian: x}}", "sf.domian: there is no such key; did you mean 'domain'?"),
        ("rollouts: [{id: a, waves: [{golive: 2024-01-01}]}]", "golive: there is no such key; did you mean 'go_live'?"),
        ("company: {timezone: Mars}", "'Mars' is not an IANA time zone such as Europe/Kyiv"),
        ("goals: [{id: g, rollout: x, kpi: win_rate}]", "goal 'g' names rollout 'x'; there is none"),
        ("a: [", "line 1, column 5"),
        ("- x", "must hold sections"),
        (
            "rollouts: [{id: a, waves: [{id: w, members: [T], go_live: 2026-01-01}], controls: [T]}]",
            "'T' stands in 'w' and in 'controls'",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_explained(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationFailure) as caught:
        load_settings(written(tmp_path, text))
    assert said in str(caught.value)
    assert caught.value.exit_code == 10
    assert "Next:" in str(caught.value)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationFailure, match="crmlift init"):
        load_settings(tmp_path / "nowhere.yml")


def test_secrets_come_from_the_environment_and_from_files(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("PEM\n")
    environment = {
        "CRMLIFT_SF_EU_CLIENT_ID": "a",
        "CRMLIFT_SF_EU_PRIVATE_KEY": f"@{tmp_path / 'key.pem'}",
        "OTHER": "x",
    }
    assert source_secrets("sf-eu", "salesforce", environment) == {"client_id": "a", "private_key": "PEM"}
    with pytest.raises(ConfigurationFailure, match="CRMLIFT_HS_ACCESS_TOKEN"):
        source_secrets("hs", "hubspot", {"CRMLIFT_HS_ACCESS_TOKEN": "@/nowhere"})


def test_an_airflow_connection_gives_secrets() -> None:
    assert connection_secrets("id", "secret", {}) == {"client_id": "id", "client_secret": "secret"}
    assert connection_secrets(None, "token", {}) == {"access_token": "token"}
    assert connection_secrets("id", "s", {"private_key": "k", "region": "eu"})["private_key"] == "k"


def test_provenance_tells_file_from_default_and_hides_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRMLIFT_HS_ACCESS_TOKEN", "pat-secret")
    path = written(tmp_path, "company: {name: Acme}\nsources: {hs: {type: hubspot}}")
    rows = {name: (value, origin) for name, value, origin in provenance(load_settings(path))}
    assert rows["company.name"] == ("Acme", str(path))
    assert rows["company.currency"] == ("EUR", "default")
    assert rows["sources.hs.access_token"] == ("(set)", "environment CRMLIFT_HS_ACCESS_TOKEN")
    assert "pat-secret" not in str(rows)


def test_the_salt_is_made_once_and_private(tmp_path: Path) -> None:
    places = Places(tmp_path / "home")
    first = salt(places)
    assert len(first) == 64
    assert salt(places) == first
    assert places.salt.stat().st_mode & 0o077 == 0


def test_a_goal_on_a_kpi_that_does_not_exist_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    path = tmp_path / "crmlift.yml"
    path.write_text(
        "rollouts: [{id: r, waves: [{id: w, scope: team, members: [A], go_live: 2026-01-05}]}]\n"
        "goals: [{id: g, rollout: r, kpi: win_rat, family: sales, statement: More}]\nkpis: {won_dealz: {}}\n"
    )
    with pytest.raises(ConfigurationFailure) as refused:
        load_settings(path)
    assert "did you mean 'win_rate'?" in str(refused.value)
    assert "did you mean 'won_deals'?" in str(refused.value)


def test_own_domains_are_plain_ones_and_an_empty_list_is_an_answer(tmp_path: Path) -> None:
    domains = "company: {domains: [www.Acme.com, acme.com, acme.co.uk]}"
    assert load_settings(written(tmp_path, domains)).settings.company.domains == ("acme.com", "acme.co.uk")
    assert load_settings(written(tmp_path, "company: {domains: []}")).settings.company.domains == ()
    assert load_settings(written(tmp_path, "company: {}")).settings.company.domains is None
    for wrong in ("ann@acme.com", "https://acme.com", "acme"):
        with pytest.raises(ConfigurationFailure, match=r"company\.domains"):
            load_settings(written(tmp_path, f"company: {{domains: ['{wrong}']}}"))
