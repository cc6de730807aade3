"""A malicious client before an origin that reflects all it is told: nobody else ever sees it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from edge.cache.settings import CacheLimits
from edge.delivery import CORS, Delivery, DeliveryListener, DeliverySettings
from tests.origins import FRESH, Client, Reply, RunningEdge, ScriptedOrigin, running_edge

POISON = "evil.example"
CLAIMS = [
    *("X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Scheme", "X-Forwarded-Port", "X-Forwarded-For"),
    *("X-Forwarded-Prefix", "X-Forwarded-Server", "X-Forwarded-SSL", "Forwarded", "X-Host", "X-Real-IP"),
    *("X-Original-URL", "X-Original-Host", "X-Rewrite-URL", "X-HTTP-Method-Override", "X-HTTP-Method"),
    *("X-Method-Override", "True-Client-IP", "X-Client-IP", "X-URL-Scheme", "Front-End-Https", "Proxy"),
]
ANYTHING = [
    "User-Agent",
    "Accept",
    "Accept-Language",
    "Accept-Encoding",
    "Cookie",
    "Referer",
    "Origin",
    "X-Any",
]


def reflecting(request: web.BaseRequest) -> Reply:
    """All that the origin sees, in a body that may be stored."""
    told = {"target": request.raw_path, "fields": [*map(list, request.headers.items())]}
    return Reply(json.dumps(told).encode(), headers=FRESH)


@pytest.fixture
async def origin() -> AsyncIterator[ScriptedOrigin]:
    async with ScriptedOrigin() as origin:
        origin.replies["*"] = reflecting
        yield origin


@pytest.fixture
async def alone(origin: ScriptedOrigin) -> AsyncIterator[RunningEdge]:
    async with running_edge(origin.url) as edge:
        yield edge


@asynccontextmanager
async def node(origin_url: str) -> AsyncIterator[Client]:
    """The media part of a node, as the application wires it."""
    delivery = Delivery(DeliverySettings(origin_url, extra_headers=CORS, is_media=True))
    await delivery.open()
    listener = DeliveryListener(delivery)
    client = Client(await listener.open("127.0.0.1:0"))
    try:
        yield client
    finally:
        await client.close()
        await listener.close()
        await delivery.close()


@pytest.mark.parametrize("name", CLAIMS)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_claim_about_the_way_never_reaches_the_origin(
    alone: RunningEdge, origin: ScriptedOrigin, name: str, method: str
) -> None:
    answer = await alone.ask("/a", method, None, **{name.replace("-", "_"): POISON})

    assert POISON.encode() not in answer.body
    assert name not in origin.seen[0].headers


async def test_the_clients_host_in_an_absolute_target_reaches_nobody(alone: RunningEdge) -> None:
    answer = await alone.ask("/a", Host=POISON)

    assert POISON.encode() not in answer.body


async def test_a_field_that_an_operator_names_is_dropped(origin: ScriptedOrigin) -> None:
    async with running_edge(origin.url, limits=CacheLimits(dropped_fields=("X-Any",))) as edge:
        answer = await edge.ask("/a", X_Any=POISON, X_Other="kept")

    assert POISON.encode() not in answer.body and b"kept" in answer.body


@pytest.mark.parametrize("name", [*CLAIMS, *ANYTHING])
async def test_nothing_that_is_not_in_the_key_reaches_our_own_origin_with_a_read(
    origin: ScriptedOrigin, name: str
) -> None:
    async with node(origin.url) as edge:
        poisoned = await edge.ask("/v/one/open.mp4", "GET", None, **{name.replace("-", "_"): POISON})
        clean = await edge.ask("/v/one/open.mp4")

    assert POISON.encode() not in poisoned.body
    assert clean.body == poisoned.body and clean.cache_status.startswith("hit")


async def test_queries_that_mean_nothing_neither_miss_nor_reach_the_origin(origin: ScriptedOrigin) -> None:
    async with node(origin.url) as edge:
        first = await edge.ask("/v/one/open.mp4")
        again = [await edge.ask(f"/v/one/open.mp4?bust={number}") for number in range(20)]
        part = await edge.ask("/v/one/open.mp4?x=1", Range="bytes=0-3")

    assert {answer.body for answer in again} == {first.body}
    assert {answer.cache_status for answer in again} == {"hit; detail=memory"}
    assert (part.status, part.body) == (206, first.body[:4])
    assert [request.raw_path for request in origin.seen] == ["/v/one/open.mp4"]


async def test_the_standalone_cache_keeps_queries_but_those_that_are_ignored(origin: ScriptedOrigin) -> None:
    limits = CacheLimits(query_kept=("*",), query_ignored=("utm_source",))
    async with running_edge(origin.url, limits=limits) as edge:
        await edge.ask("/a?b=1")
        await edge.ask("/a?b=2")
        await edge.ask("/a?utm_source=x&b=2")

    assert [request.raw_path for request in origin.seen] == ["/a?b=1", "/a?b=2"]


@pytest.mark.parametrize(
    "fields",
    [
        {"Cache-Control": "private, max-age=60"},
        {"Cache-Control": "no-store"},
        {"Cache-Control": "max-age=60", "Vary": "*"},
        {"Cache-Control": "max-age=60, private"},
    ],
)
async def test_a_private_answer_is_nobody_elses(origin: ScriptedOrigin, fields: dict[str, str]) -> None:
    origin.replies["/v/mine"] = lambda request: Reply(
        request.headers.get("Cookie", "").encode(), headers=fields
    )
    async with running_edge(origin.url) as edge:
        first = await edge.ask("/v/mine", Cookie="ann")
        second = await edge.ask("/v/mine", Cookie="bob")

    assert (first.body, second.body) == (b"ann", b"bob")


async def test_an_answer_to_credentials_is_nobody_elses(origin: ScriptedOrigin) -> None:
    origin.replies["/mine"] = lambda request: Reply(request.headers.get("Authorization", "").encode())
    async with running_edge(origin.url) as edge:
        first = await edge.ask("/mine", Authorization="Bearer ann")
        second = await edge.ask("/mine", Authorization="Bearer bob")
        third = await edge.ask("/mine")

    assert (first.body, second.body, third.body) == (b"Bearer ann", b"Bearer bob", b"")


async def test_our_own_origins_cookies_are_never_stored(origin: ScriptedOrigin) -> None:
    origin.replies["*"] = Reply(headers={**FRESH, "Set-Cookie": "session=ann"})
    async with node(origin.url) as edge:
        answers = [await edge.ask("/v/one/open.mp4") for _ in range(2)]

    assert origin.n_seen() == 2 and not any("hit" in answer.cache_status for answer in answers)
