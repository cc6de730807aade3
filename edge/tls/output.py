"""What a TLS connection has to send: the caller's own plaintext, and at most one sealed piece of it.

Nothing is sealed before the socket has taken what was sealed before: a slow reader costs one piece, and the
pieces shrink when all connections together hold much (`Workbench.piece_bytes`).
"""

import asyncio
import socket
from collections.abc import Callable, Iterable

from edge.tls.session import PIECE_BYTES, RECORD_BYTES, Plain, TlsSession, Workbench

MAX_SEALED_BYTES = 2 * PIECE_BYTES
"""What may wait for the socket; only a peer that makes us answer without reading can come here."""

Given = bytes | bytearray | memoryview
_MORE = int(socket.MSG_MORE)
"""A plain number: an enum would be converted at each call."""


class TlsOutput:
    """One connection's. Invariant: while something sealed waits, the loop watches for room. A call that
    raises OSError means that the connection is of no use any more."""

    __slots__ = (
        "_bench",
        "_link",
        "_loop",
        "_n_held",
        "_n_queued",
        "_on_room",
        "_queue",
        "_sealed",
        "_session",
        "is_full",
    )

    def __init__(
        self, link: socket.socket, session: TlsSession, bench: Workbench, on_room: Callable[[], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._link = link
        self._session = session
        self._bench = bench
        self._on_room = on_room
        self._queue: list[Plain] = []
        self._n_queued = 0
        self._sealed: Plain = b""
        self._n_held = 0
        """Of what is sealed, in memory: a part that is sent frees nothing."""
        self.is_full = False
        """The socket takes no more; on_room will be called."""

    @property
    def n_bytes(self) -> int:
        """What is still to be sent."""
        return self._n_queued + len(self._sealed)

    def add(self, given: Iterable[Given]) -> None:
        """Queue plaintext. It is not copied unless it might change, or is small."""
        queue, n_before, size = self._queue, len(self._queue), 0
        for data in given:
            if data:
                piece = _kept(data)
                queue.append(piece)
                size += len(piece)
        self._n_queued += size
        if size <= RECORD_BYTES and len(queue) > n_before + 1:
            queue[n_before:] = (b"".join(queue[n_before:]),)

    def pump(self) -> None:
        """Seal and send until all is out or the socket is full."""
        while (not self._sealed or self._send()) and self._queue:
            n_bytes = self._n_queued
            if n_bytes > RECORD_BYTES:
                n_bytes = min(self._bench.piece_bytes, n_bytes)
            self._n_queued -= n_bytes
            self._sealed = self._session.seal(self._queue, n_bytes)

    def say(self, sealed: bytes) -> None:
        """Send what the session itself has to say, behind what is sealed."""
        if not sealed:
            return
        self._sealed = b"".join((self._sealed, sealed))
        if len(self._sealed) > MAX_SEALED_BYTES:
            raise ConnectionAbortedError("the peer does not read")
        self._send()

    def drop(self) -> None:
        """Forget everything, and let go of the socket."""
        self._queue.clear()
        self._n_queued, self._sealed = 0, b""
        self._hold(0)
        self._loop.remove_writer(self._link)

    def _send(self) -> bool:
        """Send what is sealed; whether all of it went."""
        sealed = self._sealed
        try:
            n_sent = self._link.send(sealed, _MORE if self._queue else 0) if sealed else 0
        except (BlockingIOError, InterruptedError):
            n_sent = 0
        is_full = n_sent < len(sealed)
        self._sealed = memoryview(sealed)[n_sent:] if is_full else b""
        if is_full or self.is_full:
            self._watch(is_full)
        return not is_full

    def _watch(self, is_full: bool) -> None:
        left = self._sealed
        self._hold(len(left.obj) if isinstance(left, memoryview) else 0)  # type: ignore[arg-type]
        if is_full and not self.is_full:
            self._loop.add_writer(self._link, self._on_room)
        elif self.is_full and not is_full:
            self._loop.remove_writer(self._link)
        self.is_full = is_full

    def _hold(self, n_bytes: int) -> None:
        self._bench.n_held += n_bytes - self._n_held
        self._n_held = n_bytes


def _kept(data: Given) -> Plain:
    if isinstance(data, bytes):
        return data if len(data) <= RECORD_BYTES else memoryview(data)
    if isinstance(data, memoryview):
        return data if data.format == "B" else data.cast("B")
    return bytes(data)
