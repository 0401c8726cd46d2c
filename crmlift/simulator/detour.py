"""A road from the vendors' names to the simulator, for clients that know no other address.

An https proxy on the loopback address: CONNECT to a vendor's host ends at the simulator, every other host is refused.
Clients need nothing but `https_proxy` and the simulator's certificate in their environment.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

VENDOR_DOMAINS = (".salesforce.com", ".hubapi.com", ".pipedrive.com")
_CHUNK_BYTES = 1 << 16


@contextmanager
def detour(port: int) -> Iterator[str]:
    """The address of a proxy (for HTTPS_PROXY) that leads the vendors' hosts to the simulator on this port."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        threading.Thread(target=_accept, args=(listening, port), daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def _accept(listening: socket.socket, port: int) -> None:
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return  # closed: the detour is over
        threading.Thread(target=_lead, args=(client, port), daemon=True).start()


def _lead(client: socket.socket, port: int) -> None:
    with client:
        asked = b""
        while b"\r\n\r\n" not in asked:
            chunk = client.recv(_CHUNK_BYTES)
            if not chunk:
                return
            asked += chunk
        method, target = asked.split(b" ", 2)[:2]
        if method != b"CONNECT" or not target.decode().partition(":")[0].endswith(VENDOR_DOMAINS):
            client.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", port)) as simulator:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pump, args=(simulator, client), daemon=True)
            back.start()
            _pump(client, simulator)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):  # either side hung up
        while chunk := source.recv(_CHUNK_BYTES):
            target.sendall(chunk)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
