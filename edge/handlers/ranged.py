"""Ranges of objects that are not held as a whole: from stored parts, and aligned blocks from the origin.

A range of an unknown object asks the origin for the blocks around it; the 206 tells how large the whole is.
What fits into its blocks is then stored whole. From there on an answer is put together byte by byte: out of
the whole if it came meanwhile, out of a stored part, out of a fill of what is missing. All of it is of one
version; when the origin changes that midway, the connection is cut.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from edge.cache import metrics
from edge.cache.blocks import Parts, came
from edge.cache.freshness import RequestRules, Storable, Verdict, judge
from edge.cache.key import PrimaryKey, storage_key, vary_values
from edge.cache.ranges import (
    ByteRange,
    ContentRange,
    RangeLimits,
    Spec,
    Unsatisfiable,
    aligned,
    specs,
    strong_validator,
)
from edge.cache.tiered import TieredCache
from edge.fills.fill import Fills
from edge.fills.reader import Reader
from edge.fills.want import Fetched, Head, Want
from edge.handlers.answer import Answers, wanted_parts
from edge.handlers.forward import teller
from edge.handlers.multipart import cut
from edge.headers import CacheStatus, Forward, stored_detail
from edge.upstream.pieces import Piece
from shared.clock import Clock
from shared.errors import Blame, ServiceError

WHOLE = Spec(0, None)
USABLE = frozenset({Verdict.FRESH, Verdict.STALE_ALLOWED})


class VersionChanged(ServiceError):
    """The origin has another version than the one whose bytes were being sent."""

    code = "version_changed"
    blame = Blame.UPSTREAM
    retryable = True
    status = 502


@dataclass(frozen=True, slots=True)
class Ask:
    """One request for bytes, and how it was found."""

    request: web.BaseRequest
    primary: PrimaryKey
    rules: RequestRules
    forward: Forward


class Ranged:
    """Answers requests for ranges, and for wholes too large to store as one, out of parts."""

    def __init__(
        self, cache: TieredCache, fills: Fills, clock: Clock, answers: Answers, limits: RangeLimits
    ) -> None:
        self._cache = cache
        self._fills = fills
        self._clock = clock
        self._answers = answers
        self._limits = limits
        self.check: Callable[[PrimaryKey], None] = lambda primary: None
        """Called after every wait; raises when the object may not be served any more."""

    async def answer(self, ask: Ask) -> web.StreamResponse | None:
        """The answer, or None when a fill of the whole, or the origin itself, should give it."""
        if ask.request.method != "GET":
            return None
        parts = await self._cache.find_parts(ask.primary, ask.request.headers)
        if parts is not None and self._is_usable(parts, ask.rules):
            response = await self._of_parts(ask, parts)
            if response is not None:
                return response
        if ask.rules.only_if_cached:
            return None
        asked = specs(ask.request.headers.get("Range")) or (WHOLE,)
        predicted = self._fills.predict(ask.primary)
        if predicted is Storable.YES:
            is_for_whole = asked == (WHOLE,) or self._should_join(ask, asked)
            return None if is_for_whole else await self.cold(ask, asked)
        return await self.cold(ask, asked) if predicted is Storable.TOO_LARGE else None

    def _is_usable(self, parts: Parts, rules: RequestRules) -> bool:
        assert parts.meta is not None
        return judge(parts.meta.policy, parts.meta.age_s(self._clock.wall_ms()), rules) in USABLE

    def _should_join(self, ask: Ask, asked: Sequence[Spec]) -> bool:
        """Whether the whole is on its way, and soon where the range begins."""
        flight = self._fills.under_way(self._cache.flight_key(ask.primary, ask.request.headers))
        return flight is not None and not self._is_far(asked, flight.head, flight.size_bytes)

    def _is_far(self, asked: Sequence[Spec], head: Head | None, n_arrived: int) -> bool:
        if not isinstance(head, Fetched) or head.response.status != 200 or head.response.length is None:
            return False
        starts = [spec.within(head.response.length)[0] for spec in asked]
        return min(starts) > n_arrived + self._limits.gap_bytes

    def is_ahead(self, request: web.BaseRequest, reader: Reader[Head]) -> bool:
        """Whether a range lies so far ahead of a fill that it should not wait for it."""
        asked = specs(request.headers.get("Range"))
        flight = reader.flight
        return asked is not None and self._is_far(asked, flight.head, flight.size_bytes)

    async def rest(self, want: Want) -> Want:
        """What to ask for instead of the whole, when a part from its start is held that may not be combined:
        the origin that ignores the range loses nothing, the one that does not is asked again."""
        parts = await self._cache.find_parts(want.primary, want.headers)
        held = parts.at(0) if parts is not None and not parts.validator else None
        if held is None or want.stale is not None:
            return want
        return Want(
            want.primary, want.headers, want.key, None, want.is_live, f"bytes={held.stop}-", is_rest=True
        )

    async def _of_parts(self, ask: Ask, parts: Parts) -> web.StreamResponse | None:
        """The answer from what is held, with what is missing fetched; None when that cannot be combined."""
        is_held = all(parts.covers(span.start, span.stop) for span in _spans(ask.request, parts))
        if not is_held and (not parts.validator or ask.rules.only_if_cached):
            return None
        tier = "memory" if all(one.key in self._cache.memory for one in parts.held) else "disk"
        metrics.REQUESTS.labels(*((tier, "hit") if is_held else ("origin", "miss"))).inc()
        status = CacheStatus(tier) if is_held else CacheStatus("origin", Forward.PARTIAL, is_stored=True)
        return await self._put_together(ask, parts, status)

    async def _put_together(self, ask: Ask, version: Parts, status: CacheStatus) -> web.StreamResponse:
        assert version.meta is not None
        headers = version.whole_headers()
        headers["Age"] = str(int(version.meta.age_s(self._clock.wall_ms())))
        return await self._answers.assembled(
            ask.request, headers, version.total, lambda span: self._read(ask, version, span), status
        )

    async def cold(self, ask: Ask, asked: Sequence[Spec]) -> web.StreamResponse | None:
        """Ask the origin for the blocks around the first range, and go on from what it answers."""
        request, span = ask.request, self._span(asked)
        key = f"{self._cache.flight_key(ask.primary, request.headers)}\x00@{span}"
        want = Want(ask.primary, request.headers, key, span=span)
        with self._fills.join(want) as reader:
            head = await reader.head(teller(request))
            self.check(ask.primary)
            if not isinstance(head, Fetched) or not self._may_read(request, reader, head):
                return None
            is_stored = head.verdict is Storable.YES
            detail, code = stored_detail(head.verdict), head.response.status
            status = CacheStatus(detail, ask.forward, code, is_stored, not reader.is_leader)
            metrics.REQUESTS.labels("origin", "miss" if is_stored else "pass").inc()
            brings = came(head.headers, head.response.length) if code == 206 else None
            if brings is None or span == request.headers.get("Range"):
                return await self._answers.fetched(request, reader, head, status)
            return await self._go_on(ask, reader, brings, status)

    def _span(self, asked: Sequence[Spec]) -> str:
        """The Range to ask for: whole blocks, or the end of an object whose length is not known."""
        spec = next(
            (one for one in asked if one.first is not None), max(asked, key=lambda one: one.last or 0)
        )
        if spec.first is None:
            return f"bytes=-{spec.last}"
        last = spec.first if spec.last is None else spec.last
        start, stop = aligned(spec.first, last, self._limits.block_bytes)
        if stop - start > self._limits.span_bytes:
            stop = start + self._limits.block_bytes
        return f"bytes={start}-{stop - 1}"

    def _may_read(self, request: web.BaseRequest, reader: Reader[Head], head: Fetched) -> bool:
        names = tuple(name for name, _ in head.vary)
        return reader.is_leader or (head.is_shared and head.vary == vary_values(names, request.headers))

    async def _go_on(
        self, ask: Ask, reader: Reader[Head], brings: ContentRange, status: CacheStatus
    ) -> web.StreamResponse | None:
        """The answer, after a 206 has told how large the whole is."""
        head = reader.flight.head
        assert isinstance(head, Fetched) and brings.total is not None
        validator = strong_validator(head.headers) or ""
        version = Parts(ask.primary, head.vary, brings.total, validator, meta=head.meta)
        spans, is_stored = _spans(ask.request, version), head.verdict is Storable.YES
        if not all(brings.start <= span.start and span.stop <= brings.stop for span in spans):
            return await self._put_together(ask, version, status) if validator and is_stored else None
        if len(spans) > 1 and not is_stored:
            return None
        return await self._answers.assembled(
            ask.request,
            version.whole_headers(),
            version.total,
            lambda span: cut(reader.again(), brings.start, span.start, span.stop),
            status,
        )

    async def _read(self, ask: Ask, version: Parts, span: ByteRange) -> AsyncIterator[Piece]:
        """The bytes of a range, wherever they are. Raises VersionChanged, and what a fill raises."""
        place = span.start
        while place < span.stop:
            before = place
            async for chunk in self._step(ask, version, place, span.stop):
                place += len(chunk)
                yield chunk
            if place == before:
                raise VersionChanged("the bytes that were to follow are not there")

    async def _step(self, ask: Ask, version: Parts, place: int, stop: int) -> AsyncIterator[Piece]:
        hit = await self._cache.find(ask.primary, ask.request.headers)
        if hit is not None:
            entry = hit.hot.entry
            if len(entry.body) == version.total and strong_validator(entry.headers) == version.validator:
                yield bytes(entry.body[place:stop])
                return
        parts = await self._cache.find_parts(ask.primary, ask.request.headers)
        if parts is None or (parts.total, parts.validator) != (version.total, version.validator):
            parts = version
        held = parts.at(place)
        part = await self._cache.part(held.key) if held is not None else None
        self.check(ask.primary)
        if held is not None and part is not None:
            yield bytes(part.body[place - held.start : stop - held.start])
            return
        async for chunk in self._fetch(ask, parts, place, stop):
            yield chunk

    async def _fetch(self, ask: Ask, parts: Parts, place: int, stop: int) -> AsyncIterator[Piece]:
        """What is missing from `place` on, as far as its block goes; the next block is asked for as well."""
        end = parts.hole(place, self._limits.block_bytes)[1]
        with self._fills.join(self._want(ask, parts, place)) as reader:
            if end < stop and parts.at(end) is None:
                with self._fills.join(self._want(ask, parts, end)):
                    pass  # it goes on by itself, and is stored
            head = await reader.head()
            begins = self._begins(head, parts)
            if begins is None or begins > place:
                await self._cache.drop_parts(ask.primary)
                raise VersionChanged("the origin has another version now")
            async for chunk in cut(reader.chunks(), begins, place, min(end, stop)):
                yield chunk

    def _want(self, ask: Ask, parts: Parts, place: int) -> Want:
        start, end = parts.hole(place, self._limits.block_bytes)
        span = f"bytes={start}-{end - 1 if end < parts.total else ''}"
        key = f"{storage_key(ask.primary, parts.vary)}\x00@bytes={start}-{end - 1}"
        return Want(ask.primary, ask.request.headers, key, span=span, validator=parts.validator)

    def _begins(self, head: Head, parts: Parts) -> int | None:
        """Where in the version the fill's bytes begin; None when they are of another."""
        if not isinstance(head, Fetched) or strong_validator(head.headers) != parts.validator:
            return None
        if head.response.status == 200:
            return 0 if head.response.length in (None, parts.total) else None
        brings = came(head.headers, head.response.length) if head.response.status == 206 else None
        return brings.start if brings is not None and brings.total == parts.total else None


def _spans(request: web.BaseRequest, version: Parts) -> tuple[ByteRange, ...]:
    """The bytes of a version that an answer brings; none for 416."""
    ranges = wanted_parts(request, version.whole_headers(), version.total)
    if isinstance(ranges, Unsatisfiable):
        return ()
    return ranges or (ByteRange(0, version.total, version.total),)
