"""One fill under way: its head, the bytes so far, its end, and who reads it as it comes.

Who reads is called back: at the head, at bytes, at the end. A task reads through a `Reader`, a connection of
the fast path is called as it is (`misses.py`), which costs a tenth.

Calling a reader costs more than its bytes do. So chunks that arrive while many readers wait are put together
for a moment that grows with their number, at most MAX_PAUSE_S; a single reader gets every chunk at once.
"""

import asyncio
from collections.abc import Callable, Hashable
from math import inf
from typing import Generic, TypeVar

from edge.fills.reader import Reader
from edge.upstream.pieces import Piece, whole
from edge.upstream.pipes import Piped
from edge.upstream.wire import Interim
from shared.errors import ServiceError

H = TypeVar("H")

WINDOW_BYTES = 256 * 1024
"""Read ahead of the slowest reader when the bytes are not kept; also the most that is given at once."""
PAUSE_PER_READER_S = 100e-6
"""A few times what it costs to wake one reader and write for it."""
MAX_PAUSE_S = 0.1
WAKE_BATCH = 64
"""Readers called in one turn of the loop."""


def _nothing() -> None:
    pass


class Abandoned(ServiceError):
    """Nobody reads a fill, and it is not kept or would take long: it stops. No viewer ever sees this."""

    code = "fill_abandoned"


class Flight(Generic[H]):
    """One fill: its head, the bytes so far, its end, and who reads it."""

    head: H | None = None
    error: ServiceError | None = None
    is_done = False
    """Nothing more will come."""
    warmed = ""
    """What it brings, where it is warmed."""
    is_kept_on = False
    """Somebody wants it who does not read it to the end: it goes on without readers."""
    has_socket = False
    """Who it was begun for can be sent what a pipe holds."""
    piped: Piped | None = None
    """Some of the last bytes, which are in pipes still: `settle` before anybody looks at them."""
    size_bytes = 0
    n_chunks = 0
    """That readers may have, counted from the first ever."""
    _keeps = True
    _n_dropped = _n_dropped_bytes = 0
    _advance: asyncio.Future[None] | None = None
    _next_wake_s = 0.0
    _timer: asyncio.TimerHandle | None = None
    _is_releasing = False

    def __init__(self, unlist: Callable[[], None]) -> None:
        self.news: list[Interim] = []
        """Interim answers, in the order in which they came; only before the head."""
        self.rendered: dict[Hashable, bytes] = {}
        """Heads of answers that are the same for many readers, made once."""
        self._chunks: list[Piece] = []
        self._pending: list[Piece] = []
        self._readers: set[Reader[H]] = set()
        self._unlist = unlist
        self._loop = asyncio.get_running_loop()
        self.began_s = self._loop.time()
        self._waiting: list[Callable[[], None]] = []

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

    def begin(
        self, head: H, *, is_shared: bool, keeps: bool, first: Piece = b"", is_whole: bool = False
    ) -> None:
        """The head is known, and maybe the first bytes, or (`is_whole`, see `complete`) all of them. Not
        shared: nobody else may join. Not kept: bytes go when they are read."""
        self.head, self.is_done = head, is_whole
        if first:
            self._pending.append(first)
            self.size_bytes += len(first)
        self._keeps = keeps
        if not is_shared:
            self._unlist()
        self._wake()

    def inform(self, interim: Interim) -> None:
        """Tell the readers of an interim answer."""
        self.news.append(interim)
        self._wake()

    def add(self, chunk: Piece) -> None:
        """Add bytes of a fill that keeps them."""
        self._pending.append(chunk)
        self.size_bytes += len(chunk)
        self._publish()

    def complete(self, last: Piece) -> None:
        """The last bytes of a fill that keeps them. Readers see the end; until `finish` others may join."""
        if last:
            self._pending.append(last)
            self.size_bytes += len(last)
        self.is_done = True
        self._wake()

    async def feed(self, chunk: Piece) -> None:
        """Add bytes; waits for the readers when they are not kept. Raises Abandoned when there are none."""
        self.add(chunk)
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
        self.settle()
        return whole([*self._chunks, *self._pending])

    def finish(self, error: ServiceError | None = None) -> None:
        """The end: complete, or with an error that every reader gets. The first call counts."""
        unlist, self._unlist = self._unlist, _nothing  # it knows the flight, which would be a cycle
        unlist()
        if not self.is_done:
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
        self.settle()
        place, n_bytes = index - self._n_dropped, 0
        if index == 0:
            return self._chunks[:1]
        for stop in range(place, len(self._chunks)):
            n_bytes += len(self._chunks[stop])
            if n_bytes >= WINDOW_BYTES:
                return self._chunks[place : stop + 1]
        return self._chunks[place:]

    def unsettled(self, index: int) -> Piece | None:
        """The chunk of this number if it is the last, and what is in pipes is all for one reader."""
        is_last = index == self.n_chunks - 1 and not self._pending
        return self._chunks[-1] if is_last and len(self._readers) == 1 else None

    def settle(self) -> None:
        """Have what is in pipes in memory."""
        piped, self.piped = self.piped, None
        if piped is not None:
            piped.settle()

    def leave(self, reader: "Reader[H]") -> None:
        """Hold nothing more for this reader."""
        self._readers.discard(reader)
        self.advanced()

    def advanced(self) -> None:
        """A reader got further: a fill that waits for it may go on."""
        if self._advance is not None and not self._advance.done():
            self._advance.set_result(None)

    def left_s(self, length: int | None, now_s: float) -> float:
        """How long the rest of so many bytes takes at the pace so far; inf when nothing tells."""
        if length is None or not self.size_bytes:
            return inf
        return max(0, length - self.size_bytes) * (now_s - self.began_s) / self.size_bytes

    def _publish(self) -> None:
        """Let the readers have what is pending: at once, or when all have what came before, and a pause."""
        is_first = not self.n_chunks
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
            if len(pending) > 1:
                self.settle()
            self._chunks.append(pending[0] if len(pending) == 1 else b"".join(pending))
            self.n_chunks += 1
        waiting, self._waiting = self._waiting, []
        self._release(waiting)

    def _release(self, waiting: list[Callable[[], None]]) -> None:
        """Call some now and the rest in the next turns of the loop, so that others get theirs between."""
        for changed in waiting[:WAKE_BATCH]:
            changed()
        self._is_releasing = len(waiting) > WAKE_BATCH
        if self._is_releasing:
            self._loop.call_soon(self._release, waiting[WAKE_BATCH:])
            return
        n_readers = len(self._readers)
        if n_readers > 1:
            self._next_wake_s = self._loop.time() + min(MAX_PAUSE_S, (n_readers - 1) * PAUSE_PER_READER_S)
        else:
            self._next_wake_s = 0.0
        if self._pending:
            self._publish()

    def watch(self, changed: Callable[[], None]) -> None:
        """Call `changed` once, at the next change of any kind. It must not raise, nor wait."""
        self._waiting.append(changed)

    async def change(self) -> None:
        """Wait for the next change of any kind."""
        waiter = self._loop.create_future()

        def changed() -> None:
            if not waiter.done():
                waiter.set_result(None)

        self._waiting.append(changed)
        await waiter
