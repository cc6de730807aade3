"""NATS at the edge: ranked queues, trending lists, catalogue changes in; events, requests, heartbeats out."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from edge import metrics
from shared import codec, subjects
from shared.bus import Bus
from shared.clock import Clock
from shared.config import setting
from shared.errors import ServiceError
from shared.messages.catalog import CatalogEvent
from shared.messages.events import EventBatch
from shared.messages.nodes import EdgeHeartbeat
from shared.messages.queues import QueueRequest, RankedQueue, TrendingList
from shared.messages.retention import Retention, RetentionRequest
from shared.messages.search import SearchAnswer, SearchRequest
from shared.messages.vectors import ModelAnnouncement, VectorRequest, VectorTable

log = logging.getLogger(__name__)
M = TypeVar("M")
DEFAULT_URL = "nats://127.0.0.1:4222"
HEARTBEAT_S = 5.0
BEAT_WAIT_S = 0.2
"""Between two looks whether NATS is there."""
MAX_VECTORS = 2_000
"""Ids of one VectorRequest."""
MAX_CURVES = 500
"""Ids of one RetentionRequest."""


@dataclass(frozen=True)
class BrainLimits:
    """How long the edge waits for the brain, and how often it asks."""

    queue_timeout_s: float = setting(
        0.3, "a new session waits so long for its queue", unit="s", low=0.01, high=5
    )
    vector_timeout_s: float = setting(
        2.0, "answer to a request for item vectors", unit="s", low=0.01, high=30
    )
    search_timeout_s: float = setting(
        0.5, "a search waits so long before what is at hand is looked through", unit="s", low=0.01, high=10
    )
    low_water: int = setting(20, "queued videos below which the brain is asked for more", low=1, high=400)
    ask_again_s: float = setting(2.0, "least time between two such requests of a session", unit="s", low=0.1)
    n_candidates: int = setting(300, "candidates asked for", low=10, high=500)
    max_vectors: int = setting(100_000, "item vectors in memory; the least used leave", low=1_000)
    max_curves: int = setting(50_000, "retention curves in memory; the oldest leave", low=100)


class Identity(NamedTuple):
    """Who this edge is."""

    edge_id: str
    region: str


class BeatState(NamedTuple):
    """What a heartbeat tells beside who we are."""

    url: str
    n_sessions: int
    is_draining: bool
    purge_revision: int


class Ears(NamedTuple):
    """Who hears what arrives."""

    queue: Callable[[RankedQueue], Awaitable[None]]
    trending: Callable[[TrendingList], Awaitable[None]]
    model: Callable[[ModelAnnouncement], Awaitable[None]]
    catalog: Callable[[CatalogEvent], Awaitable[None]]
    retention: Callable[[Retention], Awaitable[None]]


class EdgeBus:
    """The edge's side of the wire; while NATS is away every call raises Unavailable at once."""

    def __init__(self, bus: Bus, identity: Identity, limits: BrainLimits, clock: Clock) -> None:
        self._bus = bus
        self._identity = identity
        self._limits = limits
        self._clock = clock

    @property
    def is_connected(self) -> bool:
        return self._bus.is_connected

    def on_reconnect(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Call back after each connection."""
        self._bus.on_reconnect(callback)

    async def listen(self, ears: Ears) -> None:
        """Subscribe, now and after every reconnect."""
        edge_id, region = self._identity
        await self._bus.subscribe(subjects.queue(edge_id), RankedQueue, ears.queue)
        await self._bus.subscribe(subjects.trends(region), TrendingList, ears.trending)
        await self._bus.subscribe(subjects.MODEL, ModelAnnouncement, ears.model)
        await self._bus.subscribe(subjects.ALL_CATALOG, CatalogEvent, ears.catalog)
        await self._bus.subscribe(subjects.RETENTION, Retention, ears.retention)

    async def on_heartbeat(self, hear: Callable[[EdgeHeartbeat], Awaitable[None]]) -> None:
        """Hear who else lives, now and after every reconnect."""
        await self._bus.subscribe(subjects.ALL_HEARTBEATS, EdgeHeartbeat, hear)

    async def queue(self, session_id: str, user_id: str) -> RankedQueue:
        """A queue for this session. Raises Unavailable, DecodeError."""
        ask = QueueRequest(
            session_id=session_id,
            user_id=user_id,
            edge_id=self._identity.edge_id,
            region=self._identity.region,
            n=self._limits.n_candidates,
        )
        return await _counted(
            "queue",
            self._bus.request(subjects.QUEUE_REQUEST, ask, RankedQueue, self._limits.queue_timeout_s),
        )

    async def vectors(self, model: str, video_ids: Sequence[str]) -> VectorTable:
        """The vectors of at most MAX_VECTORS items. Raises Unavailable, DecodeError."""
        ask = VectorRequest(model=model, video_ids=list(video_ids[:MAX_VECTORS]))
        return await _counted(
            "vectors",
            self._bus.request(subjects.VECTOR_REQUEST, ask, VectorTable, self._limits.vector_timeout_s),
        )

    async def curves(self, video_ids: Sequence[str]) -> Retention:
        """The retention curves of at most MAX_CURVES videos. Raises Unavailable, DecodeError."""
        ask = RetentionRequest(video_ids=list(video_ids[:MAX_CURVES]))
        return await _counted(
            "curves",
            self._bus.request(subjects.RETENTION_REQUEST, ask, Retention, self._limits.vector_timeout_s),
        )

    async def search(self, query: str, n: int) -> SearchAnswer:
        """What fits these words, in this region. Raises Unavailable, DecodeError."""
        ask = SearchRequest(query=query, region=self._identity.region, n=n)
        return await _counted(
            "search",
            self._bus.request(subjects.SEARCH_REQUEST, ask, SearchAnswer, self._limits.search_timeout_s),
        )

    async def publish_batch(self, payload: bytes) -> None:
        """Store an encoded EventBatch in the stream, once by its id. Raises Unavailable.

        What can never be published (damaged, too large) is counted and given up.
        """
        try:
            batch = codec.decode(payload, EventBatch)
            await self._bus.publish_durable(subjects.events(self._identity.edge_id), batch, batch.id)
        except ServiceError as exc:
            if exc.retryable:
                raise
            metrics.SPOOL_RECORDS.labels("unpublishable").inc()
            log.error("batch_given_up", extra={"code": exc.code, "detail": exc.detail})

    async def beat_forever(self, state: Callable[[], BeatState]) -> None:
        """Say every few seconds that this edge lives, the first time as soon as NATS is there."""
        while True:
            if not self._bus.is_connected:
                await asyncio.sleep(BEAT_WAIT_S)
                continue
            told = state()
            beat = EdgeHeartbeat(
                edge_id=self._identity.edge_id,
                region=self._identity.region,
                url=told.url,
                at_ms=self._clock.wall_ms(),
                n_sessions=told.n_sessions,
                is_draining=told.is_draining,
                purge_revision=told.purge_revision,
            )
            await self._bus.publish(subjects.heartbeat(self._identity.edge_id), beat)
            await asyncio.sleep(HEARTBEAT_S)


async def _counted(what: str, request: Awaitable[M]) -> M:
    try:
        answer = await request
    except ServiceError as exc:
        metrics.BRAIN_REQUESTS.labels(what, exc.code).inc()
        raise
    metrics.BRAIN_REQUESTS.labels(what, "ok").inc()
    return answer
