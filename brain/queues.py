"""A session's ranked queue as a message: profile, pipeline, version."""

from collections.abc import Callable

import numpy as np

from brain.features.interest import Signal
from brain.metrics import ITEMS_QUEUED, QUEUE_SECONDS, QUEUES, QUEUES_CUT_SHORT
from brain.pipeline import Pipeline, World
from brain.sessions import Session, next_version
from brain.viewers import Viewers
from shared.clock import Clock
from shared.messages.queues import RankedQueue, RecentSignal

MAX_SEEN_TOLD = 500
MAX_RECENT_TOLD = 48


class QueueBuilder:
    """Builds what is pushed and what is answered."""

    def __init__(
        self, viewers: Viewers, pipeline: Pipeline, world_of: Callable[[str], World], clock: Clock
    ) -> None:
        self._viewers, self._pipeline = viewers, pipeline
        self._world_of, self._clock = world_of, clock

    async def build(self, session: Session, n: int, cause: str = "") -> RankedQueue:
        """The session's queue as of now; with the seen videos when no event caused it."""
        profile = await self._viewers.profile(session.user_id)
        now_ms = self._clock.wall_ms()
        world = self._world_of(session.region)
        built = self._pipeline.build(world, profile, n, now_ms)
        QUEUE_SECONDS.observe(sum(built.took_ms.values()) / 1000)
        QUEUES.labels("event" if cause else "request").inc()
        QUEUES_CUT_SHORT.inc(int(built.is_cut_short))
        for item in built.items:
            ITEMS_QUEUED.labels(item.source).inc()
        return RankedQueue(
            session_id=session.id,
            user_id=session.user_id,
            version=next_version(session, now_ms),
            model=world.space.model.revision,
            user_vector=built.user.astype(np.dtype("<f2")).tobytes() if built.user.any() else b"",
            built_at_ms=now_ms,
            items=built.items,
            cause=cause,
            seen=[] if cause else list(profile.seen)[-MAX_SEEN_TOLD:],
            recent=[] if cause else [_recent(one) for one in profile.history[-MAX_RECENT_TOLD:]],
        )


def _recent(signal: Signal) -> RecentSignal:
    return RecentSignal(signal.video_id, signal.kind.value, signal.completion, signal.category, signal.at_ms)
