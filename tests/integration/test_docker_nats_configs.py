"""configs/nats-hub.conf and nats-leaf.conf, as a real nats-server reads them."""

import os
import subprocess
import sysconfig
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError

from shared.bus import Bus
from shared.embedded import free_port
from shared.leash import leashed
from shared.messages.queues import TrendingList
from shared.subjects import EVENTS, STREAMS, events, trends
from tests.builders import make_batch
from tests.card_origin import CardOrigin
from tests.edge_builders import make_card
from tests.region import ONE, Region, know_each_other
from tests.waiting import eventually

CONFIGS = Path(__file__).parents[2] / "configs"
BINARY = Path(sysconfig.get_path("scripts")) / "nats-server"


@contextmanager
def server(name: str, folder: Path, hub: str, moved: dict[str, str]) -> Iterator[str]:
    """A nats-server with a config of ours, its addresses and folder moved; yields its URL."""
    text = (CONFIGS / f"nats-{name}.conf").read_text("utf-8")
    for old, new in (moved | {"0.0.0.0:8222": f"127.0.0.1:{free_port()}"}).items():
        text = text.replace(old, new)
    port = free_port()
    config = folder / f"{name}.conf"
    config.write_text(text.replace("0.0.0.0:4222", f"127.0.0.1:{port}"))
    with (folder / f"{name}.log").open("wb") as log:
        environ = os.environ | {"HEADSTART_NATS_HUB": hub}
        command = leashed([str(BINARY), "-c", str(config)])
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environ)
    yield f"nats://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@pytest.fixture
async def region(tmp_path: Path) -> AsyncIterator[tuple[Bus, Bus]]:
    """A bus at the hub and one at a leaf of it."""
    joined = free_port()
    moved = {"0.0.0.0:7422": f"127.0.0.1:{joined}", '"/data"': f'"{tmp_path}/store"'}
    with (
        server("hub", tmp_path, "", moved) as hub_url,
        server("leaf", tmp_path, f"nats-leaf://127.0.0.1:{joined}", {}) as leaf_url,
    ):
        await eventually(lambda: answers(hub_url))
        await eventually(lambda: answers(leaf_url))
        hub = await Bus.connect(hub_url, "hub", wait=True)
        leaf = await Bus.connect(leaf_url, "leaf", wait=True)
        yield hub, leaf
        await leaf.close()
        await hub.close()


async def answers(url: str) -> bool:
    client = Client()
    try:
        await client.connect(url, allow_reconnect=False, connect_timeout=1)
    except (NatsError, OSError):
        return False
    await client.close()
    return True


async def test_the_hub_has_room_for_every_stream(region: tuple[Bus, Bus]) -> None:
    hub, _ = region
    await hub.ensure_streams(STREAMS)


async def test_a_durable_publish_at_a_leaf_reaches_the_hubs_stream(region: tuple[Bus, Bus]) -> None:
    hub, leaf = region
    await hub.ensure_streams(STREAMS)
    batch = make_batch()
    await leaf.publish_durable(events(batch.edge_id), batch, batch.id)
    kept = [message.id async for _, message in hub.replay(EVENTS, type(batch))]
    assert kept == [batch.id]


async def test_a_push_from_the_hub_reaches_an_edge_at_a_leaf(region: tuple[Bus, Bus]) -> None:
    hub, leaf = region
    received: list[TrendingList] = []

    async def keep(message: TrendingList) -> None:
        received.append(message)

    await leaf.subscribe(trends("eu"), TrendingList, keep)

    async def pushed() -> bool:
        await hub.publish(trends("eu"), TrendingList(region="eu", at_ms=1, items=[]))
        return bool(received)

    assert await eventually(pushed)


async def test_a_purge_at_a_leaf_reaches_an_edge_at_the_hub_and_its_receipt_comes_back(
    region: tuple[Bus, Bus], data_dir: Path
) -> None:
    hub, leaf = region
    origin = CardOrigin()
    origin.publish(make_card("1"))
    await origin.start()
    edges = Region(data_dir, origin.url, hub.url)
    async with edges.edge("e1") as one, edges.edge("e2", nats_url=leaf.url) as two:
        for edge in (one, two):
            await edges.status(edge, ONE)
        await know_each_other(one, two)

        told = await edges.purge(two, tag="video:1", wait_s=10)

        assert told["complete"], told
        assert not await edges.is_hit(one, ONE)
    await edges.http.close()
    await origin.stop()
