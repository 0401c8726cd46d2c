"""A road from the vendor's names to the simulator, for clients that know no other address.

An https proxy on the loopback address: CONNECT to any host of Salesforce ends at the simulator, every other host is
refused. Clients need nothing but `https_proxy` and the simulator's certificate in their environment.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

VENDOR_HOSTS = ("login.salesforce.com", "test.salesforce.com")
_CHUNK = 1 << 16


@contextmanager
def road_to(port: int) -> Iterator[str]:
    """The address of a proxy that leads to the simulator on this port."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        threading.Thread(target=_accept, args=(listening, port), daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def _accept(listening: socket.socket, port: int) -> None:
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return  # closed: the tests are over
        threading.Thread(target=_connect, args=(client, port), daemon=True).start()


def _connect(client: socket.socket, port: int) -> None:
    with client:
        asked = b""
        while b"\r\n\r\n" not in asked:
            chunk = client.recv(_CHUNK)
            if not chunk:
                return
            asked += chunk
        method, target = asked.split(b" ", 2)[:2]
        if method != b"CONNECT" or not target.partition(b":")[0].endswith(b".salesforce.com"):
            client.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", port)) as server:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while chunk := source.recv(_CHUNK):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return  # either side hung up
