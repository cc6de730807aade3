"""From the head of an origin's answer to a stored object: judged, told to the readers, received, kept."""

from collections.abc import Callable

from edge.cache import metrics
from edge.cache.admission import Predictor, reserved_bytes
from edge.cache.entry import Times, complete
from edge.cache.freshness import OF_THE_REQUEST, Storable
from edge.cache.tags import Purge
from edge.cache.tiered import TieredCache
from edge.fills.body import Body
from edge.fills.flight import Flight
from edge.fills.heads import Heads
from edge.fills.stand_ins import StandIns
from edge.fills.want import Arrived, Fetched, FillSettings, Head, Moment, Want
from edge.headers import Completion
from edge.upstream.exchange import Fetcher, OriginAborted, OriginResponse, OriginTimeout
from edge.upstream.pieces import Piece
from shared.clock import Clock


class Receiving:
    """What every fill does with an answer, whoever leads it."""

    def __init__(self, cache: TieredCache, upstream: Fetcher, clock: Clock, settings: FillSettings) -> None:
        limits = settings.limits
        self._cache = cache
        self._upstream = upstream
        self._clock = clock
        self._completion = Completion.of(settings.name, settings.extra_headers)
        self._heads = Heads(settings, self._completion, clock)
        self._admission = limits.admission()
        self._stand_ins = StandIns(limits, clock)
        self._refused = Predictor(limits.n_refused, limits.refused_s)
        self._filling_bytes = 0
        self._n_resumes = settings.n_resumes
        self.on_live_bytes: Callable[[int], None] = lambda n_bytes: None
        """Told of the bytes that the origin sent for requests that wait."""

    def now(self) -> Moment:
        """What is to be remembered of the moment in which a request leaves."""
        return Moment(self._cache.revision, self._clock.wall_ms(), *self._stand_ins.sent())

    def arrived(self, want: Want, response: OriginResponse, sent: Moment) -> Arrived:
        """The head of the origin's answer is there."""
        self._stand_ins.answered(sent.timed_s)
        return Arrived(want, response, Times(sent.wall_ms, self._clock.wall_ms()), sent.revision)

    async def stream(self, flight: Flight[Head], arrived: Arrived) -> None:
        """Tell the readers the head, receive the body and store it when it may be."""
        head = self.begin(flight, arrived)
        if head.verdict is not Storable.YES:
            await self._drop_obsolete(arrived.want, arrived.response.status, head.verdict)
        await self.store_streamed(flight, arrived.want, head, arrived.response)

    def begin(
        self, flight: Flight[Head], arrived: Arrived, first: Piece = b"", *, is_whole: bool = False
    ) -> Fetched:
        """Judge the answer, and tell the readers its head with the first bytes, or with all of them."""
        want, status = arrived.want, arrived.response.status
        head = self._heads.judged(arrived, self._filling_bytes)
        is_stored = head.verdict is Storable.YES
        is_whole_url = status != 206 or not want.span
        if not is_stored or (is_whole_url and want.primary in self._refused.known):
            self._refused.note(want.primary, head.verdict, self._clock.monotonic())
        flight.begin(
            head, is_shared=head.is_shared, keeps=is_stored, first=first, is_whole=is_whole and is_stored
        )
        return head

    def reserve(self, n_bytes: int) -> None:
        """So many more bytes are being received, or so many less."""
        self._filling_bytes += n_bytes

    async def store_streamed(
        self,
        flight: Flight[Head],
        want: Want,
        head: Fetched,
        response: OriginResponse | None,
        broke: OriginAborted | OriginTimeout | None = None,
    ) -> None:
        """Receive the body and store it when it may be; None: go on where another leader stopped."""
        verdict, length = head.verdict, head.response.length
        reserved = reserved_bytes(length, self._admission) if verdict is Storable.YES else 0
        self._filling_bytes += reserved
        try:
            verdict = await self._receive(flight, want, head, response, broke)
        finally:
            self._filling_bytes -= reserved
        if verdict is not head.verdict:
            self._refused.note(want.primary, verdict, self._clock.monotonic())
        if verdict is Storable.YES:
            verdict = self.store(head, flight.body())
        else:
            metrics.FILLS.labels(verdict).inc()
        flight.finish()
        if verdict is Storable.YES and head.meta.status == 206:
            await self._combine(want, head.revision)

    def store(self, head: Fetched, body: Piece) -> Storable:
        """Keep the object, unless a purge has won meanwhile."""
        is_stored = self._cache.store(complete(head.meta, body), head.revision)
        if is_stored:
            metrics.STORED.n += 1
            return Storable.YES
        metrics.FILLS.labels(Storable.PURGED).inc()
        return Storable.PURGED

    async def _combine(self, want: Want, revision: int) -> None:
        """Make a whole of the parts, when none is missing and the whole may be stored."""
        parts = await self._cache.find_parts(want.primary, want.headers)
        if parts is None or not parts.validator or not parts.covers(0, parts.total):
            return
        if parts.total <= self._admission.object_bytes and await self._cache.combine(parts, revision):
            metrics.FILLS.labels("combined").inc()

    async def _receive(
        self,
        flight: Flight[Head],
        want: Want,
        head: Fetched,
        response: OriginResponse | None,
        broke: OriginAborted | OriginTimeout | None,
    ) -> Storable:
        """Feed the body; what was kept is let go when it grows over the limit without having said so."""
        verdict = head.verdict
        body = Body(self._upstream, want.primary, want.headers, head.response, self._n_resumes)
        async for chunk in body.chunks(response, flight.size_bytes, broke):
            if want.is_live:
                self.on_live_bytes(len(chunk))
            await flight.feed(chunk)
            if verdict is Storable.YES and flight.size_bytes > self._admission.object_bytes:
                verdict = Storable.TOO_LARGE
                flight.stop_keeping()
        return verdict

    async def _drop_obsolete(self, want: Want, status: int, verdict: Storable) -> None:
        """The origin now answers with something that is not stored: what is held is no longer true."""
        if want.stale is not None and status < 500 and verdict not in OF_THE_REQUEST:
            await self._cache.purge(Purge(primary=want.primary))
