"""Hot hits on the fast path: same bytes as the ordinary path, nothing served that is gone, counted."""

import asyncio
import contextlib
import gc
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from edge.cache.key import primary_key
from edge.cache.settings import CacheLimits
from edge.cache.tags import Purge
from edge.serving.headblock import WHOLE
from edge.serving.hot import HotLimits
from edge.serving.listener import ListenSettings
from edge.serving.memfile import MemFile
from edge.serving.outbox import Outbox, Room
from tests.fast_edges import BIG, LIMITS, SMALL_BUFFER, Served, heated, hits, serving
from tests.origins import FRESH, Reply, ScriptedOrigin
from tests.waiting import eventually
from tests.wire import Wire, connected, get

pytestmark = pytest.mark.filterwarnings("ignore:Overriding the:pytest.PytestDeprecationWarning")


@pytest.fixture(params=["asyncio", "uvloop"], autouse=True)
def event_loop_policy(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoopPolicy:
    return uvloop.EventLoopPolicy() if request.param == "uvloop" else asyncio.DefaultEventLoopPolicy()


def n_files() -> int:
    """Files that somebody still holds."""
    gc.collect()
    return MemFile.n_open


def fallen_through(served: Served) -> bool:
    """Whether aiohttp has a connection."""
    transports = [(one, one.transport) for one in served.listener.connections]
    return any(transport is not None and transport.get_protocol() is not one for one, transport in transports)


async def asked_often(served: Served, wire: Wire) -> None:
    """Ask for /a until the answer is known by heart: hits are folded ten times a second."""

    async def is_current() -> bool:
        await heated(wire)
        return bool(served.delivery.hot.current)

    await eventually(is_current)


@pytest.mark.parametrize("size", [0, 1, 1024, 4096, 4097, 32 * 1024, 32 * 1024 + 1, 64 * 1024, 1_000_000])
async def test_a_hot_answer_is_what_aiohttp_would_send(size: int) -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(
            BIG[:size], headers={**FRESH, "Content-Type": "video/mp4", "X-100%": "%s"}
        )
        async with (
            serving(origin) as served,
            connected(served.fast) as fast,
            connected(served.plain) as plain,
        ):
            await heated(fast)

            first, again, theirs = await fast.ask(get()), await fast.ask(get()), await plain.ask(get())

            assert served.is_hot()
            assert first.masked == again.masked == theirs.masked
            assert first.body == BIG[:size]
            assert first.field("Cache-Status") == "headstart-edge; hit; detail=memory"


@pytest.mark.parametrize("span", ["0-", "0-0", "5-99", "0-99999", "100000-299999", "999999-", "5-99999999"])
async def test_a_hot_range_is_what_aiohttp_would_send(span: str) -> None:
    asked = get("/a", f"Range: bytes={span}")
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(BIG)
        async with (
            serving(origin) as served,
            connected(served.fast) as fast,
            connected(served.plain) as plain,
        ):
            await heated(fast, get(), asked)

            first, theirs = await fast.ask(asked), await plain.ask(asked)

            assert len(served.delivery.hot.parts[b"GET /a HTTP/1.1"]) == 1
            assert first.status == 206
            assert first.masked == theirs.masked


@pytest.mark.parametrize("tag", ['"one"', 'W/"one"'])
async def test_a_hot_answer_to_a_tag_that_is_held_is_what_aiohttp_would_send(tag: str) -> None:
    asked = get("/a", f"If-None-Match: {tag}")
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(BIG, headers={**FRESH, "Content-Type": "video/mp4"})
        async with (
            serving(origin) as served,
            connected(served.fast) as fast,
            connected(served.plain) as plain,
        ):
            await heated(fast, get(), asked)

            first, theirs, whole = await fast.ask(asked), await plain.ask(asked), await fast.ask(get())

            assert len(served.delivery.hot.parts[b"GET /a HTTP/1.1"]) == 1
            assert first.status == 304
            assert first.masked == theirs.masked
            assert whole.body == BIG


async def test_a_tag_of_another_version_gets_the_whole_and_a_tag_beside_a_range_is_not_prepared() -> None:
    other, both = get("/a", 'If-None-Match: "two"'), get("/a", 'If-None-Match: "one"', "Range: bytes=0-1")
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(b"body")
        async with serving(origin) as served, connected(served.fast) as fast:
            await heated(fast, get(), other, both)

            assert (await fast.ask(other)).body == b"body"
            assert (await fast.ask(both)).status == 304
            assert served.delivery.hot.parts == {}


async def test_a_new_version_answers_the_tag_of_the_old_one_with_its_bytes() -> None:
    asked = get("/a", 'If-None-Match: "one"')
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = [Reply(b"old"), Reply(b"new", headers={**FRESH, "ETag": '"two"'})]
        async with serving(origin) as served, connected(served.fast) as fast:
            await heated(fast, get(), asked)
            assert (await fast.ask(asked)).status == 304
            assert served.delivery.hot.parts

            await served.delivery.cache.purge(Purge(primary=primary_key("/a")))

            assert (await fast.ask(asked)).body == b"new"


async def test_the_prepared_ranges_of_an_object_are_bounded() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(BIG)
        async with serving(origin) as served, connected(served.fast) as fast:
            await heated(fast)
            for start in range(30):
                asked = get("/a", f"Range: bytes={start}-{start + 9}")
                await fast.ask(asked)
                assert (await fast.ask(asked)).body == BIG[start : start + 10]

            assert len(served.delivery.hot.parts[b"GET /a HTTP/1.1"]) <= 8


@pytest.mark.parametrize("status", [416, 200])
async def test_ranges_without_a_part_are_not_prepared(status: int) -> None:
    asked = get("/a", "Range: bytes=99-" if status == 416 else "Range: bytes=5-2")
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(b"short")
        async with serving(origin) as served, connected(served.fast) as fast:
            await heated(fast, get(), asked)

            assert (await fast.ask(asked)).status == status
            assert served.delivery.hot.parts == {}


async def test_age_and_date_move_and_the_end_of_freshness_ends_the_answer() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(headers={"Cache-Control": "max-age=10"})
        async with serving(origin) as served, connected(served.fast) as fast:
            await heated(fast)
            ages = []
            for step_s in (0, 0.999, 0.001, 8.0, 0.999):
                served.clock.advance(step_s)
                ages.append(int((await fast.ask(get())).field("Age")))
            assert served.is_hot()

            served.clock.advance(0.001)
            stale = await fast.ask(get())

            assert ages == [0, 0, 1, 9, 9]
            assert not served.is_hot()
            assert "fwd=stale" in stale.field("Cache-Status")
            assert origin.n_seen("/a") == 2


async def test_what_is_asked_for_often_is_known_by_heart_until_its_head_changes() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply()
        async with serving(origin) as served, connected(served.fast) as fast:
            current = served.delivery.hot.current
            await asked_often(served, fast)

            assert (await fast.ask(get())).field("Age") == "0"
            served.clock.advance(0.999)
            assert len(current) == 1
            served.clock.advance(0.001)

            assert current == {}
            assert (await fast.ask(get())).field("Age") == "1"


async def test_what_is_known_by_heart_is_answered_to_no_other_header_block() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(b"body")
        async with serving(origin) as served, connected(served.fast) as fast:
            await asked_often(served, fast)

            part = await fast.ask(get("/a", "Range: bytes=1-2"))
            cookie = await fast.ask(get("/a", "Cookie: a"))
            extra = await fast.ask(get().replace(b"\r\n", b"\r\nRange: bytes=0-0\r\n", 1))

            assert served.delivery.hot.current
            assert (part.status, part.body) == (206, b"od")
            assert cookie.status == 200
            assert (extra.status, extra.body) == (206, b"b")
            assert (await fast.ask(get())).body == b"body"


async def test_connections_share_the_timer_of_what_is_known_by_heart() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(b"body")
        async with serving(origin) as served, connected(served.fast) as fast:
            await asked_often(served, fast)

            for _ in range(20):
                async with connected(served.fast) as new:
                    await new.ask(get())

            assert len(served.clock.timers) == 1


@pytest.mark.parametrize("is_new", [True, False])
async def test_a_first_line_alone_is_not_what_is_known_by_heart(is_new: bool) -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(b"body")
        async with (
            serving(origin) as served,
            connected(served.fast) as known,
            connected(served.fast) as new,
        ):
            wire = new if is_new else known
            await asked_often(served, known)

            wire.writer.write(b"GET /a HTTP/1.1")
            await eventually(lambda: fallen_through(served))

            reply = await wire.ask(b"\r\nHost: edge.example\r\nRange: bytes=1-2\r\n\r\n")
            assert (reply.status, reply.body) == (206, b"od")


async def test_a_connection_remembers_no_long_header_block() -> None:
    long = get("/a", "Referer: /" + 1024 * "a")
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(b"body")
        async with serving(origin) as served, connected(served.fast) as fast:
            await heated(fast, long)
            hot, before = served.delivery.hot, hits()

            assert [(await fast.ask(long)).body for _ in range(3)] == 3 * [b"body"]

            assert hits() == before + 3
            assert hot.blocks and not hot.suffixes and not hot.current


async def test_a_clock_that_goes_back_tells_no_greater_age() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply()
        async with serving(origin) as served, connected(served.fast) as fast:
            await heated(fast)
            served.clock.advance(5)
            assert (await fast.ask(get())).field("Age") == "5"

            served.clock.advance(-3)

            assert (await fast.ask(get())).field("Age") == "2"


async def test_a_purge_empties_the_fast_path_at_once() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = [Reply(b"old"), Reply(b"new")]
        async with serving(origin) as served, connected(served.fast) as fast:
            await asked_often(served, fast)

            await served.delivery.cache.purge(Purge(primary=primary_key("/a")))

            assert not served.is_hot() and not served.delivery.hot.current
            assert (await fast.ask(get())).body == b"new"


async def test_a_soft_purge_ends_the_prepared_answer() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = [Reply(b"old"), Reply(b"new")]
        async with serving(origin) as served, connected(served.fast) as fast:
            await heated(fast)
            at_ms = served.clock.wall_ms()

            await served.delivery.cache.purge(Purge(primary=primary_key("/a"), is_soft=True, at_ms=at_ms))

            assert not served.is_hot()
            await fast.ask(get())
            assert (await fast.ask(get())).body == b"new"


async def test_a_purge_between_two_pipelined_requests_is_obeyed_by_the_second() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = [Reply(BIG), Reply(b"new")]
        async with serving(origin, listening=SMALL_BUFFER) as served, connected(served.fast, 4096) as fast:
            await heated(fast)
            fast.writer.write(get())
            (connection,) = served.listener.connections
            await eventually(lambda: connection.is_busy)
            fast.writer.write(get())

            await served.delivery.cache.purge(Purge(primary=primary_key("/a")))

            assert (await fast.reply()).body == BIG
            assert (await fast.reply()).body == b"new"


async def test_an_object_that_is_replaced_or_gets_variants_leaves_the_fast_path() -> None:
    async with ScriptedOrigin() as origin:
        varied = {**FRESH, "Vary": "Accept-Language"}
        origin.replies["/a"] = [Reply(b"plain"), Reply(b"varied", headers=varied)]
        async with serving(origin) as served, connected(served.fast) as fast:
            await heated(fast)
            await fast.ask(get("/a", "Cache-Control: no-cache"))

            answers = [(await fast.ask(get())).body for _ in range(3)]

            assert answers == [b"varied"] * 3
            assert not served.is_hot()


async def test_an_evicted_object_leaves_the_fast_path() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["*"] = Reply(BIG[:200_000])
        n_before = n_files()
        limits = CacheLimits(memory_bytes=1024 * 1024)
        async with serving(origin, cache=limits) as served, connected(served.fast) as fast:
            await heated(fast)
            for i in range(60):
                await fast.ask(get(f"/{i}"))
                await fast.ask(get(f"/{i}"))

            held = set(served.delivery.cache.memory.keys())
            hot = {line.split()[1].decode() for line in served.delivery.hot.whole}
            assert hot <= held
            await eventually(lambda: n_files() <= n_before + len(held))


@pytest.mark.parametrize(
    "unusual",
    [
        get("/a", 'If-None-Match: "one"'),
        get("/a", "Cookie: a=b"),
        get("/a", "Cache-Control: no-cache"),
        get("/a", "X-Unknown: 1"),
        b"HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
async def test_a_connection_comes_back_to_the_fast_path_after_the_ordinary_one(unusual: bytes) -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply()
        async with serving(origin) as served, connected(served.fast) as fast:
            await heated(fast)
            await fast.ask(unusual, is_head=unusual.startswith(b"HEAD"))
            await heated(fast)
            (connection,) = served.listener.connections
            before = connection.n_answered

            await fast.ask(get())
            await fast.ask(get())

            assert connection.n_answered == before + 2


async def test_client_data_keeps_a_hit_fast_and_pushes_no_other_block_out() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply()
        async with serving(origin) as served, connected(served.fast) as fast:
            await heated(fast)
            table = served.delivery.hot
            before = (hits(), dict(table.blocks))

            for number in range(3):
                await fast.ask(get("/a", f"CMCD-Request: bl={number}00", 'CMCD-Session: sid="a"'))

            assert (hits(), table.blocks) == (before[0] + 3, before[1])


async def test_a_request_hidden_in_the_rest_of_another_is_not_answered_from_the_fast_path() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(b"hot")
        origin.replies["/b"] = Reply(b"other", headers={})
        origin.replies["/post"] = Reply(b"posted", headers={})
        async with serving(origin) as served, connected(served.fast) as fast:
            await heated(fast)
            post = b"POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
            await fast.ask(post + b"GET /b HTTP/1.1\r\nX-Odd: ")

            answer = await fast.ask(get())

            assert answer.body == b"other"


async def test_hits_on_the_fast_path_are_counted_and_told_to_the_eviction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply()
        async with serving(origin) as served, connected(served.fast) as fast:
            await heated(fast)
            before = hits()
            told: list[tuple[str, int]] = []
            memory = served.delivery.cache.memory
            monkeypatch.setattr(memory, "touch", lambda key, n: told.append((key, n)))

            for _ in range(5):
                await fast.ask(get())

            assert hits() - before == 5
            assert sum(n for key, n in told if key == "/a") == 5


async def test_a_share_of_the_fast_answers_is_in_the_access_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply()
        logged = replace(LIMITS, log_share=1.0)
        async with serving(origin, limits=logged) as served, connected(served.fast) as fast:
            await heated(fast)
            caplog.clear()

            await fast.ask(get())

    (line,) = [record for record in caplog.records if record.message == "request"]
    assert vars(line)["path"] == "/a" and vars(line)["is_hot"]


async def test_a_slow_reader_gets_every_byte_and_later_bytes_wait() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(BIG)
        origin.replies["/b"] = Reply(b"b")
        async with serving(origin, listening=SMALL_BUFFER) as served, connected(served.fast, 4096) as fast:
            await heated(fast, get(), get("/b"))
            fast.writer.write(get())
            (connection,) = served.listener.connections
            await eventually(lambda: connection.is_busy)
            fast.writer.write(get("/b"))

            assert (await fast.reply()).body == BIG
            assert (await fast.reply()).body == b"b"


@pytest.mark.parametrize(("unsent_bytes", "is_all_taken"), [(0, True), (64 * 1024, False)])
async def test_the_kernel_holds_no_more_unsent_bytes_than_it_is_told(
    unsent_bytes: int, is_all_taken: bool
) -> None:
    body = BIG[:200_000]  # within the smallest bound that systems set for SO_SNDBUF
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(body)
        listening = ListenSettings(send_buffer_bytes=1024 * 1024, unsent_bytes=unsent_bytes)
        async with serving(origin, listening=listening) as served, connected(served.fast, 4096) as fast:
            await heated(fast)
            (connection,) = served.listener.connections
            fast.writer.write(get())

            await eventually(lambda: connection.n_sent > 64 * 1024)
            assert (connection.n_sent > len(body)) is is_all_taken
            assert connection.is_busy is not is_all_taken
            assert (await fast.reply()).body == body


async def test_a_viewer_that_has_said_all_gets_its_answer_whole() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(BIG)
        async with serving(origin, listening=SMALL_BUFFER) as served:
            async with connected(served.fast) as fast:
                await heated(fast)
            async with connected(served.fast, 4096) as fast:
                fast.writer.write(get())
                fast.writer.write_eof()

                assert (await fast.reply()).body == BIG
                assert await fast.rest() == b""


async def test_a_viewer_that_leaves_mid_body_leaves_nothing_behind() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(BIG)
        async with serving(origin, listening=SMALL_BUFFER) as served:
            async with connected(served.fast) as fast:
                await heated(fast)
            await eventually(lambda: served.listener.n_connections == 0)
            before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
            for _ in range(20):
                async with connected(served.fast, 4096) as fast:
                    fast.writer.write(get())
                    await fast.reader.readexactly(1000)

            await eventually(lambda: served.listener.n_connections == 0)
            assert len(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208  # others may close theirs now


async def test_an_object_that_is_purged_mid_body_is_sent_to_its_end_and_then_its_file_is_closed() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(BIG)
        n_before = n_files()
        async with serving(origin, listening=SMALL_BUFFER) as served, connected(served.fast, 4096) as fast:
            await heated(fast)
            assert MemFile.n_open == n_before + 1
            fast.writer.write(get())
            await fast.reader.readuntil(b"\r\n\r\n")

            await served.delivery.cache.purge(Purge())
            gc.collect()

            assert MemFile.n_open == n_before + 1
            assert await fast.reader.readexactly(len(BIG)) == BIG
            await eventually(lambda: n_files() == n_before)


async def test_beyond_the_bound_of_files_the_transport_sends() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(BIG)
        async with serving(origin, hot=HotLimits(n_files=0)) as served, connected(served.fast) as fast:
            await heated(fast)

            assert (await fast.ask(get())).body == BIG
            assert served.is_hot()
            assert served.delivery.hot.whole[b"GET /a HTTP/1.1"].file is None


async def test_nothing_is_sent_directly_while_the_transport_has_bytes_to_write() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(BIG)
        origin.replies["/small"] = Reply(BIG[:65_536])
        by_transport = HotLimits(sendfile_bytes=65_536)
        async with (
            serving(origin, listening=SMALL_BUFFER, hot=by_transport) as served,
            connected(served.fast, 4096) as fast,
        ):
            await heated(fast, get(), get("/small"))
            (connection,) = served.listener.connections
            fast.writer.write(get("/small"))
            transport = connection.transport
            assert transport is not None
            await eventually(lambda: transport.get_write_buffer_size() > 0)
            fast.writer.write(get())

            assert (await fast.reply()).body == BIG[:65_536]
            assert (await fast.reply()).body == BIG


async def test_the_socket_survives_the_hand_over_after_a_direct_send() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(BIG)
        async with serving(origin) as served, connected(served.fast) as fast:
            await heated(fast)
            assert (await fast.ask(get())).body == BIG
            await fast.ask(get("/a", "Cookie: a"))
            gc.collect()

            assert (await fast.ask(get("/a", "Cookie: a"))).body == BIG
            assert (await fast.ask(get())).body == BIG


async def test_it_serves_on_a_unix_socket(tmp_path: Path) -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(BIG)
        listen = f"unix:{tmp_path}/edge.sock"
        async with serving(origin, listen=listen) as served, connected(served.fast) as fast:
            await heated(fast)

            assert (await fast.ask(get())).body == BIG
            assert served.is_hot()
        assert not (tmp_path / "edge.sock").exists()


def test_the_outbox_goes_on_after_a_short_head_and_stops_at_a_short_file() -> None:
    asyncio.run(_short_sends())


async def _short_sends() -> None:
    ours, theirs = socket.socketpair()
    with contextlib.ExitStack() as stack:
        stack.enter_context(theirs)
        stack.callback(ours.close)
        for link in (ours, theirs):
            link.setblocking(False)
            link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        room = Room(asyncio.get_running_loop())
        stack.callback(room.close)
        told: list[bool] = []
        outbox = Outbox(ours.fileno(), room, lambda: told.append(outbox.resume()))
        stack.callback(outbox.release)
        head, file = BIG[:50_000], MemFile(BIG)

        assert not outbox.send(head, file, 10, 499_990)

        got = bytearray()
        while len(got) < 50_000 + 499_990:
            with contextlib.suppress(BlockingIOError):
                got += theirs.recv(65536)
            await asyncio.sleep(0)
        await eventually(lambda: told and told[-1])
        assert bytes(got) == head + BIG[10:500_000]
        with pytest.raises(ConnectionAbortedError):
            outbox.send(b"", file, len(BIG) - 5, 10)


async def test_a_stop_lets_the_answer_under_way_end_and_closes_who_is_at_rest() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(BIG)
        async with (
            serving(origin, listening=SMALL_BUFFER, limits=replace(LIMITS, drain_s=10)) as served,
            connected(served.fast) as idle,
            connected(served.fast) as ordinary,
            connected(served.fast, 4096) as busy,
        ):
            await heated(idle)
            await ordinary.ask(get("/a", "Cookie: a"))
            busy.writer.write(get())
            await busy.reader.readuntil(b"\r\n\r\n")

            stopping = asyncio.create_task(served.listener.close())

            assert await idle.rest() == b"" and await ordinary.rest() == b""
            assert await busy.reader.readexactly(len(BIG)) == BIG
            assert await busy.rest() == b""
            await stopping


async def test_answers_with_a_vary_or_a_query_of_their_own_are_judged_by_the_ordinary_path() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(headers={**FRESH, "Vary": "Accept-Encoding"})
        origin.replies["/private"] = Reply(headers={"Cache-Control": "private, max-age=60"})
        origin.replies["/cookie"] = Reply(headers={**FRESH, "Set-Cookie": "a=b"})
        async with serving(origin) as served, connected(served.fast) as fast:
            await heated(fast, get(), get("/private"), get("/cookie"))
            await heated(fast, get(), get("/private"), get("/cookie"))

            assert served.delivery.hot.whole == {}


async def test_it_can_be_turned_off() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply()
        async with serving(origin, hot=HotLimits(is_on=False)) as served, connected(served.fast) as fast:
            await heated(fast)

            assert (await fast.ask(get())).status == 200
            assert not served.is_hot()


async def test_too_many_header_blocks_are_forgotten_and_judged_again() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply()
        async with serving(origin, hot=HotLimits(n_blocks=4)) as served, connected(served.fast) as fast:
            await heated(fast)
            for i in range(20):
                assert (await fast.ask(get("/a", f"User-Agent: {i}"))).status == 200

            assert len(served.delivery.hot.blocks) <= 4
            assert served.delivery.hot.span(b"Host: a\r\n\r\n") is WHOLE
