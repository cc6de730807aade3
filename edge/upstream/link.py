"""A connection to the origin whose plain heads need no parser, and whose bodies come straight.

What a head says decides (RFC 9112 section 6.3): a body with a coding, one without a length, and one whose
first bytes came in the middle of the head's stay with aiohttp's parser.
"""

import asyncio
from typing import Any, Protocol

from aiohttp import ClientPayloadError, StreamReader
from aiohttp.client_exceptions import SocketTimeoutError
from aiohttp.http import RawResponseMessage

from edge.upstream.pipes import Pipes
from edge.upstream.plainhead import HeadReader, PlainHead
from edge.upstream.straight import MAX_BYTES, StraightBody, straight_bytes
from edge.upstream.wire import END_OF_HEAD, SWITCHING, InformedOf, OriginConnection

READ_BYTES = 256 * 1024
MAX_FIELD_BYTES = 16 * 1024
PLAIN_BYTES = 2048
"""A longer head is for the full parser."""
HEAD_BYTES = 4 * 1024
"""Read at once while a head is awaited: little of a body is copied behind it."""
_HEADS = HeadReader()
"""What one origin says is what another may say: the lines are remembered for all."""

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

    def __init__(self, loop: asyncio.AbstractEventLoop, stall_s: float, pipes: Pipes | None = None) -> None:
        super().__init__(loop)
        self.pipes = pipes
        """For bodies that go on to one viewer; None: what comes here must be read."""
        self._fd = -1
        """The transport's."""
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
        self._listener = informed

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

    def room(self, shared: memoryview, sizehint: int) -> memoryview:
        """Where the next bytes go: what is no straight body, into a part of the shared buffer."""
        straight = self._straight
        if straight is not None and straight.pipes is not None:
            n_bytes = straight.pipe(self._descriptor(), straight.pipes)
            if n_bytes:
                self._more(straight, n_bytes)
                straight = self._straight
        if straight is not None:
            return straight.room
        return shared if self._is_final else shared[:HEAD_BYTES]

    def arrived(self, shared: memoryview, n_bytes: int) -> None:
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
            self._more(self._straight, n_bytes)

    def _more(self, straight: StraightBody, n_bytes: int) -> None:
        """So many bytes more of the straight body have come."""
        straight.arrived(n_bytes)
        if straight.is_complete:
            self._settle()
        if straight.on_change is not None:
            straight.on_change()

    def _descriptor(self) -> int:
        if self._fd < 0:
            assert self.transport is not None  # it is reading
            self._fd = self.transport.get_extra_info("socket").fileno()
        return self._fd

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
        if straight.is_complete:
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
            if self._straight.is_complete:
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
        """The straight body is complete: the connection is as before."""
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
