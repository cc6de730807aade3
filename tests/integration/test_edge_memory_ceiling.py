"""Slow readers and many large fills: what the edge holds for them stays within its settings."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from edge.fills.flight import WINDOW_BYTES
from edge.handlers.plain import PIECE_BYTES
from edge.serving.guard import RequestLimits
from edge.serving.viewer import ViewerProtocol
from tests.origins import FRESH, PLAIN, Reply, RunningEdge, ScriptedOrigin, running_edge
from tests.waiting import eventually

MIB = 1024 * 1024
HIGH_WATER_BYTES = 64 * 1024
N_SLOW = 24
BIG = bytes(8 * MIB)


@pytest.fixture
async def origin() -> AsyncIterator[ScriptedOrigin]:
    async with ScriptedOrigin() as origin:
        origin.replies["/big"] = Reply(BIG)
        origin.replies["/small"] = Reply(b"small")
        yield origin


@asynccontextmanager
async def slow_readers(edge: RunningEdge, requests: Sequence[bytes]) -> AsyncIterator[None]:
    """Connections that ask and never read."""
    host, port = edge.client.url.removeprefix("http://").split(":")
    writers = []
    for request in requests:
        _, writer = await asyncio.open_connection(host, int(port), limit=1024)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(request)
        writers.append(writer)
    try:
        yield
    finally:
        for writer in writers:
            writer.transport.abort()


def unread(edge: RunningEdge) -> list[int]:
    """Of each connection on the ordinary path."""
    server = edge.listener._runner.server
    assert server is not None
    return [one.n_unread_bytes for one in server.connections if isinstance(one, ViewerProtocol)]


def request(path: str, *fields: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *fields, "", ""]).encode()


@pytest.mark.parametrize(
    "asked",
    [
        request("/big", "Range: bytes=1-"),
        request("/big", "Accept: x/y, */*;q=0.1", "X-Odd: 1"),
        request("/big", "Range: bytes=1-") * 20,
    ],
)
async def test_a_slow_reader_holds_one_piece_and_not_the_object(origin: ScriptedOrigin, asked: bytes) -> None:
    async with running_edge(origin.url, limits=replace(PLAIN, memory_bytes=64 * MIB)) as edge:
        await edge.ask("/big")
        async with slow_readers(edge, [asked] * N_SLOW):
            await eventually(lambda: sum(size > 0 for size in unread(edge)) == N_SLOW)

            assert max(unread(edge)) <= PIECE_BYTES + HIGH_WATER_BYTES
        await eventually(lambda: edge.listener.n_connections <= 1)


async def test_a_fill_that_is_not_kept_holds_one_window_for_its_slow_reader(origin: ScriptedOrigin) -> None:
    paths = [f"/private{number}" for number in range(N_SLOW)]
    for path in paths:
        origin.replies[path] = Reply(BIG, headers={"Cache-Control": "no-store"})
    async with running_edge(origin.url) as edge:
        async with slow_readers(edge, [request(path) for path in paths]):
            await eventually(lambda: sum(size > 0 for size in unread(edge)) == N_SLOW)

            held = edge.delivery.fills.n_buffered_bytes + sum(unread(edge))
            assert held <= N_SLOW * 2 * (WINDOW_BYTES + 256 * 1024)
        await eventually(lambda: edge.delivery.fills.n_flights == 0 and edge.listener.n_connections <= 1)


async def test_fills_together_keep_no_more_than_they_may(origin: ScriptedOrigin) -> None:
    gate = asyncio.Event()
    paths = [f"/video{number}" for number in range(12)]
    for path in paths:
        origin.replies[path] = Reply(bytes(2 * MIB), headers=FRESH, body_gate=gate)
    limits = replace(PLAIN, memory_bytes=64 * MIB, filling_bytes=8 * MIB)
    async with running_edge(origin.url, limits=limits) as edge:
        asking = [asyncio.create_task(edge.ask(path)) for path in paths]
        await eventually(lambda: origin.n_seen() == len(paths))
        await eventually(lambda: edge.delivery.fills.n_flights == len(paths))

        most = edge.delivery.fills.n_buffered_bytes
        gate.set()
        answers = await asyncio.gather(*asking)

    assert most <= 8 * MIB + len(paths) * (WINDOW_BYTES + 256 * 1024)
    assert {len(answer.body) for answer in answers} == {2 * MIB}
    stored = ["; stored" in answer.cache_status for answer in answers]
    assert sum(stored) == 4 and {"detail=busy" in answer.cache_status for answer in answers} == {True, False}


async def test_when_too_much_waits_to_be_read_others_are_asked_to_come_back(origin: ScriptedOrigin) -> None:
    # How much of an answer the kernel takes differs by machine; each connection holds the rest of one piece.
    limits = RequestLimits(unread_bytes=MIB)
    async with running_edge(origin.url, requests=limits) as edge:
        await edge.ask("/big")
        async with slow_readers(edge, [request("/big", "Range: bytes=1-")] * (4 * N_SLOW)):
            await eventually(lambda: sum(unread(edge)) > MIB)

            refused = await edge.ask("/small?other")

            assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
            document = json.loads(refused.body)
            assert (document["title"], document["limit"]) == ("unread", MIB)
            assert document["actual"] > MIB
        await eventually(lambda: sum(unread(edge)) == 0)

        assert (await edge.ask("/small")).status == 200
