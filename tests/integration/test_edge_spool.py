"""Event batches on disk: order, bound, torn tails, restarts, a bus that comes and goes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from edge.spool import Publish, Spool, SpoolLimits
from shared.embedded import nats_server
from shared.errors import Unavailable
from tests.brains import ScriptedBrain
from tests.edge_nodes import make_config, running_edge, viewer
from tests.waiting import eventually

SMALL = SpoolLimits(max_bytes=65_536, segment_bytes=4_096)


class Sink:
    """Where batches are published to; it may refuse."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.is_away = False
        self.n_refused = 0

    async def publish(self, payload: bytes) -> None:
        if self.is_away:
            self.n_refused += 1
            raise Unavailable("away")
        self.taken.append(payload)


def payloads(n: int, size: int = 100) -> list[bytes]:
    return [b"%06d" % number + bytes(size) for number in range(n)]


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.spool"))


@asynccontextmanager
async def pumping(spool: Spool, publish: Publish) -> AsyncIterator[None]:
    task = asyncio.create_task(spool.pump_forever(publish))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
        await spool.close()


async def test_batches_are_published_in_order_and_leave_the_disk(data_dir: Path) -> None:
    spool, sink = Spool(data_dir, SMALL), Sink()
    sent = payloads(200)
    async with pumping(spool, sink.publish):
        for payload in sent:
            assert spool.append(payload)
        await eventually(lambda: len(sink.taken) == len(sent))
        await eventually(lambda: spool.n_bytes == 0)

    assert sink.taken == sent
    assert files(data_dir) == []


async def test_what_was_not_acknowledged_comes_again_after_a_restart(data_dir: Path) -> None:
    first, sink = Spool(data_dir, SMALL), Sink()
    for payload in payloads(60):
        first.append(payload)

    second = Spool(data_dir, SMALL)
    async with pumping(second, sink.publish):
        second.append(b"later")
        await eventually(lambda: len(sink.taken) == 61)

    assert sink.taken == [*payloads(60), b"later"]


async def test_a_torn_tail_costs_one_record_and_nothing_behind_it(data_dir: Path) -> None:
    first, sink = Spool(data_dir, SMALL), Sink()
    for payload in payloads(3):
        first.append(payload)
    (segment,) = files(data_dir)
    segment.write_bytes(segment.read_bytes()[:-5])

    second = Spool(data_dir, SMALL)
    second.append(b"later")
    async with pumping(second, sink.publish):
        await eventually(lambda: len(sink.taken) == 3)

    assert sink.taken == [*payloads(2), b"later"]


async def test_a_full_spool_loses_its_oldest_segment_and_stays_within_its_bound(data_dir: Path) -> None:
    spool, sink = Spool(data_dir, SMALL), Sink()
    sent = payloads(2_000)
    for payload in sent:
        spool.append(payload)
    assert spool.n_bytes <= SMALL.max_bytes
    assert sum(file.stat().st_size for file in files(data_dir)) == spool.n_bytes

    async with pumping(spool, sink.publish):
        await eventually(lambda: spool.n_bytes == 0)

    assert sink.taken == sent[-len(sink.taken) :]
    assert len(sink.taken) > 400


async def test_a_segment_that_is_dropped_in_flight_does_not_lose_the_next(data_dir: Path) -> None:
    spool = Spool(data_dir, SMALL)
    for payload in payloads(40):
        spool.append(payload)
    batch, after = spool.peek(8)
    for payload in payloads(2_000):
        spool.append(payload)

    spool.acknowledge(after, len(batch))

    left, _ = spool.peek(1)
    assert left
    await spool.close()


async def test_a_refused_batch_is_tried_again(data_dir: Path) -> None:
    spool, sink = Spool(data_dir, SMALL), Sink()
    sink.is_away = True
    async with pumping(spool, sink.publish):
        spool.append(b"one")
        await eventually(lambda: sink.n_refused >= 2)
        sink.is_away = False
        await eventually(lambda: sink.taken == [b"one"])


async def test_a_disk_that_refuses_is_told_and_not_raised(data_dir: Path) -> None:
    spool = Spool(data_dir / "spool", SMALL)
    (data_dir / "spool").rmdir()

    assert not spool.append(b"lost")


async def test_events_of_an_outage_and_a_restart_arrive_once(data_dir: Path, free_port: int) -> None:
    url = f"nats://127.0.0.1:{free_port}"
    config = make_config(data_dir / "edge", nats_url=url)
    sent = [f"e{n}" for n in range(12)]
    async with running_edge(config) as edge, viewer(edge.url) as player:
        await player.open(user_id="ann")
        for event in sent[:6]:
            await player.post({"id": event, "kind": "like", "video": event})
        token = player.token

    server = None
    try:
        async with running_edge(config) as edge, viewer(edge.url) as player:
            player.token = token
            for event in sent[6:]:
                await player.post({"id": event, "kind": "like", "video": event})
            await player.post({"id": sent[6], "kind": "like", "video": sent[6]})
            server = await nats_server(data_dir / "nats", {}, free_port)
            brain = await ScriptedBrain.start(url)

            async def arrived() -> list[str]:
                batches = await brain.stored_batches()
                return [event.video_id for batch in batches for event in batch.events]

            await eventually(lambda: edge.spool.n_bytes == 0)
            assert sorted(await arrived()) == sorted(sent)
            await brain.close()
    finally:
        if server is not None:
            await server.stop()
