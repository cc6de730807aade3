"""NATS in and out: the outbox goes to JetStream, viewers' events come into the social graph."""

import asyncio
import logging

from origin import metrics
from origin.catalog.actions import actions
from origin.catalog.outbox import BATCH, Outbox
from origin.catalog.social import Social
from shared.bus import Bus, Delivery, Outcome
from shared.clock import Clock
from shared.errors import Unavailable
from shared.messages.events import EventBatch
from shared.subjects import ALL_EVENTS, EVENTS

log = logging.getLogger(__name__)

DURABLE = "origin-social"


class OutboxPublisher:
    """Sends what was posted, in order, for ever. While NATS is away nothing leaves and nothing is lost."""

    def __init__(self, outbox: Outbox, bus: Bus, poll_s: float) -> None:
        self._outbox = outbox
        self._bus = bus
        self._poll_s = poll_s

    async def run(self) -> None:
        """Poll: a commit may come from any process, so there is nothing in this one to wait for."""
        while True:
            depth = await self._outbox.depth()
            metrics.OUTBOX_DEPTH.set(depth)
            if depth == 0 or not self._bus.is_connected or await self.publish_waiting() < BATCH:
                await asyncio.sleep(self._poll_s)

    async def publish_waiting(self) -> int:
        """Send the oldest letters; how many JetStream acknowledged."""
        letters = await self._outbox.waiting()
        sent: list[int] = []
        try:
            for letter in letters:
                await self._bus.publish_durable(letter.subject, letter.message, letter.msg_id)
                sent.append(letter.row)
                metrics.OUTBOX_SENT.labels(letter.message.KIND).inc()
        except Unavailable as error:
            log.info("outbox_waits", extra={"waiting": len(letters) - len(sent), "reason": error.detail})
        finally:
            if sent:
                await self._outbox.acknowledged(sent)
        return len(sent)


class SocialConsumer:
    """Folds EVENTS into likes, follows, comments and shares, a fetch at a time, each event once."""

    def __init__(self, social: Social, clock: Clock, comment_chars: int) -> None:
        self._social = social
        self._clock = clock
        self._comment_chars = comment_chars

    async def run(self, bus: Bus) -> None:
        """Consume for ever; several processes share the work."""
        await bus.consume_batches(EVENTS, DURABLE, EventBatch, self.fold, filter_subject=ALL_EVENTS)

    async def fold(self, batches: list[tuple[EventBatch, Delivery]]) -> Outcome:
        """One transaction for all of it."""
        events = [event for batch, _ in batches for event in batch.events]
        wanted, refused = actions(events, self._comment_chars)
        undone = await self._social.apply(wanted, self._clock.wall_ms()) if wanted else []
        for reason in refused + undone:
            metrics.SOCIAL.labels(reason).inc()
        metrics.SOCIAL.labels("done").inc(len(wanted) - len(undone))
        return Outcome.ACK
