"""Where requests come in that need a whole HTTP parser: aiohttp's protocol, with deadlines and our own "no".

aiohttp waits for ever for the rest of a head or a body, and tells a client what its parser thinks. Here one
sweep timer for all connections ends what is late, and every refusal is a problem document. A refused
connection is half-closed and its input thrown away for a moment: a close with unread input would reset it,
and the client would not see why.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from aiohttp import HttpVersion11, StreamReader, web
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.web_protocol import RequestHandler, _ErrInfo

from edge import metrics
from edge.serving.guard import KEEPS_CONNECTION, Reason, Refusal, RequestLimits, refusal
from edge.serving.refusals import answer, parsed_chars, parser_refusal, rendered
from shared.errors import ServiceError
from shared.web import problem

log = logging.getLogger(__name__)

SWEEP_S = 0.5
LINGER_S = 1.0
"""Input is thrown away for so long after a refusal."""
READ_BYTES = 64 * 1024
"""Of a request's body, read ahead."""
P = TypeVar("P", bound="ViewerProtocol")


class ViewerProtocol(RequestHandler):
    """One connection. Knows since when a head or a body is under way, and what its client has not read."""

    __slots__ = (
        "_body",
        "_body_since_s",
        "_head_bytes",
        "_head_since_s",
        "_is_refused",
        "_limits",
        "_linger_until_s",
        "_n_answered",
        "_unread",
        "_unread_since_s",
        "_wire",
    )

    def __init__(self, server: web.Server, limits: RequestLimits, *, decompresses: bool) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]
            keepalive_timeout=limits.idle_s,
            auto_decompress=decompresses,
            lingering_time=LINGER_S,
            max_line_size=parsed_chars(limits),
            max_field_size=limits.field_bytes + (limits.field_bytes == parsed_chars(limits)),
            max_headers=2 * limits.n_fields,
            read_bufsize=READ_BYTES,
        )
        self._limits = limits
        self._wire: asyncio.Transport | None = None
        self._head_since_s = 0.0
        """0: no head is under way."""
        self._head_bytes = 0
        self._body: StreamReader | None = None
        self._body_since_s = 0.0
        self._is_refused = False
        self._linger_until_s = 0.0
        self._n_answered = 0
        self._unread = (0, 0)
        self._unread_since_s = 0.0

    def count_request(self) -> bool:
        """One more request is answered; whether it is the last on this connection."""
        self._n_answered += 1
        return self._n_answered >= self._limits.n_per_connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport: aiohttp forgets it when it closes, and what is unread may stall it then."""
        super().connection_made(transport)
        self._wire = self.transport

    def connection_lost(self, exc: BaseException | None) -> None:
        """Let go of everything."""
        super().connection_lost(exc)
        self._wire = self._body = None

    def data_received(self, data: bytes) -> None:
        """Parse, and note whether a head or a body is under way since."""
        if self._is_refused:
            return
        n_before, is_body = self._request_count, self._body is not None and not self._body.is_eof()
        super().data_received(data)
        if self._request_count != n_before:
            self._refuse_targetless(self._request_count - n_before)
            self._head_since_s, self._head_bytes = 0.0, 0
            body = self._messages[-1][1]
            self._body = None if body.is_eof() else body
            self._body_since_s = 0.0 if self._body is None else self._loop.time()
        elif data and (self._body is None or self._body.is_eof()) and not self._upgraded:
            self._body = None
            if not is_body:  # the end of a body is no head
                self._count_head(len(data))

    def _count_head(self, n_bytes: int) -> None:
        self._head_since_s = self._head_since_s or self._loop.time()
        self._head_bytes += n_bytes
        if self._head_bytes > self._limits.head_bytes + self._limits.target_chars:
            limit = self._limits.head_bytes
            self._cut(Refusal(Reason.HEAD_LENGTH, "the header fields are too long", limit, self._head_bytes))

    def _refuse_targetless(self, n_new: int) -> None:
        """`CONNECT` and nothing more passes the parser without a target, and kills aiohttp's own task."""
        for place in range(-n_new, 0):
            message, body = self._messages[place]
            if getattr(message, "path", "") is None:
                error = BadHttpMessage("a request without a target")
                self._messages[place] = (_ErrInfo(status=400, exc=error, message=""), body)

    @property
    def n_unread_bytes(self) -> int:
        """Given to the transport, and not yet taken by the client's side."""
        return 0 if self._wire is None else self._wire.get_write_buffer_size()

    def sweep(self, now_s: float) -> None:
        """End what is late. Called every SWEEP_S."""
        wire, limits, body = self._wire, self._limits, self._body
        if wire is None:
            return
        if self._linger_until_s and now_s >= self._linger_until_s:
            wire.abort()
        elif self._is_unread(wire, now_s):
            metrics.REFUSED.labels("unread").inc()
            wire.abort()
        elif self._is_refused:
            return
        elif self._head_since_s and now_s - self._head_since_s > limits.head_s:
            self._cut(Refusal(Reason.HEAD_TIME, "the head took too long", limits.head_s))
        elif body is not None and not body.is_eof():
            if self._reading_paused or self._messages:
                self._body_since_s += SWEEP_S  # it is we who do not read
            elif now_s - self._body_since_s > limits.body_s + body.total_bytes / limits.body_bytes_s:
                self._cut(Refusal(Reason.BODY_TIME, "the body came too slowly", limits.body_s))

    def _is_unread(self, wire: asyncio.Transport, now_s: float) -> bool:
        size = wire.get_write_buffer_size()
        request = self._current_request
        mark = (size, 0 if request is None else request.writer.output_size)
        if size == 0 or mark != self._unread:
            self._unread, self._unread_since_s = mark, now_s
            return False
        return now_s - self._unread_since_s > self._limits.unread_s

    def _cut(self, refused: Refusal) -> None:
        """Refuse what never became a request, or has stopped being one; a half-sent answer is only cut."""
        wire, request = self._wire, self._current_request
        if wire is None:
            return
        is_silent = not self._messages and (request is None or request.writer.output_size == 0)
        if not is_silent or wire.is_closing():
            metrics.REFUSED.labels(refused.reason).inc()
            wire.abort()
            return
        wire.write(rendered(refused))
        if request is not None:
            request._cancel(ConnectionResetError("the body came too slowly"))
        self._linger()

    def _linger(self) -> None:
        """Half-close; the sweep does the rest."""
        self._is_refused = self._force_close = True
        self._linger_until_s = self._loop.time() + LINGER_S
        if self._waiter is not None:
            self._waiter.cancel()
        if self._wire is not None and self._wire.can_write_eof() and not self._wire.is_closing():
            self._wire.write_eof()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The problem document for what the parser refused, or for a handler that failed."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is under way already")
        if self._is_refused or self._wire is None or self._wire.is_closing():
            raise ConnectionResetError("nobody is left to tell")
        if status != 400:
            log.error("request_failed", extra={"code": ServiceError.code, "path": request.path}, exc_info=exc)
            response = problem(ServiceError("unexpected"))
            response.force_close()
            return response
        self._is_refused = True
        return answer(parser_refusal(exc, self._limits))

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send it; after a refusal, keep the connection half-open for a moment."""
        done = await super().finish_response(request, resp, start_time)
        if self._is_refused and not self._linger_until_s:
            self._linger()
        return done

    def refuse_the_rest(self) -> None:
        """Take no further byte: the answer in hand is the last."""
        self._is_refused = True


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
