"""Wires an edge: the only file that knows all of its parts."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web

from edge.bus import DEFAULT_URL, HEARTBEAT_S, BeatState, Ears, EdgeBus, Identity
from edge.cache import heap
from edge.cache.key import StorageKey, primary_key
from edge.config import EdgeConfig
from edge.delivery import CORS, Delivery, DeliverySettings
from edge.feed.cards import CardCache
from edge.feed.catalogue import Catalogue
from edge.feed.curves import Curves
from edge.feed.feed import Feed, FeedParts
from edge.feed.notices import Notices
from edge.feed.origin_api import OriginApi
from edge.feed.refill import Refill
from edge.feed.supply import N_FRESH
from edge.handlers.access import Access
from edge.handlers.admin import AdminHandler
from edge.handlers.api import ApiHandler
from edge.handlers.feed import FeedHandler
from edge.handlers.purge import PurgeHandler
from edge.handlers.search import SearchHandler, Sources
from edge.handlers.signed import Gate
from edge.handlers.sounds import SoundsHandler
from edge.handlers.stream import StreamHandler
from edge.peers.discovery import Neighbours
from edge.peers.settings import base_url
from edge.prefetch.pins import Pins
from edge.prefetch.worker import PrefetchWorker, Ways
from edge.purge.desk import BusDesk
from edge.purge.ears import CatalogEar, OrderEar, Replays
from edge.readiness import EdgeHealth
from edge.routes import Reads, admin_app, viewer_app
from edge.saved import Saved
from edge.serving.doorway import Doorway
from edge.serving.listener import Listener
from edge.session.store import SessionStore
from edge.session.vectors import ItemVectors
from edge.spool import Spool
from edge.workers.inherited import LINGER_S, Inherited
from edge.workers.links import attach
from shared.bus import Bus
from shared.clock import SystemClock
from shared.ids import edge_id
from shared.lifecycle import Lifecycle
from shared.messages.catalog import CatalogEvent
from shared.messages.nodes import EdgeHeartbeat
from shared.messages.purge import PurgeOrder
from shared.messages.queues import RankedQueue, TrendingList
from shared.messages.vectors import ModelAnnouncement
from shared.subjects import CATALOG, EVENTS, PURGE
from shared.web import add_operator_routes, serve

log = logging.getLogger(__name__)
NAME = "edge"
EXPIRE_S = 10.0


class Edge:
    """One edge node. `start` it inside a Lifecycle, which stops its parts in reverse order."""

    def __init__(self, config: EdgeConfig, part: Inherited | None = None) -> None:
        self._config = config
        self._public_url = base_url("public_url", config.public_url) if config.public_url else ""
        self._part = part
        self._clock = SystemClock()
        self._identity = Identity(edge_id(config.edge_id), config.region)
        self._neighbours = Neighbours(config.region, HEARTBEAT_S)
        self.health = EdgeHealth()
        self.is_draining = False
        self.url = ""
        self.admin_url = ""

    async def start(self, life: Lifecycle) -> None:
        """Start every part; returns when viewers are served, whoever else is away.

        The listeners are open before; until missed purges are replayed they say that they are not ready.
        """
        config, clock = self._config, self._clock
        folder = config.data_dir / config.edge_id
        self._saved = Saved(folder, clock)
        self._access = Access(self._saved.token_key(config.token_key), config.token_s)
        self._gate = Gate(config.signed, below="/v/")
        settings = DeliverySettings(
            config.origin_url,
            folder / "cache",
            extra_headers=CORS,
            is_media=True,
            gate=self._gate,
            cache=config.cache,
            hot=config.hot,
            upstream=config.upstream,
            peers=config.peers,
        )
        self.delivery = Delivery(settings, clock)
        await life.start("delivery", self.delivery.open(), self.delivery.close)
        if self._part is not None:
            await attach(self._part, self.delivery, life)
        self._origin = OriginApi(config.origin_url, config.origin)
        life.on_stop("origin", self._origin.close)
        bus = await life.start("bus", Bus.connect(config.nats_url or DEFAULT_URL, config.edge_id))
        life.on_stop("bus", bus.close)
        await bus.ensure_streams((EVENTS, CATALOG, PURGE))
        self._bus = EdgeBus(bus, self._identity, config.brain, clock)
        self._desk = BusDesk(bus, self.delivery.purges, config.edge_id, clock)
        self._build()
        self._saved.restore(self.cards, self.feed, self.store)
        life.on_stop("saved", self._save)
        await self._bus.on_heartbeat(self._on_heartbeat)
        self._supervise(life)
        self._follow(life, bus)
        await self._desk.listen()
        hears = (self._on_queue, self._on_trending, self._on_model, self.catalogue.hear, self.curves.hear)
        await self._bus.listen(Ears(*hears))
        self._bus.on_reconnect(self.catalogue.ask_again)
        self._bus.on_reconnect(self._on_connected)
        await self._serve(life)
        await self.replays.settled(config.purge.hold_s)

    def _build(self) -> None:
        config, clock = self._config, self._clock
        media = self.delivery.media
        self.store = SessionStore(config.sessions)
        self.vectors = ItemVectors(config.brain.max_vectors)
        self.cards = CardCache(config.cards, clock, self._origin.cards)
        self.spool = Spool(config.data_dir / config.edge_id / "spool", config.spool)
        cache = self.delivery.cache
        pins = Pins(
            lambda path, distance: cache.pin(media.key(path), distance),
            lambda path: cache.unpin(media.key(path)),
        )
        ways = Ways(media.warm, media.is_in_memory, self._is_cached, media.arrived_bytes)
        self.worker = PrefetchWorker(ways, config.prefetch, clock, pins=pins)
        self.delivery.fills.on_live_bytes = self.worker.yield_to
        self.delivery.fills.on_hang_up = self.worker.hung_up
        self.notices = Notices()
        self.curves = Curves(self._bus, config.brain)
        self.refill = Refill(self._bus, self.vectors, self.curves, config.brain, clock)
        parts = FeedParts(
            clock,
            self._identity,
            self.store,
            self.vectors,
            self.cards,
            self.refill,
            self.spool,
            self.worker,
            self.notices,
            self._gate.media_base,
            self._curve,
        )
        self.feed = Feed(parts, config.ranking, config.prefetch)
        self.catalogue = Catalogue(
            self.cards, self.feed, self._origin.catalog, self.delivery.purges, config.reconcile_s
        )
        self._api = ApiHandler(
            self._origin, config.api, clock, self._gate.media_base, self.delivery.cache.tombstones
        )
        for stone in self.delivery.cache.tombstones.saved():
            self.cards.withdraw(stone.video_id, stone.seq)
        self.replays = Replays(self.delivery.cache, config.purge.hold_s)
        self.health.add("purges", self.replays.check)
        self.health.watch("nats", lambda: None if self._bus.is_connected else "not connected")
        self.health.watch("signing", lambda: None if self._may_sign() else "no signing key is active")
        self.health.watch("cards", lambda: None if len(self.cards) else "no card is known yet")

    def _supervise(self, life: Lifecycle) -> None:
        life.on_stop("spool", self.spool.close)
        loops = {
            "spool-pump": lambda: self.spool.pump_forever(self._bus.publish_batch),
            "spool-flush": self.spool.flush_forever,
            "prefetch": self.worker.run_forever,
            "cards": self.cards.fetch_forever,
            "catalogue": self.catalogue.reconcile_forever,
            "queues": lambda: self.refill.queues_forever(self.feed.take_queue),
            "vectors": self.refill.vectors_forever,
            "curves": self.curves.ask_forever,
            "heartbeat": lambda: self._bus.beat_forever(self._state),
            "save": lambda: self._saved.save_forever(self.cards, self.feed, self._config.save_s),
            "expiry": self._expire_forever,
        }
        for name, loop in loops.items():
            life.supervise(name, loop)

    def _follow(self, life: Lifecycle, bus: Bus) -> None:
        purges = self.delivery.purges
        orders = OrderEar(purges, self.replays, self._desk, self._clock)
        changes = CatalogEar(purges, self.replays, self.catalogue.hear)
        life.supervise("purges", lambda: bus.follow(PURGE, PurgeOrder, orders))
        life.supervise("withdrawals", lambda: bus.follow(CATALOG, CatalogEvent, changes))
        life.supervise("purges-owed", self._desk.pay_forever)

    async def _serve(self, life: Lifecycle) -> None:
        feed = FeedHandler(self.feed, self.refill, self.cards, self._access, self._clock)
        feed.edges = self._others
        stream = StreamHandler(self.feed, self.notices, self._access, self._clock)
        sources = Sources(self._bus, self.cards, lambda: self.feed.trending, self._gate.media_base)
        sounds = SoundsHandler(self._api, self.cards)
        reads = Reads(self._api, sounds, SearchHandler(sources, self._clock))
        app = viewer_app(feed, stream, reads, self.delivery.media)
        add_operator_routes(app, self.health)
        purge = PurgeHandler(self._desk, self._config.edge_id, self._clock, self._config.purge)
        purge.take_method(self.delivery.media, self._part.main_socket if self._part else "")
        admin = admin_app(AdminHandler(self.store, self.cards, self.vectors, self.drain), purge)
        add_operator_routes(admin, self.health)
        operator = await serve(admin, self._config.admin_listen)
        life.on_stop("admin", operator.stop)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
        await runner.setup()
        self.listener = Listener(
            runner, self._doorway, self.delivery.hot, self._config.listening, self._config.connections
        )
        server, part = self.listener, self._part
        self.url = await server.open(self._config.listen, part.listening() if part else ())
        life.on_stop("http", lambda: server.close(linger_s=LINGER_S if part else 0.0))
        life.on_stop("streams", stream.stop)
        life.on_stop("drain", self._drained)
        self.admin_url = operator.url

    def _may_sign(self) -> bool:
        return self._gate.may_sign(self._clock.wall_ms() / 1000)

    def _doorway(self, server: web.Server) -> Doorway:
        return Doorway(server, self._config.requests, decompresses=True)

    def _is_cached(self, path: str) -> bool:
        disk = self.delivery.cache.disk
        in_memory = self.delivery.media.is_in_memory(path)
        return in_memory or (disk is not None and StorageKey(primary_key(path)) in disk)

    def drain(self) -> None:
        """Not ready from now on; who is here is served."""
        self.is_draining = True
        self.health.set_draining()

    async def _drained(self) -> None:
        self.drain()

    async def _save(self) -> None:
        await self._saved.save_sessions(self.store)
        await self._saved.save(self.cards, self.feed)

    def _state(self) -> BeatState:
        place = self.delivery.purges.places.get(PURGE.name)
        url = self._public_url or self.url
        return BeatState(url, len(self.store), self.is_draining, place.seq if place else 0)

    async def _on_heartbeat(self, beat: EdgeHeartbeat) -> None:
        self._neighbours.hear(beat, self._clock.monotonic())
        if self._config.peers.discovers:
            await self.delivery.upstream.set_siblings(self._neighbours.urls())

    def _others(self) -> frozenset[str]:
        """The region's other edges."""
        return self._neighbours.urls() - {self._public_url or self.url}

    def _curve(self, video_id: str, duration_ms: int) -> Sequence[float]:
        card = self.cards.get(video_id)
        return self.curves.table.curve(video_id, duration_ms, card.category if card else "")

    async def _on_connected(self) -> None:
        self.curves.ask_again(card.id for card in self.cards.newest(N_FRESH))

    async def _on_queue(self, queue: RankedQueue) -> None:
        self.feed.take_queue(queue)

    async def _on_trending(self, trending: TrendingList) -> None:
        self.feed.take_trending(trending)

    async def _on_model(self, announcement: ModelAnnouncement) -> None:
        self.refill.new_model(announcement.model)

    async def _expire_forever(self) -> None:
        while True:
            await asyncio.sleep(EXPIRE_S)
            self.feed.expire()


async def run(config: EdgeConfig, part: Inherited | None = None) -> None:
    """Serve until SIGTERM or SIGINT. `part`: as the main process of a supervised edge."""
    if part is not None:
        await part.wait_for_go()
        config = replace(config, cache=part.share(config.cache))
    async with Lifecycle(config.grace_s) as life:
        edge = Edge(config, part)
        await edge.start(life)
        life.take_signals()
        if part is not None:
            part.tell_ready()
        heap.supervise(life, config.cache)
        (config.data_dir / f"{NAME}.url").write_text(edge.url)
        log.info("ready", extra={"url": edge.url, "admin_url": edge.admin_url})
        await life.run_until_signal()
