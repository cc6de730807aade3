"""One reader's place in a fill."""

from collections.abc import AsyncIterator
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from edge.upstream.pieces import Piece
from edge.upstream.wire import InformedOf
from shared.errors import Blame, ServiceError

if TYPE_CHECKING:
    from edge.fills.flight import Flight

H = TypeVar("H")


class FillFailed(ServiceError):
    """The fill's task died; a new request starts another."""

    code = "fill_failed"
    blame = Blame.UPSTREAM
    retryable = True


class Reader(Generic[H]):
    """One reader's place in a flight."""

    __slots__ = ("flight", "is_leader", "n_read")

    def __init__(self, flight: "Flight[H]", *, is_leader: bool) -> None:
        self.flight = flight
        self.is_leader = is_leader
        """The request that the fill was started for."""
        self.n_read = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flight.leave(self)

    async def head(self, tell: InformedOf | None = None) -> H:
        """The head, as soon as it is known. Raises the fill's error.

        `tell` hears of what comes before it, when the fill was started for this reader: until the head is
        known, nobody knows whether the answer is for the others too.
        """
        n_told = 0
        while True:
            if tell is not None and self.is_leader:
                for interim in self.flight.news[n_told:]:
                    tell(interim)
                n_told = len(self.flight.news)
            if self.flight.head is not None:
                return self.flight.head
            if self.flight.is_done:
                raise self.flight.error or FillFailed("the fill ended without an answer")
            await self.flight.change()

    async def again(self) -> AsyncIterator[Piece]:
        """The bytes from the first one; only of a fill that keeps them all."""
        self.n_read = 0
        async for chunk in self.chunks():
            yield chunk

    async def chunks(self) -> AsyncIterator[Piece]:
        """The bytes as they arrive. Raises the fill's error after the bytes that did arrive."""
        flight = self.flight
        while True:
            chunks = flight.chunks_from(self.n_read)
            if chunks:
                yield chunks[0] if len(chunks) == 1 else b"".join(chunks)
                self.n_read += len(chunks)
                flight.advanced()
            elif flight.is_done:
                if flight.error is not None:
                    raise flight.error
                return
            else:
                await flight.change()
