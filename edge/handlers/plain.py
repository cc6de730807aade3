"""aiohttp's responses without what aiohttp adds or drops: the origin's fields are the answer's, byte by byte.

A Date is added when there is none (RFC 9110 section 6.6.1); a Server or a Content-Type is not ours to invent.
Bytes that are no UTF-8 are obs-text (RFC 9110 section 5.5): they arrive as surrogates, which aiohttp drops.
"""

from typing import Any

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_writer import StreamWriter
from multidict import MultiMapping

PIECE_BYTES = 256 * 1024
"""Of a large body, given to the transport at once."""
INVENTED = ("Server", "Content-Type")


class PlainStream(web.StreamResponse):
    """A response whose body is still to come."""

    def wait_for_bytes(self) -> None:
        """Send the head with the first bytes: they are at hand."""
        self._send_headers_immediately = False

    async def _prepare_headers(self) -> None:
        invented = [name for name in INVENTED if name not in self.headers]
        await super()._prepare_headers()
        for name in invented:
            self.headers.popall(name, None)

    async def _write_headers(self) -> None:
        if (self.reason or "").isascii() and all(value.isascii() for value in self.headers.values()):
            await super()._write_headers()
            return
        request, writer = self._req, self._payload_writer
        assert request is not None and isinstance(writer, StreamWriter)
        version = f"{request.version[0]}.{request.version[1]}"
        first = f"HTTP/{version} {self.status} {self.reason}"
        await writer.write_headers(first, self.headers)
        lines = (first, *(f"{name}: {value}" for name, value in self.headers.items()), "\r\n")
        writer._headers_buf = "\r\n".join(lines).encode("utf-8", "surrogateescape")
        if self._send_headers_immediately:
            writer.send_headers()


class RenderedStream(PlainStream):
    """A stream to a connection that stays open, whose head was rendered before: the same for many readers."""

    def __init__(self, head: bytes, n_bytes: int) -> None:
        super().__init__(headers={"Content-Length": str(n_bytes)})
        self._head = head
        self._n_bytes = n_bytes

    async def _start(self, request: web.BaseRequest) -> AbstractStreamWriter:
        writer = request._payload_writer
        assert isinstance(writer, StreamWriter)
        self._req, self._payload_writer, self._keep_alive = request, writer, True
        writer.length = self._n_bytes
        writer._headers_buf, writer._headers_written = self._head, False
        return writer


def may_be_rendered(request: web.BaseRequest, headers: MultiMapping[str]) -> bool:
    """Whether the head of an answer needs nothing of this request: RenderedStream may send it."""
    return (
        request.method == "GET"
        and request.version == HttpVersion11
        and request.keep_alive is True
        and ("Date" in headers and "Content-Length" in headers)
    )


def rendered(status: int, reason: str, headers: MultiMapping[str]) -> bytes:
    """The head of an answer over HTTP/1.1."""
    lines = (f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers.items()), "\r\n")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")


class PlainResponse(web.Response, PlainStream):
    """A response whose body is at hand."""


class BufferResponse(PlainResponse):
    """A response whose body is a buffer that others hold, too. It is not copied, and a slow reader has one
    piece of it in its transport's buffer, never the whole."""

    def __init__(self, buffer: bytes | memoryview, **told: Any) -> None:
        super().__init__(**told)
        self._body = memoryview(buffer)  # type: ignore[assignment] # aiohttp would make a payload of it

    async def write_eof(self, data: bytes = b"") -> None:
        """Send the body, or the rest of the answer when there is none."""
        body: Any = self._body
        if self._eof_sent or body is None or self._must_be_empty_body or len(body) <= PIECE_BYTES:
            await super().write_eof(data)
            return
        for start in range(0, len(body), PIECE_BYTES):
            await self.write(body[start : start + PIECE_BYTES])
        await web.StreamResponse.write_eof(self)
