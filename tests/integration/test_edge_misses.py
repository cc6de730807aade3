"""Misses that are answered from the transport: as on the ordinary path, whole or cut, in nobody's way.

Both paths stand over one cache and one origin.
"""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from edge.cache.settings import CacheLimits, UpstreamLimits
from edge.cache.tags import Purge
from edge.cache.tombstones import Tombstone
from edge.fills.flight import WINDOW_BYTES
from edge.serving.fastpath import FastPath
from edge.serving.guard import RequestLimits
from tests.fast_edges import BIG, SMALL_BUFFER, Served, serving
from tests.origins import FRESH, Reply, ScriptedOrigin
from tests.waiting import eventually
from tests.wire import Wire, connected, get

HTML = {**FRESH, "Content-Type": "text/html; charset=utf-8"}
REPLIES = {
    "plain": Reply(BIG[:300_000]),
    "small": Reply(b"0123456789"),
    "empty": Reply(b""),
    "tagged": Reply(b"tagged", headers={**HTML, "Surrogate-Key": "video:1 creator:2", "Age": "3"}),
    "many fields": Reply(
        b"m", headers={**HTML, "X-One": "1", "x-two": "caf\u00e9", "Cache-Status": "other; hit"}
    ),
    "gzip": Reply(gzip.compress(BIG[:9000], mtime=0), headers={**HTML, "Content-Encoding": "gzip"}),
    "chunked": Reply(BIG[:100_000], is_chunked=True),
    "not found": Reply(b"no", 404),
    "redirect": Reply(b"", 302, {**FRESH, "Location": "/elsewhere"}),
    "error": Reply(b"broken", 500, {}),
    "not stored": Reply(b"mine", headers={"Cache-Control": "no-store"}),
    "private": Reply(b"mine", headers={"Cache-Control": "private, max-age=60"}),
    "cookie": Reply(b"mine", headers={**FRESH, "Set-Cookie": "a=b"}),
    "no freshness": Reply(b"old", headers={"Content-Type": "text/plain"}),
    "stale at once": Reply(b"old", headers={"Cache-Control": "max-age=0", "ETag": '"one"'}),
    "varies": Reply(b"fitting", headers={**FRESH, "Vary": "Accept-Language"}),
    "withheld field": Reply(
        b"part", headers={"Cache-Control": 'max-age=60, private="X-Mine"', "X-Mine": "1"}
    ),
}
PATIENT = UpstreamLimits(first_byte_s=300, stall_s=300)
FIELDS = ((), ("Accept: */*", "User-Agent: player/1.0", "Accept-Language: de"), ("Connection: keep-alive",))


@pytest.fixture
async def served(origin: ScriptedOrigin) -> AsyncIterator[Served]:
    async with serving(origin) as both:
        yield both


async def all_of(stack: AsyncExitStack, url: str, n_wires: int) -> list[Wire]:
    return [await stack.enter_async_context(connected(url)) for _ in range(n_wires)]


def direct(served: Served) -> list[FastPath]:
    """Connections that no aiohttp handler has ever had."""
    return [one for one in served.listener.connections if one.slow is None]


@pytest.mark.parametrize("kind", REPLIES)
@pytest.mark.parametrize("fields", FIELDS, ids=["none", "several", "keep-alive"])
async def test_a_first_request_is_answered_as_on_the_ordinary_path(
    origin: ScriptedOrigin, served: Served, kind: str, fields: tuple[str, ...]
) -> None:
    origin.replies["/a"] = REPLIES[kind]
    answers = []
    for url in (served.fast, served.plain):
        await served.delivery.cache.purge(Purge())
        served.delivery.fills._refused.known.clear()
        async with connected(url) as wire:
            wire.writer.write(get("/a", *fields) + get("/last", "Connection: close"))
            answers.append((await wire.rest()).partition(b"/last")[0])

    masked = [_masked(answer) for answer in answers]
    assert masked[0] == masked[1]
    assert [seen.raw_headers for seen in origin.seen if seen.path == "/a"][0::2] == [
        seen.raw_headers for seen in origin.seen if seen.path == "/a"
    ][1::2] or kind == "stale at once"


def _masked(answer: bytes) -> bytes:
    lines = answer.split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.lower().startswith((b"date: ", b"age: ")))


async def test_a_crowd_is_one_request_and_no_aiohttp_handler(origin: ScriptedOrigin, served: Served) -> None:
    gate, body_gate = asyncio.Event(), asyncio.Event()
    origin.replies["/a"] = Reply(BIG, gate=gate, body_gate=body_gate)
    async with AsyncExitStack() as stack:
        wires = await all_of(stack, served.fast, 200)
        for wire in wires:
            wire.writer.write(get())
        await eventually(lambda: served.delivery.fills.n_readers == 200, within_s=20)
        gate.set()
        heads = [await wire.reader.readuntil(b"\r\n\r\n") for wire in wires]
        halves = [await wire.reader.readexactly(len(BIG) // 2) for wire in wires]
        late = await stack.enter_async_context(connected(served.fast))
        late.writer.write(get())
        early = await late.reader.readuntil(b"\r\n\r\n") and await late.reader.readexactly(1000)

        assert len(direct(served)) == 201
        body_gate.set()
        rests = [await wire.reader.readexactly(len(BIG) - len(BIG) // 2) for wire in wires]

    assert sum(b"collapsed" in head for head in heads) == 199
    assert all(half + rest == BIG for half, rest in zip(halves, rests, strict=True))
    assert early == BIG[:1000]
    assert origin.n_seen() == 1


async def test_a_viewer_who_leaves_ends_nothing(origin: ScriptedOrigin, served: Served) -> None:
    gate = asyncio.Event()
    origin.replies["/a"] = Reply(BIG, body_gate=gate)
    async with connected(served.fast) as other:
        async with connected(served.fast) as first:
            first.writer.write(get())
            await first.reader.readuntil(b"\r\n\r\n")
            other.writer.write(get())
            await eventually(lambda: served.delivery.fills.n_readers == 2)
        await eventually(lambda: served.delivery.fills.n_readers == 1)
        gate.set()

        assert (await other.reply()).body == BIG
    assert origin.n_seen() == 1
    assert served.delivery.fills.n_readers == 0


async def test_a_viewer_who_leaves_alone_leaves_a_stored_object_when_little_is_left() -> None:
    gate = asyncio.Event()
    async with ScriptedOrigin() as origin, serving(origin, cache=CacheLimits(finish_s=3600)) as served:
        origin.replies["/a"] = Reply(BIG, body_gate=gate)
        async with connected(served.fast) as wire:
            wire.writer.write(get())
            await wire.reader.readexactly(len(BIG) // 2)
        await eventually(lambda: not served.listener.connections and served.delivery.fills.n_readers == 0)

        gate.set()

        await eventually(lambda: served.delivery.media.is_in_memory("/a"))
        assert origin.n_seen() == 1


@pytest.mark.parametrize("is_begun", [False, True], ids=["before the head", "in the body"])
@pytest.mark.parametrize("fields", [(), ("Cookie: a=b",), ("Range: bytes=0-",)], ids=str)
async def test_a_fill_that_nobody_reads_ends_when_much_is_left(
    origin: ScriptedOrigin, fields: tuple[str, ...], is_begun: bool
) -> None:
    gate = asyncio.Event()
    origin.replies["/a"] = Reply(BIG, body_gate=gate) if is_begun else Reply(BIG, gate=gate)
    async with serving(origin, cache=CacheLimits(finish_s=0), upstream=PATIENT) as served:
        async with connected(served.fast) as wire:
            wire.writer.write(get("/a", *fields))
            await eventually(lambda: origin.n_seen() == 1)
            if is_begun:
                await wire.reader.readexactly(len(BIG) // 2)
        await eventually(lambda: served.delivery.fills.n_flights == 0)
        assert not served.delivery.media.is_in_memory("/a")
        gate.set()
        async with connected(served.fast) as wire:
            wire.writer.write(get())
            assert (await wire.reply()).body == BIG
    assert origin.n_seen() == 2


@pytest.mark.parametrize("is_fast", [True, False], ids=["fast", "ordinary"])
async def test_an_origin_that_sends_slowly_is_hung_up_on_with_the_last_viewer(is_fast: bool) -> None:
    ended = asyncio.Event()

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 9000000\r\n\r\n")
        while not reader.at_eof() and not writer.transport.is_closing():
            writer.write(bytes(1000))
            await asyncio.sleep(0.01)  # 9 MB in 90 s: the last viewer leaves long before the end
        ended.set()
        writer.close()

    async with await asyncio.start_server(send, "127.0.0.1", 0) as server:
        origin = ScriptedOrigin()
        origin.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with serving(origin, cache=CacheLimits(finish_s=0)) as served:
            async with connected(served.fast if is_fast else served.plain) as wire:
                wire.writer.write(get())
                await wire.reader.readexactly(2000)
                assert not ended.is_set()
            await eventually(ended.is_set)
            await eventually(lambda: served.delivery.fills.n_flights == 0)


@pytest.mark.parametrize("is_begun", [False, True], ids=["before the head", "in the body"])
async def test_an_answer_for_one_viewer_alone_ends_at_the_origin_with_them(is_begun: bool) -> None:
    asked, ended = asyncio.Event(), asyncio.Event()

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        if is_begun:
            writer.write(b"HTTP/1.1 200 OK\r\nCache-Control: private\r\nContent-Length: 9000\r\n\r\nfirst")
        await reader.read()  # to the end; nothing more is sent that could fail
        ended.set()
        writer.close()

    async with await asyncio.start_server(send, "127.0.0.1", 0) as server:
        origin = ScriptedOrigin()
        origin.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with serving(origin, upstream=PATIENT) as served, connected(served.fast) as wire:
            wire.writer.write(get("/a", "Authorization: Bearer me"))
            await eventually(asked.is_set)
            if is_begun:
                await wire.reader.readuntil(b"first")
            wire.writer.close()
            await eventually(ended.is_set)


async def test_a_short_body_cuts_every_viewer(origin: ScriptedOrigin, served: Served) -> None:
    gate = asyncio.Event()
    origin.replies["/a"] = Reply(
        BIG, headers={"Cache-Control": "max-age=60"}, body_gate=gate, aborts_midway=True
    )
    async with AsyncExitStack() as stack:
        wires = await all_of(stack, served.fast, 3)
        for wire in wires:
            wire.writer.write(get())
            await wire.reader.readuntil(b"\r\n\r\n")
        gate.set()

        for wire in wires:
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await wire.reader.readexactly(len(BIG))
    assert not served.delivery.media.is_in_memory("/a")


@pytest.mark.parametrize("status", [502, 504])
async def test_an_origin_that_fails_is_told_to_everybody(status: int) -> None:
    async with ScriptedOrigin() as origin, serving(origin) as served:
        never = asyncio.Event()
        if status == 502:
            await origin.stop()
        else:
            origin.replies["*"] = Reply(gate=never)
            object.__setattr__(served.delivery.upstream._origin._limits, "first_byte_s", 0.1)
        answers = []
        for url in (served.fast, served.plain):
            async with connected(url) as wire:
                answers.append((await wire.ask(get())).masked)
        never.set()

    assert answers[0] == answers[1]
    assert answers[0][0].startswith(b"HTTP/1.1 %d " % status)


async def test_a_slow_viewer_holds_a_bounded_part_and_nobody_back(origin: ScriptedOrigin) -> None:
    body = BIG * 12
    origin.replies["/a"] = Reply(body)
    async with (
        serving(origin, listening=SMALL_BUFFER) as served,
        connected(served.fast, receive_bytes=4096) as slow,
        connected(served.fast) as quick,
    ):
        slow.writer.write(get())
        await slow.reader.readuntil(b"\r\n\r\n")
        assert (await quick.ask(get())).body == body
        (held,) = [one for one in served.listener.connections if one.miss is not None]
        assert held.transport is not None
        n_held = held.transport.get_write_buffer_size()

        assert 0 < n_held <= 2 * WINDOW_BYTES + 64 * 1024
        assert await slow.reader.readexactly(len(body)) == body


async def test_what_is_pipelined_behind_a_miss_is_answered_in_order(
    origin: ScriptedOrigin, served: Served
) -> None:
    gate = asyncio.Event()
    origin.replies["/a"] = Reply(b"first", gate=gate)
    origin.replies["/b"] = Reply(b"second")
    origin.replies["/c"] = Reply(b"third", headers={"Cache-Control": "no-store"})
    async with connected(served.fast) as wire:
        wire.writer.write(get("/a"))
        await eventually(lambda: origin.n_seen() == 1)
        for target in ("/b", "/c", "/a", "/b"):
            wire.writer.write(get(target))
            await asyncio.sleep(0)
        gate.set()

        bodies = [(await wire.reply()).body for _ in range(5)]

    assert bodies == [b"first", b"second", b"third", b"first", b"second"]


async def test_an_answer_for_one_viewer_only_is_fetched_for_each_other(
    origin: ScriptedOrigin, served: Served
) -> None:
    gate = asyncio.Event()
    origin.replies["/a"] = Reply(b"mine", headers={"Cache-Control": "private"}, gate=gate)
    async with AsyncExitStack() as stack:
        wires = await all_of(stack, served.fast, 5)
        for wire in wires:
            wire.writer.write(get())
        await eventually(lambda: served.delivery.fills.n_readers == 5)
        gate.set()

        assert [(await wire.reply()).body for wire in wires] == [b"mine"] * 5
    assert origin.n_seen() == 5


async def test_a_video_withdrawn_meanwhile_is_gone(origin: ScriptedOrigin, served: Served) -> None:
    gate = asyncio.Event()
    origin.replies["/v/one/1.m4s"] = Reply(BIG, gate=gate)
    async with connected(served.fast) as wire:
        wire.writer.write(get("/v/one/1.m4s"))
        await eventually(lambda: origin.n_seen() == 1)
        served.delivery.cache.tombstones.bury(Tombstone("one", 1, served.clock.wall_ms()))
        gate.set()

        assert (await wire.reply()).status == 410


async def test_a_viewer_who_waits_for_the_origin_is_not_taken_for_one_who_does_not_read(
    origin: ScriptedOrigin,
) -> None:
    gate = asyncio.Event()
    origin.replies["/a"] = Reply(b"late", gate=gate)
    limits = RequestLimits(unread_s=0.1, idle_s=0.1)
    async with (
        serving(origin, requests=limits) as served,
        connected(served.fast) as wire,
        connected(served.fast) as idle,
    ):
        wire.writer.write(get())
        assert await idle.rest() == b"", "who idles for as long is closed"
        async with connected(served.fast) as second:
            assert await second.rest() == b""
        gate.set()

        assert (await wire.reply()).body == b"late"


async def test_a_stop_lets_a_miss_under_way_end(origin: ScriptedOrigin, served: Served) -> None:
    gate = asyncio.Event()
    origin.replies["/a"] = Reply(BIG, body_gate=gate)
    async with connected(served.fast) as wire:
        wire.writer.write(get())
        await wire.reader.readuntil(b"\r\n\r\n")
        closing = asyncio.create_task(served.listener.close(grace_s=10))
        await eventually(lambda: all(one.is_ending for one in served.listener.connections) or closing.done())
        gate.set()

        assert await wire.rest() == BIG
        await closing
