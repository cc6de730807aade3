"""Raw HTTP/1.1 over a socket: bytes as they are written, answers with their moving fields masked."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.certificates import client_context

HOST = b"Host: edge.example\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_MOVING = re.compile(rb"\r\n(Age|Date): [^\r]*", re.IGNORECASE)


def get(target: str = "/a", *fields: str) -> bytes:
    """A plain request with more header fields."""
    lines = [f"GET {target} HTTP/1.1", "Host: edge.example", *fields, "", ""]
    return "\r\n".join(lines).encode()


@dataclass(frozen=True)
class Reply:
    """One answer as it was on the wire."""

    head: bytes
    body: bytes

    @property
    def status(self) -> int:
        return int(self.head[9:12])

    @property
    def masked(self) -> tuple[bytes, bytes]:
        """Without the values of Age and Date."""
        return _MOVING.sub(rb"\r\n\1: *", self.head), self.body

    def field(self, name: str) -> str:
        """A header's value, empty when absent."""
        match = re.search(rb"\r\n" + name.encode() + rb": ([^\r]*)", self.head, re.IGNORECASE)
        return match[1].decode() if match else ""


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, data: bytes, *, is_head: bool = False) -> Reply:
        """Write, and read one answer."""
        self.writer.write(data)
        return await self.reply(is_head=is_head)

    async def reply(self, *, is_head: bool = False) -> Reply:
        """The next answer; raises IncompleteReadError when the connection ends before."""
        async with asyncio.timeout(10):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            size = 0 if is_head or length is None or head[9:12] == b"304" else int(length[1])
            return Reply(head, await self.reader.readexactly(size))

    async def rest(self) -> bytes:
        """Everything until the peer closes."""
        async with asyncio.timeout(10):
            return await self.reader.read()

    async def close(self) -> None:
        self.writer.close()


@asynccontextmanager
async def connected(
    url: str, receive_bytes: int = 0, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> AsyncIterator[Wire]:
    """A connection to `http://host:port`, `https://…` or `unix:/path`; a small receive window when told."""
    if url.startswith("unix:"):
        reader, writer = await asyncio.open_unix_connection(url.removeprefix("unix:"))
    elif receive_bytes:
        reader, writer = await _narrow(url, receive_bytes)
    else:
        parts = urlsplit(url)
        tls = client_context(version) if parts.scheme == "https" else None
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=tls, limit=2**22)
    wire = Wire(reader, writer)
    try:
        yield wire
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


async def _narrow(url: str, receive_bytes: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    import socket

    parts = urlsplit(url)
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    link.setblocking(False)
    await asyncio.get_running_loop().sock_connect(link, (parts.hostname, parts.port))
    return await asyncio.open_connection(sock=link, limit=receive_bytes)
