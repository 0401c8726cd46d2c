"""Nothing a tap says, and nothing a settings file holds, gives a secret away."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import ValidationError

from connectors.singer.failures import Redactor
from connectors.singer.settings import SingerSettings

KEY = "-----BEGIN KEY-----\nMIIBVwIBADANBg\n-----END KEY-----"


@pytest.mark.parametrize(
    "said",
    [
        KEY.splitlines()[1], json.dumps(KEY), quote(KEY, safe=""), "Authorization: Basic aGk6aHVudGVyMg",
        "cannot reach https://u:hunter2@db.example", "passphrase=hunter2", "contact jane.doe@example.com failed",
    ],
)  # fmt: skip
def test_what_a_tap_says_is_told_without(said: str) -> None:
    told = Redactor([KEY]).clean(said)
    assert "***" in told
    for secret in ("MIIBVwIBADANBg", "hunter2", "aGk6aHVudGVyMg", "jane", "END KEY"):
        assert secret not in told


@pytest.mark.parametrize(
    "given",
    [
        {"environment": {"HUBSPOT_TOKEN": "s3cret"}}, {"config": {"passphrase": "s3cret"}},
        {"config": {"dsn": "postgres://u:s3cret@host/db"}}, {"config": {"nested": [{"client_secret": "s3cret"}]}},
    ],
)  # fmt: skip
def test_a_written_secret_is_refused_and_not_repeated(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="looks like a secret") as refused:
        SingerSettings(command="tap", **given)
    assert "s3cret" not in str(refused.value)


def test_placeholders_and_ordinary_words_are_taken() -> None:
    SingerSettings(
        command="tap",
        environment={"API_TOKEN": "${API_TOKEN}", "MODE": "fast"},
        config={"url": "https://host/x", "token_count": "3"},
    )
