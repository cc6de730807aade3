"""The bus against a real nats-server."""

import asyncio

from shared import subjects
from shared.bus import Bus, Delivery, Outcome
from shared.messages import EventBatch
from tests.builders import make_batch, make_event
from tests.waiting import eventually


async def test_a_durable_message_reaches_its_consumer_once(nats: str) -> None:
    bus = await Bus.connect(nats, "test", wait=True)
    await bus.ensure_streams(subjects.STREAMS)
    got: list[str] = []

    async def handle(message: EventBatch, delivery: Delivery) -> Outcome:
        got.append(message.id)
        return Outcome.ACK

    task = asyncio.create_task(bus.consume(subjects.EVENTS, "d", EventBatch, handle))
    for _ in range(2):
        await bus.publish_durable(subjects.events("e1"), make_batch(make_event(), id="b1"), "b1")
    await bus.publish_durable(subjects.events("e1"), make_batch(make_event(), id="b2"), "b2")

    await eventually(lambda: got == ["b1", "b2"])
    task.cancel()
    await bus.close()
