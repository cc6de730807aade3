"""The ordinary path: aiohttp's handler, which offers what it sent to the fast path and gives back.

A connection goes back when the handler waits for a request, has read all of the one before and has nothing
left to write: then the next bytes begin a request, and mean the same to both.
"""

import asyncio
from typing import TYPE_CHECKING

from aiohttp import HttpVersion11, web

from edge.cache.memory import Hot
from edge.handlers.crossing import OFFERED, Handed
from edge.serving.answers import Sent
from edge.serving.guard import RequestLimits
from edge.serving.headblock import judge, unread
from edge.serving.viewer import ViewerProtocol

if TYPE_CHECKING:
    from edge.serving.connections import Hub
    from edge.serving.fastpath import FastPath


NEVER_S = 10 * 365 * 86_400.0


class SlowPath(ViewerProtocol):
    """One connection's aiohttp handler."""

    __slots__ = ("_fast", "_hub", "_left", "handed", "reading")

    def __init__(
        self, fast: "FastPath", hub: "Hub", server: web.Server, limits: RequestLimits, *, decompresses: bool
    ) -> None:
        super().__init__(server, limits, decompresses=decompresses)
        self._keepalive_timeout = NEVER_S  # the hub closes who idles; aiohttp's timer knows only its own part
        self._fast = fast
        self._hub = hub
        self._left = 0
        """Bytes of the current request that are still to come."""
        self.handed: Handed | None = None
        """The fill that the request to come has joined."""
        self.reading: asyncio.Timeout | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether no complete request is in hand."""
        return self._waiter is not None and not self._waiter.done()

    @property
    def n_requests(self) -> int:
        """Requests that have arrived."""
        return int(self._request_count)

    @property
    def is_inside_request(self) -> bool:
        """Whether a request has begun to arrive, or that cannot be told."""
        return self._left != 0

    def data_received(self, data: bytes) -> None:
        transport = self.transport
        if data and self._left == 0 and transport is not None and self._is_at_rest(transport):
            transport.set_protocol(self._fast)
            self._fast.data_received(data)
        else:
            self.take(data)

    def take(self, data: bytes) -> None:
        """Bytes that are for this path."""
        if data:
            self._left = unread(self._left, data)
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._leave_fill()
        if self.reading is not None and not self.reading.expired():
            self.reading.reschedule(self._loop.time())
        if self._fast.slow is self:
            self._fast.slow = None
            self._fast.connection_lost(exc if isinstance(exc, Exception) else None)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        self._leave_fill()
        finished = await super().finish_response(request, resp, start_time)
        self._hub.log_request(request, resp)
        hot = request.pop(OFFERED, None)
        if isinstance(resp, web.Response) and not finished[1]:
            if hot is not None:
                self._offer(request, resp, hot)
            resp.body = None  # aiohttp holds the last request and response until the next one comes
        return finished

    def _leave_fill(self) -> None:
        handed, self.handed = self.handed, None
        if handed is not None:
            handed.leave()

    def _offer(self, request: web.BaseRequest, response: web.Response, hot: Hot) -> None:
        """Prepare the fast path's answer, if this request is one that it could have answered."""
        if request.method != "GET" or request.version != HttpVersion11 or not response.keep_alive:
            return
        block = b"".join(b"%b: %b\r\n" % field for field in request.raw_headers) + b"\r\n"
        span = judge(block)
        if span is not None:
            sent = Sent(response.status, response.reason, tuple(response.headers.items()))
            self._hub.table.publish(request.raw_path, span, hot, sent)

    def _is_at_rest(self, transport: asyncio.Transport) -> bool:
        is_waiting = self.is_waiting and not self._messages
        is_over = self._close or self._force_close or self._upgraded or self._is_refused
        is_open = not (is_over or transport.is_closing())
        is_flowing = not (self._paused or self._reading_paused or self._buffer_paused)
        return is_waiting and is_open and is_flowing and transport.get_write_buffer_size() == 0
