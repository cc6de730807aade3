"""A fill that the connection to the origin leads itself: called at the head and at each arrival, no task.

Only what goes as it should stays here: a 200 of known length that may be stored. For anything else, and when
something breaks, a task goes on from where the fill is.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp.client_exceptions import ClientConnectionError

from edge.cache.freshness import Storable
from edge.exchange import Fetcher, OriginRequest, OriginResponse
from edge.flight import Flight
from edge.links import Begun
from edge.pieces import Piece
from edge.straight import Content, Message, StraightBody
from edge.turn import END, PASS_ON
from edge.want import Arrived, Fetched, Head, Moment, Want

if TYPE_CHECKING:
    from edge.fill import Fills

Step = Callable[[], Awaitable[object]]
"""What a task that takes over does first."""


@dataclass(slots=True)
class _Receiving:
    """A body on its way."""

    arrived: Arrived
    body: StraightBody
    head: Fetched | None = None
    """What the readers were told."""


class Direct:
    """One such fill. Invariant: it is the flight's until it lands, leads or is stopped."""

    __slots__ = (
        "_begun",
        "_fills",
        "_flight",
        "_is_waiting",
        "_receiving",
        "_sent",
        "_told",
        "_upstream",
        "_want",
    )

    def __init__(self, fills: "Fills", upstream: Fetcher, flight: Flight[Head], want: Want) -> None:
        self._fills = fills
        self._upstream = upstream
        self._flight = flight
        self._want = want
        self._told: tuple[Message, StraightBody] | None = None
        """A head that came in this turn."""
        self._receiving: _Receiving | None = None
        self._is_waiting = False
        """For its turn: what arrives until then is one piece."""
        asked = OriginRequest("GET", want.primary, want.headers, informed=flight.inform)
        self._begun: Begun | None = upstream.begin(asked, self)
        self._sent: Moment | None = None if self._begun is None else fills.now()

    @property
    def is_begun(self) -> bool:
        """Whether the request is on its way."""
        return self._begun is not None

    def on_head(self, message: Message, content: Content) -> None:
        """The origin answers. What follows at once is written together with the head."""
        if message.code == 200 and isinstance(content, StraightBody):
            self._told = message, content
            content.on_change = self._on_change
            self._on_change()
            return
        arrived, fills, flight = self._arrived(message, content), self._fills, self._flight
        self._lead(lambda: _received(arrived.response, fills.stream(flight, arrived)))

    def _arrived(self, message: Message, content: Content) -> Arrived:
        assert self._begun is not None and self._sent is not None
        response = self._upstream.response(self._begun.answer(message, content))
        return self._fills.arrived(self._want, response, self._sent)

    def on_failure(self, error: BaseException) -> None:
        """No head comes. A connection that the origin closed while it rested is replaced."""
        assert self._begun is not None
        self._begun.drop()
        if isinstance(error, ClientConnectionError | OSError) and not isinstance(error, TimeoutError):
            self._lead(None)
            return
        told = self._upstream.error_of(error)

        async def tell() -> None:
            raise told

        self._lead(tell)

    def stop(self) -> None:
        """Bring nothing more, and tell nobody."""
        receiving = self._let_go()
        if receiving is not None:
            receiving.arrived.response.let_go()
        elif self._begun is not None:
            self._begun.drop()
            if self._told is not None:
                self._told[1].on_change = None
                self._told = None

    def _let_go(self) -> _Receiving | None:
        receiving, self._receiving = self._receiving, None
        if receiving is not None:
            receiving.body.on_change = None
            if receiving.head is not None:
                self._fills.reserve(-receiving.body.n_bytes)
        return receiving

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
        if self._told is not None:
            (message, body), self._told = self._told, None
            self._receiving = _Receiving(self._arrived(message, body), body)
        receiving = self._receiving
        if receiving is None:
            return
        body = receiving.body
        piece = body.piece()
        if receiving.head is None:
            self._open(receiving, piece)
        elif body.is_complete:
            self._flight.complete(piece)
        elif piece:
            self._flight.add(piece)
        if piece:
            self._fills.on_live_bytes(len(piece))
        if body.is_complete or body.error is not None:
            self._fills.turn.add(END, self._end)

    def _open(self, receiving: _Receiving, piece: Piece) -> None:
        fills, flight, arrived = self._fills, self._flight, receiving.arrived
        head = None
        try:
            head = fills.begin(flight, arrived, piece, is_whole=receiving.body.is_complete)
        finally:
            if head is None:  # whatever went wrong, the readers are not to wait for ever
                self.stop()
                self._lead(None)
        if head.verdict is Storable.YES:
            receiving.head = head
            fills.reserve(receiving.body.n_bytes)
            return
        self._let_go()
        response, want = arrived.response, self._want
        self._lead(lambda: _received(response, fills.store_streamed(flight, want, head, response)))

    def _end(self) -> None:
        """The readers have all before the object is stored; whoever comes between joins the flight."""
        receiving = self._receiving
        if receiving is None or receiving.head is None:
            return
        fills, flight, want, head, body = (
            self._fills,
            self._flight,
            self._want,
            receiving.head,
            receiving.body,
        )
        self.stop()
        if body.is_complete:
            fills.store(head, body.whole())
            fills.land(flight)
        elif body.error is not None:
            broke = receiving.arrived.response.broken_by(body.error)
            self._lead(lambda: fills.store_streamed(flight, want, head, None, broke))


async def _received(response: OriginResponse, receiving: Awaitable[None]) -> None:
    """Receive an answer that a connection had begun, and let it go."""
    try:
        await receiving
    finally:
        response.let_go()
