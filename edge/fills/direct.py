"""A fill that the connection to the origin leads itself: called at the head and at each arrival, no task.

Only what goes as it should stays here: a 200 of known length that may be stored. For anything else, and when
something breaks, a task goes on from where the fill is.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp.client_exceptions import ClientConnectionError

from edge.cache.freshness import Storable
from edge.fills.flight import Flight
from edge.fills.turn import COPY, END, PASS_ON
from edge.fills.want import Arrived, Fetched, Head, Moment, Want
from edge.upstream.exchange import Fetcher, OriginRequest, OriginResponse
from edge.upstream.link import Content, Message
from edge.upstream.links import Begun, NotHttp
from edge.upstream.pieces import Piece
from edge.upstream.straight import StraightBody
from edge.upstream.wire import SWITCHING

if TYPE_CHECKING:
    from edge.fills.fill import Fills

Step = Callable[[], Awaitable[object]]
"""What a task that takes over does first."""


class Direct:
    """One such fill. Invariant: it is the flight's until it lands, leads or is stopped."""

    __slots__ = (
        "_body",
        "_fills",
        "_flight",
        "_head",
        "_is_waiting",
        "_message",
        "_sent",
        "_upstream",
        "_want",
        "begun",
    )

    def __init__(self, fills: "Fills", upstream: Fetcher, flight: Flight[Head], want: Want) -> None:
        self._fills = fills
        self._upstream = upstream
        self._flight = flight
        self._want = want
        self._message: Message | None = None
        self._body: StraightBody | None = None
        """On its way."""
        self._head: Fetched | None = None
        """What the readers were told."""
        self._is_waiting = False
        """For its turn: what arrives until then is one piece."""
        asked = OriginRequest("GET", want.primary, want.headers, informed=flight.inform)
        self.begun: Begun | None = upstream.begin(asked, self)
        """The request on its way; None: this cannot lead."""
        self._sent: Moment | None = None if self.begun is None else fills.now()

    def on_head(self, message: Message, content: Content) -> None:
        """The origin answers. What follows at once is written together with the head."""
        if message.code == 200 and isinstance(content, StraightBody):
            self._message, self._body = message, content
            content.on_change = self._on_change
            if self._flight.has_socket and self.begun is not None:
                content.pipes = self.begun.link.pipes
            self._on_change()
            return
        if message.code == SWITCHING:
            self.on_failure(NotHttp("another protocol, for which nobody has asked"))
            return
        arrived, fills, flight = self._arrived(message, content), self._fills, self._flight
        self._lead(lambda: _received(arrived.response, fills.stream(flight, arrived)))

    def _arrived(self, message: Message, content: Content) -> Arrived:
        assert self.begun is not None and self._sent is not None
        response = self._upstream.response(self.begun.answer(message, content))
        return self._fills.arrived(self._want, response, self._sent)

    def on_failure(self, error: BaseException) -> None:
        """No head comes. A connection that the origin closed while it rested is replaced."""
        assert self.begun is not None
        self.begun.drop()
        if isinstance(error, ClientConnectionError | OSError) and not isinstance(error, TimeoutError):
            self._lead(None)
            return
        told = self._upstream.error_of(error)

        async def tell() -> None:
            raise told

        self._lead(tell)

    def stop(self) -> None:
        """Bring nothing more, and tell nobody."""
        self._let_go()
        if self._head is not None:
            self._head.response.let_go()
        elif self.begun is not None:
            self.begun.drop()

    def _let_go(self) -> None:
        """What arrives from now on is another's."""
        body, self._body = self._body, None
        if body is not None:
            body.on_change = None
            body.unpipe()
            self._flight.settle()
            if self._head is not None:
                self._fills.reserve(-body.n_bytes)

    def _lead(self, first: Step | None) -> None:
        assert self._sent is not None
        self._fills.lead(self._flight, self._want, self._sent, first)

    def _on_change(self) -> None:
        if not self._is_waiting:
            self._is_waiting = True
            self._fills.turn.add(PASS_ON, self._pass_on)

    def _pass_on(self) -> None:
        """Give the readers what has arrived."""
        self._is_waiting = False
        body = self._body
        if body is None:
            return
        piece = body.piece()
        if body.piped is not None:
            self._flight.settle()
            self._flight.piped, body.piped = body.piped, None
            self._fills.turn.add(COPY, self._flight.settle)
        if self._head is None:
            self._open(body, piece)
        elif body.is_complete:
            self._flight.complete(piece)
        elif piece:
            self._flight.add(piece)
        if piece:
            self._fills.on_live_bytes(len(piece))
        if body.is_complete or body.error is not None:
            self._fills.turn.add(END, self._end)

    def _open(self, body: StraightBody, piece: Piece) -> None:
        fills, flight, head = self._fills, self._flight, None
        assert self._message is not None  # it came with the body
        arrived = self._arrived(self._message, body)
        try:
            head = fills.begin(flight, arrived, piece, is_whole=body.is_complete)
        finally:
            if head is None:  # whatever went wrong, the readers are not to wait for ever
                self.stop()
                self._lead(None)
        if head.verdict is Storable.YES:
            self._head = head
            fills.reserve(body.n_bytes)
            return
        self._let_go()
        response, want = arrived.response, self._want
        self._lead(lambda: _received(response, fills.store_streamed(flight, want, head, response)))

    def _end(self) -> None:
        """The readers have all before the object is stored; whoever comes between joins the flight."""
        fills, flight, want, head, body = self._fills, self._flight, self._want, self._head, self._body
        if body is None or head is None:
            return
        self.stop()
        if body.is_complete:
            fills.store(head, body.whole())
            fills.land(flight)
        elif body.error is not None:
            broke = head.response.broken_by(body.error)
            self._lead(lambda: fills.store_streamed(flight, want, head, None, broke))


async def _received(response: OriginResponse, receiving: Awaitable[None]) -> None:
    """Receive an answer that a connection had begun, and let it go."""
    try:
        await receiving
    finally:
        response.let_go()
