"""Misses answered from the transport: the fill calls as its bytes arrive; no parser, no request, no task.

What is not plain goes the ordinary way, before or after the question to the origin: whatever the head of the
fill turns out to be but a stored 200 of known length, the request goes on there with its place in the fill.
"""

import asyncio
from dataclasses import replace
from typing import Protocol

from multidict import CIMultiDict, CIMultiDictProxy

from edge.cache import metrics
from edge.cache.freshness import Storable
from edge.cache.key import PrimaryKey, vary_values
from edge.cache.tiered import TieredCache
from edge.fills.fill import Fills
from edge.fills.flight import Flight
from edge.fills.headplan import N_PLANS, Plan
from edge.fills.reader import Reader
from edge.fills.turn import ASK, WRITE
from edge.fills.want import Fetched, Head, Headers, Want
from edge.handlers.answer import Answers
from edge.handlers.crossing import Handed
from edge.headers import CacheStatus, Forward
from edge.serving.guard import is_plain_target
from edge.serving.outbox import Outbox
from edge.upstream.pipes import Piped

TARGET_CHARS = 1024
"""A longer target goes the ordinary way."""
N_BLOCKS = 1024
"""Header blocks whose fields are kept."""
FIRST = CacheStatus("origin", Forward.MISS, 200, is_stored=True)
COLLAPSED = replace(FIRST, is_collapsed=True)
_BEFORE, _BEHIND = b"GET ", b" HTTP/1.1"


class Misses:
    """What decides whether a request may go this way, and counts those that do."""

    def __init__(
        self,
        cache: TieredCache,
        fills: Fills,
        answers: Answers,
        below: str,
    ) -> None:
        self._cache = cache
        self._fills = fills
        self.turn = fills.turn
        self.is_buried = cache.tombstones.is_buried
        """Whether the video was withdrawn."""
        self.join = fills.join
        """A place in the fill."""
        self.left = fills.leave
        """A place in the fill is not needed any more."""
        self._answers = answers
        self._below = below
        """Paths of media begin with it."""
        self._fields: dict[bytes, Headers] = {}
        self._templates: dict[Plan, str] = {}
        """Of the heads of first answers."""

    def want(self, line: bytes, block: bytes) -> Want | None:
        """What a request needs from the origin; None: it is not for this way. `block` is harmless."""
        if not line.startswith(_BEFORE) or not line.endswith(_BEHIND) or len(line) > TARGET_CHARS:
            return None
        target = line[len(_BEFORE) : -len(_BEHIND)].decode("latin-1")
        if not target.startswith(self._below) or not is_plain_target(target):
            return None
        primary = PrimaryKey(target)  # nothing in it but a path
        if not self._cache.is_unknown(primary) or self.is_buried(primary):
            return None
        if self._fills.predict(primary) is not Storable.YES:
            return None
        return Want(primary, self._headers(block), primary, is_plain=True)

    def _headers(self, block: bytes) -> Headers:
        known = self._fields.get(block)
        if known is None:
            fields = [line.partition(":") for line in block[:-4].decode("ascii").split("\r\n")]
            known = CIMultiDictProxy(CIMultiDict([(name, value.strip()) for name, _, value in fields]))
            if len(self._fields) >= N_BLOCKS:
                self._fields.clear()
            self._fields[block] = known
        return known

    def head(self, reader: Reader[Head], want: Want) -> bytes | None:
        """The head of the answer, as bytes; None: it is for the ordinary path."""
        head = reader.flight.head
        if not isinstance(head, Fetched) or head.verdict is not Storable.YES or head.response.status != 200:
            return None
        plan, plain = head.plan, head.response.plain
        if (plain is None and head.response.length is None) or self.is_buried(want.primary):
            return None
        if not reader.is_leader and not (head.is_shared and _matches(head, want)):
            return None
        metrics.MISSES.n += 1
        if reader.is_leader and plan is not None and plain is not None:
            template = self._templates.get(plan) or self._template(plan)
            return (template % (plain.reason, plain.text)).encode("utf-8", "surrogateescape")
        return self._answers.rendered(reader.flight.rendered, head, FIRST if reader.is_leader else COLLAPSED)

    def _template(self, plan: Plan) -> str:
        if len(self._templates) >= N_PLANS:
            self._templates.clear()
        template = self._templates[plan] = plan.template(self._answers.told(FIRST))
        return template


def _matches(head: Fetched, want: Want) -> bool:
    return head.vary == vary_values(tuple(name for name, _ in head.vary), want.headers)


class Connection(Protocol):
    """Whose answer it is."""

    transport: asyncio.Transport | None
    miss: "Miss | None"

    def direct(self) -> Outbox | None:
        """The way past the transport, when nothing waits in it."""

    def miss_answered(self, miss: "Miss") -> None:
        """All of it is written, and the transport takes more."""

    def hand_over(self, request: bytes, handed: Handed) -> None:
        """The ordinary path is to answer, with its place in the fill."""


class Miss:
    """One answer under way. Invariant: while it is the connection's, flight or transport will call it."""

    __slots__ = (
        "_connection",
        "_is_watching",
        "_is_writing",
        "_misses",
        "_reader",
        "_request",
        "_start",
        "_want",
        "is_paused",
        "n_sent",
    )

    def __init__(self, connection: Connection, misses: Misses, want: Want, request: bytes) -> None:
        self._connection = connection
        self._misses = misses
        self._want = want
        self._request = request
        """As it came, for the ordinary path; empty once the head is made."""
        self._start = b""
        """The head, until it is out."""
        self._reader: Reader[Head] | None = None
        self._is_watching = self._is_writing = False
        self.is_paused = False
        """The transport has enough to write."""
        self.n_sent = 0
        """Bytes of the body."""
        misses.turn.add(ASK, self._begin)

    def _begin(self) -> None:
        if self._connection.miss is self:  # the viewer is still there
            reader = self._reader = self._misses.join(self._want)
            if reader.is_leader and self._connection.direct() is not None:
                reader.flight.has_socket = True
            self.go_on()

    @property
    def path(self) -> str:
        """What was asked for."""
        return str(self._want.primary)

    def resume(self) -> None:
        """The transport takes more."""
        self.is_paused = False
        self.go_on()

    def changed(self) -> None:
        """The flight has something new."""
        self._is_watching = False
        self.go_on()

    def go_on(self) -> None:
        """Have what there is written, as far as the transport takes it."""
        reader = self._reader
        if reader is None or self.is_paused or self._is_writing:
            return
        flight = reader.flight
        if self._request:
            if flight.head is None and not flight.is_done and not (reader.is_leader and flight.news):
                self._watch(flight)
                return
            head = self._misses.head(reader, self._want)
            if head is None:
                self._hand_over(reader)
                return
            self._start, self._request = head, b""
        self._is_writing = True
        self._misses.turn.add(WRITE, self._write)

    def _watch(self, flight: Flight[Head]) -> None:
        if not self._is_watching:
            self._is_watching = True
            flight.watch(self.changed)

    def _write(self) -> None:
        self._is_writing = False
        reader, transport = self._reader, self._connection.transport
        if reader is None or transport is None:
            return
        flight, start, self._start = reader.flight, self._start, b""
        while not self.is_paused and reader.n_read < flight.n_chunks:
            if flight.piped is not None and self._relay(reader, flight.piped, start):
                start = b""
                continue
            chunks = flight.chunks_from(reader.n_read)
            reader.n_read += len(chunks)
            self.n_sent += sum(map(len, chunks))
            if start or len(chunks) > 1:
                transport.writelines((start, *chunks))
                start = b""
            else:
                transport.write(chunks[0])
            flight.advanced()
        if start:
            transport.write(start)
        if self.is_paused:
            return
        if flight.is_done and reader.n_read == flight.n_chunks:
            self._end(reader)
        else:
            self._watch(flight)

    def _relay(self, reader: Reader[Head], piped: Piped, start: bytes) -> bool:
        """Send the next chunk, of which a pipe holds some, past the transport; what the socket does not take
        is for that. False: it does not go this way."""
        connection, flight = self._connection, reader.flight
        chunk, outbox, transport = flight.unsettled(reader.n_read), connection.direct(), connection.transport
        if chunk is None or outbox is None or transport is None:
            return False
        begin = b"".join((start, chunk[: piped.start - self.n_sent]))
        try:
            n_out = outbox.relay(begin, piped)
        except OSError:
            transport.abort()
            n_out = len(start) + len(chunk)
        reader.n_read += 1
        self.n_sent += len(chunk)
        if n_out < len(start) + len(chunk):
            flight.settle()
            transport.writelines((start[n_out:], chunk[max(0, n_out - len(start)) :]))
        return True

    def _end(self, reader: Reader[Head]) -> None:
        head = reader.flight.head
        is_whole = isinstance(head, Fetched) and self.n_sent == head.response.length
        connection = self._connection
        self.leave()
        if reader.flight.error is None and is_whole:
            connection.miss_answered(self)
        elif connection.transport is not None:
            connection.transport.abort()  # what came is not to look like the whole

    def leave(self) -> None:
        """Nobody waits for this answer any more."""
        reader, self._reader = self._reader, None
        if reader is not None:
            self._misses.left(reader)
            if not self._request:
                metrics.ORIGIN_BYTES.n += self.n_sent

    def _hand_over(self, reader: Reader[Head]) -> None:
        self._reader = None
        self._connection.hand_over(self._request, Handed(self._want, reader))
