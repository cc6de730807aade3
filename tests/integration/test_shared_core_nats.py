"""Core NATS through the bus: publish, subscribe, request and reply."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client

from shared import subjects
from shared.bus import Bus
from shared.core_nats import MAX_ANSWERS_AT_ONCE
from shared.errors import DecodeError, NotFound, Unavailable
from shared.messages.queues import QueueRequest, RankedQueue, TrendingList
from tests.waiting import eventually

SUBJECT = subjects.trends("local")
ASK = QueueRequest(session_id="s1", user_id="u1", edge_id="e1", region="local")


def trending(at_ms: int) -> TrendingList:
    return TrendingList(region="local", at_ms=at_ms, items=[])


def queue(version: int) -> RankedQueue:
    return RankedQueue(
        session_id="s1",
        user_id="u1",
        version=version,
        model="m",
        user_vector=b"\x00",
        built_at_ms=1,
        items=[],
    )


@pytest.fixture
async def bus(nats: str) -> AsyncIterator[Bus]:
    """A connected bus."""
    bus = await Bus.connect(nats, "test", wait=True)
    yield bus
    await bus.close()


async def test_a_subscriber_gets_messages_in_order_and_survives_bad_ones(bus: Bus, nats: str) -> None:
    got: list[int] = []

    async def handle(message: TrendingList) -> None:
        got.append(message.at_ms)
        if message.at_ms == 1:
            raise KeyError("a bug")

    await bus.subscribe(SUBJECT, TrendingList, handle)
    stranger = Client()
    await stranger.connect(nats)
    await stranger.publish(SUBJECT, b"garbage")
    await stranger.close()
    for n in (1, 2, 3):
        await bus.publish(SUBJECT, trending(n))

    await eventually(lambda: got == [1, 2, 3])


async def test_a_request_is_answered(bus: Bus) -> None:
    async def answer(ask: QueueRequest) -> RankedQueue:
        return queue(ask.n)

    await bus.respond(subjects.QUEUE_REQUEST, QueueRequest, answer, queue_group="brains")

    assert (await bus.request(subjects.QUEUE_REQUEST, ASK, RankedQueue, 2)).version == 300


async def test_a_responders_error_reaches_the_asker_before_the_timeout(bus: Bus) -> None:
    async def answer(ask: QueueRequest) -> RankedQueue:
        raise NotFound("no such session")

    await bus.respond(subjects.QUEUE_REQUEST, QueueRequest, answer)

    with pytest.raises(Unavailable, match="not_found"):
        await bus.request(subjects.QUEUE_REQUEST, ASK, RankedQueue, 60)


async def test_a_request_that_nobody_answers_is_unavailable(bus: Bus) -> None:
    async def never(ask: QueueRequest) -> RankedQueue:
        await asyncio.Event().wait()
        return queue(1)

    with pytest.raises(Unavailable, match="NoResponders"):
        await bus.request(subjects.QUEUE_REQUEST, ASK, RankedQueue, 60)
    await bus.respond(subjects.QUEUE_REQUEST, QueueRequest, never)
    with pytest.raises(Unavailable):
        await bus.request(subjects.QUEUE_REQUEST, ASK, RankedQueue, 0.1)


async def test_an_answer_of_another_kind_is_a_decode_error(bus: Bus) -> None:
    async def answer(ask: QueueRequest) -> TrendingList:
        return trending(1)

    await bus.respond(subjects.QUEUE_REQUEST, QueueRequest, answer)

    with pytest.raises(DecodeError):
        await bus.request(subjects.QUEUE_REQUEST, ASK, RankedQueue, 2)


async def test_slow_answers_do_not_hold_up_the_others(bus: Bus) -> None:
    release = asyncio.Event()

    async def answer(ask: QueueRequest) -> RankedQueue:
        if ask.n != 7:
            await release.wait()
        return queue(ask.n)

    await bus.respond(subjects.QUEUE_REQUEST, QueueRequest, answer)
    slow = [
        asyncio.create_task(bus.request(subjects.QUEUE_REQUEST, ASK, RankedQueue, 10))
        for _ in range(MAX_ANSWERS_AT_ONCE - 1)
    ]
    quick = QueueRequest(session_id="s1", user_id="u1", edge_id="e1", region="local", n=7)

    assert (await bus.request(subjects.QUEUE_REQUEST, quick, RankedQueue, 5)).version == 7
    release.set()
    assert {answer.version for answer in await asyncio.gather(*slow)} == {300}


async def test_closing_finishes_the_answers_in_hand(nats: str, bus: Bus) -> None:
    asked, release = asyncio.Event(), asyncio.Event()

    async def answer(ask: QueueRequest) -> RankedQueue:
        asked.set()
        await release.wait()
        return queue(1)

    brain = await Bus.connect(nats, "brain", wait=True)
    await brain.respond(subjects.QUEUE_REQUEST, QueueRequest, answer)
    pending = asyncio.create_task(bus.request(subjects.QUEUE_REQUEST, ASK, RankedQueue, 10))
    await asked.wait()
    closing = asyncio.create_task(brain.close())
    release.set()

    assert (await pending).version == 1
    await closing
