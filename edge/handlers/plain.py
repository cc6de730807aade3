"""aiohttp's responses without what aiohttp adds or drops: the origin's fields are the answer's, byte by byte.

A Date is added when there is none (RFC 9110 section 6.6.1); a Server or a Content-Type is not ours to invent.
Bytes that are no UTF-8 are obs-text (RFC 9110 section 5.5): they arrive as surrogates, which aiohttp drops.
"""

from typing import Any

from aiohttp import web
from aiohttp.http_writer import StreamWriter

PIECE_BYTES = 256 * 1024
"""Of a large body, given to the transport at once."""
INVENTED = ("Server", "Content-Type")


class PlainStream(web.StreamResponse):
    """A response whose body is still to come."""

    async def _prepare_headers(self) -> None:
        invented = [name for name in INVENTED if name not in self.headers]
        await super()._prepare_headers()
        for name in invented:
            self.headers.popall(name, None)

    async def _write_headers(self) -> None:
        if all(value.isascii() for value in self.headers.values()):
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
