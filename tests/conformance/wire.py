"""An origin and a client that speak HTTP byte by byte: what is on the wire is what a test sees and says."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Self

from tests.edge_cache_builders import FakeClock

Fields = list[tuple[str, str]]
NO_BODY = (204, 304)
LIMIT_S = 15.0


def _lookup(fields: Sequence[tuple[str, str]], name: str) -> list[str]:
    return [value for key, value in fields if key.lower() == name.lower()]


@dataclass(frozen=True)
class Told:
    """One answer of the origin. A Date, and where there is no coding a Content-Length, are added."""

    status: int = 200
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = b"body"
    interim: tuple[tuple[int, tuple[tuple[str, str], ...]], ...] = ()
    is_dated: bool = True
    is_cut: bool = False
    """Close the connection instead of answering."""
    gate: asyncio.Event | None = None
    """Wait for this before the head."""

    def wire(self, method: str, now_s: float) -> bytes:
        """The bytes of the answer."""
        fields = list(self.fields)
        if self.is_dated and not _lookup(fields, "Date"):
            fields.append(("Date", formatdate(now_s, usegmt=True)))
        has_framing = _lookup(fields, "Content-Length") or _lookup(fields, "Transfer-Encoding")
        if self.status not in NO_BODY and not has_framing:
            fields.append(("Content-Length", str(len(self.body))))
        heads = [_head(f"HTTP/1.1 {status} X", list(fields_)) for status, fields_ in self.interim]
        has_body = method != "HEAD" and self.status not in NO_BODY
        return b"".join([*heads, _head(f"HTTP/1.1 {self.status} X", fields), self.body if has_body else b""])


def told(control: str | None = None, *fields: tuple[str, str], status: int = 200, **more: object) -> Told:
    """An answer with this Cache-Control and these fields."""
    head = () if control is None else (("Cache-Control", control),)
    return Told(status, (*head, *fields), **more)  # type: ignore[arg-type]


def _head(first: str, fields: Fields) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Asked:
    """A request as it reached the origin."""

    method: str
    target: str
    fields: Fields
    body: bytes

    def get(self, name: str) -> str | None:
        """The field's lines, joined; None when there is none."""
        lines = _lookup(self.fields, name)
        return ", ".join(lines) if lines else None


@dataclass(frozen=True)
class Answer:
    """A response as it reached the client."""

    status: int
    fields: Fields
    body: bytes
    interim: list[tuple[int, Fields]] = field(default_factory=list)

    def get(self, name: str) -> str | None:
        """The field's lines, joined; None when there is none."""
        lines = _lookup(self.fields, name)
        return ", ".join(lines) if lines else None

    @property
    def age(self) -> int:
        """Of a stored answer."""
        return int(self.get("Age") or -1)

    @property
    def how(self) -> str:
        """Our own member of Cache-Status, without the name."""
        return (self.get("Cache-Status") or "").rpartition("headstart-edge; ")[2]


class RawOrigin:
    """Answers each path with its list of answers; the last one repeats. Not scripted: 404, not cacheable."""

    def __init__(self, clock: FakeClock) -> None:
        self.replies: dict[str, list[Told]] = {}
        self.seen: list[Asked] = []
        self.url = ""
        self._clock = clock
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.hang_up()
        await self._server.wait_closed()

    def hang_up(self) -> None:
        """Close every connection, as an origin does with idle ones."""
        for writer in list(self._open):
            writer.close()

    def n_seen(self, path: str) -> int:
        """How many requests came for a path."""
        return sum(1 for asked in self.seen if asked.target == path)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first, fields = _read_head(await reader.readuntil(b"\r\n\r\n"))
        method, target, _ = first.split(" ")
        body = await _read_body(reader, fields)
        self.seen.append(Asked(method, target, fields, body))
        script = self.replies.get(target, [Told(404, (("Cache-Control", "no-store"),))])
        reply = script.pop(0) if len(script) > 1 else script[0]
        if reply.gate is not None:
            await reply.gate.wait()
        if reply.is_cut:
            return False
        writer.write(reply.wire(method, self._clock.wall_ms() / 1000))
        await writer.drain()
        return "close" not in (_lookup(fields, "Connection") or [""])[0].lower()


async def exchange(url: str, request: bytes) -> Answer:
    """Send these bytes on a connection of their own; the first answer, whole."""
    host, port = url.removeprefix("http://").split(":")
    async with asyncio.timeout(LIMIT_S):
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(request)
            return await _read_answer(reader, is_head=request.startswith(b"HEAD "))
        finally:
            writer.close()


def rendered(method: str, path: str, fields: Fields, body: bytes, version: str = "1.1") -> bytes:
    """The bytes of a request."""
    framing = [("Content-Length", str(len(body)))] if body else []
    named = [] if _lookup(fields, "Host") else [("Host", "edge.example")]
    return _head(f"{method} {path} HTTP/{version}", [*named, *fields, *framing]) + body


async def _read_answer(reader: asyncio.StreamReader, *, is_head: bool) -> Answer:
    interim: list[tuple[int, Fields]] = []
    while True:
        first, fields = _read_head(await reader.readuntil(b"\r\n\r\n"))
        status = int(first.split(" ")[1])
        if status >= 200:
            break
        interim.append((status, fields))
    body = b"" if is_head or status in NO_BODY else await _read_body(reader, fields)
    return Answer(status, fields, body, interim)


def _read_head(data: bytes) -> tuple[str, Fields]:
    first, *lines = data.decode("utf-8", "surrogateescape").removesuffix("\r\n\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first, [(name, value.strip()) for name, _, value in pairs]


async def _read_body(reader: asyncio.StreamReader, fields: Fields) -> bytes:
    if _lookup(fields, "Transfer-Encoding"):
        parts = []
        while size := int((await reader.readuntil(b"\n")).split(b";")[0], 16):
            parts.append(await reader.readexactly(size))
            await reader.readline()
        await reader.readline()
        return b"".join(parts)
    length = _lookup(fields, "Content-Length")
    return await reader.readexactly(int(length[0])) if length else b""
