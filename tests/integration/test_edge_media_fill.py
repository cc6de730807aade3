"""One fill, many readers: collapsing, streaming, cancel, abort, sizes; over real HTTP on both sides."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from edge.cache.key import primary_key
from edge.cache.settings import UpstreamLimits
from edge.cache.tags import Purge
from edge.fills.want import Want
from tests.edge_cache_builders import headers
from tests.origins import FRESH, PLAIN, Answer, Reply, RunningEdge, ScriptedOrigin, running_edge
from tests.waiting import eventually

BODY = bytes(range(256)) * 4096


@pytest.fixture
async def edge(origin: ScriptedOrigin, tmp_path: Path) -> AsyncIterator[RunningEdge]:
    async with running_edge(origin.url, tmp_path) as running:
        yield running


async def asked_together(edge: RunningEdge, path: str, n_clients: int) -> list[asyncio.Task[Answer]]:
    return [asyncio.create_task(edge.ask(path)) for _ in range(n_clients)]


async def test_a_hundred_simultaneous_misses_are_one_request(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    gate = asyncio.Event()
    origin.replies["/v/a"] = Reply(BODY, gate=gate)
    asked = await asked_together(edge, "/v/a", 100)
    await eventually(lambda: edge.delivery.fills.n_readers == 100)

    gate.set()
    answers = await asyncio.gather(*asked)

    assert origin.n_seen() == 1
    assert all(answer.body == BODY for answer in answers)
    assert sum("collapsed" in answer.cache_status for answer in answers) == 99


async def test_bytes_flow_before_the_body_is_complete_also_to_late_joiners(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    gate = asyncio.Event()
    origin.replies["/v/a"] = Reply(BODY, body_gate=gate)
    half = len(BODY) // 2

    async with edge.client.open("/v/a") as first, edge.client.open("/v/a") as late:
        assert await first.content.readexactly(half) == BODY[:half]
        assert await late.content.readexactly(half) == BODY[:half]
        gate.set()
        assert await first.read() == await late.read() == BODY[half:]

    assert origin.n_seen() == 1


async def test_a_range_is_served_while_the_fill_is_under_way(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    gate = asyncio.Event()
    origin.replies["/v/a"] = Reply(BODY, body_gate=gate)

    async with edge.client.open("/v/a") as first:
        await first.content.readexactly(10)
        part = await edge.ask("/v/a", Range="bytes=100-299")
        gate.set()
        await first.read()

    assert (part.status, part.body) == (206, BODY[100:300])
    assert origin.n_seen() == 1


async def test_followers_survive_the_leaders_cancel(origin: ScriptedOrigin, edge: RunningEdge) -> None:
    gate = asyncio.Event()
    origin.replies["/v/a"] = Reply(BODY, body_gate=gate)
    leader = await asyncio.create_task(edge.client._session.get(edge.client.url + "/v/a"))
    follower = asyncio.create_task(edge.ask("/v/a"))
    await eventually(lambda: edge.delivery.fills.n_readers == 2)

    leader.close()
    gate.set()

    assert (await follower).body == BODY
    assert (await edge.ask("/v/a")).cache_status == "hit; detail=memory"
    assert origin.n_seen() == 1


async def test_a_joiner_never_gets_the_variant_of_a_leader_that_left(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    gate = asyncio.Event()
    vary = {**FRESH, "Vary": "Accept-Encoding"}
    origin.replies["/a"] = lambda request: Reply(
        request.headers.get("Accept-Encoding", "none").encode(), headers=vary, gate=gate
    )
    with edge.delivery.fills.join(Want(primary_key("/a"), headers(Accept_Encoding="gzip"), "/a")):
        pass
    joiner = asyncio.create_task(edge.ask("/a", Accept_Encoding="br"))
    await eventually(lambda: edge.delivery.fills.n_readers == 1)

    gate.set()

    assert (await joiner).body == b"br"


async def test_a_fill_that_everyone_left_is_still_stored(origin: ScriptedOrigin, tmp_path: Path) -> None:
    gate = asyncio.Event()
    origin.replies["/v/a"] = Reply(BODY, body_gate=gate)
    async with running_edge(origin.url, tmp_path, limits=replace(PLAIN, finish_s=3600)) as edge:
        leader = await asyncio.create_task(edge.client._session.get(edge.client.url + "/v/a"))

        leader.close()
        gate.set()

        await eventually(lambda: edge.delivery.media.is_in_memory("/v/a"))


@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
async def test_an_aborted_fill_is_visible_to_every_waiter_and_not_stored(
    origin: ScriptedOrigin, edge: RunningEdge, is_chunked: bool
) -> None:
    gate = asyncio.Event()
    origin.replies["/v/a"] = Reply(BODY, body_gate=gate, aborts_midway=True, is_chunked=is_chunked)
    asked = await asked_together(edge, "/v/a", 10)
    await eventually(lambda: edge.delivery.fills.n_readers == 10)

    gate.set()
    results = await asyncio.gather(*asked, return_exceptions=True)

    assert all(isinstance(result, aiohttp.ClientPayloadError) for result in results)
    assert not edge.delivery.media.is_in_memory("/v/a")
    origin.replies["/v/a"] = Reply(BODY)
    assert (await edge.ask("/v/a")).body == BODY


async def test_uncacheable_answers_do_not_queue_behind_each_other(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    gate = asyncio.Event()
    origin.replies["/p"] = Reply(BODY, body_gate=gate, headers={"Cache-Control": "private"})
    asked = await asked_together(edge, "/p", 10)

    await eventually(lambda: origin.n_seen() == 10)
    gate.set()

    assert all(answer.body == BODY for answer in await asyncio.gather(*asked))


async def test_an_object_over_the_limit_streams_through(origin: ScriptedOrigin, tmp_path: Path) -> None:
    origin.replies["/big"] = Reply(BODY, headers=FRESH)
    origin.replies["/chunked"] = Reply(BODY, headers=FRESH, is_chunked=True)
    limits = replace(PLAIN, object_bytes=100_000)
    async with running_edge(origin.url, tmp_path, limits=limits) as edge:
        answers = [await edge.ask(path) for path in ("/big", "/chunked")]

        assert all(answer.body == BODY for answer in answers)
        assert answers[0].cache_status == "fwd=uri-miss; fwd-status=200; detail=too-large"
        assert edge.delivery.cache.memory.used_bytes == 0


async def test_a_part_of_an_object_over_the_limit_is_cut_from_the_whole_when_the_origin_knows_no_ranges(
    origin: ScriptedOrigin,
) -> None:
    origin.replies["/big"] = Reply(BODY, headers=FRESH)
    async with running_edge(origin.url, limits=replace(PLAIN, object_bytes=100_000)) as edge:
        part = await edge.ask("/big", Range="bytes=0-9")

        assert (part.status, part.body, origin.n_seen()) == (206, BODY[:10], 1)


async def test_a_slow_reader_of_a_large_object_holds_back_the_origin(origin: ScriptedOrigin) -> None:
    size = 64 * 1024 * 1024
    origin.replies["/huge"] = Reply(bytes(size), headers={"Cache-Control": "no-store"})
    async with running_edge(origin.url) as edge, edge.client.open("/huge") as response:
        await response.content.readexactly(10)

        assert edge.delivery.fills.n_buffered_bytes < size // 4


async def test_a_purge_during_a_fill_wins(origin: ScriptedOrigin, edge: RunningEdge) -> None:
    gate = asyncio.Event()
    origin.replies["/v/a"] = Reply(BODY, body_gate=gate)
    asked = asyncio.create_task(edge.ask("/v/a"))
    await eventually(lambda: origin.n_seen() == 1)

    await edge.delivery.purges.purge(Purge(primary=primary_key("/v/a")))
    gate.set()

    assert (await asked).body == BODY
    assert not edge.delivery.media.is_in_memory("/v/a")


async def test_a_dead_origin_is_a_502_that_names_the_reason(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    await origin.stop()

    answer = await edge.ask("/v/a")

    assert (answer.status, answer.headers["Content-Type"]) == (502, "application/problem+json")
    assert b'"urn:headstart:problem:origin_unreachable"' in answer.body
    assert answer.cache_status == "fwd=uri-miss; detail=origin_unreachable"


async def test_an_origin_that_is_silent_is_a_504_for_every_waiter(origin: ScriptedOrigin) -> None:
    never = asyncio.Event()
    origin.replies["/v/a"] = Reply(gate=never)
    async with running_edge(origin.url, upstream=UpstreamLimits(first_byte_s=0.1)) as edge:
        answers = await asyncio.gather(*await asked_together(edge, "/v/a", 5))
    never.set()

    assert [answer.status for answer in answers] == [504] * 5
    assert b'"limit_s":0.1' in answers[0].body


async def test_an_origin_that_stalls_ends_the_connection(origin: ScriptedOrigin) -> None:
    never = asyncio.Event()
    origin.replies["/v/a"] = Reply(BODY, body_gate=never)
    async with running_edge(origin.url, upstream=UpstreamLimits(stall_s=0.1)) as edge:
        with pytest.raises(aiohttp.ClientPayloadError):
            await edge.ask("/v/a")
    never.set()


async def test_an_origin_that_comes_back_within_the_retries_is_not_an_error(origin: ScriptedOrigin) -> None:
    origin.replies["/v/a"] = Reply(BODY)
    port = int(origin.url.rpartition(":")[2])
    await origin.stop()
    async with running_edge(origin.url, upstream=UpstreamLimits(n_retries=10, backoff_s=0.05)) as edge:
        asked = asyncio.create_task(edge.ask("/v/a"))
        await eventually(lambda: edge.delivery.fills.n_flights == 1)

        await origin.start(port)

        assert (await asked).body == BODY
