"""Hot hits, answered in `data_received`: no parser, task or timer. Anything else falls through to aiohttp.

A connection begins here. Bytes that are exactly one request whose line has a prepared answer (`hot.py`) and
whose header block is known to be harmless (`headblock.py`) are answered at once; any other bytes go, in
order, to an aiohttp handler that takes the connection over, and gives it back when it is at rest.
"""

import asyncio
from typing import TYPE_CHECKING, cast

from edge.handlers.crossing import Handed
from edge.serving.answers import HotAnswer
from edge.serving.headblock import WHOLE
from edge.serving.misses import Miss
from edge.serving.outbox import Outbox

if TYPE_CHECKING:
    from edge.serving.connections import Address, Hub
    from edge.serving.slowpath import SlowPath


class FastPath(asyncio.Protocol):
    """One connection. Invariants: it is not `is_busy` while another protocol has the transport; the outbox
    writes only when the transport's buffer is empty; bytes that come while busy wait, and reading stops."""

    __slots__ = (
        "_hub",
        "_outbox",
        "_parked",
        "_suffix",
        "address",
        "is_busy",
        "is_ending",
        "logs_at",
        "miss",
        "n_answered",
        "seen",
        "seen_s",
        "slow",
        "transport",
    )

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._outbox: Outbox | None = None
        self._parked: bytes | None = None
        self._suffix = b""
        """How the requests of this connection end, but for their first line: as the last one did."""
        self.address: Address | None = None
        """For the limit of connections per address."""
        self.is_busy = False
        """An answer is under way, or the transport has enough to write."""
        self.is_ending = False
        """Close when the answer under way is out."""
        self.seen, self.seen_s = 0, 0.0
        """The sweep's: a digest of the progress, and since when it is that."""
        self.miss: Miss | None = None
        """The answer under way, when a fill brings it."""
        self.n_answered = 0
        self.logs_at = 0
        """The answer of this connection that goes to the access log; 0: none."""
        self.slow: SlowPath | None = None
        """The aiohttp handler, from the first fall-through on."""
        self.transport: asyncio.Transport | None = None

    @property
    def n_sent(self) -> int:
        """Bytes sent, of bodies."""
        n_sent = 0 if self.miss is None else self.miss.n_sent
        return n_sent if self._outbox is None else n_sent + self._outbox.n_sent

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._hub.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.let_go()
        miss, self.miss = self.miss, None
        if miss is not None:
            miss.leave()
            self._hub.requests.leave()
        self._parked = None
        self._hub.leave(self)
        self.transport = None
        slow, self.slow = self.slow, None
        if slow is not None:
            slow.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        line = data.removesuffix(self._suffix)
        answer = self._hub.table.current.get(line)
        if answer is None or line is data or self.is_busy:  # the same object: it has another end, or none yet
            answer = self._find(data)
            if answer is None:
                return
        if answer.n_hits == 0:
            self._hub.table.dirty.append(answer)
        answer.n_hits += 1
        self.n_answered += 1
        if self.n_answered == self.logs_at:
            self._hub.log_hit(self, answer)
        if answer.is_joined:
            self.transport.write(answer.head)  # type: ignore[union-attr]  # it has come from there
            return
        transport, file = self.transport, answer.file
        assert transport is not None
        if (
            file is None
            or (outbox := self._outbox or self._opened()) is None
            or transport.get_write_buffer_size()  # one that is closing gives nothing to answer
        ):
            self._write(answer)
            return
        try:
            if not outbox.send(answer.head, file, answer.start, answer.size):
                self.is_busy = True
        except OSError:
            transport.abort()

    def _opened(self) -> Outbox | None:
        """The way past the transport; None when that encrypts."""
        fd = self._hub.descriptor(self.transport)  # type: ignore[arg-type]
        if fd >= 0:
            self._outbox = Outbox(fd, self._hub.room, self.go_on)
        return self._outbox

    def direct(self) -> Outbox | None:
        """The way past the transport, when nothing waits in it."""
        transport = self.transport
        if transport is None or transport.get_write_buffer_size() or transport.is_closing():
            return None
        return self._outbox or self._opened()

    def _find(self, data: bytes) -> HotAnswer | None:
        """The answer to bytes that are not known by heart; None: they are seen to."""
        if self.is_busy:
            self._park(data)
            return None
        line, _, block = data.partition(b"\r\n")
        table = self._hub.table
        suffix = table.suffixes.get(block)
        answer = table.find(line, block) if suffix is None else table.whole.get(line)
        if answer is None:
            self._answer_otherwise(line, block, data)
            return None
        now_ns = table.now_ns()
        if not answer.from_ns <= now_ns < answer.until_ns and not table.renew(answer, now_ns):
            self._fall_through(data)
            return None
        if suffix is not None:
            self._suffix = suffix
            if answer.n_hits:
                table.keep_current(answer, now_ns)
        return answer

    def _answer_otherwise(self, line: bytes, block: bytes, data: bytes) -> None:
        if self._hub.table.span(block) is not WHOLE or not self._begin_miss(line, block, data):
            self._fall_through(data)

    def _begin_miss(self, line: bytes, block: bytes, data: bytes) -> bool:
        """Whether a fill brings the answer, straight to this connection."""
        misses = self._hub.table.misses
        want = None if misses is None else misses.want(line, block)
        if misses is None or want is None or not self._hub.requests.enter():
            return False
        self.is_busy = True
        self.miss = Miss(self, misses, want, data)
        return True

    def miss_answered(self, miss: Miss) -> None:
        """All of it is written, and the transport takes more."""
        self.miss = None
        self._hub.requests.leave()
        self.n_answered += 1
        if self.n_answered == self.logs_at:
            self._hub.log_miss(self, miss)
        self._rest()

    def hand_over(self, request: bytes, handed: Handed) -> None:
        """The ordinary path answers the request under way, from the fill that it has joined."""
        self.miss = None
        self.is_busy = False
        self._hub.requests.leave()
        parked, self._parked = self._parked, None
        self._fall_through(request, handed)
        assert self.slow is not None and self.transport is not None
        if parked is not None:
            self.transport.resume_reading()
            self.slow.data_received(parked)
        if self.is_ending:
            self.slow.close()

    def _write(self, answer: HotAnswer) -> None:
        """An answer of more than one piece, through the transport."""
        transport, body = self.transport, answer.body
        assert transport is not None
        if answer.file is not None:
            body = memoryview(answer.file)[answer.start : answer.start + answer.size]
        assert body is not None
        transport.writelines((answer.head, body))

    def go_on(self) -> None:
        """Send more of the file under way; an edge may tell of room that something else has waited for."""
        outbox, transport = self._outbox, self.transport
        if outbox is None or outbox.file is None or transport is None:
            return
        try:
            if outbox.resume():
                self._rest()
        except OSError:
            transport.abort()

    def pause_writing(self) -> None:
        self.is_busy = True
        if self.miss is not None:
            self.miss.is_paused = True

    def resume_writing(self) -> None:
        if self.miss is not None:
            self.miss.resume()
        else:
            self._rest()

    def _rest(self) -> None:
        """The answer is out: see to what came meanwhile, or close."""
        self.is_busy = False
        transport, parked = self.transport, self._parked
        if transport is None or transport.is_closing():
            return
        if self.is_ending:
            transport.close()
        elif parked is not None:
            self._parked = None
            transport.resume_reading()
            self.data_received(parked)

    def _park(self, data: bytes) -> None:
        """Keep bytes that come too early, one read of them: reading stops until the answer is out."""
        assert self.transport is not None
        self._parked = data if self._parked is None else self._parked + data
        self.transport.pause_reading()

    def eof_received(self) -> bool:
        """The viewer sends no more: what is at hand goes out before the connection is closed; who waits for
        the origin has most likely swiped on."""
        self.is_ending = True
        return self.is_busy and self.miss is None

    def end(self) -> None:
        """Close as soon as nothing is under way."""
        self.is_ending = True
        if not self.is_busy and self.transport is not None:
            self.transport.close()

    def _fall_through(self, data: bytes, handed: Handed | None = None) -> None:
        transport, slow = self.transport, self.slow
        assert transport is not None
        self.let_go()
        if slow is None:
            slow = self.slow = self._hub.slow_path(self)
            transport.set_protocol(slow)
            slow.connection_made(transport)
        else:
            transport.set_protocol(slow)
        slow.handed = handed
        slow.take(data)

    def let_go(self) -> None:
        """Give the descriptor back to the transport alone."""
        if self._outbox is not None:
            self._outbox.release()
            self._outbox = None
