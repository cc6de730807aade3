"""A load generator: `load.py HOST PORT PATH CONNECTIONS SECONDS` prints one line of JSON.

Raw sockets on one epoll, one request at a time on each connection, reads of a megabyte, so that it costs far
less than what it measures. Each answer must be a 200 with as many bytes as it announces.
"""

import json
import re
import select
import socket
import sys
import time
from dataclasses import dataclass, field

READ_BYTES = 1024 * 1024
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass
class Connection:
    """One socket and how much of its answer is still to come."""

    link: socket.socket
    sent_s: float = 0.0
    left: int = 0
    head: bytearray = field(default_factory=bytearray)


class Generator:
    """Drives the connections until the time is over."""

    def __init__(self, host: str, port: int, path: str, n_connections: int) -> None:
        self._request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._poll = select.epoll()
        self._connections = {}
        self._latencies_s: list[float] = []
        self._n_bytes = 0
        for _ in range(n_connections):
            link = socket.create_connection((host, port), timeout=5)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link.setblocking(False)
            self._connections[link.fileno()] = Connection(link)
            self._poll.register(link, select.EPOLLIN)

    def run(self, seconds: float) -> dict[str, float]:
        """Ask for so long; requests under way at the end are not counted."""
        began = time.perf_counter()
        for connection in self._connections.values():
            self._ask(connection)
        while (now := time.perf_counter()) - began < seconds:
            for number, _ in self._poll.poll(0.1):
                self._read(self._connections[number])
        return self._figures(now - began)

    def _figures(self, took_s: float) -> dict[str, float]:
        ordered = sorted(self._latencies_s)
        return {
            "requests": len(ordered),
            "seconds": took_s,
            "bytes": self._n_bytes,
            "p50_ms": ordered[len(ordered) // 2] * 1000 if ordered else 0.0,
            "p99_ms": ordered[len(ordered) * 99 // 100] * 1000 if ordered else 0.0,
        }

    def _ask(self, connection: Connection) -> None:
        connection.sent_s = time.perf_counter()
        connection.link.send(self._request)

    def _read(self, connection: Connection) -> None:
        try:
            n_read = connection.link.recv_into(self._buffer)
        except BlockingIOError:
            return
        if n_read == 0:
            sys.exit("the server closed a connection")
        self._n_bytes += n_read
        if connection.left == 0:
            connection.head += self._buffer[:n_read]
            end = connection.head.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(connection.head)
            if not connection.head.startswith(b"HTTP/1.1 200 ") or length is None:
                sys.exit(f"not a 200 with a length: {bytes(connection.head[:200])!r}")
            connection.left = int(length[1]) - (len(connection.head) - end - 4)
            connection.head.clear()
        else:
            connection.left -= n_read
        if connection.left == 0:
            self._latencies_s.append(time.perf_counter() - connection.sent_s)
            self._ask(connection)


if __name__ == "__main__":
    host, port, path, n_connections, seconds = sys.argv[1:]
    generator = Generator(host, int(port), path, int(n_connections))
    print(json.dumps(generator.run(float(seconds))))
