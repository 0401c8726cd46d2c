"""Answers of both vendors' interfaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import Response


def encode(data: Any) -> bytes:
    """JSON bytes."""
    return msgspec.json.encode(data)


def json_response(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(encode(data), status, dict(headers or {}), media_type="application/json")


def raw_json_response(body: bytes, status: int = 200) -> Response:
    """A JSON answer whose bytes are ready."""
    return Response(body, status, media_type="application/json")


async def json_body(request: Request) -> Any:
    """The request's JSON; raises ValueError when it is not JSON."""
    body = await request.body()
    try:
        return msgspec.json.decode(body) if body else {}
    except msgspec.DecodeError as cause:
        raise ValueError(str(cause)) from cause


async def form_fields(request: Request) -> dict[str, str]:
    """Fields of an urlencoded body, and of the query string beneath them."""
    body = (await request.body()).decode("utf-8", "replace")
    return dict(request.query_params) | dict(parse_qsl(body, keep_blank_values=True))


def base_url(request: Request) -> str:
    """Scheme, host and port the client used."""
    return f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"
