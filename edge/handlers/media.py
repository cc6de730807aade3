"""GET and HEAD of cached objects: hit, miss, stale, Range, 304; everything else forwarded to the origin.

Also what the rest of the edge asks of the cache: warm an object into RAM, is it there.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from aiohttp import web

from edge.cache import metrics
from edge.cache.entry import Entry
from edge.cache.freshness import NO_RULES, Storable, Verdict, judge, request_rules
from edge.cache.key import MAX_TARGET_CHARS, PrimaryKey, primary_key
from edge.cache.memory import Hot
from edge.cache.query import QueryPolicy
from edge.cache.ranges import RangeLimits, specs
from edge.cache.tiered import Hit, Tier, TieredCache
from edge.errors import Behind, Withdrawn
from edge.fields import HOP_FIELD, REVISION_FIELD
from edge.fills.fill import Fills
from edge.fills.reader import Reader
from edge.fills.want import Head, Ready, Source, Want
from edge.handlers.answer import Answers
from edge.handlers.crossing import CLIENT_CLOSED_REQUEST, OFFERED, HungUp, handed_to, while_there
from edge.handlers.fit import is_for, no_store_reason, own_key
from edge.handlers.forward import Forwarder, ForwardSettings, teller
from edge.handlers.ranged import Ask, Ranged
from edge.handlers.signed import Gate, SignedLimits, Unsigned
from edge.handlers.warm import SERVED_AT_ONCE, Warmer, WarmResult
from edge.headers import CacheStatus, Forward, has_strict_precondition, is_plain, stored_detail
from edge.upstream.exchange import Fetcher
from shared.clock import Clock
from shared.errors import InvalidRequest, ServiceError


class NotCached(ServiceError):
    """The client wants only what is stored, and this is not."""

    code = "not_cached"
    status = 504


@dataclass(frozen=True, slots=True)
class MediaSettings:
    """What an operator sets about answers."""

    forwarding: ForwardSettings
    name: str = "headstart-edge"
    extra_headers: tuple[tuple[str, str], ...] = ()
    """CORS; told with our own errors too. When there are any, preflight requests are answered here."""
    obeys_reload: bool = True
    query: QueryPolicy = field(default_factory=QueryPolicy)
    gate: Gate = field(default_factory=lambda: Gate(SignedLimits()))
    ranges: RangeLimits = field(default_factory=RangeLimits)
    is_worker: bool = False
    """What this process may not answer another edge, its main process may: it knows which purges are done."""


class MediaHandler:
    """Answers requests from the cache, the fills and the origin, in this order."""

    def __init__(
        self, cache: TieredCache, fills: Fills, upstream: Fetcher, clock: Clock, settings: MediaSettings
    ) -> None:
        self._cache = cache
        self._fills = fills
        self._clock = clock
        self._settings = settings
        self.answers = Answers(settings.name, settings.extra_headers)
        forwarding = replace(settings.forwarding, key=self.key)
        self._forwarder = Forwarder(cache, upstream, clock, self.answers, forwarding)
        self._warmer = Warmer(cache, fills, clock)
        self._ranged = Ranged(cache, fills, clock, self.answers, settings.ranges)
        self._ranged.check = self._refuse_buried
        self._buried = cache.tombstones
        self.on_purge: Callable[[web.BaseRequest, str], Awaitable[web.Response | None]] | None = None
        """Takes the HTTP method PURGE; None, or what it answers None to, is the origin's, like any other."""
        self.is_behind: Callable[[str], bool] = lambda _: False
        """Whether the edge that asks has applied purges that this one has not."""
        self._hits = metrics.REQUESTS.labels("memory", "hit")
        self._misses = metrics.REQUESTS.labels("origin", "miss")
        self._passes = metrics.REQUESTS.labels("origin", "pass")

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to any request."""
        try:
            primary = self._admitted(request)
        except Unsigned as exc:
            metrics.UNSIGNED.labels(exc.flaw).inc()
            return self.answers.failed(exc)
        hop, asked = request.headers.get(HOP_FIELD), request.headers.get(REVISION_FIELD, "")
        is_behind = bool(hop) and self.is_behind(asked)
        if is_behind and not self._settings.is_worker:
            return self.answers.failed(Behind("the asking edge knows purges that this one does not"))
        if request.method in ("GET", "HEAD") and not is_behind:
            is_gone = self._buried and self._buried.is_buried(primary)
            hot = None if is_gone or handed_to(request) else self._cache.lookup(primary, request.headers)
            if hot is not None and is_plain(request.headers):
                meta = hot.entry.meta
                age_s = meta.age_s(self._clock.wall_ms())
                if judge(meta.policy, age_s, NO_RULES) is Verdict.FRESH:
                    self._hits.inc()
                    request[OFFERED] = hot
                    return self.answers.hit(hot, age_s)
        try:
            self._refuse_buried(primary)
            if len(primary) > MAX_TARGET_CHARS:
                raise InvalidRequest(f"the target is over {MAX_TARGET_CHARS} characters")
            is_read = request.method in ("GET", "HEAD") and not has_strict_precondition(request.headers)
            return await (self._read if is_read and not is_behind else self._other)(request, primary)
        except HungUp:
            return web.Response(status=CLIENT_CLOSED_REQUEST)
        except ServiceError as exc:
            metrics.REQUESTS.labels("origin", "withdrawn" if isinstance(exc, Withdrawn) else "error").inc()
            return self.answers.failed(exc)

    def _admitted(self, request: web.BaseRequest) -> PrimaryKey:
        """The key of what is asked for. Raises Unsigned."""
        gate = self._settings.gate
        if gate.is_open:
            return self.key(request.raw_path)
        return self.key(gate.admitted(primary_key(request.raw_path), self._clock.wall_ms() / 1000).path)

    def key(self, target: str) -> PrimaryKey:
        """What an object of this target is stored under, whatever its variant."""
        return PrimaryKey(self._settings.query.applied(primary_key(target)))

    async def _other(self, request: web.BaseRequest, primary: PrimaryKey) -> web.StreamResponse:
        """What is no plain read: answered here if it is ours, forwarded if it is the origin's."""
        if self._settings.extra_headers and "Access-Control-Request-Method" in request.headers:
            return self.answers.preflight()
        purge = self.on_purge if request.method == "PURGE" else None
        purged = await purge(request, primary) if purge is not None else None
        return purged if purged is not None else await self._forward(request, primary, Forward.METHOD)

    def _refuse_buried(self, primary: PrimaryKey) -> None:
        """After every wait: the video may have been withdrawn meanwhile. Raises Withdrawn."""
        if self._buried and self._buried.is_buried(primary):
            raise Withdrawn("the video was withdrawn")

    async def _read(self, request: web.BaseRequest, primary: PrimaryKey) -> web.StreamResponse:
        handed = handed_to(request)
        if handed is not None:
            return await self._fill(request, handed.want, Forward.MISS, handed.taken())
        rules = request_rules(request.headers) if self._settings.obeys_reload else NO_RULES
        hit = await self._cache.find(primary, request.headers)
        self._refuse_buried(primary)
        verdict = Verdict.STALE
        if hit is not None:
            meta = hit.hot.entry.meta
            verdict = judge(meta.policy, meta.age_s(self._clock.wall_ms()), rules)
            if verdict in SERVED_AT_ONCE:
                return self._serve(request, primary, hit, verdict)
        forward = self._reason(primary, hit, verdict)
        is_alone = rules.is_reload or rules.no_store or "Authorization" in request.headers
        if hit is None and not is_alone:
            answer = await self._ranged.answer(Ask(request, primary, rules, forward))
            if answer is not None:
                return answer
        if rules.only_if_cached:
            raise NotCached("only-if-cached, and nothing stored may be used")
        key = None if is_alone else self._cache.flight_key(primary, request.headers)
        want = Want(primary, request.headers, key, hit.hot.entry if hit else None)
        stand_in = self._fills.stand_in(want) if verdict is Verdict.STALE else None
        if stand_in is not None:
            return self._ready(request, stand_in, forward)
        if request.method == "HEAD" or self._should_relay(request, primary):
            return await self._relay(request, want, forward)
        want = await self._ranged.rest(want)
        return await self._fill(request, want, forward)

    def _serve(
        self, request: web.BaseRequest, primary: PrimaryKey, hit: Hit, verdict: Verdict
    ) -> web.StreamResponse:
        """A stored object as it is; one that is stale is validated behind the answer's back."""
        entry = hit.hot.entry
        if verdict is Verdict.STALE_WHILE_REVALIDATE:
            self._revalidate(primary, request, entry)
        result = "hit" if verdict is Verdict.FRESH else "stale"
        metrics.REQUESTS.labels(hit.tier, result).inc()
        if verdict is Verdict.FRESH and hit.tier is Tier.MEMORY:
            request[OFFERED] = hit.hot
        return self._stored(request, hit.hot, CacheStatus(str(hit.tier)))

    def _stored(self, request: web.BaseRequest, hot: Hot, status: CacheStatus) -> web.Response:
        meta = hot.entry.meta
        age_s = meta.age_s(self._clock.wall_ms())
        left_s = int(meta.policy.lifetime_s - age_s)
        if left_s < 0:
            status = replace(status, ttl_s=left_s)
        return self.answers.stored(request, hot, age_s, status)

    def _revalidate(self, primary: PrimaryKey, request: web.BaseRequest, entry: Entry) -> None:
        key = self._cache.flight_key(primary, request.headers)
        with self._fills.join(Want(primary, request.headers, key, entry)):
            pass  # the fill belongs to its own task; nobody waits for this one

    def _reason(self, primary: PrimaryKey, hit: Hit | None, verdict: Verdict) -> Forward:
        if hit is None:
            return Forward.VARY if self._cache.has_variants(primary) else Forward.MISS
        return Forward.REQUEST if verdict is Verdict.REQUEST else Forward.STALE

    def _should_relay(self, request: web.BaseRequest, primary: PrimaryKey) -> bool:
        """Whether the origin must see this request's own range or condition: nothing will be stored."""
        asked = request.headers
        is_special = "Range" in asked or "If-None-Match" in asked or "If-Modified-Since" in asked
        return is_special and self._fills.predict(primary) is not Storable.YES

    async def _fill(
        self, request: web.BaseRequest, want: Want, forward: Forward, joined: Reader[Head] | None = None
    ) -> web.StreamResponse:
        """Read the shared fill; when its answer is not for this request, a fill that is."""
        for _ in range(2):
            with joined or self._fills.join(want) as reader:
                joined = None
                try:
                    async with while_there(request):
                        head = await self._fills.head(reader, want, teller(request))
                        self._refuse_buried(want.primary)
                        if self._may_read(request, reader, want, head):
                            return await self._answer(request, reader, head, forward)
                finally:
                    if request.transport is None:  # the viewer hung up
                        self._fills.leave(reader)
            if self._is_apart(request, reader, head):
                asked = specs(request.headers.get("Range")) or ()
                answer = await self._ranged.cold(Ask(request, want.primary, NO_RULES, forward), asked)
                if answer is not None:
                    return answer
                break
            want = want._replace(key=own_key(request, want, head))
        return await self._forward(request, want.primary, forward)

    def _may_read(self, request: web.BaseRequest, reader: Reader[Head], want: Want, head: Head) -> bool:
        """Whether what a flight brings is for this request: its own flight, or an answer for all like it."""
        return not self._is_apart(request, reader, head) and is_for(request, reader, want, head)

    def _is_apart(self, request: web.BaseRequest, reader: Reader[Head], head: Head) -> bool:
        """Whether a range should be fetched by itself: the whole is not stored, or not soon that far."""
        if isinstance(head, Ready) or specs(request.headers.get("Range")) is None:
            return False
        is_ahead = not reader.is_leader and self._ranged.is_ahead(request, reader)
        return head.verdict is Storable.TOO_LARGE or is_ahead

    async def _answer(
        self, request: web.BaseRequest, reader: Reader[Head], head: Head, forward: Forward
    ) -> web.StreamResponse:
        if isinstance(head, Ready):
            return self._ready(request, head, forward)
        is_stored = head.verdict is Storable.YES
        (self._misses if is_stored else self._passes).inc()
        status = CacheStatus(
            stored_detail(head.verdict), forward, head.response.status, is_stored, not reader.is_leader
        )
        return await self.answers.fetched(request, reader, head, status)

    def _ready(self, request: web.BaseRequest, head: Ready, forward: Forward) -> web.Response:
        hot = Hot(head.entry)
        if head.source is Source.STALE_IF_ERROR:
            metrics.REQUESTS.labels("memory", "stale").inc()
            return self._stored(request, hot, CacheStatus("memory", forward_status=head.status))
        metrics.REQUESTS.labels("memory", "validated").inc()
        is_stored = head.verdict is Storable.YES
        detail = "memory" if is_stored else str(head.verdict)
        return self._stored(request, hot, CacheStatus(detail, forward, head.status, is_stored))

    async def _forward(
        self, request: web.BaseRequest, primary: PrimaryKey, forward: Forward
    ) -> web.StreamResponse:
        """Ask the origin for exactly this."""
        status = CacheStatus(no_store_reason(request.method, self._fills.predict(primary)), forward)
        if request.method != "GET":  # may be half done, or freshens what is stored
            return await self._forwarder.forward(request, primary, status)
        async with while_there(request):
            return await self._forwarder.forward(request, primary, status)

    async def _relay(self, request: web.BaseRequest, want: Want, forward: Forward) -> web.StreamResponse:
        """The same; what is stored may stand in for an origin that gives no answer."""
        try:
            return await self._forward(request, want.primary, forward)
        except ServiceError:
            stand_in = self._fills.instead(want)
            if stand_in is None:
                raise
            return self._ready(request, stand_in, forward)

    async def warm(self, path: str) -> WarmResult:
        """Bring the object at path into RAM."""
        return await self._warmer.warm(self.key(path))

    def arrived_bytes(self, path: str) -> int:
        """What came so far of an object that is under way."""
        return self._warmer.arrived_bytes(self.key(path))

    def is_in_memory(self, path: str) -> bool:
        """Whether RAM holds the object at path, fresh or not."""
        return self._cache.is_in_memory(self.key(path))
