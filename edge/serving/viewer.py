"""A connection whose requests need a whole HTTP parser: aiohttp's protocol, with deadlines and our own "no".

aiohttp waits for ever for the rest of a head or a body, and tells a client what its parser thinks. Here one
sweep timer for all connections ends what is late, and every refusal is a problem document. A refused
connection is half-closed and its input thrown away for a moment: a close with unread input would reset it,
and the client would not see why.
"""

import asyncio
import logging

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.http_writer import StreamWriter
from aiohttp.web_protocol import RequestHandler, _ErrInfo

from edge import metrics
from edge.serving.guard import Reason, Refusal, RequestLimits
from edge.serving.refusals import answer, parsed_chars, parser_refusal, rendered
from shared.errors import ServiceError
from shared.web import problem

log = logging.getLogger(__name__)

SWEEP_S = 0.5
LINGER_S = 1.0
"""Input is thrown away for so long after a refusal."""
READ_BYTES = 64 * 1024
"""Of a request's body, read ahead."""
END_OF_HEAD = b"\r\n\r\n"


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
        """Parse head by head: the parser forgets good requests that came at once with a bad one."""
        place = 0
        while not (self._buffer_paused or self._upgraded) and (self._body is None or self._body.is_eof()):
            end = data.find(END_OF_HEAD, place) + len(END_OF_HEAD)
            if end < len(END_OF_HEAD) or end == len(data):
                break
            self._parse(data[place:end])
            place = end
            if self._messages and isinstance(self._messages[-1][0], _ErrInfo):
                return
        self._parse(data[place:] if place else data)

    def _parse(self, data: bytes) -> None:
        """Note whether a head or a body is under way since."""
        if self._is_refused:
            return
        n_before, is_body = self._request_count, self._body is not None and not self._body.is_eof()
        super().data_received(data)
        if is_body and self._request_count != n_before and self._is_body_broken():
            self._refuse_body()
        elif self._request_count != n_before:
            self._refuse_targetless(self._request_count - n_before)
            self._head_since_s, self._head_bytes = 0.0, 0
            body = self._messages[-1][1]
            self._body = None if body.is_eof() else body
            self._body_since_s = 0.0 if self._body is None else self._loop.time()
        elif data and (self._body is None or self._body.is_eof()) and not self._upgraded:
            self._body = None
            if not is_body:  # the end of a body is no head
                self._count_head(len(data))

    def _is_body_broken(self) -> bool:
        """Whether the parser's last word is an error, and the body before it has no end."""
        is_error = isinstance(self._messages[-1][0], _ErrInfo)
        return is_error and self._body is not None and not self._body.is_eof()

    def _refuse_body(self) -> None:
        """Give the parser's error to the request whose body it is; aiohttp lets that wait for the rest."""
        error, nothing = self._messages.pop()
        body, self._body = self._body, None
        if self._messages and self._messages[-1][1] is body:
            self._messages[-1] = (error, nothing)
            return
        if body is not None:
            body.set_exception(ConnectionResetError("the body is malformed"))
        self._cut(parser_refusal(getattr(error, "exc", None), self._limits))

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
        if isinstance(request.writer, StreamWriter):  # its framing was to be another answer's
            request.writer.chunked, request.writer.length = False, None
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
        if self._linger_until_s:
            raise ConnectionResetError("the refusal was the last answer")
        done = await super().finish_response(request, resp, start_time)
        if self._is_refused and not self._linger_until_s:
            self._linger()
        return done

    def refuse_the_rest(self) -> None:
        """Take no further byte: the answer in hand is the last."""
        self._is_refused = True
