"""Where requests come in that need a whole HTTP parser: what is asked of all, and how many may be in hand."""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from aiohttp import HttpVersion11, web

from edge.serving.guard import KEEPS_CONNECTION, Reason, Refusal, RequestLimits, is_of_server, refusal
from edge.serving.refusals import SERVER, answer
from edge.serving.viewer import SWEEP_S, ViewerProtocol

log = logging.getLogger(__name__)

P = TypeVar("P", bound=ViewerProtocol)


class Doorway:
    """Makes the protocols of a listener, checks their requests, and sweeps. Calling it is the factory."""

    def __init__(self, server: web.Server, limits: RequestLimits, *, decompresses: bool = False) -> None:
        self._server = server
        self._limits = self.limits = limits
        self._decompresses = decompresses
        self._handler = server.request_handler
        self._timer: asyncio.TimerHandle | None = None
        self._n_answered_bytes = 0
        """Since the buffers were added up last, and what was in them then."""
        self.n_running = 0
        """Requests in hand."""
        self.says_goodbye = False
        """Every answer is the last on its connection."""
        server.request_handler = self._handle

    def __call__(self) -> ViewerProtocol:
        """A protocol for a new connection."""
        return self.made(ViewerProtocol)

    def made(self, kind: Callable[..., P]) -> P:
        """A protocol of this kind, swept like all others."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)
        return kind(self._server, self._limits, decompresses=self._decompresses)

    def enter(self) -> bool:
        """Whether one more request may be answered that comes not through here; then `leave`."""
        if self.says_goodbye or self._overload() is not None:
            return False
        self.n_running += 1
        return True

    def leave(self) -> None:
        """It is answered, or nobody waits for it any more."""
        self.n_running -= 1

    def close(self) -> None:
        """End the sweep."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        connections = self._connections()
        for connection in connections:
            connection.sweep(now_s)
        self._timer = loop.call_later(SWEEP_S, self._sweep) if connections else None

    def _overload(self) -> Refusal | None:
        """What is over its limit here. The buffers are added up anew only when what was answered since the
        last time could have filled them."""
        limits = self._limits
        if self.n_running >= limits.n_at_once:
            return Refusal(Reason.BUSY, "too many requests at once", limits.n_at_once, self.n_running)
        if self._n_answered_bytes > limits.unread_bytes:
            n_unread = sum(connection.n_unread_bytes for connection in self._connections())
            if n_unread > limits.unread_bytes:
                return Refusal(Reason.UNREAD, "answers wait to be read", limits.unread_bytes, n_unread)
            self._n_answered_bytes = n_unread
        return None

    def _connections(self) -> list[ViewerProtocol]:
        return [one for one in self._server.connections if isinstance(one, ViewerProtocol)]

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        refused = refusal(request, self._limits)
        refused = refused or self._overload()
        protocol = request.protocol
        if refused is not None:
            if refused.reason is Reason.VERSION:
                request._cache["version"] = HttpVersion11  # which the answer repeats
            response: web.StreamResponse = answer(refused)
            if refused.reason not in KEEPS_CONNECTION and isinstance(protocol, ViewerProtocol):
                protocol.refuse_the_rest()
            return response
        if is_of_server(request):
            return web.Response(status=204, headers={"Server": SERVER})
        self.n_running += 1
        try:
            response = await self._handler(request)
        finally:
            self.n_running -= 1
        self._n_answered_bytes += max(response.content_length or 0, response.body_length)
        is_last = isinstance(protocol, ViewerProtocol) and protocol.count_request()
        if is_last or self.says_goodbye or "Upgrade" in request.headers:
            response.force_close()
        return response
