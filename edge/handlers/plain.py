"""aiohttp's responses without what aiohttp adds of its own: the origin's fields are the answer's fields.

A Date is added when there is none (RFC 9110 section 6.6.1); a Server or a Content-Type is not ours to invent.
"""

from aiohttp import web

INVENTED = ("Server", "Content-Type")


class PlainResponse(web.Response):
    """A response whose body is at hand."""

    async def _prepare_headers(self) -> None:
        invented = [name for name in INVENTED if name not in self.headers]
        await super()._prepare_headers()
        for name in invented:
            self.headers.popall(name, None)


class PlainStream(web.StreamResponse):
    """A response whose body is still to come."""

    async def _prepare_headers(self) -> None:
        invented = [name for name in INVENTED if name not in self.headers]
        await super()._prepare_headers()
        for name in invented:
            self.headers.popall(name, None)
