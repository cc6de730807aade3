"""The way of a miss: the sibling that owns the object, the shield, the origin, one after the other.

A peer that does not answer costs one deadline and is left out for a while; nobody's request fails for a
peer's sake, for behind every peer stands the origin.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager

from edge.cache import metrics
from edge.cache.settings import UpstreamLimits
from edge.fields import HOP_FIELD, REVISION_FIELD, FieldPolicy
from edge.peers.health import PeerHealth
from edge.peers.route import PERSONAL, Asked, Hop, Region, route
from edge.peers.settings import PeerLimits, base_url
from edge.upstream.client import EVERYTHING, Upstream
from edge.upstream.exchange import (
    NodeName,
    OriginAborted,
    OriginRequest,
    OriginResponse,
    OriginTimeout,
    OriginUnreachable,
)
from edge.upstream.link import Receiver
from edge.upstream.links import Begun, LinkAnswer
from shared.clock import Clock
from shared.errors import ServiceError

log = logging.getLogger(__name__)

COSTLY = (OriginTimeout, OriginUnreachable)
"""They cost the viewer a deadline, or say that nobody is there."""
DECLINED = frozenset({400, 403, 408, 414, 431})
"""A peer may say so for itself: its clock, its keys or its limits differ. If it is the origin's word, that
says it again."""


def as_it_is(target: str, now_s: float) -> str:
    """A target that needs no signature."""
    return target


class Routes:
    """Requests to peers and the origin, behind the interface of `Upstream`. One event loop owns it."""

    def __init__(
        self,
        origin_url: str,
        limits: UpstreamLimits,
        peers: PeerLimits,
        own: NodeName,
        clock: Clock,
        *,
        fields: FieldPolicy = EVERYTHING,
        for_peer: Callable[[str, float], str] = as_it_is,
        for_origin: Callable[[str, float], str] = as_it_is,
        is_worker: bool = False,
    ) -> None:
        self._rng = random.Random(own.node)
        self._own = own
        self._fields = fields
        self._for_peer = for_peer
        self._for_origin = for_origin
        self._passed_on = (HOP_FIELD, REVISION_FIELD) if is_worker else ()
        """What another edge tells of its way is for the main process to know."""
        self._origin = Upstream(base_url("origin_url", origin_url), limits, own, self._rng, fields=fields)
        self._limits = peers.checked()
        self._peer_limits = peers.upstream(limits)
        self._clock = clock
        self._health = PeerHealth(peers.ejection())
        self._peers: dict[str, Upstream] = {}
        self._loads: dict[str, int] = {}
        self._siblings: frozenset[str] = frozenset()
        self.revision: Callable[[], str] = str
        """What this edge has purged, as `route.told` says it: a peer that is behind must not answer."""

    async def open(self) -> None:
        """Open the pools."""
        await self._origin.open()
        if self._limits.shield_url:
            await self._add(self._limits.shield_url)
        await self.set_siblings(())

    async def close(self) -> None:
        """Close the pools and what is under way."""
        for upstream in (self._origin, *self._peers.values()):
            await upstream.close()

    @property
    def siblings(self) -> frozenset[str]:
        """The other edges of the region, usable or not."""
        return self._siblings - {self._limits.own_url}

    def ejected(self) -> list[str]:
        """Peers that are left out now."""
        return self._health.ejected(self._clock.monotonic())

    async def set_siblings(self, discovered: Iterable[str]) -> None:
        """The configured siblings and these are the siblings from now on."""
        wanted = frozenset((*self._limits.siblings, *discovered))
        for url in wanted - self._peers.keys() - {self._limits.own_url}:
            await self._add(url)
        # All at once: a miss between two of these would look for what one has and another has not.
        gone = [self._peers.pop(url) for url in self._peers.keys() - wanted - {self._limits.shield_url}]
        self._siblings = wanted | {self._limits.own_url} if wanted else wanted
        self._health.keep_only(frozenset(self._peers))
        self._loads = {url: self._loads.get(url, 0) for url in (*self._peers, *self._siblings)}
        for peer in gone:
            await peer.close()

    async def _add(self, url: str) -> None:
        peer = self._peers[url] = Upstream(url, self._peer_limits, self._own, self._rng, fields=self._fields)
        await peer.open()

    def fetch(self, request: OriginRequest) -> AbstractAsyncContextManager[OriginResponse]:
        """The answer of the first hop that gives one, its body open. Raises as `Upstream.fetch` does."""
        return self._fetch(request)

    def begin(self, request: OriginRequest, receiver: Receiver) -> Begun | None:
        """Ask the origin without a task; None: there are peers to ask first, or `fetch` must do it."""
        if self._peers:
            return None
        if self._for_origin is not as_it_is:
            now_s = self._clock.wall_ms() / 1000
            if self._for_origin(request.target, now_s) != request.target:
                return None
        return self._origin.begin(request, receiver)

    def response(self, answer: LinkAnswer) -> OriginResponse:
        """The origin's answer to what was begun."""
        return self._origin.response(answer)

    def error_of(self, exc: BaseException) -> ServiceError:
        """What a failure before the head means."""
        return self._origin.error_of(exc)

    @asynccontextmanager
    async def _fetch(self, request: OriginRequest) -> AsyncIterator[OriginResponse]:
        asked = Asked(
            request.target,
            request.method,
            request.body is not None,
            any(name in request.headers for name in PERSONAL),
            request.headers.get(HOP_FIELD, ""),
        )
        peers = route(asked, self._region())[:-1] if self._peers else ()
        for hop, url in peers:
            async with AsyncExitStack() as held:
                response = await self._ask(held, hop, url, request)
                if response is not None:
                    with self._watched(hop, url):
                        yield response
                    return
        target = self._for_origin(request.target, self._clock.wall_ms() / 1000)
        told = tuple((name, request.headers[name]) for name in self._passed_on if name in request.headers)
        if target != request.target or told:
            request = request._replace(target=target, own_fields=told)
        with self._counted(self._limits.own_url):
            async with self._origin.fetch(request) as response:
                yield response

    async def _ask(
        self, held: AsyncExitStack, hop: Hop, url: str, request: OriginRequest
    ) -> OriginResponse | None:
        """The answer of a peer, open until `held` ends; None when the next hop is to be asked."""
        peer = self._peers.get(url)
        if peer is None:
            return None
        self._health.asked(url, self._clock.monotonic())
        held.enter_context(self._counted(url))
        own_fields = ((HOP_FIELD, str(hop)), (REVISION_FIELD, self.revision()))
        target = self._for_peer(request.target, self._clock.wall_ms() / 1000)
        asked = request._replace(target=target, own_fields=own_fields)
        try:
            response = await held.enter_async_context(peer.fetch(asked))
        except ServiceError as exc:
            self._failed(hop, url, exc)
            return None
        except asyncio.CancelledError:
            self._health.let_go(url)
            raise
        # An error in an answer is mostly the origin's, told on: the peer lives, the next hop may do better.
        self._health.answered(url)
        is_error = response.status >= 500 or response.status in DECLINED
        metrics.PEER_REQUESTS.labels(hop, "error" if is_error else "ok").inc()
        return None if is_error else response

    def _region(self) -> Region:
        now = self._clock.monotonic()
        own, shield = self._limits.own_url, self._limits.shield_url
        usable = (url for url in self._siblings if url == own or self._health.is_usable(url, now))
        return Region(
            own_url=own,
            loads={url: self._loads[url] for url in usable},
            shield_url=shield if shield and self._health.is_usable(shield, now) else "",
            load_factor=self._limits.load_factor,
            least_load=self._limits.least_load,
        )

    def _failed(self, hop: Hop, url: str, error: ServiceError) -> None:
        metrics.PEER_REQUESTS.labels(hop, error.code).inc()
        is_costly = isinstance(error, COSTLY)
        if self._health.failed(url, self._clock.monotonic(), is_costly=is_costly):
            metrics.PEER_EJECTIONS.labels(hop).inc()
            log.warning("peer_ejected", extra={"peer": url, "code": error.code, "detail": error.detail})

    @contextmanager
    def _watched(self, hop: Hop, url: str) -> Iterator[None]:
        """A body that breaks off speaks against the peer."""
        try:
            yield
        except (OriginAborted, OriginTimeout) as exc:
            self._failed(hop, url, exc)
            raise

    @contextmanager
    def _counted(self, url: str) -> Iterator[None]:
        """One more request under way at url."""
        self._loads[url] = self._loads.get(url, 0) + 1
        try:
            yield
        finally:
            if url in self._loads:  # it may be no peer any more
                self._loads[url] -= 1
