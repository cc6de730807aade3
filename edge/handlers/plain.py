"""aiohttp's responses without what aiohttp adds or drops: the origin's fields are the answer's, byte by byte.

A Date is added when there is none (RFC 9110 section 6.6.1); a Server or a Content-Type is not ours to invent.
Bytes that are no UTF-8 are obs-text (RFC 9110 section 5.5): they arrive as surrogates, which aiohttp drops.
"""

from aiohttp import web
from aiohttp.http_writer import StreamWriter

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
