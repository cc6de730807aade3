"""Pushes ranked queues to the edges that own the sessions: latest wins.

A session waits once, with its latest cause; its place in the line is kept. Above the bound the session that
waits longest is dropped and counted: its next event brings it back.
"""

import asyncio
import logging
from collections import OrderedDict
from typing import NamedTuple

from brain.config import PushLimits
from brain.metrics import PUSH_SECONDS, PUSHES_DROPPED
from brain.queues import QueueBuilder
from brain.sessions import Session
from shared import subjects
from shared.bus import Bus
from shared.clock import Clock
from shared.errors import Unavailable

log = logging.getLogger(__name__)


class _Waiting(NamedTuple):
    session: Session
    cause: str
    asked_s: float


class Pusher:
    """Owner of the sessions that wait for a push."""

    def __init__(
        self, builder: QueueBuilder, bus: Bus, limits: PushLimits, queue_items: int, clock: Clock
    ) -> None:
        self._builder, self._bus, self._clock = builder, bus, clock
        self._limits, self._queue_items = limits, queue_items
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()
        self._has_work = asyncio.Event()

    def ask(self, session: Session, cause: str) -> None:
        """Push this session's queue soon."""
        former = self._waiting.get(session.id)
        asked_s = former.asked_s if former else self._clock.monotonic()
        self._waiting[session.id] = _Waiting(session, cause, asked_s)
        if len(self._waiting) > self._limits.pending:
            self._waiting.popitem(last=False)
            PUSHES_DROPPED.labels("too_many_wait").inc()
        self._has_work.set()

    async def run(self) -> None:
        """Build and publish, for ever. Several of these may run at once."""
        while True:
            while not self._waiting:
                self._has_work.clear()
                await self._has_work.wait()
            _, waiting = self._waiting.popitem(last=False)
            await self._push(waiting)
            await asyncio.sleep(0)

    async def _push(self, waiting: _Waiting) -> None:
        session = waiting.session
        queue = await self._builder.build(session, self._queue_items, waiting.cause)
        try:
            await self._bus.publish(subjects.queue(session.edge_id), queue)
        except Unavailable as exc:
            PUSHES_DROPPED.labels(exc.code).inc()
            return
        PUSH_SECONDS.observe(self._clock.monotonic() - waiting.asked_s)
