"""The brain's answers on the bus: queues, vectors, who is new among the edges, which model serves."""

import logging

import numpy as np

from brain.queues import QueueBuilder
from brain.sessions import SessionTable
from brain.shelf import Shelf
from brain.trends import TrendKeeper
from shared import subjects
from shared.bus import Bus
from shared.errors import Unavailable
from shared.ids import check_id
from shared.messages.message import Message
from shared.messages.nodes import EdgeHeartbeat
from shared.messages.queues import QueueRequest, RankedQueue
from shared.messages.vectors import ModelAnnouncement, VectorRequest, VectorTable

log = logging.getLogger(__name__)

QUEUE_GROUP = "brains"
MAX_VECTORS = 2_000
MAX_EDGES = 2_000
_F16 = np.dtype("<f2")


class Responder:
    """Answers edges. Several brains share the queue group; each hears every heartbeat and model."""

    def __init__(
        self,
        bus: Bus,
        builder: QueueBuilder,
        shelf: Shelf,
        sessions: SessionTable,
        trends: TrendKeeper,
    ) -> None:
        self._bus, self._builder, self._shelf = bus, builder, shelf
        self._sessions, self._trends = sessions, trends
        self._edges: dict[str, None] = {}

    async def start(self) -> None:
        """Subscribe; what was lost with a connection is told again after it."""
        bus = self._bus
        await bus.respond(subjects.QUEUE_REQUEST, QueueRequest, self.queue, QUEUE_GROUP)
        await bus.respond(subjects.VECTOR_REQUEST, VectorRequest, self.vectors, QUEUE_GROUP)
        await bus.subscribe(subjects.ALL_HEARTBEATS, EdgeHeartbeat, self.heartbeat)
        await bus.subscribe(subjects.MODEL_TRAINED, ModelAnnouncement, self.trained)
        bus.on_reconnect(self.announce)
        self._shelf.on_swap = lambda _: self.announce()

    async def queue(self, request: QueueRequest) -> RankedQueue:
        """The session's queue as of now."""
        for what in (request.session_id, request.user_id, request.edge_id, request.region):
            check_id(what, "queue request")
        session = self._sessions.heard(request.session_id, request.user_id, request.edge_id, request.region)
        self._trends.heard(request.region)
        return await self._builder.build(session, max(1, request.n))

    async def vectors(self, request: VectorRequest) -> Message:
        """Vectors in the revision that was asked for, or in the current one under its own name."""
        space = self._shelf.named(request.model) if request.model else self._shelf.current
        rows, videos = [], []
        for video in dict.fromkeys(request.video_ids[:MAX_VECTORS]):
            row = self._shelf.row_of(video)
            if row is not None:
                rows.append(row)
                videos.append(video)
        return VectorTable(
            model=space.model.revision,
            dim=space.model.dim,
            mean=space.mean.astype(_F16).tobytes(),
            video_ids=videos,
            vectors=space.vectors(np.asarray(rows, np.int64)).astype(_F16).tobytes(),
        )

    async def heartbeat(self, beat: EdgeHeartbeat) -> None:
        """Tell a new edge what it missed: the trending list and the model."""
        if beat.edge_id in self._edges:
            return
        self._edges[beat.edge_id] = None
        while len(self._edges) > MAX_EDGES:
            self._edges.pop(next(iter(self._edges)))
        self._trends.tell_again(check_id(beat.region, "region"))
        await self.announce()

    async def trained(self, _: ModelAnnouncement) -> None:
        """A training ended somewhere; its snapshot may be in our folder."""
        self._shelf.look()

    async def announce(self) -> None:
        """Tell every edge which model serves."""
        try:
            await self._bus.publish(subjects.MODEL, self._shelf.announcement())
        except Unavailable:
            log.debug("model_not_announced")
