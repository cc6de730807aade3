"""Hostile clients leave nothing behind: no task, no descriptor, no connection, no fill; others are served."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge.serving.guard import RequestLimits
from tests.abuse import ATTACKS
from tests.origins import FRESH, PLAIN, Reply, RunningEdge, ScriptedOrigin, running_edge
from tests.waiting import eventually

LIMITS = RequestLimits(head_s=1.0, body_s=1.0, unread_s=2.0)
N = {"slow_loris": 60, "disconnects": 150, "pipelined": 1000, "large_heads": 60, "busting": 300}
FEW = 4
"""Descriptors that may come and go: the pool to the origin, a client's connection."""


@pytest.fixture
async def origin() -> AsyncIterator[ScriptedOrigin]:
    async with ScriptedOrigin() as origin:
        origin.replies["*"] = Reply(bytes(1024 * 1024))
        origin.replies["/hot"] = Reply(b"hot" * 1000)
        origin.replies["/v/one/open.mp4"] = Reply(b"opening" * 1000, headers=FRESH)
        yield origin


@pytest.fixture
async def edge(origin: ScriptedOrigin) -> AsyncIterator[RunningEdge]:
    limits = replace(PLAIN, query_kept=("0",), memory_bytes=16 * 1024 * 1024)
    async with running_edge(origin.url, limits=limits, requests=LIMITS) as edge:
        for path in ("/hot", "/big", "/v/one/open.mp4"):
            await edge.ask(path)
            await edge.ask(path)  # from now on the client's connection has an aiohttp handler, and its task
        yield edge


def n_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def n_tasks(origin: ScriptedOrigin) -> int:
    """Without those of the origin, which has one for each connection that is kept to it."""
    return len(asyncio.all_tasks() - {one._task_handler for one in origin.server.connections})


def n_pooled(origin: ScriptedOrigin) -> int:
    return 2 * len(origin.server.connections)


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_leaves_nothing_behind_and_others_are_served_meanwhile(
    edge: RunningEdge, origin: ScriptedOrigin, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    host, port = edge.client.url.removeprefix("http://").split(":")
    await eventually(lambda: edge.delivery.fills.n_flights == 0)
    tasks, descriptors = n_tasks(origin), n_descriptors() - n_pooled(origin)

    attack = asyncio.ensure_future(ATTACKS[name]((host, int(port)), N[name]))
    n_served = 0
    while not attack.done():
        assert (await edge.ask("/hot")).status == 200
        n_served += 1
        await asyncio.sleep(0.02)  # a viewer's pace: asking without a pause would be an attack as well
    await attack

    assert n_served > 0
    await eventually(lambda: edge.listener.n_connections <= 1)
    await eventually(lambda: edge.delivery.fills.n_flights == 0)
    await eventually(lambda: n_tasks(origin) <= tasks)
    await eventually(lambda: n_descriptors() - n_pooled(origin) <= descriptors + FEW)
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


async def test_slow_loris_clients_are_all_refused_in_time(edge: RunningEdge) -> None:
    host, port = edge.client.url.removeprefix("http://").split(":")
    attack = asyncio.ensure_future(ATTACKS["slow_loris"]((host, int(port)), 40))
    await eventually(lambda: edge.listener.n_connections >= 40)

    await eventually(lambda: edge.listener.n_connections <= 1)

    assert not attack.done()
    attack.cancel()
    await asyncio.wait({attack})


async def test_queries_that_mean_nothing_cause_no_miss(edge: RunningEdge, origin: ScriptedOrigin) -> None:
    host, port = edge.client.url.removeprefix("http://").split(":")

    await ATTACKS["busting"]((host, int(port)), 200)

    assert origin.n_seen("/v/one/open.mp4") == 1
    assert not any("bust" in request.raw_path for request in origin.seen)
