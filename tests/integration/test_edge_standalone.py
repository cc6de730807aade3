"""`python -m edge --origin URL`: any path and method of any origin; kill -9 at any time."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from multidict import CIMultiDict

from tests.origins import FRESH, EdgeProcess, Reply, RunningEdge, ScriptedOrigin, running_edge
from tests.waiting import eventually

BODY = bytes(range(256)) * 1024


@pytest.fixture
async def process(origin: ScriptedOrigin, data_dir: Path) -> AsyncIterator[EdgeProcess]:
    running = EdgeProcess(origin.url, data_dir)
    yield running
    await running.stop(signal.SIGKILL)


@pytest.fixture
async def edge(origin: ScriptedOrigin) -> AsyncIterator[RunningEdge]:
    async with running_edge(origin.url) as running:
        yield running


def stored_files(data_dir: Path) -> list[Path]:
    return list(data_dir.rglob("*.obj"))


async def test_after_kill_9_everything_is_served_without_the_origin(
    origin: ScriptedOrigin, process: EdgeProcess, data_dir: Path
) -> None:
    paths = [f"/v/{number}/open.mp4" for number in range(20)]
    for path in paths:
        origin.replies[path] = Reply(path.encode() + BODY)
    client = await process.start()
    for path in paths:
        await client.ask(path)
    await eventually(lambda: len(stored_files(data_dir)) == len(paths))
    n_before = origin.n_seen()

    await process.stop(signal.SIGKILL)
    client = await process.start()
    answers = [await client.ask(path) for path in paths]

    assert [answer.body for answer in answers] == [path.encode() + BODY for path in paths]
    assert {answer.cache_status for answer in answers} == {"hit; detail=disk"}
    assert origin.n_seen() == n_before


async def test_a_flipped_byte_on_disk_is_never_served_but_fetched_again(
    origin: ScriptedOrigin, process: EdgeProcess, data_dir: Path
) -> None:
    origin.replies["/v/a"] = Reply(BODY)
    client = await process.start()
    await client.ask("/v/a")
    await eventually(lambda: stored_files(data_dir))
    await process.stop(signal.SIGKILL)
    (path,) = stored_files(data_dir)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)

    client = await process.start()
    answer = await client.ask("/v/a")

    assert answer.body == BODY and answer.cache_status.startswith("fwd=uri-miss")
    assert origin.n_seen() == 2


async def test_sigterm_ends_it_cleanly(process: EdgeProcess) -> None:
    await process.start()

    assert await process.stop(signal.SIGTERM) == 0


async def test_another_origins_objects_are_not_served(
    origin: ScriptedOrigin, process: EdgeProcess, data_dir: Path
) -> None:
    origin.replies["/a"] = Reply(b"first origin's")
    client = await process.start()
    await client.ask("/a")
    await eventually(lambda: stored_files(data_dir))
    await process.stop(signal.SIGKILL)

    async with ScriptedOrigin() as second:
        second.replies["/a"] = Reply(b"second origin's")
        other = EdgeProcess(second.url, data_dir)
        try:
            assert (await (await other.start()).ask("/a")).body == b"second origin's"
        finally:
            await other.stop(signal.SIGKILL)


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/", "/v1/feed", "//x", "/@a%2fb", "/a?b=%20+c&d"])
async def test_every_path_belongs_to_the_origin_and_arrives_as_written(
    origin: ScriptedOrigin, edge: RunningEdge, path: str
) -> None:
    origin.replies["*"] = Reply(b"the origin's")
    answer = await raw_request(edge, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"the origin's")
    assert origin.seen[0].raw_path == path


async def raw_request(edge: RunningEdge, text: str) -> bytes:
    """What the edge answers to these exact bytes, until it closes."""
    host, port = edge.client.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(text.encode())
    data = await reader.read()
    writer.close()
    await writer.wait_closed()
    return data


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_other_methods_pass_with_their_body(
    origin: ScriptedOrigin, edge: RunningEdge, method: str
) -> None:
    origin.replies["/form"] = Reply(b"done", status=201)

    answer = await edge.ask("/form", method, data=b"a=1", Content_Type="text/x")

    assert (answer.status, answer.body) == (201, b"done")
    assert answer.cache_status == "fwd=method; fwd-status=201; detail=method"
    seen = origin.seen[0]
    assert (seen.method, await seen.read(), seen.headers["Content-Type"]) == (method, b"a=1", "text/x")


@pytest.mark.parametrize(("status", "is_still_held"), [(200, False), (302, False), (404, True), (500, True)])
async def test_a_change_that_succeeds_invalidates(
    origin: ScriptedOrigin, edge: RunningEdge, status: int, is_still_held: bool
) -> None:
    origin.replies["/a"] = origin.replies["/b"] = Reply()
    await edge.ask("/a")
    await edge.ask("/b")
    origin.replies["/a"] = Reply(status=status, headers={"Location": "/b"})

    await edge.ask("/a", "POST", data=b"x")

    assert [edge.delivery.media.is_in_memory(path) for path in ("/a", "/b")] == [is_still_held] * 2


async def test_hop_by_hop_fields_stay_on_their_hop_both_ways(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    origin.replies["/a"] = Reply(headers={**FRESH, "Connection": "X-Hop", "X-Hop": "1", "X-End": "1"})

    answer = await edge.ask("/a", Connection="X-Mine", X_Mine="1", X_Far="1", Proxy_Authorization="x")

    assert "X-Hop" not in answer.headers and answer.headers["X-End"] == "1"
    asked = origin.seen[0].headers
    assert not {"X-Mine", "Proxy-Authorization"} & set(asked) and asked["X-Far"] == "1"
    assert asked["Via"] == "1.1 headstart-edge" and asked["CDN-Loop"].startswith("headstart-edge")


async def test_the_clients_host_does_not_choose_the_answer(origin: ScriptedOrigin, edge: RunningEdge) -> None:
    origin.replies["/a"] = Reply()

    await edge.ask("/a", Host="evil.example")

    assert origin.seen[0].headers["Host"] == origin.url.removeprefix("http://")


async def test_a_request_that_comes_back_is_a_loop(edge: RunningEdge, origin: ScriptedOrigin) -> None:
    origin.replies["/a"] = Reply()
    await edge.ask("/a")
    own = origin.seen[0].headers["CDN-Loop"]

    answer = await edge.ask("/b", CDN_Loop=own)

    assert answer.status == 508 and b"request_looped" in answer.body


async def test_a_redirect_is_passed_on_and_not_followed(origin: ScriptedOrigin, edge: RunningEdge) -> None:
    origin.replies["/a"] = Reply(b"", status=302, headers={"Location": "/b"})

    answer = await edge.ask("/a")

    assert (answer.status, answer.headers["Location"]) == (302, "/b")


async def test_a_strict_precondition_is_the_origins_to_judge(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    origin.replies["/a"] = [Reply(), Reply(b"", status=412, headers={})]
    await edge.ask("/a")

    assert (await edge.ask("/a", If_Match='"two"')).status == 412


async def test_several_headers_of_one_name_stay_several(origin: ScriptedOrigin, edge: RunningEdge) -> None:
    told = CIMultiDict([("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    origin.replies["/a"] = Reply(headers=told)

    assert (await edge.ask("/a")).headers.getall("Set-Cookie") == ["a=1", "b=2"]
