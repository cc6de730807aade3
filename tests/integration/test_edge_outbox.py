"""How hot answers leave: from files, to slow readers; every byte, in order, and nothing left behind."""

import asyncio
import contextlib
import gc
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from edge.cache.tags import Purge
from edge.serving.hot import HotLimits
from edge.serving.listener import ListenSettings
from edge.serving.memfile import MemFile
from edge.serving.outbox import Outbox, Room
from tests.fast_edges import BIG, LIMITS, SMALL_BUFFER, heated, n_files, serving
from tests.origins import Reply, ScriptedOrigin
from tests.waiting import eventually
from tests.wire import connected, get

pytestmark = pytest.mark.both_loops


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


async def test_room_for_what_the_transport_writes_does_not_end_an_answer_that_a_fill_brings() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies.update({"/a": Reply(BIG), "/b": Reply(b"b"), "/cold": Reply(BIG[::-1])})
        async with serving(origin, listening=SMALL_BUFFER) as served, connected(served.fast, 4096) as fast:
            await heated(fast, get(), get("/b"))
            assert (await fast.ask(get())).body == BIG
            (connection,) = served.listener.connections
            fast.writer.write(get("/cold"))
            await eventually(lambda: connection.miss is not None and connection.miss.is_paused)
            fast.writer.write(get("/b"))

            assert (await fast.reply()).body == BIG[::-1]
            assert (await fast.reply()).body == b"b"


async def test_an_answer_goes_on_though_the_kernel_never_tells_of_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Room, "watch", lambda *_: None)
    body = BIG[:200_000]
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(body)
        listening = ListenSettings(send_buffer_bytes=1024 * 1024, unsent_bytes=64 * 1024)
        async with serving(origin, listening=listening) as served, connected(served.fast, 4096) as fast:
            await heated(fast)
            (connection,) = served.listener.connections
            fast.writer.write(get())
            await eventually(lambda: connection.is_busy)

            assert (await fast.reply()).body == body


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
