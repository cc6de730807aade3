"""Ranges over real HTTP: several parts, from RAM and from a fill under way."""

import asyncio
from collections.abc import AsyncIterator
from email.parser import BytesParser

import pytest

from tests.origins import FRESH, Answer, Reply, RunningEdge, ScriptedOrigin, running_edge
from tests.waiting import eventually

BODY = bytes(range(256)) * 4096


@pytest.fixture
async def edge(origin: ScriptedOrigin) -> AsyncIterator[RunningEdge]:
    async with running_edge(origin.url) as running:
        yield running


def parts(answer: Answer) -> dict[str, int]:
    """Content-Range of each part -> its bytes; checks each against the body."""
    fence = answer.headers["Content-Type"].partition("boundary=")[2].encode()
    pieces = answer.body.split(b"\r\n--" + fence)
    assert pieces[0] == b"" and pieces[-1] == b"--\r\n"
    found = {}
    for piece in pieces[1:-1]:
        fields, _, data = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        told = BytesParser().parsebytes(fields)["Content-Range"]
        first, last = told.removeprefix("bytes ").partition("/")[0].split("-")
        assert data == BODY[int(first) : int(last) + 1]
        found[told] = len(data)
    return found


async def test_several_ranges_come_in_parts_on_a_miss_and_on_a_hit(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    origin.replies["/v/a"] = Reply(BODY, headers={**FRESH, "Content-Type": "video/mp4"})
    asked = "bytes=-10, 0-9 ,500000-500099"

    miss = await edge.ask("/v/a", Range=asked)
    await eventually(lambda: edge.delivery.media.is_in_memory("/v/a"))
    hit = await edge.ask("/v/a", Range=asked)

    for answer in (miss, hit):
        assert answer.status == 206
        assert int(answer.headers["Content-Length"]) == len(answer.body)
        assert answer.headers["Content-Type"].startswith("multipart/byteranges; boundary=")
        assert parts(answer) == {
            "bytes 1048566-1048575/1048576": 10,
            "bytes 0-9/1048576": 10,
            "bytes 500000-500099/1048576": 100,
        }
    assert origin.n_seen() == 1


@pytest.mark.parametrize(
    ("asked", "status", "n_bytes"),
    [
        ("bytes=" + ",".join(f"{n}-{n}" for n in range(0, 1000, 2)), 200, len(BODY)),
        ("bytes=" + ",".join("0-" for _ in range(8)), 206, len(BODY)),
        ("bytes=0-99,50-149,150-199", 206, 200),
        ("bytes=0-0,9999999-", 206, 1),
        ("bytes=9999999-,-0", 416, 0),
    ],
    ids=["five-hundred", "the-whole-eight-times", "overlapping", "one-of-two", "none"],
)
async def test_no_request_gets_more_than_the_whole(
    origin: ScriptedOrigin, edge: RunningEdge, asked: str, status: int, n_bytes: int
) -> None:
    origin.replies["/v/a"] = Reply(BODY)
    await edge.ask("/v/a")

    answer = await edge.ask("/v/a", Range=asked)

    assert (answer.status, len(answer.body)) == (status, n_bytes)


async def test_parts_that_lie_behind_each_other_are_sent_while_the_fill_is_under_way(
    origin: ScriptedOrigin, edge: RunningEdge
) -> None:
    gate = asyncio.Event()
    origin.replies["/v/a"] = Reply(BODY, body_gate=gate)
    async with edge.client.open("/v/a") as first:
        await first.content.readexactly(10)
        answer = await edge.ask("/v/a", Range="bytes=9000-9099,100-199")
        gate.set()

    assert list(parts(answer)) == ["bytes 9000-9099/1048576", "bytes 100-199/1048576"]


async def test_head_ignores_a_range(origin: ScriptedOrigin, edge: RunningEdge) -> None:
    origin.replies["/v/a"] = Reply(BODY)
    await edge.ask("/v/a")

    head = await edge.ask("/v/a", "HEAD", Range="bytes=0-9")

    assert (head.status, head.headers["Content-Length"]) == (200, str(len(BODY)))
