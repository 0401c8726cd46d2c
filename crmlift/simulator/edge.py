"""What happens to every request before and after the vendors' handlers: addresses, latency, faults, gzip, clock."""

from __future__ import annotations

import asyncio
import hashlib
import re
import zlib
from datetime import timedelta
from email.utils import format_datetime

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crmlift.simulator.fault_answers import fault_response, possible_faults
from crmlift.simulator.faults import FaultPlan, mark
from crmlift.simulator.options import ServerOptions
from crmlift.simulator.served import ServedCompany

_LONGEST_ADDRESS = 16_384
_SMALLEST_GZIP = 1_024
_GZIP_LEVEL = 1
_SPELT = {b"sforce-numberofrecords": b"Sforce-NumberOfRecords"}
"""Header names as the vendors write them, where a capital after each hyphen is not enough."""
_VENDOR_HOST = re.compile(r"^/[A-Za-z0-9.-]*\.(?:salesforce|hubapi)\.com(?=/)")


class Edge:
    """The outermost application.

    Clients that build `https://{domain}.salesforce.com/…` reach it unchanged with `domain="127.0.0.1:PORT/login"`:
    a first path segment that ends in .salesforce.com or .hubapi.com is taken away.
    """

    def __init__(self, app: ASGIApp, served: ServedCompany, options: ServerOptions, faults: FaultPlan | None) -> None:
        self.app, self.served, self.options, self.faults = app, served, options, faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self.options.latency_s:
            await asyncio.sleep(self.options.latency_s)
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > _LONGEST_ADDRESS:
            await PlainTextResponse("URI Too Long", 414)(scope, receive, send)
            return
        path = _VENDOR_HOST.sub("", scope["path"], count=1)
        scope["path"] = path.rstrip("/") or "/"
        if self.faults is not None:
            body = await _whole_body(receive)
            await self._with_faults(self.faults, scope, body, receive, send)
            return
        await self.app(scope, receive, self._with_gzip(scope, self._with_date(send)))

    async def _with_faults(self, faults: FaultPlan, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        digest = hashlib.blake2b(body, digest_size=8).hexdigest()
        key = f"{scope['method']} {scope['path']}?{scope['query_string'].decode()} {digest}"
        fault = faults.request(key, possible_faults(scope["path"]))
        mark(scope, fault)
        send = self._with_date(send, faults.skew_seconds(key))
        receive = _replay(body, receive)
        if fault in {"errors", "limits"}:
            await fault_response(scope["path"], fault, faults.choice(key, 3))(scope, receive, send)
            return
        send = self._with_gzip(scope, send)
        if fault == "drops":
            send = _dropping(send)
        await self.app(scope, receive, send)

    def _with_date(self, send: Send, skew_seconds: float = 0.0) -> Send:
        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                now = self.served.clock.now() + timedelta(seconds=skew_seconds)
                MutableHeaders(scope=message)["Date"] = format_datetime(now, usegmt=True)
                message["headers"] = [(_SPELT.get(n, n.title()), value) for n, value in message["headers"]]
            await send(message)

        return dated

    def _with_gzip(self, scope: Scope, send: Send) -> Send:
        accepts = "gzip" in Headers(scope=scope).get("accept-encoding", "")
        return _Gzip(send).send if accepts and self.options.is_gzip_honoured else send


class Dropped(Exception):
    """Raised to make the server close the connection in the middle of a body."""


def _dropping(send: Send) -> Send:
    async def drop(message: Message) -> None:
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            raise Dropped
        await send(message)

    return drop


class _Gzip:
    """Compresses one answer on its way out."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._compressor: zlib._Compress | None = None
        self._is_decided = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        if not self._is_decided and self._start and Headers(raw=self._start["headers"]).get("content-encoding"):
            self._is_decided = True  # compressed already
            await self._send(self._start)
        elif not self._is_decided:
            self._is_decided = True
            body = await self._begin(body, more)
        elif self._compressor is not None:
            body = self._compressor.compress(body) + (b"" if more else self._compressor.flush())
        if body or not more:
            await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def _begin(self, body: bytes, more: bool) -> bytes:
        assert self._start is not None
        headers = MutableHeaders(scope=self._start)
        if more or len(body) >= _SMALLEST_GZIP:
            self._compressor = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, 31)
            body = self._compressor.compress(body) + (b"" if more else self._compressor.flush())
            headers["Content-Encoding"] = "gzip"
            headers.add_vary_header("Accept-Encoding")
            del headers["Content-Length"]
            if not more:
                headers["Content-Length"] = str(len(body))
        await self._send(self._start)
        return body


async def _whole_body(receive: Receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    is_given = False

    async def again() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
