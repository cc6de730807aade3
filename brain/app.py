"""Wires the brain: the only file that knows all of its parts."""

import asyncio
import logging

import aiohttp
import numpy as np
from aiohttp import web

from brain.bus import QUEUE_GROUP, Responder
from brain.catalogue import Catalogue
from brain.config import BrainConfig
from brain.consumer import Consumer
from brain.features.redis_store import RedisFeatureStore
from brain.features.store import FeatureStore
from brain.items import ItemTable
from brain.pipeline import Pipeline, PipelineConfig, World
from brain.pusher import Pusher
from brain.queues import QueueBuilder
from brain.retention import RetentionKeeper
from brain.search.desk import SearchDesk
from brain.search.index import SearchIndex
from brain.sessions import SessionTable
from brain.shelf import Shelf
from brain.trends import TrendKeeper
from brain.viewers import Viewers
from shared import kv, subjects
from shared.bus import Bus
from shared.clock import SystemClock
from shared.errors import Unavailable
from shared.health import Health
from shared.lifecycle import Lifecycle
from shared.messages.search import SearchRequest
from shared.web import add_operator_routes, error_middleware, serve

log = logging.getLogger(__name__)

NAME = "brain"


class Brain:
    """One serving brain. `start` it inside a Lifecycle, which stops its parts in reverse order."""

    def __init__(self, config: BrainConfig) -> None:
        self._config = config
        self._clock = SystemClock()
        self.url = ""

    async def start(self, life: Lifecycle) -> None:
        """Start every part; returns when it is being served, whether or not its servers are there yet."""
        config, clock = self._config, self._clock
        bus = await life.start("bus", Bus.connect(config.nats_url, NAME))
        life.on_stop("bus", bus.close)
        await _ensured(bus)
        redis = kv.connect(config.redis_url)
        life.on_stop("redis", redis.aclose)
        http = aiohttp.ClientSession()
        life.on_stop("http", http.close)
        limits = config.features
        store = RedisFeatureStore(redis, limits.half_life_now_s, limits.half_life_lasting_s)

        table = ItemTable()
        catalogue = Catalogue(table, bus, http, config.origin_url, config.reconcile_s)
        shelf = Shelf(table, config.data_dir / "models", config.models, config.retrieval)
        trends = TrendKeeper(store, table, bus, config.push, clock)
        retention = RetentionKeeper(store, table, bus, config.retention, clock)
        sessions = SessionTable(config.push.sessions, config.push.every_events)
        stages = PipelineConfig(config.features, config.retrieval, config.rerank, config.pipeline)
        builder = QueueBuilder(
            Viewers(store, config.pipeline, clock),
            Pipeline(stages, np.random.default_rng(), clock.monotonic),
            lambda region: World(table, shelf.current, trends.of(region)),
            clock,
        )
        pusher = Pusher(builder, bus, config.push, config.rerank.queue_items, clock)
        consumer = Consumer(store, table, sessions, pusher, trends)
        consumer.on_watched = retention.heard
        index = SearchIndex(config.data_dir / "search")
        life.on_stop("index", lambda: asyncio.to_thread(index.close))
        search = SearchDesk(index, lambda region: trends.of(region).now, clock)
        catalogue.on_card = search.hear
        responder = Responder(bus, builder, shelf, sessions, trends)
        catalogue.on_removed = lambda video: _forget(store, video, trends.regions)

        await self._serve(life, bus, catalogue)
        await catalogue.start()
        life.supervise("catalogue", catalogue.run)
        await shelf.refresh()
        await responder.start()
        await retention.start()
        await bus.respond(subjects.SEARCH_REQUEST, SearchRequest, search.answer, QUEUE_GROUP)
        life.supervise("models", shelf.run)
        life.supervise("trends", trends.run)
        life.supervise("retention", retention.run)
        life.supervise("search", search.run)
        for number in range(config.push.workers):
            life.supervise(f"pusher-{number}", pusher.run)
        life.supervise("consumer", lambda: consumer.run(bus))

    async def _serve(self, life: Lifecycle, bus: Bus, catalogue: Catalogue) -> None:
        health = Health()
        health.add("nats", lambda: None if bus.is_connected else "not connected to NATS")
        health.add(
            "catalogue", lambda: None if catalogue.is_loaded.is_set() else "the catalogue is not loaded"
        )
        app = web.Application(middlewares=[error_middleware])
        add_operator_routes(app, health)
        server = await life.start("health", serve(app, self._config.listen))
        life.on_stop("health", server.stop)
        self.url = server.url


async def run(config: BrainConfig) -> None:
    """Serve until a signal says stop."""
    config.data_dir.mkdir(parents=True, exist_ok=True)
    async with Lifecycle(config.grace_s) as life:
        brain = Brain(config)
        await brain.start(life)
        await asyncio.to_thread((config.data_dir / f"{NAME}.url").write_text, brain.url, "utf-8")
        log.info("ready", extra={"url": brain.url})
        await life.run_until_signal()


async def _ensured(bus: Bus) -> None:
    try:
        await bus.ensure_streams((subjects.EVENTS, subjects.CATALOG))
    except Unavailable as exc:
        log.warning("streams_later", extra={"code": exc.code, "detail": exc.detail})


async def _forget(store: FeatureStore, video: str, regions: list[str]) -> None:
    """A withdrawn video leaves the trends; while Redis is away its dead row keeps it out of every queue."""
    try:
        await store.forget_video(video, regions)
    except Unavailable as exc:
        log.debug("not_forgotten", extra={"code": exc.code, "detail": exc.detail})
