"""Cold ranges fetch aligned blocks; parts are stored, combined, completed, purged; over real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from edge.cache.key import primary_key
from edge.cache.tags import Purge
from tests.edge_cache_builders import FakeClock
from tests.origins import FRESH, PLAIN, Reply, RunningEdge, ScriptedOrigin, ranged, running_edge
from tests.waiting import eventually

BLOCK = 64 * 1024
BODY = b"".join(number.to_bytes(4) for number in range(5 * BLOCK // 4)) + b"the last block is a short one"
LIMITS = replace(PLAIN, block_bytes=BLOCK)


@pytest.fixture
async def origin() -> AsyncIterator[ScriptedOrigin]:
    async with ScriptedOrigin() as running:
        running.replies["/v/a"] = ranged(BODY)
        yield running


@pytest.fixture
async def edge(origin: ScriptedOrigin, tmp_path: Path) -> AsyncIterator[RunningEdge]:
    async with running_edge(origin.url, tmp_path, limits=LIMITS) as running:
        yield running


@pytest.fixture
async def small(origin: ScriptedOrigin, tmp_path: Path) -> AsyncIterator[RunningEdge]:
    """An edge that stores no object as large as BODY as one."""
    async with running_edge(origin.url, tmp_path, limits=replace(LIMITS, object_bytes=2 * BLOCK)) as running:
        yield running


def asked(origin: ScriptedOrigin) -> list[str | None]:
    """The ranges that the origin saw."""
    return [request.headers.get("Range") for request in origin.seen]


async def settled(edge: RunningEdge) -> None:
    await eventually(lambda: edge.delivery.fills.n_flights == 0)


async def test_a_cold_range_fetches_the_blocks_around_it(origin: ScriptedOrigin, edge: RunningEdge) -> None:
    answer = await edge.ask("/v/a", Range=f"bytes={BLOCK + 10}-{2 * BLOCK + 9}")
    await settled(edge)
    again = await edge.ask("/v/a", Range=f"bytes={BLOCK}-{3 * BLOCK - 1}")

    assert asked(origin) == [f"bytes={BLOCK}-{3 * BLOCK - 1}"]
    assert (answer.status, answer.body) == (206, BODY[BLOCK + 10 : 2 * BLOCK + 10])
    assert answer.headers["Content-Range"] == f"bytes {BLOCK + 10}-{2 * BLOCK + 9}/{len(BODY)}"
    assert answer.cache_status == "fwd=uri-miss; fwd-status=206; stored; detail=origin"
    assert again.body == BODY[BLOCK : 3 * BLOCK]
    assert again.cache_status == "hit; detail=memory"


@pytest.mark.parametrize("size", [1, 1000, BLOCK])
async def test_an_object_that_fits_in_a_block_comes_whole_with_one_request(
    origin: ScriptedOrigin, edge: RunningEdge, size: int
) -> None:
    origin.replies["/v/list"] = ranged(BODY[:size])

    part = await edge.ask("/v/list", Range=f"bytes=0-{size - 1}")
    await settled(edge)
    whole = await edge.ask("/v/list")

    assert (part.status, part.body) == (206, BODY[:size])
    assert (whole.status, whole.body, whole.cache_status) == (200, BODY[:size], "hit; detail=memory")
    assert whole.headers["Content-Length"] == str(size) and "Content-Range" not in whole.headers
    assert origin.n_seen() == 1


async def test_only_what_is_missing_is_asked_for_and_the_whole_is_stored_in_the_end(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    await edge.ask("/v/a", Range=f"bytes={2 * BLOCK}-{2 * BLOCK + 5}")
    await edge.ask("/v/a", Range="bytes=-20")
    await settled(edge)
    origin.seen.clear()

    whole = await edge.ask("/v/a")
    await eventually(lambda: edge.delivery.media.is_in_memory("/v/a"))

    assert (whole.status, whole.body) == (200, BODY)
    assert whole.cache_status == "fwd=partial; stored; detail=origin"
    blocks = [(0, BLOCK), (BLOCK, 2 * BLOCK), (3 * BLOCK, 4 * BLOCK), (4 * BLOCK, 5 * BLOCK)]
    assert asked(origin) == [f"bytes={start}-{stop - 1}" for start, stop in blocks]
    assert all(request.headers["If-Range"] == '"one"' for request in origin.seen)
    assert (await edge.ask("/v/a")).cache_status == "hit; detail=memory"
    assert not edge.delivery.cache._listing.parts
    await eventually(lambda: edge.delivery.cache.disk and len(edge.delivery.cache.disk) == 1)


async def test_an_object_over_the_limit_is_served_from_blocks(
    origin: ScriptedOrigin, small: RunningEdge
) -> None:
    await small.ask("/v/a", Range="bytes=0-9")
    whole = await small.ask("/v/a")
    await settled(small)
    origin.seen.clear()

    again, tail = await small.ask("/v/a"), await small.ask("/v/a", Range="bytes=-9")

    assert whole.body == again.body == BODY
    assert again.cache_status == "hit; detail=memory" and again.headers["Content-Length"] == str(len(BODY))
    assert (tail.status, tail.body) == (206, BODY[-9:])
    assert origin.n_seen() == 0


async def test_a_whole_that_turned_out_too_large_comes_in_blocks_from_the_second_request_on(
    origin: ScriptedOrigin, small: RunningEdge
) -> None:
    first = await small.ask("/v/a")
    second = await small.ask("/v/a")
    await settled(small)
    third = await small.ask("/v/a")

    assert first.body == second.body == third.body == BODY
    assert asked(origin)[0] is None and None not in asked(origin)[1:]
    assert third.cache_status == "hit; detail=memory"


async def test_an_open_range_of_a_large_object_is_streamed_block_by_block(
    origin: ScriptedOrigin, small: RunningEdge
) -> None:
    answer = await small.ask("/v/a", Range="bytes=0-")

    assert (answer.status, answer.body) == (206, BODY)
    assert answer.headers["Content-Range"] == f"bytes 0-{len(BODY) - 1}/{len(BODY)}"


async def test_several_ranges_of_a_cold_object_fetch_the_blocks_of_each(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    answer = await edge.ask("/v/a", Range=f"bytes=0-9,{3 * BLOCK}-{3 * BLOCK + 9}")

    assert answer.status == 206 and answer.headers["Content-Type"].startswith("multipart/byteranges")
    assert BODY[:10] in answer.body and BODY[3 * BLOCK : 3 * BLOCK + 10] in answer.body
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    assert asked(origin) == [f"bytes=0-{BLOCK - 1}", f"bytes={3 * BLOCK}-{4 * BLOCK - 1}"]


async def test_simultaneous_ranges_of_a_block_are_one_request(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    gate = asyncio.Event()
    script = ranged(BODY)
    origin.replies["/v/a"] = lambda request: replace(script(request), gate=gate)
    waiting = [
        asyncio.create_task(edge.ask("/v/a", Range=f"bytes={BLOCK + n}-{BLOCK + n + 9}")) for n in range(50)
    ]
    await eventually(lambda: edge.delivery.fills.n_readers == 50)
    gate.set()

    answers = await asyncio.gather(*waiting)

    assert [answer.body for answer in answers] == [BODY[BLOCK + n : BLOCK + n + 10] for n in range(50)]
    assert origin.n_seen() == 1


async def test_a_range_beyond_the_end_is_refused_and_not_stored(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    unknown = await edge.ask("/v/a", Range="bytes=99999999-")
    await edge.ask("/v/a", Range="bytes=0-9")
    known = await edge.ask("/v/a", Range="bytes=99999999-")

    assert unknown.status == known.status == 416
    assert unknown.headers["Content-Range"] == known.headers["Content-Range"] == f"bytes */{len(BODY)}"
    assert asked(origin)[1:] == [f"bytes=0-{BLOCK - 1}"]


async def test_if_range_of_another_version_gets_the_whole(origin: ScriptedOrigin, edge: RunningEdge) -> None:
    await edge.ask("/v/a", Range="bytes=0-9")

    same = await edge.ask("/v/a", Range="bytes=0-9", If_Range='"one"')
    other = await edge.ask("/v/a", Range="bytes=0-9", If_Range='"two"')

    assert (same.status, same.body) == (206, BODY[:10])
    assert (other.status, other.body) == (200, BODY)


async def test_a_changed_version_drops_the_older_parts(origin: ScriptedOrigin, edge: RunningEdge) -> None:
    await edge.ask("/v/a", Range="bytes=0-9")
    await settled(edge)
    other = bytes(reversed(BODY))
    origin.replies["/v/a"] = ranged(other, '"two"')

    changed = await edge.ask("/v/a", Range=f"bytes={BLOCK}-{BLOCK + 9}")
    await settled(edge)
    again = await edge.ask("/v/a", Range="bytes=0-9")

    assert changed.status == 502 or changed.body == other[BLOCK : BLOCK + 10]
    assert again.body == other[:10]


async def test_a_version_that_changes_midway_cuts_the_connection(
    origin: ScriptedOrigin, small: RunningEdge
) -> None:
    await small.ask("/v/a", Range="bytes=0-9")
    await settled(small)
    origin.replies["/v/a"] = ranged(bytes(reversed(BODY)), '"two"')

    with pytest.raises(aiohttp.ClientPayloadError):
        await small.ask("/v/a", Range="bytes=0-")

    assert (await small.ask("/v/a", Range="bytes=0-9")).body == BODY[::-1][:10]


@pytest.mark.parametrize("fields", [{}, {"ETag": 'W/"weak"'}], ids=["none", "weak"])
async def test_without_a_strong_validator_parts_are_never_combined(
    origin: ScriptedOrigin, edge: RunningEdge, fields: dict[str, str]
) -> None:
    versions = [BODY, BODY[::-1]]

    def script(request: web.BaseRequest) -> Reply:
        reply = ranged(versions[0])(request)
        told = {name: value for name, value in reply.headers.items() if name != "ETag"}
        return replace(reply, headers=told | fields)

    origin.replies["/v/a"] = script
    await edge.ask("/v/a", Range="bytes=0-9")
    versions.reverse()

    later = await edge.ask("/v/a", Range=f"bytes={BLOCK}-{BLOCK + 9}")
    both = await edge.ask("/v/a", Range=f"bytes={BLOCK - 5}-{BLOCK + 4}")
    whole = await edge.ask("/v/a")

    assert later.body == BODY[::-1][BLOCK : BLOCK + 10]
    assert both.body == BODY[::-1][BLOCK - 5 : BLOCK + 5]
    assert whole.body == BODY[::-1]


@pytest.mark.parametrize("how", ["url", "tag", "all"])
async def test_parts_are_purged_like_any_object(origin: ScriptedOrigin, edge: RunningEdge, how: str) -> None:
    script = ranged(BODY)
    tagged = {"Surrogate-Key": "video:1"}
    origin.replies["/v/a"] = lambda request: replace(
        (reply := script(request)), headers={**reply.headers, **tagged}
    )
    await edge.ask("/v/a", Range="bytes=0-9")
    await edge.ask("/v/a", Range=f"bytes={3 * BLOCK}-{3 * BLOCK + 9}")
    await settled(edge)
    purges = {"url": Purge(primary=primary_key("/v/a")), "tag": Purge(tag="video:1"), "all": Purge()}

    n_purged = await edge.delivery.cache.purge(purges[how])
    await edge.ask("/v/a", Range="bytes=0-9")

    assert n_purged == 2
    assert origin.n_seen() == 3


async def test_parts_survive_a_restart_on_disk(origin: ScriptedOrigin, tmp_path: Path) -> None:
    async with running_edge(origin.url, tmp_path, limits=LIMITS) as edge:
        await edge.ask("/v/a", Range="bytes=0-9")
        await edge.ask("/v/a", Range=f"bytes={BLOCK}-{BLOCK + 9}")
        await settled(edge)
    origin.seen.clear()

    async with running_edge(origin.url, tmp_path, limits=LIMITS) as edge:
        answer = await edge.ask("/v/a", Range=f"bytes={BLOCK - 5}-{BLOCK + 4}")

    assert answer.body == BODY[BLOCK - 5 : BLOCK + 5]
    assert answer.cache_status == "hit; detail=disk"
    assert origin.n_seen() == 0


async def test_a_part_that_is_damaged_on_disk_costs_no_other_part(
    origin: ScriptedOrigin, tmp_path: Path
) -> None:
    async with running_edge(origin.url, tmp_path, limits=LIMITS) as edge:
        for start in (0, 3 * BLOCK):
            await edge.ask("/v/a", Range=f"bytes={start}-{start + 9}")
            await settled(edge)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    (damaged,) = [path for path in files if BODY[3 * BLOCK : 3 * BLOCK + 64] in path.read_bytes()]
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    origin.seen.clear()

    async with running_edge(origin.url, tmp_path, limits=LIMITS) as edge:
        intact = await edge.ask("/v/a", Range="bytes=0-9")
        assert (intact.body, origin.n_seen()) == (BODY[:10], 0)
        refetched = await edge.ask("/v/a", Range=f"bytes={4 * BLOCK - 9}-{4 * BLOCK - 1}")

    assert refetched.body == BODY[4 * BLOCK - 9 : 4 * BLOCK]
    assert asked(origin) == [f"bytes={3 * BLOCK}-{4 * BLOCK - 1}"]


async def test_stale_parts_are_fetched_again(origin: ScriptedOrigin) -> None:
    clock = FakeClock()
    script = ranged(BODY)
    dates = ["Fri, 15 Jan 2027 08:00:00 GMT", "Fri, 15 Jan 2027 08:01:10 GMT"]
    origin.replies["/v/a"] = lambda request: replace(
        (reply := script(request)), headers={**reply.headers, "Date": dates[0]}
    )
    async with running_edge(origin.url, limits=LIMITS, clock=clock) as edge:
        await edge.ask("/v/a", Range="bytes=0-9")
        await edge.ask("/v/a", Range=f"bytes={BLOCK}-{BLOCK + 9}")
        clock.advance(70)
        dates.reverse()
        origin.seen.clear()

        await edge.ask("/v/a", Range="bytes=0-9")
        await settled(edge)
        other = await edge.ask("/v/a", Range=f"bytes={BLOCK}-{BLOCK + 9}")

    assert origin.n_seen() == 1, "the same version again makes all of its parts fresh (RFC 9111 section 3.4)"
    assert other.cache_status == "hit; detail=memory"


async def test_what_is_private_is_not_stored_in_parts(origin: ScriptedOrigin, edge: RunningEdge) -> None:
    script = ranged(BODY)
    origin.replies["/v/a"] = lambda request: replace(
        (reply := script(request)), headers={**reply.headers, "Cache-Control": "private"}
    )

    answers = [await edge.ask("/v/a", Range="bytes=0-9") for _ in range(2)]

    assert [(answer.status, answer.body) for answer in answers] == [(206, BODY[:10])] * 2
    assert asked(origin) == [f"bytes=0-{BLOCK - 1}", "bytes=0-9"]
    assert not edge.delivery.cache._listing.parts


async def test_a_range_far_ahead_of_a_slow_fill_does_not_wait_for_it(origin: ScriptedOrigin) -> None:
    gate = asyncio.Event()
    large = BODY * 8
    origin.replies["/v/a"] = ranged(large, body_gate=gate)
    limits = replace(LIMITS, range_gap_bytes=2 * BLOCK)
    async with running_edge(origin.url, limits=limits) as edge, edge.client.open("/v/a") as first:
        await first.content.readexactly(10)
        start = len(large) // 2 + BLOCK
        near = asyncio.create_task(edge.ask("/v/a", Range=f"bytes={start}-{len(large) - 1}"))
        far = await edge.ask("/v/a", Range="bytes=-10")
        assert far.body == large[-10:] and not near.done()
        gate.set()

        assert (await near).body == large[start:]
        assert asked(origin) == [None, "bytes=-10"]


async def test_only_if_cached_is_content_with_parts(origin: ScriptedOrigin, edge: RunningEdge) -> None:
    await edge.ask("/v/a", Range="bytes=0-9")
    await settled(edge)

    held = await edge.ask("/v/a", Range="bytes=5-99", Cache_Control="only-if-cached")
    missing = await edge.ask("/v/a", Range=f"bytes={BLOCK}-", Cache_Control="only-if-cached")

    assert (held.status, held.body, missing.status) == (206, BODY[5:100], 504)


async def test_a_block_that_breaks_goes_on_where_it_broke(origin: ScriptedOrigin, edge: RunningEdge) -> None:
    script = ranged(BODY)
    origin.replies["/v/a"] = lambda request: replace(script(request), aborts_midway=len(origin.seen) == 1)

    answer = await edge.ask("/v/a", Range=f"bytes={BLOCK}-{2 * BLOCK - 1}")

    assert answer.body == BODY[BLOCK : 2 * BLOCK]
    assert asked(origin)[1] == f"bytes={BLOCK + BLOCK // 2}-{2 * BLOCK - 1}"


async def test_an_origin_that_dies_midway_never_gives_a_short_body(
    origin: ScriptedOrigin, small: RunningEdge
) -> None:
    await small.ask("/v/a", Range="bytes=0-9")
    await settled(small)
    origin.replies["/v/a"] = Reply(b"gone", status=503, headers=FRESH)

    with pytest.raises(aiohttp.ClientPayloadError):
        await small.ask("/v/a", Range="bytes=0-")
