"""Server-sent events: a queue changed, a video was withdrawn."""

import asyncio

import msgspec
from aiohttp import web

from edge.feed.feed import Feed
from edge.feed.notices import Inbox, Notices
from edge.handlers.access import Access
from shared.clock import Clock

BEAT_S = 15.0
"""A comment this often, so that nobody on the way takes the line for dead."""
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "Access-Control-Allow-Origin": "*",
}


class StreamHandler:
    """`/v1/stream`. A stream ends with its player, or when the edge stops."""

    def __init__(self, feed: Feed, notices: Notices, access: Access, clock: Clock) -> None:
        self._feed = feed
        self._notices = notices
        self._access = access
        self._clock = clock
        self._stopping = asyncio.Event()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Tell one player until it leaves."""
        claim = self._access.claim(request.headers, request.query, self._clock.wall_ms() / 1000)
        with self._notices.listen(claim.session_id) as inbox:
            response = web.StreamResponse(headers=HEADERS)
            await response.prepare(request)
            await response.write(b"retry: 1000\n\n")
            ended = asyncio.create_task(self._stopping.wait())
            try:
                while not ended.done():
                    await response.write(await self._next(inbox, ended))
                    self._feed.find(*claim)  # who listens is not idle
            finally:
                ended.cancel()
        return response

    async def stop(self) -> None:
        """End all streams, so that the server can stop."""
        self._stopping.set()

    async def _next(self, inbox: Inbox, ended: asyncio.Task[bool]) -> bytes:
        waiting = asyncio.create_task(inbox.get())
        try:
            await asyncio.wait({waiting, ended}, timeout=BEAT_S, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                return b": still here\n\n"
            notice = waiting.result()
            return b"event: %s\ndata: %s\n\n" % (notice.event.encode(), msgspec.json.encode(notice.data))
        finally:
            waiting.cancel()
