"""A listener of the TLS transport under test, protocols that note what they are told, and clients of it."""

import asyncio
import random
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from edge.tls.acceptor import TlsAcceptor, server_context
from edge.tls.transport import TlsTransport
from shared import metrics
from tests.certificates import client_context, self_signed
from tests.waiting import eventually

BODY = random.Random(5).randbytes(3_000_000)


class Heard(asyncio.Protocol):
    """Notes what a transport tells it; `answer` may speak."""

    def __init__(self, answer: Callable[["Heard", bytes], None] | None = None) -> None:
        self.answer = answer
        self.data = bytearray()
        self.n_pauses = self.n_resumes = 0
        self.is_eof = self.keeps_open = self.is_lost = False
        self.exc: Exception | None = None
        self.wire: TlsTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, TlsTransport)
        self.wire = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        if self.answer is not None:
            self.answer(self, data)

    def eof_received(self) -> bool:
        self.is_eof = True
        return self.keeps_open

    def pause_writing(self) -> None:
        self.n_pauses += 1

    def resume_writing(self) -> None:
        self.n_resumes += 1

    def connection_lost(self, exc: Exception | None) -> None:
        assert not self.is_lost
        self.is_lost, self.exc = True, exc


class Place:
    """An acceptor, and the protocols that it has made."""

    def __init__(self, answer: Callable[[Heard, bytes], None] | None) -> None:
        self.made: list[Heard] = []
        link = socket.create_server(("127.0.0.1", 0))
        link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        self.port = link.getsockname()[1]
        self.acceptor = TlsAcceptor(link, server_context(*self_signed()), lambda: self._make(answer))

    def _make(self, answer: Callable[[Heard, bytes], None] | None) -> Heard:
        self.made.append(Heard(answer))
        return self.made[-1]


@asynccontextmanager
async def listening(answer: Callable[[Heard, bytes], None] | None = None) -> AsyncIterator[Place]:
    place = Place(answer)
    try:
        yield place
    finally:
        place.acceptor.close()
        for one in place.made:
            one.wire.abort()
        await eventually(lambda: all(one.is_lost for one in place.made))


@asynccontextmanager
async def client(
    place: Place, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, limit: int = 2**22, **more: Any
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", place.port, ssl=client_context(version), limit=limit, **more
    )
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


def echo(heard: Heard, data: bytes) -> None:
    heard.wire.write(data)


def body(heard: Heard, _: bytes) -> None:
    heard.wire.writelines((b"head", memoryview(BODY)))


def failed() -> float:
    return metrics.REGISTRY.get_sample_value("edge_tls_handshakes_total", {"result": "failed"}) or 0.0


def talk(port: int, steps: Callable[[ssl.SSLSocket], bytes]) -> "asyncio.Future[bytes]":
    """A blocking client, in a thread."""

    def run() -> bytes:
        plain = socket.create_connection(("127.0.0.1", port))
        with client_context().wrap_socket(plain, suppress_ragged_eofs=False) as link:
            link.settimeout(20)
            return steps(link)

    return asyncio.get_running_loop().run_in_executor(None, run)


def all_of(link: ssl.SSLSocket) -> bytes:
    return b"".join(iter(lambda: link.recv(1 << 16), b""))
