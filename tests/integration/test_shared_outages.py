"""The bus while nats-server is absent, killed, frozen, restarted, or has lost its disk."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared import subjects
from shared.bus import Bus, Delivery, Outcome
from shared.errors import Unavailable
from shared.messages.events import EventBatch
from shared.messages.queues import TrendingList
from shared.subjects import EVENTS
from tests.builders import make_batch, make_event
from tests.nats_node import NatsUnderTest
from tests.waiting import eventually

SUBJECT = subjects.events("e1")


@pytest.fixture
async def server(data_dir: Path, free_port: int) -> AsyncIterator[NatsUnderTest]:
    """A NATS server to be maltreated; not started."""
    server = NatsUnderTest(data_dir, free_port)
    yield server
    await server.stop()


@pytest.fixture
async def bus(server: NatsUnderTest) -> AsyncIterator[Bus]:
    """A bus whose server does not run yet."""
    bus = await Bus.connect(server.url, "test")
    await bus.ensure_streams(subjects.STREAMS)
    yield bus
    await bus.close()


async def store(bus: Bus, name: str) -> None:
    await bus.publish_durable(SUBJECT, make_batch(make_event(), id=name), name, timeout_s=1.0)


async def stored(bus: Bus, name: str) -> bool:
    try:
        await store(bus, name)
    except Unavailable:
        return False
    return True


async def test_a_bus_starts_without_a_server_and_connects_when_there_is_one(
    server: NatsUnderTest, bus: Bus
) -> None:
    assert not bus.is_connected
    with pytest.raises(Unavailable):
        await bus.publish(subjects.trends("local"), TrendingList(region="local", at_ms=1, items=[]))
    with pytest.raises(Unavailable):
        await store(bus, "b1")

    await server.start()

    await eventually(lambda: stored(bus, "b1"))


async def test_everything_goes_on_after_the_server_was_killed(server: NatsUnderTest, bus: Bus) -> None:
    await server.start()
    got: list[str] = []
    trends: list[int] = []
    returns: list[bool] = []

    async def handle(message: EventBatch, delivery: Delivery) -> Outcome:
        got.append(message.id)
        return Outcome.ACK

    async def listen(message: TrendingList) -> None:
        trends.append(message.at_ms)

    async def note_return() -> None:
        returns.append(bus.is_connected)

    bus.on_reconnect(note_return)
    await bus.subscribe(subjects.trends("local"), TrendingList, listen)
    consumer = asyncio.create_task(bus.consume(EVENTS, "d", EventBatch, handle))
    await eventually(lambda: stored(bus, "b0"))
    await eventually(lambda: got == ["b0"])
    for n in range(1, 4):
        await server.kill()
        with pytest.raises(Unavailable):
            await store(bus, "lost")
        await server.start()
        await eventually(lambda n=n: stored(bus, f"b{n}"))
        await eventually(lambda n=n: f"b{n}" in got)
        await bus.publish(subjects.trends("local"), TrendingList(region="local", at_ms=n, items=[]))
        await eventually(lambda n=n: trends[-1:] == [n])
    consumer.cancel()

    assert returns == [True] * 4
    assert set(got) == {"b0", "b1", "b2", "b3"}


async def test_what_was_stored_before_the_kill_is_consumed_after_it(server: NatsUnderTest, bus: Bus) -> None:
    await server.start()
    await eventually(lambda: stored(bus, "b1"))
    await server.kill()
    got: list[str] = []

    async def handle(message: EventBatch, delivery: Delivery) -> Outcome:
        got.append(message.id)
        return Outcome.ACK

    consumer = asyncio.create_task(bus.consume(EVENTS, "d", EventBatch, handle))
    await server.start()

    await eventually(lambda: got == ["b1"])
    consumer.cancel()


async def test_no_stored_message_is_lost_while_the_server_is_killed_again_and_again(
    server: NatsUnderTest, bus: Bus
) -> None:
    await server.start()
    got: list[str] = []
    names = [f"b{n}" for n in range(400)]

    async def handle(message: EventBatch, delivery: Delivery) -> Outcome:
        got.append(message.id)
        return Outcome.ACK

    async def store_all() -> None:
        for name in names:
            await eventually(lambda name=name: stored(bus, name))

    consumer = asyncio.create_task(bus.consume(EVENTS, "d", EventBatch, handle, ack_wait_s=1))
    storing = asyncio.create_task(store_all())
    for n_seen in (50, 150, 250):
        await eventually(lambda n=n_seen: len(got) >= n)
        await server.kill()
        await server.start()
    await storing
    await eventually(lambda: set(got) == set(names))
    await eventually(lambda: bus.is_connected)  # all may have been told before the last kill
    kept = [batch.id async for _, batch in bus.replay(EVENTS, EventBatch)]
    consumer.cancel()

    assert kept == names


async def test_streams_are_made_again_after_the_disk_was_lost(server: NatsUnderTest, bus: Bus) -> None:
    await server.start()
    await eventually(lambda: stored(bus, "b1"))
    await server.kill()
    server.lose_disk()
    await server.start()

    await eventually(lambda: stored(bus, "b2"))


async def test_a_frozen_server_is_unavailable_within_the_timeout(server: NatsUnderTest, bus: Bus) -> None:
    await server.start()
    await eventually(lambda: stored(bus, "b1"))
    await server.freeze()
    clock = asyncio.get_running_loop().time
    began = clock()

    with pytest.raises(Unavailable):
        await bus.publish_durable(SUBJECT, make_batch(id="b2"), "b2", timeout_s=0.3)
    took_s = clock() - began
    server.signal(signal.SIGCONT)

    assert 0.25 < took_s < 1.5
    await eventually(lambda: stored(bus, "b2"))


async def test_a_loss_fails_what_is_in_flight_at_once(server: NatsUnderTest, bus: Bus) -> None:
    await server.start()
    await eventually(lambda: stored(bus, "b1"))
    await server.freeze()
    in_flight = asyncio.create_task(bus.publish_durable(SUBJECT, make_batch(id="b2"), "b2", timeout_s=60))
    await asyncio.wait({in_flight}, timeout=0.05)
    await server.kill()

    with pytest.raises(Unavailable, match="lost"):
        async with asyncio.timeout(2):
            await in_flight


async def test_closing_a_bus_that_never_connected_ends(server: NatsUnderTest) -> None:
    bus = await Bus.connect(server.url, "test")

    async with asyncio.timeout(2):
        await bus.close()


async def test_closing_ends_when_the_server_dies_meanwhile(server: NatsUnderTest) -> None:
    await server.start()
    bus = await Bus.connect(server.url, "test", wait=True)
    await server.freeze()
    closing = asyncio.create_task(bus.close())
    await asyncio.wait({closing}, timeout=0.01)

    await server.kill()

    async with asyncio.timeout(4):
        await closing
