"""A scripted brain: speaks our own protocol over a real NATS server, and ranks as the test says."""

import itertools
from collections.abc import Sequence
from typing import Self

import numpy as np

from shared import subjects
from shared.bus import Bus
from shared.errors import Unavailable
from shared.messages.events import EventBatch
from shared.messages.message import Message
from shared.messages.queues import Candidate, QueueRequest, RankedQueue, TrendingList
from shared.messages.retention import Curve, Retention, RetentionRequest
from shared.messages.vectors import VectorRequest, VectorTable

DIM = 4


class ScriptedBrain:
    """Answers queue and vector requests from `ranking` and `vectors`; records what it was asked."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.ranking: list[str] = []
        self.sources: dict[str, str] = {}
        self.vectors: dict[str, Sequence[float]] = {}
        self.curves: dict[str, bytes] = {}
        self.user_vector: Sequence[float] = ()
        self.seen: list[str] = []
        self.model = "m1"
        self.is_silent = False
        self.asked: list[Message] = []
        self._versions = itertools.count(1)

    @classmethod
    async def start(cls, nats_url: str) -> Self:
        bus = await Bus.connect(nats_url, "scripted-brain", wait=True)
        brain = cls(bus)
        await bus.ensure_streams(subjects.STREAMS)
        await bus.respond(subjects.QUEUE_REQUEST, QueueRequest, brain._queue)
        await bus.respond(subjects.VECTOR_REQUEST, VectorRequest, brain._vectors)
        await bus.respond(subjects.RETENTION_REQUEST, RetentionRequest, brain._curves)
        return brain

    async def close(self) -> None:
        await self.bus.close()

    def queue_for(self, session_id: str, user_id: str, videos: Sequence[str] | None = None) -> RankedQueue:
        version = next(self._versions)
        return RankedQueue(
            session_id=session_id,
            user_id=user_id,
            version=version,
            model=self.model,
            user_vector=np.array(self.user_vector, "<f2").tobytes(),
            built_at_ms=version,
            items=[
                Candidate(video, 1.0 - 0.001 * place, self.sources.get(video, "vectors"))
                for place, video in enumerate(self.ranking if videos is None else videos)
            ],
            seen=self.seen,
        )

    async def push(self, edge: str, session_id: str, user_id: str, videos: Sequence[str]) -> None:
        """Push a queue, as after an event."""
        await self.bus.publish(subjects.queue(edge), self.queue_for(session_id, user_id, videos))

    async def push_trending(self, region: str, videos: Sequence[str], at_ms: int = 1) -> None:
        items = [Candidate(video, 1.0, "trending") for video in videos]
        await self.bus.publish(subjects.trends(region), TrendingList(region=region, at_ms=at_ms, items=items))

    async def stored_batches(self) -> list[EventBatch]:
        """Everything that is in the EVENTS stream now."""
        return [batch async for _, batch in self.bus.replay(subjects.EVENTS, EventBatch)]

    async def _queue(self, request: QueueRequest) -> Message:
        self.asked.append(request)
        if self.is_silent:
            raise Unavailable("told to be silent")
        return self.queue_for(request.session_id, request.user_id)

    def retention_of(self, videos: Sequence[str], at_ms: int = 1) -> Retention:
        curves = {video: Curve(self.curves[video], 9.0) for video in videos if video in self.curves}
        return Retention(at_ms=at_ms, curves=curves)

    async def _curves(self, request: RetentionRequest) -> Message:
        self.asked.append(request)
        return self.retention_of(request.video_ids)

    async def _vectors(self, request: VectorRequest) -> Message:
        self.asked.append(request)
        known = [video for video in request.video_ids if video in self.vectors]
        rows = np.array([self.vectors[video] for video in known], "<f2").reshape(len(known), DIM)
        return VectorTable(
            model=self.model,
            dim=DIM,
            mean=np.zeros(DIM, "<f2").tobytes(),
            video_ids=known,
            vectors=rows.tobytes(),
        )
