"""Streamed bodies come out whole, or with an error that is worth a retry."""

from __future__ import annotations

import gzip
from io import BytesIO

import pytest
import requests
from urllib3 import HTTPResponse

from connectors.http_body import unpacked

TEXT = b"".join(b'"%d","some text"\n' % number for number in range(5_000))


def answer(body: bytes, encoding: str = "gzip") -> requests.Response:
    response = requests.Response()
    response.raw = HTTPResponse(BytesIO(body), preload_content=False, headers={"Content-Encoding": encoding})
    response.headers["Content-Encoding"] = encoding
    return response


@pytest.mark.parametrize("chunk_bytes", [1, 7, 1_000, 1 << 20])
def test_gzip_members_one_after_the_other(chunk_bytes: int) -> None:
    body = gzip.compress(TEXT[:100]) + gzip.compress(b"") + gzip.compress(TEXT[100:])
    assert b"".join(unpacked(answer(body), chunk_bytes)) == TEXT


@pytest.mark.parametrize(("body", "encoding"), [(TEXT, "identity"), (TEXT, ""), (b"", "gzip")])
def test_bodies_without_gzip_and_empty_ones(body: bytes, encoding: str) -> None:
    assert b"".join(unpacked(answer(body, encoding), 1_000)) == body


@pytest.mark.parametrize("body", [gzip.compress(TEXT)[:-20], b"no gzip at all", gzip.compress(TEXT)[:-8] + b"\0" * 8])
def test_a_damaged_body_is_refused(body: bytes) -> None:
    with pytest.raises(requests.exceptions.ContentDecodingError):
        list(unpacked(answer(body), 1_000))
