"""Durable consuming and replaying against a real nats-server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from nats.aio.client import Client

from shared import subjects
from shared.bus import Bus, Delivery, Outcome
from shared.errors import InvalidRequest, Unavailable
from shared.messages.events import EventBatch
from shared.messages.jobs import TranscodeJob
from shared.subjects import EVENTS, JOBS
from tests.builders import make_batch, make_event
from tests.waiting import eventually

SUBJECT = subjects.events("e1")
Handler = Callable[[EventBatch, Delivery], Awaitable[Outcome]]


@pytest.fixture
async def consume(bus: Bus) -> AsyncIterator[Callable[..., asyncio.Task[None]]]:
    """Starts consumers of EVENTS, and ends them."""
    tasks: list[asyncio.Task[None]] = []

    def start(handler: Handler, durable: str = "d", **plan: float) -> asyncio.Task[None]:
        work = bus.consume(EVENTS, durable, EventBatch, handler, **plan)  # type: ignore[arg-type]
        tasks.append(asyncio.create_task(work))
        return tasks[-1]

    yield start
    for task in tasks:
        task.cancel()
        await asyncio.wait({task})


async def store(bus: Bus, *ids: str) -> list[int]:
    """Their sequences in the stream, which rise but need not be without a gap."""
    return [await bus.publish_durable(SUBJECT, make_batch(make_event(), id=name), name) for name in ids]


async def test_a_message_published_twice_is_stored_once(
    bus: Bus, consume: Callable[..., asyncio.Task[None]]
) -> None:
    got: list[str] = []

    async def handle(message: EventBatch, delivery: Delivery) -> Outcome:
        got.append(message.id)
        return Outcome.ACK

    consume(handle)
    await store(bus, "b1", "b1", "b2")

    await eventually(lambda: got == ["b1", "b2"])


async def test_a_retried_message_comes_again_with_its_count(
    bus: Bus, consume: Callable[..., asyncio.Task[None]]
) -> None:
    counts: list[int] = []

    async def handle(message: EventBatch, delivery: Delivery) -> Outcome:
        counts.append(delivery.n_delivered)
        return Outcome.RETRY if delivery.n_delivered == 1 else Outcome.ACK

    consume(handle)
    await store(bus, "b1")

    await eventually(lambda: counts == [1, 2])


async def test_a_refusal_ends_a_message_and_an_outage_or_a_bug_retries_it(
    bus: Bus, consume: Callable[..., asyncio.Task[None]]
) -> None:
    got: list[tuple[str, int]] = []

    async def handle(message: EventBatch, delivery: Delivery) -> Outcome:
        got.append((message.id, delivery.n_delivered))
        if delivery.n_delivered > 1:
            return Outcome.ACK
        raise {"no": InvalidRequest("no"), "away": Unavailable("away"), "bug": KeyError("bug")}[message.id]

    consume(handle)
    await store(bus, "no", "away", "bug")

    await eventually(lambda: {("away", 2), ("bug", 2)} <= set(got))
    assert ("no", 2) not in got


async def test_bytes_that_are_no_message_do_not_stop_the_consumer(
    bus: Bus, nats: str, consume: Callable[..., asyncio.Task[None]]
) -> None:
    got: list[str] = []

    async def handle(message: EventBatch, delivery: Delivery) -> Outcome:
        got.append(message.id)
        return Outcome.ACK

    stranger = Client()
    await stranger.connect(nats)
    await stranger.jetstream().publish(SUBJECT, b"\x01not zstd")
    await stranger.close()
    await store(bus, "b1")
    consume(handle)

    await eventually(lambda: got == ["b1"])


async def test_a_message_that_waits_or_is_in_progress_is_not_delivered_again(
    bus: Bus, consume: Callable[..., asyncio.Task[None]]
) -> None:
    counts: list[int] = []
    clock = asyncio.get_running_loop().time

    async def handle(message: EventBatch, delivery: Delivery) -> Outcome:
        began = clock()

        async def has_taken_long() -> bool:
            await delivery.in_progress()
            return clock() - began > 1.2

        if not counts:
            await eventually(has_taken_long)
        counts.append(delivery.n_delivered)
        return Outcome.ACK

    await store(bus, "b1", "b2")
    consume(handle, ack_wait_s=0.5)
    await eventually(lambda: len(counts) == 2)
    await store(bus, "b3")

    await eventually(lambda: counts == [1, 1, 1])


async def test_an_unacknowledged_message_comes_again_after_the_wait(
    bus: Bus, consume: Callable[..., asyncio.Task[None]]
) -> None:
    first = asyncio.Event()
    counts: list[int] = []

    async def hang(message: EventBatch, delivery: Delivery) -> Outcome:
        first.set()
        await asyncio.Event().wait()
        return Outcome.ACK

    async def handle(message: EventBatch, delivery: Delivery) -> Outcome:
        counts.append(delivery.n_delivered)
        return Outcome.ACK

    consume(hang, ack_wait_s=0.5)
    await store(bus, "b1")
    await first.wait()
    consume(handle, ack_wait_s=0.5)

    await eventually(lambda: counts == [2])


async def test_a_cancelled_consumer_gives_its_messages_back_at_once(
    bus: Bus, consume: Callable[..., asyncio.Task[None]]
) -> None:
    taken, got = asyncio.Event(), set[str]()

    async def hang(message: EventBatch, delivery: Delivery) -> Outcome:
        taken.set()
        await asyncio.Event().wait()
        return Outcome.ACK

    async def handle(message: EventBatch, delivery: Delivery) -> Outcome:
        got.add(message.id)
        return Outcome.ACK

    await store(bus, "b1", "b2", "b3")
    leaving = consume(hang, ack_wait_s=60)
    await taken.wait()
    leaving.cancel()
    consume(handle, ack_wait_s=60)

    await eventually(lambda: got == {"b1", "b2", "b3"})


async def test_a_batch_is_handed_over_whole_and_in_order(bus: Bus) -> None:
    batches: list[list[str]] = []

    async def handle(batch: list[tuple[EventBatch, Delivery]]) -> Outcome:
        batches.append([message.id for message, _ in batch])
        return Outcome.ACK

    await store(bus, *(f"b{n}" for n in range(10)))
    task = asyncio.create_task(bus.consume_batches(EVENTS, "d", EventBatch, handle, batch=8))
    await eventually(lambda: sum(map(len, batches)) == 10)
    task.cancel()

    assert [name for batch in batches for name in batch] == [f"b{n}" for n in range(10)]
    assert max(map(len, batches)) in range(2, 9)


async def test_workers_share_a_queue_and_each_job_is_done_once(bus: Bus) -> None:
    done: list[tuple[str, str]] = []
    both_busy = asyncio.Barrier(2)

    def worker(name: str) -> Callable[[TranscodeJob, Delivery], Awaitable[Outcome]]:
        async def handle(job: TranscodeJob, delivery: Delivery) -> Outcome:
            await both_busy.wait()
            done.append((name, job.id))
            return Outcome.ACK

        return handle

    tasks = [
        asyncio.create_task(
            bus.consume(
                JOBS, "workers", TranscodeJob, worker(name), filter_subject=subjects.JOBS_FIRST, batch=1
            )
        )
        for name in ("w1", "w2")
    ]
    for n in range(4):
        job = TranscodeJob(id=f"j{n}", video_id=f"v{n}", rungs=["360p"])
        await bus.publish_durable(subjects.JOBS_FIRST, job, job.id)
    await eventually(lambda: len(done) == 4)
    for task in tasks:
        task.cancel()

    assert sorted(job for _, job in done) == ["j0", "j1", "j2", "j3"]
    assert {name for name, _ in done} == {"w1", "w2"}


@pytest.mark.parametrize("lost", ["consumer", "stream"])
async def test_a_deleted_consumer_or_stream_is_made_again(
    bus: Bus, nats: str, consume: Callable[..., asyncio.Task[None]], lost: str
) -> None:
    got: list[str] = []

    async def handle(message: EventBatch, delivery: Delivery) -> Outcome:
        got.append(message.id)
        return Outcome.ACK

    consume(handle)
    await store(bus, "b1")
    await eventually(lambda: got == ["b1"])
    operator = Client()
    await operator.connect(nats)
    if lost == "stream":
        await operator.jsm().delete_stream("EVENTS")
    else:
        await operator.jsm().delete_consumer("EVENTS", "d")
    await operator.close()
    await store(bus, "b2")

    await eventually(lambda: got[-1] == "b2")


async def test_a_replay_reads_from_a_sequence_to_the_present_end(bus: Bus) -> None:
    names = [f"b{n}" for n in range(1200)]
    stored = list(zip(await store(bus, *names), names, strict=True))

    replay = bus.replay(EVENTS, EventBatch, start_seq=stored[10][0])
    found = [(seq, batch.id) async for seq, batch in replay]

    assert set(found) ^ set(stored[10:]) == set()
    assert found == stored[10:]


async def test_a_replay_of_nothing_ends(bus: Bus) -> None:
    await store(bus, "b1")

    later = [seq async for seq, _ in bus.replay(EVENTS, EventBatch, start_seq=2)]
    elsewhere = [seq async for seq, _ in bus.replay(EVENTS, EventBatch, filter_subject=subjects.events("e2"))]

    assert later == elsewhere == []


async def test_a_replay_skips_what_is_no_message(bus: Bus) -> None:
    job = TranscodeJob(id="j", video_id="v", rungs=[])
    await bus.publish_durable(SUBJECT, job, "j")
    await store(bus, "b1")

    assert [batch.id async for _, batch in bus.replay(EVENTS, EventBatch)] == ["b1"]
