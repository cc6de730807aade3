"""Hot hits on the fast path: same bytes as the ordinary path, nothing served that is gone, counted."""

from dataclasses import replace

import pytest

from edge.cache.key import primary_key
from edge.cache.settings import CacheLimits
from edge.cache.tags import Purge
from edge.serving.headblock import WHOLE
from edge.serving.hot import HotLimits
from tests.fast_edges import (
    BIG,
    LIMITS,
    SMALL_BUFFER,
    asked_often,
    heated,
    hits,
    n_files,
    serving,
)
from tests.origins import FRESH, Reply, ScriptedOrigin
from tests.waiting import eventually
from tests.wire import connected, get

pytestmark = pytest.mark.both_loops


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
