"""One fill per key, streamed: every reader gets the bytes as they arrive, late joiners what is there at once.

The fill runs in its own task, so no reader's cancel ends it. It ends early only when nobody reads it and its
bytes are not being kept. A fill that fails errors every reader after the bytes that did arrive; one whose
task dies is begun again by another leader, which goes on where it stopped when it can.

The order in which a fill ends, and why:
1. the object is stored (by the fill), 2. the flight leaves the table, 3. readers see the end. A request
between 1 and 2 joins a complete flight, one after 2 finds the object: never a second request to the origin.

Waking a reader costs more than its bytes do. So chunks that arrive while many readers wait are put together
for a moment that grows with their number, at most MAX_PAUSE_S; a single reader gets every chunk at once.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from types import TracebackType
from typing import Generic, Self, TypeVar

from edge.pieces import Piece, whole
from edge.wire import InformedOf, Interim
from shared.errors import Blame, ServiceError

log = logging.getLogger(__name__)
H = TypeVar("H")

WINDOW_BYTES = 256 * 1024
"""Read ahead of the slowest reader when the bytes are not kept; also the most that is given at once."""
PAUSE_PER_READER_S = 100e-6
"""A few times what it costs to wake one reader and write for it."""
MAX_PAUSE_S = 0.1
WAKE_BATCH = 64
"""Readers woken in one turn of the loop."""
N_LEADERS = 3
"""Tasks that may try one fill, the first included."""


def _nothing() -> None:
    pass


class FillFailed(ServiceError):
    """The fill's task died; a new request starts another."""

    code = "fill_failed"
    blame = Blame.UPSTREAM
    retryable = True


class Abandoned(ServiceError):
    """Nobody reads a fill that is not kept: it stops. No reader ever sees this."""

    code = "fill_abandoned"


class Flight(Generic[H]):
    """One fill: its head, the bytes so far, its end, and who reads it."""

    def __init__(self, unlist: Callable[[], None]) -> None:
        self.head: H | None = None
        self.error: ServiceError | None = None
        self.is_done = False
        self.news: list[Interim] = []
        """Interim answers, in the order in which they came; only before the head."""
        self.size_bytes = 0
        self.rendered: dict[Hashable, bytes] = {}
        """Heads of answers that are the same for many readers, made once."""
        self._keeps = True
        self._chunks: list[Piece] = []
        self._pending: list[Piece] = []
        self._n_dropped = 0
        self._n_dropped_bytes = 0
        self._readers: set[Reader[H]] = set()
        self._advance: asyncio.Future[None] | None = None
        self._unlist = unlist
        self._loop = asyncio.get_running_loop()
        self.began_s = self._loop.time()
        self._waiting: list[asyncio.Future[None]] = []
        self._next_wake_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._is_releasing = False

    @property
    def n_readers(self) -> int:
        """Who reads it now."""
        return len(self._readers)

    @property
    def is_decided(self) -> bool:
        """Whether readers need not wait for the head: it is known, or there will be none."""
        return self.head is not None or self.is_done

    @property
    def n_buffered_bytes(self) -> int:
        """Bytes held for readers, or to be stored."""
        return self.size_bytes - self._n_dropped_bytes

    def begin(self, head: H, *, is_shared: bool, keeps: bool) -> None:
        """The head is known. Not shared: nobody else may join. Not kept: bytes go when they are read."""
        self.head = head
        self._keeps = keeps
        if not is_shared:
            self._unlist()
        self._wake()

    def inform(self, interim: Interim) -> None:
        """Tell the readers of an interim answer."""
        self.news.append(interim)
        self._wake()

    async def feed(self, chunk: Piece) -> None:
        """Add bytes; waits for the readers when they are not kept. Raises Abandoned when there are none."""
        self._pending.append(chunk)
        self.size_bytes += len(chunk)
        self._publish()
        while not self._keeps:
            if not self._readers:
                raise Abandoned("nobody reads")
            self._drop_read()
            if self.n_buffered_bytes <= WINDOW_BYTES:
                return
            self._wake()
            self._advance = self._loop.create_future()
            await self._advance

    def stop_keeping(self) -> None:
        """The object turns out too large: let its bytes go as they are read; nobody else may join."""
        self._keeps = False
        self._unlist()

    def body(self) -> Piece:
        """All bytes so far; only while they are kept."""
        return whole([*self._chunks, *self._pending])

    def finish(self, error: ServiceError | None = None) -> None:
        """The end: complete, or with an error that every reader gets. The first call counts."""
        if not self.is_done:
            self._unlist()
            self._unlist = _nothing  # it knows the flight: the bytes would wait for the garbage collector
            self.is_done = True
            self.error = error
            self._wake()

    def reader(self, *, is_leader: bool) -> "Reader[H]":
        """A new reader, from the first byte. It must be entered and left, for the bytes are held for it."""
        reader = Reader(self, is_leader=is_leader)
        self._readers.add(reader)
        return reader

    def _drop_read(self) -> None:
        n_read = min((reader.n_read for reader in self._readers), default=len(self._chunks)) - self._n_dropped
        if n_read > 0:
            self._n_dropped_bytes += sum(map(len, self._chunks[:n_read]))
            del self._chunks[:n_read]
            self._n_dropped += n_read

    @property
    def has_bytes(self) -> bool:
        """Whether a reader from the first byte on would get some at once."""
        return bool(self._chunks)

    def chunks_from(self, index: int) -> list[Piece]:
        """The chunks from this number on, counted from the first ever, up to WINDOW_BYTES and one chunk.

        The first one alone: no first byte of a crowd is to wait behind others' large writes.
        """
        place, n_bytes = index - self._n_dropped, 0
        if index == 0:
            return self._chunks[:1]
        for stop in range(place, len(self._chunks)):
            n_bytes += len(self._chunks[stop])
            if n_bytes >= WINDOW_BYTES:
                return self._chunks[place : stop + 1]
        return self._chunks[place:]

    def leave(self, reader: "Reader[H]") -> None:
        """Hold nothing more for this reader."""
        self._readers.discard(reader)
        self.advanced()

    def advanced(self) -> None:
        """A reader got further: a fill that waits for it may go on."""
        if self._advance is not None and not self._advance.done():
            self._advance.set_result(None)

    def _publish(self) -> None:
        """Let the readers have what is pending: at once, or when all have what came before, and a pause."""
        is_first = not self._chunks and not self._n_dropped
        if is_first or (not self._is_releasing and self._loop.time() >= self._next_wake_s):
            self._wake()
        elif self._timer is None and not self._is_releasing:
            self._timer = self._loop.call_at(self._next_wake_s, self._wake)

    def _wake(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._pending:
            pending, self._pending = self._pending, []
            self._chunks.append(pending[0] if len(pending) == 1 else b"".join(pending))
        waiting, self._waiting = self._waiting, []
        self._release(waiting)

    def _release(self, waiting: list[asyncio.Future[None]]) -> None:
        """Wake some now and the rest in the next turns of the loop, so that others get theirs between."""
        for waiter in waiting[:WAKE_BATCH]:
            if not waiter.done():
                waiter.set_result(None)
        self._is_releasing = len(waiting) > WAKE_BATCH
        if self._is_releasing:
            self._loop.call_soon(self._release, waiting[WAKE_BATCH:])
            return
        pause_s = max(0, len(self._readers) - 1) * PAUSE_PER_READER_S
        self._next_wake_s = self._loop.time() + min(MAX_PAUSE_S, pause_s)
        if self._pending:
            self._publish()

    async def change(self) -> None:
        """Wait for the next change of any kind."""
        waiter = self._loop.create_future()
        self._waiting.append(waiter)
        await waiter


class Reader(Generic[H]):
    """One reader's place in a flight."""

    def __init__(self, flight: Flight[H], *, is_leader: bool) -> None:
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


Fill = Callable[[Flight[H]], Awaitable[None]]


class Flights(Generic[H]):
    """The fills under way, by key. A key has at most one that can be joined; a fill may have no key."""

    def __init__(self) -> None:
        self._by_key: dict[str, Flight[H]] = {}
        self._tasks: dict[asyncio.Task[None], Flight[H]] = {}
        self._is_closing = False

    def __len__(self) -> int:
        return len(self._tasks)

    def join(self, key: str | None, fill: Fill[H]) -> Reader[H]:
        """A reader of the fill of key, which is started when there is none. None: a fill of one's own.

        `fill` may be called again for the same flight when its task dies: N_LEADERS times in all.
        """
        flight = self._by_key.get(key) if key is not None else None
        return (flight or self._start(key, fill)).reader(is_leader=flight is None)

    def under_way(self, key: str) -> Flight[H] | None:
        """The fill of key that could be joined now."""
        return self._by_key.get(key)

    def part(self, may_go_on: Callable[[str, H | None], bool]) -> None:
        """Let nobody else join a fill whose key and head fail `may_go_on`; its readers read on."""
        for key, flight in list(self._by_key.items()):
            if not may_go_on(key, flight.head):
                del self._by_key[key]

    @property
    def n_readers(self) -> int:
        """Readers of all fills."""
        return sum(flight.n_readers for flight in self._tasks.values())

    @property
    def n_buffered_bytes(self) -> int:
        """Bytes held by all fills."""
        return sum(flight.n_buffered_bytes for flight in self._tasks.values())

    async def close(self) -> None:
        """Cancel what is under way; its readers get FillFailed."""
        self._is_closing = True
        for task in list(self._tasks):
            task.cancel()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _start(self, key: str | None, fill: Fill[H]) -> Flight[H]:
        def unlist() -> None:
            if key is not None and self._by_key.get(key) is flight:
                del self._by_key[key]

        flight: Flight[H] = Flight(unlist)
        if key is not None:
            self._by_key[key] = flight
        self._lead(flight, fill, N_LEADERS - 1)
        return flight

    def _lead(self, flight: Flight[H], fill: Fill[H], n_left: int) -> None:
        """Run the fill in a task; when that dies, another takes its place."""

        def ended(task: "asyncio.Task[None]") -> None:
            del self._tasks[task]
            error = None if task.cancelled() else task.exception()
            if error is not None:
                log.error("fill_crashed", extra={"code": FillFailed.code}, exc_info=error)
            if flight.is_done:
                return
            if n_left and not self._is_closing:
                self._lead(flight, fill, n_left - 1)
            else:
                flight.finish(FillFailed("the fill was ended"))

        task = asyncio.create_task(self._run(flight, fill))
        self._tasks[task] = flight
        task.add_done_callback(ended)

    async def _run(self, flight: Flight[H], fill: Fill[H]) -> None:
        try:
            await fill(flight)
        except ServiceError as exc:
            flight.finish(exc)
