"""The cache, the way to the origin and the media handler, wired: what `app` and `standalone` both start."""

import random
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from edge.cache.disk import DiskTier
from edge.cache.key import PrimaryKey, primary_key
from edge.cache.memory import MemoryTier
from edge.cache.settings import CacheLimits, UpstreamLimits
from edge.cache.tiered import TieredCache
from edge.fields import FieldPolicy
from edge.fills.fill import Fills
from edge.fills.want import FillSettings
from edge.handlers.forward import ForwardSettings
from edge.handlers.media import MediaHandler, MediaSettings
from edge.handlers.signed import Gate, SignedLimits
from edge.headers import Completion
from edge.peers.route import is_behind, told
from edge.peers.routes import Routes, as_it_is
from edge.peers.settings import PeerLimits
from edge.purge.node import Purges
from edge.purge.state import PurgeFile
from edge.serving.connections import ConnectionLimits
from edge.serving.doorway import Doorway
from edge.serving.guard import RequestLimits
from edge.serving.hot import HotLimits, HotTable
from edge.serving.listener import Listener, ListenSettings
from edge.serving.misses import Misses
from edge.upstream.exchange import NodeName
from shared.clock import Clock, SystemClock
from shared.subjects import PURGE

MEDIA = "/v/"
"""Where our own origin's objects are."""
CORS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "Cache-Status, ETag, Content-Range, Age, Repr-Digest"),
)
"""For the edge in front of our own origin; the standalone proxy adds nothing."""


@dataclass(frozen=True)
class DeliverySettings:
    """Where objects come from and where they are kept."""

    origin_url: str
    folder: Path | None = None
    """Of the disk tier; None, or 0 `disk_bytes`: RAM only."""
    name: str = "headstart-edge"
    """In Via, CDN-Loop and Cache-Status."""
    extra_headers: tuple[tuple[str, str], ...] = ()
    gate: Gate = field(default_factory=lambda: Gate(SignedLimits()))
    """What signed URLs must say."""
    is_media: bool = False
    """In front of our own origin: reads carry only what media needs."""
    cache: CacheLimits = field(default_factory=CacheLimits)
    hot: HotLimits = field(default_factory=HotLimits)
    upstream: UpstreamLimits = field(default_factory=UpstreamLimits)
    peers: PeerLimits = field(default_factory=PeerLimits)
    is_worker: bool = False
    """The origin is this node's main process, which wants its own signatures on URLs."""


class Delivery:
    """Everything between a request for bytes and its answer. Open it inside the running loop."""

    def __init__(
        self, settings: DeliverySettings, clock: Clock | None = None, rng: random.Random | None = None
    ) -> None:
        clock, limits, name = clock or SystemClock(), settings.cache, settings.name
        extra = settings.extra_headers
        has_disk = settings.folder is not None and limits.disk_bytes > 0
        disk = DiskTier(settings.folder, limits) if settings.folder is not None and has_disk else None
        memory = MemoryTier(limits.memory_bytes, clock, pinned_share=limits.pinned_share)
        self.hot = HotTable(memory, clock, settings.hot)
        self.cache = TieredCache(limits, memory, disk)
        fields = FieldPolicy(settings.is_media, limits.dropped())
        own = NodeName.made(name, rng or random.Random())
        self.upstream = Routes(
            settings.origin_url,
            settings.upstream,
            settings.peers,
            own,
            clock,
            fields=fields,
            for_peer=settings.gate.for_peer,
            for_origin=settings.gate.for_peer if settings.is_worker else as_it_is,
            is_worker=settings.is_worker,
        )
        self.fills = Fills(
            self.cache, self.upstream, clock, FillSettings(limits, name, extra, settings.upstream.n_resumes)
        )
        forwarding = ForwardSettings(
            limits,
            Completion.of(name, extra),
            settings.upstream.request_body_bytes,
            urlsplit(settings.origin_url).netloc,
        )
        obeys, query = limits.obeys_reload, limits.query()
        gate, is_worker = settings.gate, settings.is_worker
        answers = MediaSettings(forwarding, name, extra, obeys, query, gate, limits.ranges(), is_worker)
        self.media = MediaHandler(self.cache, self.fills, self.upstream, clock, answers)
        if settings.hot.is_on and settings.gate.is_open:
            below = MEDIA if settings.is_media else "/"
            self.hot.misses = Misses(self.cache, self.fills, self.media.answers, below)
        kept = settings.folder / "purges.bin" if settings.folder is not None else None
        self.purges = Purges(self.cache, PurgeFile(kept), clock, self._key_of)
        self.cache.gate.on_close = self.hot.clear
        self._gate = settings.gate
        self.upstream.revision = lambda: told(self.purges.latest, has_unsent=self.purges.has_unsent)
        self.media.is_behind = lambda asked: is_behind(asked, self.purges.places.get(PURGE.name))

    def _key_of(self, url: str) -> PrimaryKey:
        """The key of a URL that an operator names, be it one that a player was given."""
        return self.media.key(self._gate.bare(primary_key(url)))

    async def open(self) -> int:
        """Open the pool and take in what the disk holds; returns the number of objects."""
        await self.upstream.open()
        self.purges.restore()
        n_objects = await self.cache.open()
        await self.purges.begin()
        return n_objects

    async def close(self) -> None:
        """Stop the fills, finish the disk writes, close the pool."""
        await self.fills.close()
        await self.cache.close()
        await self.upstream.close()


class DeliveryListener(Listener):
    """Serves a delivery and nothing else: every request goes to the media handler."""

    def __init__(
        self,
        delivery: Delivery,
        requests: RequestLimits | None = None,
        settings: ListenSettings | None = None,
        limits: ConnectionLimits | None = None,
    ) -> None:
        judged = replace(requests or RequestLimits(), encoded_slash=True)
        runner = web.ServerRunner(web.Server(delivery.media.handle), shutdown_timeout=0.1)
        super().__init__(runner, lambda server: Doorway(server, judged), delivery.hot, settings, limits)
