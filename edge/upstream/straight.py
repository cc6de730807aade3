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
from typing import Any, Protocol

from aiohttp import ClientPayloadError, StreamReader
from aiohttp.client_exceptions import SocketTimeoutError
from aiohttp.http import RawResponseMessage

from edge.upstream.pieces import SPARE_BYTES, Piece
from edge.upstream.plainhead import HeadReader, PlainHead
from edge.upstream.wire import END_OF_HEAD, SWITCHING, InformedOf, OriginConnection

READ_BYTES = 256 * 1024
MAX_FIELD_BYTES = 16 * 1024
MAX_BYTES = 1024 * 1024
"""A longer body is read in pieces: a reader that is slow, or gone, is not to hold more than this."""
PLAIN_BYTES = 2048
"""A longer head is for the full parser."""
HEAD_BYTES = 4 * 1024
"""Read at once while a head is awaited: little of a body is copied behind it."""
_raw_bytearray = ctypes.pythonapi.PyByteArray_FromStringAndSize
"""A buffer that is not filled with zeros, a tenth of a miss: nobody sees a byte of it before that came."""
_raw_bytearray.argtypes = (ctypes.c_void_p, ctypes.c_ssize_t)
_raw_bytearray.restype = ctypes.py_object
_LENGTH = re.compile("[0-9]{1,12}")
_HEADS = HeadReader()
"""What one origin says is what another may say: the lines are remembered for all."""


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
    )

    def __init__(self, link: "LinkConnection", loop: asyncio.AbstractEventLoop, n_bytes: int) -> None:
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
        self._waiter: asyncio.Future[None] | None = None

    @property
    def room(self) -> memoryview:
        """Where the next bytes go."""
        return self._buffer[self._n_arrived :]

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


Content = StreamReader | StraightBody
Message = RawResponseMessage | PlainHead


class Receiver(Protocol):
    """Who is called by a connection, in place of a task that waits for the head."""

    def on_head(self, message: Message, content: Content) -> None:
        """The final head, and what has come with it."""

    def on_failure(self, error: BaseException) -> None:
        """No head will come."""


class LinkConnection(OriginConnection):
    """A connection whose bodies come straight, where they can."""

    def __init__(self, loop: asyncio.AbstractEventLoop, stall_s: float) -> None:
        super().__init__(loop)
        self._stall_s = stall_s
        self._straight: StraightBody | None = None
        """Being received."""
        self.receiver: Receiver | None = None
        """Called once."""
        self._head: tuple[RawResponseMessage, Content] | None = None
        """Parsed, and for the receiver."""
        self._moved_s = 0.0
        """When the straight body was last seen to have moved."""
        self._deadline_s = 0.0
        """Of the head that the receiver waits for."""
        self._may_be_plain = False
        """The full parser, which a plain answer does without, is not made yet."""

    def await_head(self, receiver: Receiver, informed: InformedOf, deadline_s: float) -> None:
        """A request is on its way whose answer may be plain."""
        self._may_be_plain, self._parser, self._is_final = True, None, False
        self.receiver, self._deadline_s = receiver, deadline_s
        self.listen(informed)

    def parse(self, *, has_body: bool) -> None:
        """Have the full parser read what comes."""
        self._may_be_plain = False
        self.set_response_params(
            skip_payload=not has_body,
            read_until_eof=True,
            auto_decompress=False,
            read_timeout=self._stall_s,
            read_bufsize=READ_BYTES,
            max_line_size=MAX_FIELD_BYTES,
            max_field_size=MAX_FIELD_BYTES,
        )

    def room(self, shared: memoryview) -> memoryview:
        """Where the next bytes go: what is no straight body, into a part of the shared buffer."""
        if self._straight is not None:
            return self._straight.room
        return shared if self._is_final else shared[:HEAD_BYTES]

    def arrived(self, n_bytes: int, shared: memoryview) -> None:
        """So many bytes are in the room."""
        if self._straight is None:
            if self._may_be_plain:
                if self._is_plain(shared[:n_bytes]):
                    return
                self.parse(has_body=True)
            self.data_received(bytes(shared[:n_bytes]))
            if self._head is not None and self.receiver is not None:
                (message, content), self._head = self._head, None
                receiver, self.receiver = self.receiver, None
                receiver.on_head(message, content)
        else:
            straight = self._straight
            straight.arrived(n_bytes)
            self._settle()
            straight.tell()

    def _is_plain(self, data: memoryview) -> bool:
        """Whether an answer begins with a whole plain head, and its body comes straight."""
        start = bytes(data[:PLAIN_BYTES])
        end = start.find(END_OF_HEAD)
        head = _HEADS.read(start[:end]) if end >= 0 else None
        receiver = self.receiver
        if head is None or head.n_bytes > MAX_BYTES or receiver is None:
            return False
        self._may_be_plain, self._is_final, self.receiver = False, True, None
        straight = self._straight = StraightBody(self, self._loop, head.n_bytes)
        straight.take(data[end + len(END_OF_HEAD) :])
        self._settle()
        receiver.on_head(head, straight)
        return True

    @property
    def is_fit(self) -> bool:
        """Whether it may serve another request: it is open, and nothing is left of the last one."""
        transport = self.transport
        is_open = transport is not None and not transport.is_closing()
        return is_open and self._straight is None and not self.should_close

    def rest_received(self, data: bytes, place: int) -> None:
        """Bytes of a straight body are not for the parser."""
        if self._straight is None:
            super().rest_received(data, place)
        else:
            self._straight.take(memoryview(data)[place:])
        self._settle()

    def feed_data(self, data: Any, size: int = 0) -> None:
        """A head was parsed."""
        message, payload = data
        n_bytes = straight_bytes(message, payload)
        if n_bytes:
            self._straight = StraightBody(self, self._loop, n_bytes)
            data = (message, self._straight)
        super().feed_data(data, size)
        if n_bytes:
            self._parser = None

    def _settle(self) -> None:
        """After each arrival: when the straight body is complete, the connection is as before."""
        if self._straight is not None and self._straight.is_complete:
            self._straight = self._payload = None
            self._drop_timeout()

    def pass_on(self, data: Any, size: int) -> None:
        """Give a head to who waits for it; a receiver has heard of interim ones already."""
        if self.receiver is None:
            super().pass_on(data, size)
        elif data[0].code >= 200 or data[0].code == SWITCHING:
            self._head = data

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        """Nothing more will come."""
        if exc_cause is None:
            super().set_exception(exc)
        else:
            super().set_exception(exc, exc_cause)
        receiver, self.receiver = self.receiver, None
        if receiver is not None:
            receiver.on_failure(exc)

    def give_up(self) -> None:
        """The head took too long: who waits for it gets a TimeoutError."""
        self.set_exception(TimeoutError("no head in time"))

    def look(self, now_s: float) -> None:
        """Give up on a receiver's head after its deadline, and on a straight body that stalls."""
        straight = self._straight
        if self.receiver is not None and now_s >= self._deadline_s:
            self.give_up()
        elif straight is None or not self._stall_s:
            return
        elif straight.has_moved:
            straight.has_moved, self._moved_s = False, now_s
        elif now_s >= self._moved_s + self._stall_s:
            error = SocketTimeoutError("Timeout on reading data from socket")
            self.set_exception(error)
            straight.fail(error)
            straight.tell()

    def _on_read_timeout(self) -> None:
        if self._straight is None:  # else it is looked at
            super()._on_read_timeout()

    def connection_lost(self, exc: BaseException | None) -> None:
        """A body that is not complete never will be."""
        straight, self._straight = self._straight, None
        super().connection_lost(exc)
        if straight is not None:
            straight.fail(ClientPayloadError("Response payload is not completed"))
            straight.tell()


def straight_bytes(message: RawResponseMessage, payload: StreamReader) -> int:
    """How long the body is that can come straight; 0: it cannot."""
    if payload.is_eof() or payload.total_bytes or message.chunked or message.upgrade or message.code < 200:
        return 0
    lengths = message.headers.getall("Content-Length", ())
    if len(lengths) != 1 or "Transfer-Encoding" in message.headers:
        return 0
    n_bytes = int(lengths[0]) if _LENGTH.fullmatch(lengths[0]) else 0
    return n_bytes if n_bytes <= MAX_BYTES else 0
