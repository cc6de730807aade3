"""kill -9 of Valkey and of the brain in the middle of the stream: every event is counted, and once.

And what a viewer is told while Redis or the whole bus is away.
"""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from brain.features.interest import boost
from shared import embedded, kv, subjects
from shared.bus import Bus
from shared.clock import SystemClock
from shared.errors import Unavailable
from shared.messages.events import ViewEvent
from tests.brain_builders import CATEGORIES, catalogue, said
from tests.brain_process import BrainProcess, ask, config_of, publish_catalogue, publish_events, serving
from tests.builders import make_batch
from tests.waiting import eventually

RECOVERY_S = 45.0
"""A message that was given back to the stream may come again half a minute later."""


@dataclass
class Servers:
    """A NATS server and a Valkey of this test's own, in one folder."""

    nats: embedded.Server
    valkey: embedded.Server
    folder: Path

    async def kill_valkey(self) -> None:
        assert self.valkey.pid is not None
        os.kill(self.valkey.pid, signal.SIGKILL)
        await self.valkey.wait()

    async def start_valkey(self) -> None:
        url = self.valkey.url
        self.valkey = await embedded.valkey_server(self.folder, {})
        assert self.valkey.url == url

    @property
    def environ(self) -> dict[str, str]:
        """What a brain process is told of them."""
        return {
            "HEADSTART_NATS_URL": self.nats.url,
            "HEADSTART_REDIS_URL": self.valkey.url,
            "HEADSTART_ORIGIN_URL": "http://127.0.0.1:1",
            "HEADSTART_BRAIN_DATA_DIR": str(self.folder / "data"),
            "HEADSTART_BRAIN_LISTEN": "127.0.0.1:0",
        }


@pytest.fixture
async def servers(data_dir: Path) -> AsyncIterator[Servers]:
    both = Servers(
        await embedded.nats_server(data_dir, {}), await embedded.valkey_server(data_dir, {}), data_dir
    )
    yield both
    await both.valkey.stop()
    await both.nats.stop()


@pytest.fixture
async def bus(servers: Servers) -> AsyncIterator[Bus]:
    line = await Bus.connect(servers.nats.url, "test", wait=True)
    await line.ensure_streams(subjects.STREAMS)
    yield line
    await line.close()


class Crowd:
    """Viewers who watch at random, and the exact sums that their events must come to."""

    def __init__(self, bus: Bus, seed: int) -> None:
        self._bus, self._rng = bus, random.Random(seed)
        self.sums: Counter[tuple[str, str]] = Counter()
        self._n_batches = 0

    async def watch(self, n_batches: int, n_events: int = 5) -> None:
        """Publish batches; some twice, as an edge does that lost an acknowledgement."""
        for _ in range(n_batches):
            events = [self._event() for _ in range(n_events)]
            for event in events:
                self.sums[event.user_id, event.category] += boost(event.completion)
            self._n_batches += 1
            batch = make_batch(*events, id=f"b{self._n_batches}", at_ms=SystemClock().wall_ms())
            await publish_events(self._bus, batch)
            if self._rng.random() < 0.2:
                again = make_batch(*events, id=f"b{self._n_batches}-again", at_ms=batch.at_ms)
                await publish_events(self._bus, again)

    def _event(self) -> ViewEvent:
        number = self._rng.randrange(60)
        return said(
            f"u{self._rng.randrange(5)}",
            f"v{number}",
            self._rng.choice([0.05, 0.5, 1.0]),
            category=CATEGORIES[number % len(CATEGORIES)],
            at_ms=SystemClock().wall_ms(),
        )


async def counted(valkey: str, sums: Counter[tuple[str, str]]) -> bool:
    """Whether every counter is exactly its sum."""
    client = kv.connect(valkey)
    try:
        for (user, category), total in sums.items():
            if int(await client.get(f"stats:{user}:{category}") or 0) != total:
                return False
    except (RedisError, OSError):
        return False
    finally:
        await client.aclose()
    return True


async def test_counters_are_exact_after_valkey_is_killed_in_the_middle(servers: Servers, bus: Bus) -> None:
    brain = await BrainProcess(servers.environ, servers.folder / "brain.log").start()
    await eventually(lambda: '"msg": "consuming"' in brain.log(), 30)
    crowd = Crowd(bus, seed=1)
    await crowd.watch(60)
    await asyncio.gather(crowd.watch(60), servers.kill_valkey())
    await crowd.watch(20)

    await servers.start_valkey()

    await eventually(lambda: counted(servers.valkey.url, crowd.sums), RECOVERY_S)
    assert await brain.stop() == 0
    assert await counted(servers.valkey.url, crowd.sums)


async def test_counters_are_exact_after_the_brain_is_killed_in_the_middle(servers: Servers, bus: Bus) -> None:
    brain = await BrainProcess(servers.environ, servers.folder / "brain.log").start()
    crowd = Crowd(bus, seed=2)

    async def is_begun() -> bool:
        client = kv.connect(servers.valkey.url)
        try:
            return bool(await client.keys("stats:*"))
        finally:
            await client.aclose()

    await crowd.watch(40)
    await eventually(is_begun, 20)
    await asyncio.gather(crowd.watch(60), brain.kill())
    await brain.start()
    await crowd.watch(20)

    await eventually(lambda: counted(servers.valkey.url, crowd.sums), RECOVERY_S)
    assert await brain.stop() == 0
    assert await counted(servers.valkey.url, crowd.sums)
    assert '"level": "ERROR"' not in brain.log()


async def test_two_brains_share_the_stream_and_count_once(servers: Servers, bus: Bus) -> None:
    brains = [
        await BrainProcess(
            servers.environ | {"HEADSTART_BRAIN_DATA_DIR": str(servers.folder / name)},
            servers.folder / f"{name}.log",
        ).start()
        for name in ("one", "other")
    ]
    await eventually(lambda: all('"msg": "consuming"' in brain.log() for brain in brains), 30)
    crowd = Crowd(bus, seed=3)
    await crowd.watch(80)

    await eventually(lambda: counted(servers.valkey.url, crowd.sums), RECOVERY_S)
    assert [await brain.stop() for brain in brains] == [0, 0]
    assert await counted(servers.valkey.url, crowd.sums)


async def test_queues_are_answered_from_memory_while_redis_is_away(servers: Servers, bus: Bus) -> None:
    await publish_catalogue(bus, catalogue(60))
    async with serving(config_of(servers.nats.url, servers.valkey.url, servers.folder)):
        event = said("u1", "v1", 1.0, at_ms=SystemClock().wall_ms())
        await publish_events(bus, make_batch(event, at_ms=SystemClock().wall_ms()))

        async def is_known() -> bool:
            try:
                return (await ask(bus)).seen == ["v1"]
            except Unavailable:
                return False

        await eventually(is_known)
        await servers.kill_valkey()

        known, stranger = await ask(bus), await ask(bus, user="stranger")

    assert known.seen == ["v1"]
    assert len(known.items) == len(stranger.items) == 60


async def test_a_brain_starts_before_its_servers(data_dir: Path) -> None:
    config = config_of("nats://127.0.0.1:1", f"unix://{data_dir}/none.sock", data_dir)

    async with serving(config) as brain:
        assert brain.url.startswith("http://127.0.0.1:")
