"""What becomes of a fill whose connection or task dies, who waits for it, and when; over real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from edge.cache.settings import UpstreamLimits
from edge.fills.direct import Direct
from tests.origins import FRESH, Reply, RunningEdge, ScriptedOrigin, ranged, running_edge
from tests.waiting import eventually

BODY = bytes(range(256)) * 4096
HALF = len(BODY) // 2


@pytest.fixture
async def edge(origin: ScriptedOrigin, tmp_path: Path) -> AsyncIterator[RunningEdge]:
    async with running_edge(origin.url, tmp_path) as running:
        yield running


async def kill_leader(edge: RunningEdge) -> None:
    """End the fill's task, or the connection that is in its place, as a defect would."""
    flights = edge.delivery.fills._flights
    assert len(flights) == 1
    for task in flights._tasks:
        task.cancel()
    for led in flights._led.values():
        assert isinstance(led, Direct) and led.begun is not None and led.begun.link.transport is not None
        led.begun.link.transport.abort()


async def test_a_body_that_breaks_goes_on_where_it_broke(origin: ScriptedOrigin, edge: RunningEdge) -> None:
    gate = asyncio.Event()
    origin.replies["/v/a"] = ranged(BODY, body_gate=gate, aborts_midway=True)
    asked = [asyncio.create_task(edge.ask("/v/a")) for _ in range(20)]
    await eventually(lambda: edge.delivery.fills.n_readers == 20)

    gate.set()
    answers = await asyncio.gather(*asked)

    assert all(answer.body == BODY for answer in answers)
    assert [seen.headers.get("Range") for seen in origin.seen] == [None, f"bytes={HALF}-"]
    assert origin.seen[1].headers["If-Range"] == '"one"'
    assert (await edge.ask("/v/a")).cache_status == "hit; detail=memory"


@pytest.mark.parametrize("tag", ['W/"one"', '"two"'], ids=["weak", "changed"])
async def test_a_body_never_goes_on_with_another_version(
    origin: ScriptedOrigin, edge: RunningEdge, tag: str
) -> None:
    first = ranged(BODY, tag='W/"one"' if tag.startswith("W") else '"one"', aborts_midway=True)
    then = ranged(BODY, tag=tag)
    origin.replies["/v/a"] = lambda request: (then if "Range" in request.headers else first)(request)

    with pytest.raises(aiohttp.ClientPayloadError):
        await edge.ask("/v/a")

    assert not edge.delivery.media.is_in_memory("/v/a")


async def test_a_body_that_stalls_goes_on_over_another_connection(origin: ScriptedOrigin) -> None:
    never = asyncio.Event()
    origin.replies["/v/a"] = ranged(BODY, body_gate=never)
    async with running_edge(origin.url, upstream=UpstreamLimits(stall_s=0.1)) as edge:
        assert (await edge.ask("/v/a")).body == BODY
    never.set()


async def test_an_origin_that_breaks_every_time_is_asked_a_bounded_number_of_times(
    origin: ScriptedOrigin,
) -> None:
    whole = ranged(BODY, aborts_midway=True)

    def breaks(request: web.BaseRequest) -> Reply:
        return replace(whole(request), aborts_midway=True)

    origin.replies["/v/a"] = breaks
    async with running_edge(origin.url, upstream=UpstreamLimits(n_resumes=3)) as edge:
        with pytest.raises(aiohttp.ClientPayloadError):
            await edge.ask("/v/a")

    assert origin.n_seen() == 4


async def test_a_leader_that_dies_before_the_head_is_replaced(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    gate = asyncio.Event()
    origin.replies["/v/a"] = [Reply(b"never seen", gate=gate), Reply(BODY)]
    asked = [asyncio.create_task(edge.ask("/v/a")) for _ in range(5)]
    await eventually(lambda: edge.delivery.fills.n_readers == 5 and origin.n_seen() == 1)

    await kill_leader(edge)

    assert [answer.body for answer in await asyncio.gather(*asked)] == [BODY] * 5
    assert origin.n_seen() == 2
    gate.set()


async def test_a_leader_that_dies_midway_is_replaced_without_a_seam(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    never = asyncio.Event()
    origin.replies["/v/a"] = ranged(BODY, body_gate=never)
    async with edge.client.open("/v/a") as first:
        await first.content.readexactly(HALF)

        await kill_leader(edge)

        assert await first.read() == BODY[HALF:]
    assert origin.seen[-1].headers["Range"] == f"bytes={HALF}-"
    assert (await edge.ask("/v/a")).cache_status == "hit; detail=memory"
    never.set()


async def test_leaders_are_replaced_only_so_often(origin: ScriptedOrigin, edge: RunningEdge) -> None:
    gate = asyncio.Event()
    origin.replies["/v/a"] = Reply(BODY, gate=gate)
    asked = asyncio.create_task(edge.ask("/v/a"))

    def saw(n: int) -> bool:
        return origin.n_seen() == n

    for n in range(1, 4):
        await eventually(partial(saw, n))
        await kill_leader(edge)

    assert (await asked).status == 503
    gate.set()


async def test_who_comes_after_the_head_of_a_private_answer_does_not_queue(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    gate = asyncio.Event()
    origin.replies["/p"] = Reply(BODY, body_gate=gate, headers={"Cache-Control": "private"})
    async with edge.client.open("/p"):
        late = [asyncio.create_task(edge.ask("/p")) for _ in range(10)]
        await eventually(lambda: origin.n_seen() == 11)
        gate.set()
        assert all(answer.body == BODY for answer in await asyncio.gather(*late))


async def test_two_hundred_cold_clients_are_one_request_byte_for_byte(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    gate, body_gate = asyncio.Event(), asyncio.Event()
    origin.replies["/v/a"] = Reply(BODY, gate=gate, body_gate=body_gate)
    asked = [asyncio.create_task(edge.ask("/v/a")) for _ in range(190)]
    await eventually(lambda: edge.delivery.fills.n_readers == 190, within_s=20)

    gate.set()
    await eventually(lambda: edge.delivery.fills.n_buffered_bytes == HALF)
    asked += [asyncio.create_task(edge.ask("/v/a")) for _ in range(10)]
    await eventually(lambda: edge.delivery.fills.n_readers == 200, within_s=20)
    body_gate.set()

    answers = await asyncio.gather(*asked)
    assert origin.n_seen() == 1
    assert all(answer.body == BODY for answer in answers)


async def test_bytes_filled_for_who_waits_are_told_and_those_of_a_warming_are_not(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    told: list[int] = []
    edge.delivery.fills.on_live_bytes = told.append
    origin.replies["*"] = Reply(BODY)

    await edge.delivery.media.warm("/v/warm")
    assert not told

    await edge.ask("/v/live")
    assert sum(told) == len(BODY)


async def test_who_joins_gets_the_head_that_the_first_one_gets(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    gate = asyncio.Event()
    told = {
        **FRESH,
        "Content-Type": "video/mp4",
        "X-Odd": "caf\u00e9",
        "Date": "Fri, 15 Jan 2027 08:00:00 GMT",
    }
    origin.replies["/v/a"] = Reply(BODY, headers=told, gate=gate)
    asked = [asyncio.create_task(edge.ask("/v/a")) for _ in range(3)]
    await eventually(lambda: edge.delivery.fills.n_readers == 3)
    gate.set()

    answers = await asyncio.gather(*asked)

    heads = [[(n, v) for n, v in answer.headers.items() if n != "Cache-Status"] for answer in answers]
    assert heads[0] == heads[1] == heads[2]
    assert sorted(answer.cache_status.count("collapsed") for answer in answers) == [0, 1, 1]
    again = await edge.client.ask("/v/a")
    assert again.body == BODY
