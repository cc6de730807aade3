"""What is asked for often is known by heart: to the byte, as long as its head holds, and to nobody else."""

import pytest

from tests.fast_edges import asked_often, fallen_through, heated, hits, serving
from tests.origins import Reply, ScriptedOrigin
from tests.waiting import eventually
from tests.wire import connected, get

pytestmark = pytest.mark.both_loops


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
