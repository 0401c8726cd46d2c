"""An https proxy that leads every CONNECT to the simulator: clients with the vendor's address built in come unchanged."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def detour(port: int) -> Iterator[str]:
    """The address to give clients as HTTPS_PROXY; whatever host they ask for, they reach 127.0.0.1:port."""
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_accept, args=(listener, port), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def _accept(listener: socket.socket, port: int) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return  # closed: the detour is over
        threading.Thread(target=_lead, args=(client, port), daemon=True).start()


def _lead(client: socket.socket, port: int) -> None:
    with client, socket.create_connection(("127.0.0.1", port)) as simulator:
        asked = b""
        while b"\r\n\r\n" not in asked:
            more = client.recv(4096)
            if not more:
                return
            asked += more
        assert asked.startswith(b"CONNECT "), "only https is led on"
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        back = threading.Thread(target=_pump, args=(simulator, client), daemon=True)
        back.start()
        _pump(client, simulator)
        back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
