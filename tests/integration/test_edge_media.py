"""Hits, misses, what is never stored, validation, staleness: over real HTTP on both sides."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from edge.cache.key import primary_key
from edge.cache.tags import Purge
from edge.handlers.warm import Warmth
from tests.edge_cache_builders import FakeClock
from tests.origins import FRESH, PLAIN, Reply, RunningEdge, ScriptedOrigin, running_edge
from tests.waiting import eventually


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def edge(origin: ScriptedOrigin, clock: FakeClock, tmp_path: Path) -> AsyncIterator[RunningEdge]:
    async with running_edge(origin.url, tmp_path, clock=clock) as running:
        yield running


def dated(**fields: str) -> dict[str, str]:
    """Headers whose Date is the fake clock's now."""
    return {"Date": "Fri, 15 Jan 2027 08:00:00 GMT", **{n.replace("_", "-"): v for n, v in fields.items()}}


MINUTE = dated(Cache_Control="max-age=60", ETag='"one"')


async def test_the_second_request_is_a_hit_in_memory(origin: ScriptedOrigin, edge: RunningEdge) -> None:
    origin.replies["/v/a"] = Reply(b"opening", headers=MINUTE)

    first, second = await edge.ask("/v/a"), await edge.ask("/v/a")

    assert first.cache_status == "fwd=uri-miss; fwd-status=200; stored; detail=origin"
    assert second.cache_status == "hit; detail=memory"
    assert first.body == second.body == b"opening"
    assert second.headers["Via"] == "1.1 headstart-edge"
    assert origin.n_seen() == 1


async def test_age_grows_while_an_object_is_stored(
    origin: ScriptedOrigin, edge: RunningEdge, clock: FakeClock
) -> None:
    origin.replies["/v/a"] = Reply(headers={**MINUTE, "Age": "10"})
    await edge.ask("/v/a")

    clock.advance(7)

    assert (await edge.ask("/v/a")).headers["Age"] == "17"


async def test_head_is_answered_from_a_stored_get(origin: ScriptedOrigin, edge: RunningEdge) -> None:
    origin.replies["/v/a"] = Reply(b"opening", headers=MINUTE)
    await edge.ask("/v/a")

    head = await edge.ask("/v/a", "HEAD")

    assert (head.status, head.headers["Content-Length"], head.body) == (200, "7", b"")
    assert origin.n_seen() == 1


async def test_a_head_on_a_miss_is_forwarded_and_stores_nothing(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    origin.replies["/v/a"] = Reply(b"opening", headers=MINUTE)

    head = await edge.ask("/v/a", "HEAD")

    assert head.headers["Content-Length"] == "7"
    assert origin.seen[0].method == "HEAD"
    assert not edge.delivery.media.is_in_memory("/v/a")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"Cache_Control": "private, max-age=60"}, "private"),
        ({"Cache_Control": "no-store, max-age=60"}, "no-store"),
        ({"Cache_Control": "max-age=60", "Vary": "*"}, "vary-star"),
        ({"ETag": '"one"'}, "no-freshness"),
    ],
)
async def test_what_must_not_be_shared_is_never_stored(
    origin: ScriptedOrigin, edge: RunningEdge, tmp_path: Path, fields: dict[str, str], reason: str
) -> None:
    origin.replies["/p"] = Reply(b"secret", headers=dated(**fields))

    answers = [await edge.ask("/p") for _ in range(3)]

    assert [answer.cache_status for answer in answers] == [
        f"fwd=uri-miss; fwd-status=200; detail={reason}" for _ in range(3)
    ]
    assert origin.n_seen("/p") == 3
    assert not edge.delivery.media.is_in_memory("/p") and not list(tmp_path.rglob("*.obj"))


@pytest.mark.parametrize(("stores_cookies", "n_seen"), [(False, 2), (True, 1)])
async def test_an_answer_with_a_cookie_is_shared_only_when_the_operator_says_so(
    origin: ScriptedOrigin, stores_cookies: bool, n_seen: int
) -> None:
    origin.replies["/p"] = Reply(b"mine", headers=dated(Cache_Control="max-age=60", Set_Cookie="a=b"))

    async with running_edge(origin.url, limits=replace(PLAIN, stores_cookies=stores_cookies)) as edge:
        answers = [await edge.ask("/p") for _ in range(2)]

    assert [answer.headers["Set-Cookie"] for answer in answers] == ["a=b", "a=b"]
    assert origin.n_seen("/p") == n_seen


async def test_an_authorised_answer_is_not_stored_unless_it_is_public(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    origin.replies["/private"] = Reply(headers=MINUTE)
    origin.replies["/public"] = Reply(headers=dated(Cache_Control="public, max-age=60"))

    for path in ("/private", "/public"):
        await edge.ask(path, Authorization="Bearer x")
        await edge.ask(path, Authorization="Bearer x")

    assert (origin.n_seen("/private"), origin.n_seen("/public")) == (2, 1)
    assert origin.seen[0].headers["Authorization"] == "Bearer x"


async def test_a_resource_that_becomes_cacheable_is_cached_at_once(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    origin.replies["/a"] = [Reply(headers=dated(Cache_Control="no-store")), Reply(headers=MINUTE)]

    for _ in range(3):
        last = await edge.ask("/a")

    assert last.cache_status == "hit; detail=memory"


async def test_variants_are_kept_apart(origin: ScriptedOrigin, edge: RunningEdge) -> None:
    def by_encoding(request: web.BaseRequest) -> Reply:
        encoding = request.headers.get("Accept-Encoding", "none")
        return Reply(encoding.encode(), headers={**MINUTE, "Vary": "Accept-Encoding"})

    origin.replies["/a"] = by_encoding

    answers = [await edge.ask("/a", Accept_Encoding=name) for name in ("gzip", "br", "gzip", "br")]

    assert [answer.body for answer in answers] == [b"gzip", b"br", b"gzip", b"br"]
    assert answers[1].cache_status.startswith("fwd=vary-miss")
    assert origin.n_seen() == 2


async def test_an_encoded_body_passes_as_it_is(origin: ScriptedOrigin, edge: RunningEdge) -> None:
    origin.replies["/a"] = Reply(b"not really gzip", headers={**MINUTE, "Content-Encoding": "gzip"})

    answers = [await edge.ask("/a"), await edge.ask("/a", Range="bytes=4-9")]

    assert [answer.body for answer in answers] == [b"not really gzip", b"really"]
    assert all(answer.headers["Content-Encoding"] == "gzip" for answer in answers)


@pytest.mark.parametrize(
    ("asked", "status", "body", "content_range"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=0-1,4-5", 206, b"012345", "bytes 0-5/10"),
        ("bytes=4-2", 200, b"0123456789", None),
        ("lines=0-1", 200, b"0123456789", None),
    ],
)
async def test_a_range_is_the_same_on_a_miss_and_on_a_hit(
    origin: ScriptedOrigin,
    edge: RunningEdge,
    asked: str,
    status: int,
    body: bytes,
    content_range: str | None,
) -> None:
    origin.replies["/a"] = Reply(b"0123456789", headers=MINUTE)

    miss = await edge.ask("/a", Range=asked)
    await eventually(lambda: edge.delivery.media.is_in_memory("/a"))
    hit = await edge.ask("/a", Range=asked)

    for answer in (miss, hit):
        assert (answer.status, answer.body) == (status, body)
        assert answer.headers.get("Content-Range") == content_range
        assert answer.headers["Content-Length"] == str(len(body))
    assert origin.n_seen() == 1


async def test_if_range_gives_the_part_only_of_the_version_held(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    origin.replies["/a"] = Reply(b"0123456789", headers=MINUTE)
    await edge.ask("/a")

    same = await edge.ask("/a", Range="bytes=0-3", If_Range='"one"')
    other = await edge.ask("/a", Range="bytes=0-3", If_Range='"two"')

    assert (same.status, other.status) == (206, 200)


async def test_a_client_that_holds_it_gets_304_on_a_miss_and_on_a_hit(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    origin.replies["/a"] = Reply(b"opening", headers=MINUTE)

    miss = await edge.ask("/a", If_None_Match='"one"')
    await eventually(lambda: edge.delivery.media.is_in_memory("/a"))
    hit = await edge.ask("/a", If_None_Match='W/"one"')

    assert [(answer.status, answer.body) for answer in (miss, hit)] == [(304, b"")] * 2
    assert hit.headers["ETag"] == '"one"' and "Content-Length" not in hit.headers


async def test_a_stale_object_is_validated_not_fetched_again(
    origin: ScriptedOrigin, edge: RunningEdge, clock: FakeClock
) -> None:
    later = dated(Cache_Control="max-age=60", ETag='"one"', X_Seen="again") | {
        "Date": "Fri, 15 Jan 2027 08:01:10 GMT"
    }
    origin.replies["/a"] = [Reply(b"opening", headers=MINUTE), Reply(status=304, headers=later)]
    await edge.ask("/a")
    clock.advance(70)

    validated, hit = await edge.ask("/a"), await edge.ask("/a")

    assert origin.seen[1].headers["If-None-Match"] == '"one"'
    assert validated.cache_status == "fwd=stale; fwd-status=304; stored; detail=memory"
    assert hit.cache_status == "hit; detail=memory"
    assert hit.body == b"opening" and hit.headers["X-Seen"] == "again" and hit.headers["Age"] == "0"


async def test_a_304_for_another_version_is_not_believed(
    origin: ScriptedOrigin, edge: RunningEdge, clock: FakeClock
) -> None:
    origin.replies["/a"] = [
        Reply(b"old", headers=MINUTE),
        Reply(status=304, headers=dated(ETag='"other"', Cache_Control="max-age=60")),
        Reply(b"new", headers=dated(ETag='"other"', Cache_Control="max-age=600")),
    ]
    await edge.ask("/a")
    clock.advance(70)

    assert (await edge.ask("/a")).body == b"new"
    assert "If-None-Match" not in origin.seen[2].headers


async def test_stale_while_revalidate_answers_at_once_and_validates_behind(
    origin: ScriptedOrigin, edge: RunningEdge, clock: FakeClock
) -> None:
    told = dated(Cache_Control="max-age=1, stale-while-revalidate=100")
    later = told | {"Date": "Fri, 15 Jan 2027 08:00:05 GMT"}
    origin.replies["/a"] = [Reply(b"old", headers=told), Reply(b"new", headers=later)]
    await edge.ask("/a")
    clock.advance(5)

    stale = await edge.ask("/a")

    assert (stale.body, stale.cache_status) == (b"old", "hit; ttl=-4; detail=memory")
    await eventually(lambda: origin.n_seen() == 2 and edge.delivery.fills.n_flights == 0)
    assert (await edge.ask("/a")).body == b"new"


async def test_must_revalidate_is_obeyed_when_the_origin_is_gone(
    origin: ScriptedOrigin, edge: RunningEdge, clock: FakeClock
) -> None:
    origin.replies["/a"] = Reply(headers=dated(Cache_Control="max-age=1, must-revalidate"))
    await edge.ask("/a")
    clock.advance(5)
    await origin.stop()

    answer = await edge.ask("/a")

    assert answer.status == 502 and b"origin_unreachable" in answer.body


async def test_what_is_stored_is_still_served_when_the_origin_is_gone(
    origin: ScriptedOrigin, edge: RunningEdge, clock: FakeClock
) -> None:
    origin.replies["/a"] = Reply(b"kept", headers=MINUTE)
    await edge.ask("/a")
    await origin.stop()

    fresh = await edge.ask("/a")
    clock.advance(70)
    stale = await edge.ask("/a")

    assert fresh.body == stale.body == b"kept"
    assert stale.cache_status == "hit; ttl=-10; detail=memory"


@pytest.mark.parametrize(
    ("control", "body"), [("max-age=1", b"broken"), ("max-age=1, stale-if-error=99", b"kept")]
)
async def test_a_server_error_is_stood_in_for_only_when_allowed(
    origin: ScriptedOrigin, edge: RunningEdge, clock: FakeClock, control: str, body: bytes
) -> None:
    told = dated(Cache_Control=control)
    origin.replies["/a"] = [Reply(b"kept", headers=told), Reply(b"broken", status=503, headers={})]
    await edge.ask("/a")
    clock.advance(5)

    assert (await edge.ask("/a")).body == body


async def test_a_request_can_ask_for_validation_and_for_only_the_cache(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    origin.replies["/a"] = Reply(headers=MINUTE)

    refused = await edge.ask("/a", Cache_Control="only-if-cached")
    await edge.ask("/a")
    reloaded = await edge.ask("/a", Cache_Control="no-cache")

    assert (refused.status, refused.cache_status) == (504, "detail=not_cached")
    assert reloaded.cache_status.startswith("fwd=request")
    assert origin.n_seen() == 2


async def test_an_operator_can_keep_clients_from_reloading(origin: ScriptedOrigin, tmp_path: Path) -> None:
    origin.replies["/a"] = Reply(headers=FRESH)
    limits = replace(PLAIN, obeys_reload=False)
    async with running_edge(origin.url, tmp_path, limits=limits) as edge:
        await edge.ask("/a")

        assert (await edge.ask("/a", Cache_Control="no-cache")).cache_status == "hit; detail=memory"


async def test_a_missing_object_is_remembered_for_a_moment(origin: ScriptedOrigin, clock: FakeClock) -> None:
    origin.replies["/none"] = Reply(status=404, headers=dated())
    limits = replace(PLAIN, negative_s=1.0)
    async with running_edge(origin.url, limits=limits, clock=clock) as edge:
        for _ in range(3):
            assert (await edge.ask("/none")).status == 404
        assert origin.n_seen() == 1

        clock.advance(2)

        await edge.ask("/none")
        assert origin.n_seen() == 2


async def test_warming_tells_where_the_bytes_came_from(origin: ScriptedOrigin, edge: RunningEdge) -> None:
    origin.replies["/v/a"] = Reply(b"opening", headers=MINUTE)
    origin.replies["/private"] = Reply(headers=dated(Cache_Control="private"))
    media = edge.delivery.media

    first, again = await media.warm("/v/a"), await media.warm("/v/a")
    await eventually(lambda: edge.delivery.cache.disk and len(edge.delivery.cache.disk) == 1)
    edge.delivery.cache.memory.remove("/v/a")
    from_disk = await media.warm("/v/a")

    assert [result.source for result in (first, again, from_disk)] == [
        Warmth.ORIGIN,
        Warmth.MEMORY,
        Warmth.DISK,
    ]
    assert first.size_bytes == from_disk.size_bytes == 7
    assert (await media.warm("/private")).source is Warmth.REFUSED
    assert (await edge.ask("/v/a")).cache_status == "hit; detail=memory"
    await origin.stop()
    assert (await media.warm("/v/b")).source is Warmth.FAILED


async def test_purge_by_url_tag_and_all(origin: ScriptedOrigin, edge: RunningEdge) -> None:
    for number in ("1", "10", "2"):
        origin.replies[f"/v/{number}"] = Reply(headers={**MINUTE, "Surrogate-Key": f"video:{number}"})
        await edge.ask(f"/v/{number}")
    media, purges = edge.delivery.media, edge.delivery.purges

    assert await purges.purge(Purge(tag="video:1")) == 1
    assert await purges.purge(Purge(primary=primary_key("http://any.example/v/2"))) == 1
    assert media.is_in_memory("/v/10")
    assert await purges.purge(Purge()) == 1
    assert not media.is_in_memory("/v/10")
