"""The HTTP plumbing over a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import msgspec
import pytest
from aiohttp import web

from shared.errors import InvalidRequest, NotFound, TooLarge, Unavailable
from shared.health import Health
from shared.web import (
    PROBLEM_TYPE,
    add_operator_routes,
    error_middleware,
    json_body,
    json_response,
    naming,
    serve,
    split_address,
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LIMIT_BYTES = 100


class Swipe(msgspec.Struct):
    """A body."""

    video: str


async def echo(request: web.Request) -> web.Response:
    return json_response(await json_body(request, Swipe, LIMIT_BYTES), headers={"X-Extra": "1"})


async def fail(request: web.Request) -> web.Response:
    raise {
        "missing": NotFound("no such video", video="v1"),
        "large": TooLarge("over 5 bytes", limit_bytes=5),
        "away": Unavailable("origin is away"),
        "bug": KeyError("a secret"),
        "moved": web.HTTPFound("/elsewhere"),
    }[request.match_info["how"]]


async def break_off(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Length": "10"})
    await answer.prepare(request)
    await answer.write(b"12345")
    raise Unavailable("the origin went away half-way")


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
async def client(health: Health) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of an application with the middleware and the operator routes."""
    app = web.Application(middlewares=[error_middleware])
    add_operator_routes(app, health)
    app.router.add_post("/echo", echo)
    app.router.add_get("/fail/{how}", fail)
    app.router.add_get("/break", break_off)
    server = await serve(app, "127.0.0.1:0")
    async with aiohttp.ClientSession(server.url) as session:
        yield session
    await server.stop()


@pytest.mark.parametrize(
    ("how", "status", "code", "detail"),
    [
        ("missing", 404, "not_found", "no such video"),
        ("large", 413, "too_large", "over 5 bytes"),
        ("away", 503, "unavailable", "origin is away"),
        ("bug", 500, "internal", "an error inside the service"),
    ],
)
async def test_an_error_becomes_a_problem_document(
    client: aiohttp.ClientSession, how: str, status: int, code: str, detail: str
) -> None:
    async with client.get(f"/fail/{how}") as answer:
        told = await answer.json(content_type=PROBLEM_TYPE)

    assert answer.status == told["status"] == status
    assert told["type"] == f"urn:headstart:problem:{code}"
    assert told["detail"] == detail
    assert ("Retry-After" in answer.headers) == (status == 503)


async def test_an_errors_facts_are_members_of_the_document(client: aiohttp.ClientSession) -> None:
    async with client.get("/fail/large") as answer:
        assert (await answer.json(content_type=PROBLEM_TYPE))["limit_bytes"] == 5


async def test_the_frameworks_own_errors_are_problems_too(client: aiohttp.ClientSession) -> None:
    async with client.get("/nowhere") as missing, client.get("/echo") as wrong_method:
        assert (await missing.json(content_type=PROBLEM_TYPE))["type"] == "urn:headstart:problem:not_found"
        assert (await wrong_method.json(content_type=PROBLEM_TYPE))["status"] == 405
        assert wrong_method.headers["Allow"] == "POST"


async def test_a_redirect_is_no_error(client: aiohttp.ClientSession) -> None:
    async with client.get("/fail/moved", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "/elsewhere")


async def test_an_answer_that_fails_half_way_is_cut_and_not_completed(client: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.ClientPayloadError):
        async with client.get("/break") as answer:
            await answer.read()


async def test_a_good_body_is_decoded(client: aiohttp.ClientSession) -> None:
    async with client.post("/echo", data=b'{"video":"v1","extra":1}') as answer:
        assert (await answer.json(), answer.headers["X-Extra"]) == ({"video": "v1"}, "1")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"video":5}', b'{"video":"\xff"}', b"<html>", b"[" * LIMIT_BYTES]
)
async def test_a_bad_body_is_refused_with_its_reason(client: aiohttp.ClientSession, body: bytes) -> None:
    async with client.post("/echo", data=body) as answer:
        assert answer.status == 400
        assert (await answer.json(content_type=PROBLEM_TYPE))["title"] == "invalid request"


@pytest.mark.parametrize("is_told", [True, False])
async def test_a_long_body_is_refused_with_the_limit(client: aiohttp.ClientSession, is_told: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b"x" * 10

    async with client.post("/echo", data=b"x" * 500 if is_told else pieces()) as answer:
        told = await answer.json(content_type=PROBLEM_TYPE)

    assert (answer.status, told["limit_bytes"]) == (413, LIMIT_BYTES)


async def test_operators_see_life_readiness_and_metrics(
    client: aiohttp.ClientSession, health: Health
) -> None:
    async def get(path: str) -> tuple[int, str]:
        async with client.get(path) as answer:
            return answer.status, await answer.text()

    assert (await get("/readyz"))[0] == 200
    health.add("nats", lambda: "not connected")
    assert await get("/readyz") == (503, '{"ready":false,"checks":{"nats":"not connected"}}')
    assert await get("/healthz") == (200, '{"status":"ok"}')
    assert "process_cpu_seconds_total" in (await get("/metrics"))[1]


async def test_a_stop_waits_for_the_request_in_hand_and_takes_no_more() -> None:
    asked, release = asyncio.Event(), asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        asked.set()
        await release.wait()
        return web.Response(text="done")

    app = web.Application()
    app.router.add_get("/", slow)
    server = await serve(app, "127.0.0.1:0")
    async with aiohttp.ClientSession() as session:
        pending = asyncio.create_task(session.get(server.url))
        await asked.wait()
        stopping = asyncio.create_task(server.stop(grace_s=10))
        await asyncio.wait({stopping}, timeout=0.05)
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(server.url)
        release.set()

        assert await (await pending).text() == "done"
    await stopping


async def test_a_stop_cuts_a_request_that_outlasts_the_grace() -> None:
    asked = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        asked.set()
        await asyncio.Event().wait()
        return web.Response()

    app = web.Application(middlewares=[error_middleware])
    app.router.add_get("/", hang)
    server = await serve(app, "127.0.0.1:0")
    async with aiohttp.ClientSession() as session:
        pending = asyncio.create_task(session.get(server.url))
        await asked.wait()
        async with asyncio.timeout(3):
            await server.stop(grace_s=0.1)

        with pytest.raises(aiohttp.ClientError):
            await pending


async def test_a_taken_address_is_an_os_error() -> None:
    server = await serve(web.Application(), "127.0.0.1:0")

    listen = server.url.removeprefix("http://")
    with pytest.raises(OSError, match=f"cannot listen on {listen}: Address already in use"):
        await serve(web.Application(), listen)
    await server.stop()


def test_a_host_that_nobody_knows_is_named() -> None:
    said = "cannot listen on nowhere:80: Name or service not known"
    with pytest.raises(OSError, match=said), naming("nowhere:80"):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize(
    ("listen", "address"),
    [("127.0.0.1:0", ("127.0.0.1", 0)), ("[::1]:80", ("::1", 80)), (":8080", ("127.0.0.1", 8080))],
)
def test_an_address_is_split_into_host_and_port(listen: str, address: tuple[str, int]) -> None:
    assert split_address(listen) == address


@pytest.mark.parametrize("listen", ["", "host", "host:", "host:x", "host:70000", "host:-1", "host:٣"])
def test_what_is_no_address_is_refused(listen: str) -> None:
    with pytest.raises(InvalidRequest):
        split_address(listen)
