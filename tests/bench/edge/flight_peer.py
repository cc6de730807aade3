"""The two sides of the flight's bench, each a process of its own: a slow origin, and a thousand clients.

`flight_peer.py origin BODY_FILE PORT_FILE FIRST_S BODY_S` answers every GET with the file: the head after
FIRST_S, the bytes evenly over BODY_S; every line that it prints is one request.
`flight_peer.py clients BODY_FILE PORT N_CLIENTS JOIN_S` connects all, sends all requests at once, one more
JOIN_S later, compares every byte with the file, and prints one JSON object. One epoll, no library between.
"""

import asyncio
import json
import select
import socket
import sys
import time
from pathlib import Path

PIECES = 64
"""Writes that the origin makes of a body."""
TIMEOUT_S = 60.0
REQUEST = b"GET /v/one/open.mp4 HTTP/1.1\r\nHost: bench\r\n\r\n"


async def serve(body: bytes, port_file: Path, first_s: float, body_s: float) -> None:
    """Answer until killed."""
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nContent-Type: video/mp4\r\n"
        'Cache-Control: public, max-age=600\r\nETag: "bench"\r\n\r\n'
    ).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            print("request", flush=True)
            await asyncio.sleep(first_s)
            started_s, size = time.monotonic(), -(-len(body) // PIECES)
            writer.write(head)
            for number in range(PIECES):
                writer.write(body[number * size : (number + 1) * size])
                await asyncio.sleep(max(0.0, started_s + (number + 1) * body_s / PIECES - time.monotonic()))

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port_file.write_text(str(server.sockets[0].getsockname()[1]))
    await server.serve_forever()


class Asking:
    """One client: when its answer began, and how much of the body has come. Raises on a wrong byte."""

    def __init__(self, port: int, body: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setblocking(False)
        self._body = body
        self._head = b""
        self._n_body = -1
        self.sent_s = self.first_ms = self.last_ms = 0.0

    def send(self) -> None:
        self.sent_s = time.monotonic()
        self.socket.send(REQUEST)

    def read(self, buffer: memoryview) -> bool:
        """Take what is there; whether the body is complete."""
        n_bytes = self.socket.recv_into(buffer)
        if not self.first_ms:
            self.first_ms = (time.monotonic() - self.sent_s) * 1000
        data = buffer[:n_bytes]
        if not n_bytes:
            raise RuntimeError(f"cut after {self._n_body} bytes")
        if self._n_body < 0:
            self._head += bytes(data)
            head, found, rest = self._head.partition(b"\r\n\r\n")
            if not found:
                return False
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode())
            self._n_body, data = 0, memoryview(rest)
        if bytes(data) != self._body[self._n_body : self._n_body + len(data)]:  # memoryviews compare slowly
            raise RuntimeError(f"a wrong byte after {self._n_body}")
        self._n_body += len(data)
        if self._n_body == len(self._body):
            self.last_ms = (time.monotonic() - self.sent_s) * 1000
        return self._n_body == len(self._body)


def ask(body: bytes, port: int, n_clients: int, join_s: float) -> dict[str, list[float]]:
    """First and last byte of each client, and of who joined later, in milliseconds from its own request."""
    buffer = memoryview(bytearray(256 * 1024))
    clients = [Asking(port, body) for _ in range(n_clients + 1)]
    together, late = clients[:-1], clients[-1]
    epoll, by_number = select.epoll(), {one.socket.fileno(): one for one in clients}
    for number in by_number:
        epoll.register(number, select.EPOLLIN)
    time.sleep(0.5)  # the server is to have accepted all of them
    started_s = time.monotonic()
    for one in together:
        one.send()
    n_left = len(clients)
    while n_left:
        now_s = time.monotonic()
        if now_s > started_s + TIMEOUT_S:
            raise RuntimeError(f"{n_left} clients have no complete answer after {TIMEOUT_S} s")
        if not late.sent_s and now_s >= started_s + join_s:
            late.send()
        for number, _ in epoll.poll(1.0 if late.sent_s else max(0.0, started_s + join_s - now_s)):
            if by_number[number].read(buffer):
                epoll.unregister(number)
                n_left -= 1
    return {
        "first_ms": sorted(one.first_ms for one in together),
        "last_ms": sorted(one.last_ms for one in together),
        "late_ms": [late.first_ms, late.last_ms],
    }


if __name__ == "__main__":
    content = Path(sys.argv[2]).read_bytes()
    if sys.argv[1] == "origin":
        asyncio.run(serve(content, Path(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5])))
    else:
        print(json.dumps(ask(content, int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))))
