"""Takes view events from the stream into the features, once each, and asks for the pushes that they cause.

At least once from the stream, exactly once in the store: every effect is idempotent by event id. While the
store is away a fetch waits in hand for `HOLD_S`, then goes back to the stream; nothing is acknowledged before
it is written.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

import msgspec

from brain.features.effects import Effects, effects_of
from brain.features.store import FeatureStore
from brain.items import ItemTable
from brain.metrics import EVENTS
from brain.pusher import Pusher
from brain.sessions import SessionTable
from brain.trends import TrendKeeper
from shared import subjects
from shared.bus import Bus, Delivery, Outcome
from shared.errors import Unavailable
from shared.messages.events import EventBatch, ViewEvent

log = logging.getLogger(__name__)

DURABLE = "brain"
FETCH = 64
HOLD_S = 10.0
RETRY_EVERY_S = 0.5
MAX_LOOPS = 100.0
REBUILD_CHUNK = 200
"""Batches of a replay that are written together."""


class Consumer:
    """The durable consumer `brain` on EVENTS; any number of brains share it."""

    def __init__(
        self,
        store: FeatureStore,
        table: ItemTable,
        sessions: SessionTable,
        pusher: Pusher,
        trends: TrendKeeper,
    ) -> None:
        self._store, self._table = store, table
        self._sessions, self._pusher, self._trends = sessions, pusher, trends
        self.on_watched: Callable[[Iterable[str]], None] = lambda _: None
        """Told the videos whose watches were counted."""

    async def run(self, bus: Bus) -> None:
        """Rebuild the features if the store lost them, then consume, for ever."""
        await self.rebuild(bus)
        await bus.consume_batches(subjects.EVENTS, DURABLE, EventBatch, self.handle, batch=FETCH)

    async def rebuild(self, bus: Bus) -> None:
        """Fold the whole stream into an empty store; raises Unavailable, and may then be called again.

        A store that was built once is left alone: its markers of old events may have expired.
        """
        if await self._store.is_built():
            return
        chunk: list[EventBatch] = []
        n_batches = 0
        async for _, batch in bus.replay(subjects.EVENTS, EventBatch):
            chunk.append(batch)
            n_batches += 1
            if len(chunk) >= REBUILD_CHUNK:
                await self._store.apply(effects_of(self._completed(chunk)))
                chunk.clear()
        await self._store.apply(effects_of(self._completed(chunk)))
        await self._store.set_built()
        log.info("features_built", extra={"n_batches": n_batches})

    async def handle(self, received: Sequence[tuple[EventBatch, Delivery]]) -> Outcome:
        """Write the effects, then ask for pushes. RETRY when the store stays away."""
        batches = self._completed(batch for batch, _ in received)
        effects = effects_of(batches)
        if not await self._write(effects, [delivery for _, delivery in received]):
            EVENTS.labels("retried").inc(effects.n_events)
            return Outcome.RETRY
        EVENTS.labels("taken").inc(effects.n_events)
        EVENTS.labels("refused").inc(effects.n_refused)
        for region in effects.regions:
            self._trends.heard(region)
        for watched in effects.watches.values():
            self.on_watched(step.video_id for step in watched)
        for session, cause in self._sessions.take(batches).values():
            self._pusher.ask(session, cause)
        return Outcome.ACK

    async def _write(self, effects: Effects, deliveries: Sequence[Delivery]) -> bool:
        """Apply, again and again for HOLD_S; whether it is written."""
        clock = asyncio.get_running_loop().time
        give_up_s = clock() + HOLD_S
        while True:
            try:
                await self._store.apply(effects)
                return True
            except Unavailable as exc:
                log.debug("effects_not_written", extra={"code": exc.code, "detail": exc.detail})
            if clock() > give_up_s:
                return False
            for delivery in deliveries:
                await delivery.in_progress()
            await asyncio.sleep(RETRY_EVERY_S)

    def _completed(self, batches: Iterable[EventBatch]) -> list[EventBatch]:
        """The batches with what the catalogue knows where an edge or a player did not tell it."""
        return [
            msgspec.structs.replace(batch, events=[self._complete(event) for event in batch.events])
            if any(map(_is_partial, batch.events))
            else batch
            for batch in batches
        ]

    def _complete(self, event: ViewEvent) -> ViewEvent:
        row = self._table.row_of.get(event.video_id)
        if row is None or not _is_partial(event):
            return event
        item = self._table.items[row]
        return msgspec.structs.replace(
            event,
            category=event.category or item.category,
            creator_id=event.creator_id or item.creator,
            watched_ms=event.watched_ms or round(1000 * item.duration_s * min(event.completion, MAX_LOOPS)),
        )


def _is_partial(event: ViewEvent) -> bool:
    has_time = event.watched_ms > 0 or not event.completion > 0
    return not (event.category and event.creator_id and has_time)
