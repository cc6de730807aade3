"""Asks the brain in the background: queues that run short, vectors that are missing.

Each session is asked for at most every ask_again_s; one loop each, so that a brain that comes back is not
met by a crowd. While it is away nothing is lost: the next event of a session asks again.
"""

import asyncio
from collections.abc import Callable, Iterable

from edge import metrics
from edge.bus import MAX_VECTORS, BrainLimits, EdgeBus
from edge.feed.curves import Curves
from edge.session.state import Session
from edge.session.vectors import ItemVectors
from shared.clock import Clock
from shared.errors import ServiceError
from shared.messages.queues import RankedQueue

PAUSE_S = 1.0
"""After the brain did not answer."""
N_AT_ONCE = 8


class Refill:
    """What is wanted from the brain. Invariant: a session is wanted once, and no more than max_wanted."""

    def __init__(
        self, bus: EdgeBus, vectors: ItemVectors, curves: Curves, limits: BrainLimits, clock: Clock
    ) -> None:
        self._bus = bus
        self._vectors = vectors
        self._curves = curves
        self._limits = limits
        self._clock = clock
        self._sessions: dict[str, str] = {}
        self._asked_s: dict[str, float] = {}
        self._videos: dict[str, None] = {}
        self._model, self._built_at_ms = "", 0
        self._queue_wake = asyncio.Event()
        self._vector_wake = asyncio.Event()

    async def ask(self, session: Session) -> RankedQueue:
        """The session's queue now. Raises Unavailable, DecodeError."""
        self._asked_s[session.id] = self._clock.monotonic()
        return await self._bus.queue(session.id, session.user_id)

    def want_queue(self, session: Session) -> None:
        """Ask for this session when it runs short and was not asked for just now."""
        last_s = self._asked_s.get(session.id, float("-inf"))
        is_short = len(session.queue) < self._limits.low_water or not session.queue_version
        if is_short and self._clock.monotonic() - last_s >= self._limits.ask_again_s:
            self._sessions[session.id] = session.user_id
            self._queue_wake.set()

    def want_about(self, queue: RankedQueue) -> None:
        """Ask for the missing curves of a queue's videos, and for vectors if its model is the latest one."""
        self._curves.want(item.video_id for item in queue.items)
        if queue.built_at_ms < self._built_at_ms and queue.model != self._model:
            return
        if queue.model != self._model:
            self._videos.clear()
        self._model, self._built_at_ms = queue.model, max(self._built_at_ms, queue.built_at_ms)
        ids = [item.video_id for item in queue.items]
        if self._model == self._vectors.model:
            self._vectors.touch(ids)
            ids = self._vectors.missing(ids)
        self._add_videos(ids)

    def want_item(self, video_id: str) -> None:
        """Ask for one item's vector, if it is missing: an event came for it."""
        if self._model and self._vectors.missing([video_id]):
            self._add_videos([video_id])

    def new_model(self, model: str) -> None:
        """A new revision serves: what is held of the former one is asked for again as queues come."""
        self._model = model
        self._videos.clear()

    def forget(self, session_ids: Iterable[str]) -> None:
        """These sessions are gone."""
        for session_id in session_ids:
            self._sessions.pop(session_id, None)
            self._asked_s.pop(session_id, None)

    async def queues_forever(self, take: Callable[[RankedQueue], object]) -> None:
        """Ask for the queues that are wanted and hand them to `take`."""
        while True:
            batch = list(self._sessions.items())[:N_AT_ONCE]
            if not batch:
                self._queue_wake.clear()
                await self._queue_wake.wait()
                continue
            is_up = True
            for session_id, user_id in batch:
                self._sessions.pop(session_id, None)
                self._asked_s[session_id] = self._clock.monotonic()
                try:
                    take(await self._bus.queue(session_id, user_id))
                except ServiceError:
                    is_up = False
            if not is_up:
                await asyncio.sleep(PAUSE_S)

    async def vectors_forever(self) -> None:
        """Ask for the vectors that are wanted and put them into the table."""
        while True:
            batch = list(self._videos)[:MAX_VECTORS]
            if not batch:
                self._vector_wake.clear()
                await self._vector_wake.wait()
                continue
            try:
                self._vectors.add(await self._bus.vectors(self._model, batch))
            except ServiceError as exc:
                metrics.BRAIN_REQUESTS.labels("vectors", exc.code).inc()
                await asyncio.sleep(PAUSE_S)
                continue
            for video_id in batch:
                self._videos.pop(video_id, None)

    def _add_videos(self, video_ids: Iterable[str]) -> None:
        for video_id in video_ids:
            if len(self._videos) < self._limits.max_vectors:
                self._videos[video_id] = None
        if self._videos:
            self._vector_wake.set()
