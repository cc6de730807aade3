"""A body of known length, read from the socket straight into the buffer that is stored and sent.

aiohttp's parser and stream would copy each byte three times on its way into the cache. So the transport asks
where to put what comes next: a head, and a body that the parser must see, go through a buffer that all
connections of a pool share; once a head was parsed that announces a body of at most MAX_BYTES, the rest goes
into that body's own. What the head says decides the framing (RFC 9112 section 6.3): a body with a coding, one
without a length, and one whose first bytes came in the middle of the head's stay with the parser.
"""

import asyncio
import ctypes
import re
from collections.abc import Callable
from typing import Protocol

from aiohttp import StreamReader
from aiohttp.http import RawResponseMessage

from edge.upstream.pieces import SPARE_BYTES, Piece
from edge.upstream.pipes import Piped, Pipes

MAX_BYTES = 1024 * 1024
"""A longer body is read in pieces: a reader that is slow, or gone, is not to hold more than this."""
_raw_bytearray = ctypes.pythonapi.PyByteArray_FromStringAndSize
"""A buffer that is not filled with zeros, a tenth of a miss: nobody sees a byte of it before that came."""
_raw_bytearray.argtypes = (ctypes.c_void_p, ctypes.c_ssize_t)
_raw_bytearray.restype = ctypes.py_object
_LENGTH = re.compile("[0-9]{1,12}")


class Owner(Protocol):
    """The connection over which a body comes."""

    def force_close(self) -> None:
        """It is not to be used again."""


class StraightBody:
    """A body while it arrives. Its pieces are parts of one buffer, which nobody changes once it is filled."""

    __slots__ = (
        "_buffer",
        "_link",
        "_loop",
        "_n_arrived",
        "_n_read",
        "_waiter",
        "_whole",
        "error",
        "has_moved",
        "is_complete",
        "n_bytes",
        "on_change",
        "piped",
        "pipes",
    )

    def __init__(self, link: Owner, loop: asyncio.AbstractEventLoop, n_bytes: int) -> None:
        self._link = link
        self._loop = loop
        self._buffer = memoryview(_raw_bytearray(None, n_bytes + SPARE_BYTES))
        self._whole = self._buffer.toreadonly()
        self.n_bytes = n_bytes
        """Announced."""
        self._n_arrived = self._n_read = 0
        self.is_complete = False
        """Whether all has arrived."""
        self.has_moved = True
        """For who looks whether it stalls, and takes that back."""
        self.error: Exception | None = None
        """What broke it, after what has come."""
        self.on_change: Callable[[], None] | None = None
        """Called after each arrival and at the end, in place of a task that waits."""
        self.pipes: Pipes | None = None
        """By which the bytes come; None: nobody has use for that."""
        self.piped: Piped | None = None
        """What has come so, and is not yet passed on: not in the buffer."""
        self._waiter: asyncio.Future[None] | None = None

    @property
    def room(self) -> memoryview:
        """Where the next bytes go."""
        return self._buffer[self._n_arrived :]

    def pipe(self, fd: int, pipes: Pipes) -> int:
        """Take what has come over a socket by way of pipes; how many bytes."""
        if self.piped is not None:
            return 0  # not yet passed on
        n_arrived = self._n_arrived
        n_bytes, self.piped = pipes.receive(fd, self._buffer[n_arrived : self.n_bytes], n_arrived)
        if n_bytes and self.piped is None:
            self.pipes = None
        return n_bytes

    def unpipe(self) -> None:
        """Have all that has come in the buffer, and what comes."""
        self.pipes = None
        piped, self.piped = self.piped, None
        if piped is not None:
            piped.settle()

    def take(self, data: memoryview) -> None:
        """The next bytes, from another buffer."""
        n_bytes = min(len(data), len(self._buffer) - self._n_arrived)
        self._buffer[self._n_arrived : self._n_arrived + n_bytes] = data[:n_bytes]
        self.arrived(n_bytes)

    def arrived(self, n_bytes: int) -> None:
        """So many bytes are in the room."""
        self.has_moved = True
        self._n_arrived += n_bytes
        if self._n_arrived >= self.n_bytes:
            self.is_complete = True
            if self._n_arrived > self.n_bytes:
                self._n_arrived = self.n_bytes
                self._link.force_close()  # bytes that nobody asked for
        if self._waiter is not None:
            self._wake()

    def fail(self, error: Exception) -> None:
        """No more bytes come. What came before is still read."""
        self.error = self.error or error
        self._wake()

    def tell(self) -> None:
        """Something has changed, and the connection is as it should be."""
        if self.on_change is not None:
            self.on_change()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def readany(self) -> Piece:
        """What has arrived since the last call, at least a byte; empty at the end. Raises what broke it."""
        while self._n_read == self._n_arrived and not self.is_complete:
            if self.error is not None:
                raise self.error
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self.piece()

    def piece(self) -> Piece:
        """What has arrived since the last call."""
        piece = self._whole[self._n_read : self._n_arrived]
        self._n_read = self._n_arrived
        return piece

    def whole(self) -> Piece:
        """All of it, once it is complete."""
        return self._whole[: self.n_bytes]

    def at_eof(self) -> bool:
        """Whether all is read."""
        return self._n_read == self.n_bytes


def straight_bytes(message: RawResponseMessage, payload: StreamReader) -> int:
    """How long the body is that can come straight; 0: it cannot."""
    if payload.is_eof() or payload.total_bytes or message.chunked or message.upgrade or message.code < 200:
        return 0
    lengths = message.headers.getall("Content-Length", ())
    if len(lengths) != 1 or "Transfer-Encoding" in message.headers:
        return 0
    n_bytes = int(lengths[0]) if _LENGTH.fullmatch(lengths[0]) else 0
    return n_bytes if n_bytes <= MAX_BYTES else 0
