"""Purges while NATS, or an edge, or the log itself is away, cut, or not what it was."""

import signal
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from nats.aio.client import Client

from edge.app import Edge
from edge.purge.ears import State
from edge.purge.node import Purges
from shared.messages.purge import PurgeOrder
from shared.subjects import PURGE, PURGE_ORDERS
from tests.edge_nodes import DEAD_NATS
from tests.nats_node import NatsUnderTest
from tests.region import ONE, TEN, Region, know_each_other, running_region
from tests.waiting import eventually


@pytest.fixture
async def server(tmp_path: Path, free_port: int) -> AsyncIterator[NatsUnderTest]:
    server = NatsUnderTest(tmp_path / "server", free_port)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def region(data_dir: Path, server: NatsUnderTest) -> AsyncIterator[Region]:
    async with running_region(data_dir, server.url) as one:
        yield one


def is_current(edge: Edge) -> bool:
    return set(edge.replays.states.values()) == {State.CURRENT}


def holds(edge: Edge, path: str) -> bool:
    disk = edge.delivery.cache.disk
    return edge.delivery.media.is_in_memory(path) or (disk is not None and path in disk)


async def test_a_purge_without_nats_is_local_and_reaches_the_others_when_it_is_back(
    region: Region, server: NatsUnderTest
) -> None:
    async with region.edge("e1") as one, region.edge("e2") as two:
        await region.fill(one, two)
        await know_each_other(one, two)
        await server.kill()

        told = await region.purge(one, tag="video:1")

        assert told["local_only"] and not told["complete"] and told["revision"] == 0
        assert [(row["node"], row["answered"]) for row in told["nodes"]] == [("e1", True), ("e2", False)]
        assert not await region.is_hit(one, ONE)
        assert await region.is_hit(two, ONE)
        assert await region.is_ready(one) and await region.is_ready(two)

        await server.start()
        await eventually(lambda: not holds(two, ONE))
        await eventually(lambda: not one.delivery.purges.pending)
        assert holds(two, TEN)


async def test_an_order_that_is_owed_survives_its_issuer(region: Region, server: NatsUnderTest) -> None:
    async with region.edge("e2") as two:
        await region.fill(two)
        await server.kill()
        async with region.edge("e1") as one:
            assert (await region.purge(one, creator="ann"))["local_only"]
            assert (await region.purge(one, url=ONE))["local_only"]
        await server.start()
        async with region.edge("e1"):
            await eventually(lambda: not holds(two, ONE))


async def test_an_edge_that_was_cut_off_replays_what_it_missed(region: Region, server: NatsUnderTest) -> None:
    async with region.edge("e1") as one:
        async with region.edge("e2") as two:
            await region.fill(two)
        await region.purge(one, url=ONE, wait_s=0)
        await server.kill()
        async with region.edge("e2") as two:
            assert await region.is_ready(two)  # nobody can tell it: the scroll goes on
            await server.start()
            await eventually(lambda: is_current(two))
            assert not holds(two, ONE) and holds(two, TEN)


async def test_an_edge_that_followed_another_stream_empties_its_cache(
    region: Region, server: NatsUnderTest
) -> None:
    async with region.edge("e1") as one:
        await region.purge(one, url="/nothing")
        await region.fill(one)
    await server.kill()
    server.lose_disk()
    await server.start()

    async with region.edge("e1") as one:
        assert not holds(one, ONE) and not holds(one, TEN)
        assert await region.is_ready(one)
        await region.fill(one)
    async with region.edge("e1") as one:
        assert holds(one, ONE)


async def test_an_edge_that_was_away_for_longer_than_the_log_empties_its_cache(
    region: Region, server: NatsUnderTest
) -> None:
    async with region.edge("e1") as one:
        async with region.edge("e2") as two:
            await region.fill(two)
        await region.purge(one, tag="video:1")
        client = Client()
        await client.connect(server.url)
        await client.jsm().purge_stream(PURGE.name)
        await client.close()

        async with region.edge("e2") as two:
            assert not holds(two, ONE) and not holds(two, TEN)


async def test_an_order_that_cannot_be_read_empties_the_cache(region: Region, server: NatsUnderTest) -> None:
    async with region.edge("e1") as one:
        await region.fill(one)
        client = Client()
        await client.connect(server.url)
        await client.jetstream().publish(PURGE_ORDERS, b"from a version to come")
        await client.close()

        await eventually(lambda: not holds(one, ONE) and not holds(one, TEN))
        await region.fill(one)
        assert (await region.purge(one, tag="video:1"))["revision"] == 2
        assert holds(one, TEN)


async def test_an_order_that_an_edge_fails_at_empties_its_cache_and_does_not_stop_it(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(purges: Purges, order: PurgeOrder) -> int:
        raise ValueError(order.value)

    async with region.edge("e1") as one, region.edge("e2") as two:
        await region.fill(two)
        with monkeypatch.context() as broken:
            broken.setattr(two.delivery.purges, "apply", partial(fail, two.delivery.purges))
            await region.purge(one, tag="video:1", wait_s=0)
            await eventually(lambda: two.delivery.purges.places[PURGE.name].seq == 1)
        assert not holds(two, ONE) and not holds(two, TEN)

        await region.fill(two)
        await region.purge(one, tag="video:1", wait_s=0)
        await eventually(lambda: not holds(two, ONE))
        assert holds(two, TEN) and await region.is_ready(two)


@pytest.mark.parametrize("damage", ["lost", "flipped", "torn"])
async def test_without_its_file_an_edge_trusts_nothing_that_it_stored(region: Region, damage: str) -> None:
    async with region.edge("e1") as one:
        await region.fill(one)
        await region.purge(one, url="/nothing")
    file = region.data_dir / "e1" / "e1" / "cache" / "purges.bin"
    data = file.read_bytes()
    if damage == "lost":
        file.unlink()
    else:
        file.write_bytes(data[:-3] if damage == "torn" else data[:-1] + bytes([data[-1] ^ 1]))

    async with region.edge("e1") as one:
        assert not holds(one, ONE)


async def test_purges_outlive_a_restart_without_nats(region: Region) -> None:
    async with region.edge("e1") as one:
        await region.fill(one)
        await region.purge(one, tag="video:1")
        await region.purge(one, tag="video:10", soft=True)

    region.nats_url = DEAD_NATS
    async with region.edge("e1") as one:
        assert not await region.is_hit(one, ONE)
        assert not await region.is_hit(one, TEN)  # held, but asked about


async def test_receipts_and_orders_pass_when_an_edge_joins_late(
    region: Region, server: NatsUnderTest
) -> None:
    await server.kill()
    async with region.edge("e1") as one:
        await region.fill(one)
        assert one.replays.states[PURGE.name] is State.AWAY
        await server.start()
        await eventually(lambda: is_current(one))
        assert not holds(one, ONE)  # what may have been purged while it had no log to read
        async with region.edge("e2") as two:
            await know_each_other(one, two)
            assert (await region.purge(two, all=True, wait_s=5))["complete"]


async def test_a_purge_does_not_wait_for_a_server_that_hangs(region: Region, server: NatsUnderTest) -> None:
    async with region.edge("e1") as one, region.edge("e2") as two:
        await region.fill(one, two)
        await know_each_other(one, two)
        await server.freeze()

        told = await region.purge(one, tag="video:1", wait_s=30)

        assert told["local_only"] and not holds(one, ONE)
        server.signal(signal.SIGCONT)
        await eventually(lambda: not holds(two, ONE))
