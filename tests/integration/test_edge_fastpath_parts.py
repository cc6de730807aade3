"""Prepared answers to ranges and to tags on the fast path: same bytes as the ordinary path, bounded."""

import pytest

from edge.cache.key import primary_key
from edge.cache.tags import Purge
from tests.fast_edges import BIG, heated, serving
from tests.origins import FRESH, Reply, ScriptedOrigin
from tests.wire import connected, get

pytestmark = pytest.mark.both_loops


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
