"""Hostile and broken requests against a real edge: refused by name, in time, and without harm to others."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
from aiohttp import web

from edge.serving.doorway import Doorway
from edge.serving.guard import RequestLimits
from tests.origins import Reply, RunningEdge, ScriptedOrigin, running_edge
from tests.waiting import eventually

QUICK = RequestLimits(head_s=0.3, body_s=0.3, body_bytes_s=1000, idle_s=0.5, unread_s=0.5, n_per_connection=3)
GET = b"GET /a HTTP/1.1\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: x\r\n"
HOST = b"Host: x\r\n"
END = b"\r\n"


@pytest.fixture
async def origin() -> AsyncIterator[ScriptedOrigin]:
    async with ScriptedOrigin() as origin:
        origin.replies["*"] = Reply(b"the origin's")
        yield origin


@pytest.fixture
async def edge(origin: ScriptedOrigin) -> AsyncIterator[RunningEdge]:
    async with running_edge(origin.url) as edge:
        yield edge


@pytest.fixture
async def quick(origin: ScriptedOrigin) -> AsyncIterator[RunningEdge]:
    """An edge with short deadlines."""
    async with running_edge(origin.url, requests=QUICK) as edge:
        yield edge


class Wire(NamedTuple):
    """A raw connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def rest(self) -> bytes:
        """All that comes until the edge closes."""
        try:
            async with asyncio.timeout(5):
                return await self.reader.read()
        finally:
            self.writer.close()


async def connect(edge: RunningEdge) -> Wire:
    host, port = edge.client.url.removeprefix("http://").split(":")
    return Wire(*await asyncio.open_connection(host, int(port)))


async def until_closed(edge: RunningEdge, *parts: bytes) -> bytes:
    wire = await connect(edge)
    for part in parts:
        wire.writer.write(part)
        await wire.writer.drain()
        await asyncio.sleep(0)
    return await wire.rest()


def problem(answer: bytes) -> tuple[int, dict[str, object]]:
    """Status and document; fails unless that is the whole answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    document = json.loads(body)
    assert document["status"] == int(head.split(b" ")[1])
    return document["status"], document


SMUGGLED = b"0\r\n\r\nGET /evil HTTP/1.1\r\nHost: x\r\n\r\n"
MALFORMED = {
    "a second Host": GET + HOST + HOST + END,
    "no Host": GET + END,
    "Content-Length beside chunked": POST
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    + SMUGGLED,
    "chunked beside Content-Length": POST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
    + SMUGGLED,
    "two Content-Lengths": POST + b"Content-Length: 5\r\nContent-Length: 0\r\n\r\n" + SMUGGLED,
    "a list of Content-Lengths": POST + b"Content-Length: 5, 5\r\n\r\n" + SMUGGLED,
    "a signed Content-Length": POST + b"Content-Length: +5\r\n\r\n" + SMUGGLED,
    "gzip before chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + SMUGGLED,
    "chunked in HTTP/1.0": b"POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + SMUGGLED,
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n" + SMUGGLED,
    "a vertical tab before chunked": POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n" + SMUGGLED,
    "a folded line": GET + HOST + b"X: a\r\n b\r\n\r\n",
    "bare LF": b"GET /a HTTP/1.1\nHost: x\n\n",
    "bare LF after a field": GET + HOST + b"X: a\nY: b\r\n\r\n",
    "bare CR": GET + HOST + b"X: a\rY: b\r\n\r\n",
    "NUL in a value": GET + HOST + b"X: a\0b\r\n\r\n",
    "a control byte in a value": GET + HOST + b"X: a\x01b\r\n\r\n",
    "NUL in the target": b"GET /a\0b HTTP/1.1\r\n" + HOST + END,
    "white space before the colon": GET + HOST + b"X : a\r\n\r\n",
    "no colon": GET + HOST + b"abc\r\n\r\n",
    "a field before the request": b" X: a\r\n" + GET + HOST + END,
    "bytes beyond ASCII in the target": "GET /é HTTP/1.1\r\n".encode() + HOST + END,
    "an unknown method": b"BREW /a HTTP/1.1\r\n" + HOST + END,
    "CONNECT to nowhere": b"CONNECT \r\nHost: x\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01",
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_broken_request_is_a_400_of_ours_and_ends_the_connection(
    edge: RunningEdge, origin: ScriptedOrigin, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    status, document = problem(await until_closed(edge, MALFORMED[name]))

    assert status == 400
    assert "aiohttp" not in str(document) and "\\x" not in str(document) and "b'" not in str(document)
    assert origin.seen == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("/../a", "traversal"),
        ("/%2e%2e/a", "traversal"),
        ("/a%00", "encoding"),
        ("/%zz", "encoding"),
        ("/a#b", "target_form"),
        ("http://evil/a", "other_host"),
    ],
)
async def test_an_odd_target_is_refused_and_the_connection_goes_on(
    edge: RunningEdge, origin: ScriptedOrigin, target: str, kind: str
) -> None:
    wire = await connect(edge)
    wire.writer.write(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head = await wire.reader.readuntil(b"}")
    wire.writer.write(GET + HOST + b"Connection: close\r\n\r\n")

    assert problem(head)[1]["type"] == f"urn:headstart:problem:{kind}"
    assert (await wire.rest()).endswith(b"the origin's")
    assert origin.n_seen() == 1


@pytest.mark.parametrize(
    ("request_bytes", "status", "kind"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "target_length"),
        (b"GET /" + b"a" * 90_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "target_length"),
        (GET + HOST + b"X: " + b"a" * 9000 + b"\r\n\r\n", 431, "field_length"),
        (GET + HOST + b"".join(b"X%d: a\r\n" % i for i in range(120)) + END, 431, "n_fields"),
        (GET + HOST + b"".join(b"X%d: a\r\n" % i for i in range(1200)) + END, 431, "n_fields"),
        (
            GET + HOST + b"".join(b"X%d: %s\r\n" % (i, b"a" * 1000) for i in range(70)) + END,
            431,
            "head_length",
        ),
        (b"GET /a HTTP/2.0\r\nHost: x\r\n\r\n", 505, "version"),
        (b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 501, "method"),
    ],
)
async def test_what_is_too_long_is_refused_by_its_limit(
    edge: RunningEdge, origin: ScriptedOrigin, request_bytes: bytes, status: int, kind: str
) -> None:
    told, document = problem(await until_closed(edge, request_bytes))

    assert (told, document["type"]) == (status, f"urn:headstart:problem:{kind}")
    assert status in (505, 501) or isinstance(document["limit"], int)
    assert origin.seen == []


async def test_a_head_that_grows_for_ever_is_refused_before_its_end(edge: RunningEdge) -> None:
    field = b"X: " + b"a" * 1000 + b"\r\n"

    status, document = problem(await until_closed(edge, GET + HOST, *[field] * 60))

    assert (status, document["limit"]) == (431, 32768)


async def test_a_head_that_dribbles_is_refused_in_time(quick: RunningEdge) -> None:
    wire = await connect(quick)

    async def dribble() -> None:
        for byte in GET + HOST * 20:
            wire.writer.write(bytes([byte]))
            await asyncio.sleep(0.05)  # the pace is the subject

    dribbling = asyncio.create_task(dribble())
    status, document = problem(await wire.rest())
    dribbling.cancel()

    assert (status, document["type"]) == (408, "urn:headstart:problem:head_time")


async def test_a_second_head_that_dribbles_is_refused_too(quick: RunningEdge) -> None:
    wire = await connect(quick)
    wire.writer.write(GET + HOST + END)
    await wire.reader.readuntil(b"the origin's")
    wire.writer.write(b"GET /a HT")
    await asyncio.sleep(0)
    wire.writer.write(b"TP/1.1\r\n")

    assert problem(await wire.rest())[0] == 408


async def test_a_body_that_dribbles_is_refused_in_time(quick: RunningEdge, origin: ScriptedOrigin) -> None:
    wire = await connect(quick)
    wire.writer.write(POST + b"Content-Length: 100\r\n\r\nabc")

    status, document = problem(await wire.rest())

    assert (status, document["type"]) == (408, "urn:headstart:problem:body_time")


async def test_a_body_that_comes_fast_enough_is_waited_for(
    quick: RunningEdge, origin: ScriptedOrigin
) -> None:
    wire = await connect(quick)
    wire.writer.write(POST + b"Content-Length: 20000\r\nConnection: close\r\n\r\n")
    for _ in range(20):
        wire.writer.write(b"a" * 1000)
        await asyncio.sleep(0.08)  # the pace is the subject: longer in all than `body_s`, but fast enough

    assert (await wire.rest()).endswith(b"the origin's")


CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("before", [b"", GET + HOST + END], ids=["alone", "behind another"])
async def test_a_body_that_is_malformed_at_once_is_refused_in_its_turn(
    edge: RunningEdge, origin: ScriptedOrigin, before: bytes
) -> None:
    answer = await until_closed(edge, before + CHUNKED + b"xyz\r\nabc\r\n0\r\n\r\n")

    first, _, last = answer.rpartition(b"HTTP/1.")
    assert first.endswith(b"the origin's" if before else b"")
    status, document = problem(last)
    assert (status, document["type"]) == (400, "urn:headstart:problem:malformed")
    assert origin.n_seen() == bool(before)


async def test_a_body_that_becomes_malformed_is_refused_and_never_passed_on_as_whole(
    edge: RunningEdge, origin: ScriptedOrigin, caplog: pytest.LogCaptureFixture
) -> None:
    n_whole = 0

    def reply(_: web.BaseRequest) -> Reply:
        nonlocal n_whole
        n_whole += 1
        return Reply()

    origin.replies["*"] = reply
    wire = await connect(edge)
    wire.writer.write(CHUNKED + b"3\r\nabc\r\n")
    await eventually(lambda: origin.n_seen() == 1)

    wire.writer.write(b"xyz\r\n")

    status, document = problem(await wire.rest())
    assert (status, document["type"]) == (400, "urn:headstart:problem:malformed")
    await eventually(lambda: not origin.server.connections)
    assert n_whole == 0
    assert not any("Unhandled" in record.message for record in caplog.records)


async def test_an_idle_connection_is_closed_without_a_word(quick: RunningEdge) -> None:
    assert await (await connect(quick)).rest() == b""


async def test_a_connection_serves_so_many_requests(quick: RunningEdge) -> None:
    answer = await until_closed(quick, (GET + HOST + END) * 5)

    assert answer.count(b"HTTP/1.1 200") == 3 and answer.count(b"Connection: close") == 1


async def test_a_client_that_reads_nothing_is_cut(quick: RunningEdge, origin: ScriptedOrigin) -> None:
    origin.replies["/a"] = Reply(bytes(4_000_000))
    wire = await connect(quick)
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
    wire.writer.write((GET + HOST + END) * 3)
    await eventually(lambda: quick.listener.n_connections == 1)

    await eventually(lambda: quick.listener.n_connections == 0)
    wire.writer.transport.abort()


async def test_more_requests_at_once_than_allowed_are_asked_to_come_back(origin: ScriptedOrigin) -> None:
    gate = asyncio.Event()
    origin.replies["/slow"] = Reply(gate=gate)
    async with running_edge(origin.url, requests=RequestLimits(n_at_once=1)) as edge:
        first = asyncio.create_task(edge.ask("/slow"))
        await eventually(lambda: origin.n_seen("/slow") == 1)

        second = await edge.ask("/a")
        gate.set()

        assert (second.status, second.headers["Retry-After"]) == (503, "1")
        assert json.loads(second.body)["limit"] == 1
        assert (await first).status == 200
        assert (await edge.ask("/a")).status == 200


async def test_a_refused_upgrade_ends_the_connection(edge: RunningEdge, origin: ScriptedOrigin) -> None:
    upgrade = GET + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

    answer = await until_closed(edge, upgrade + GET + HOST + END)

    assert answer.count(b"HTTP/1.1 200") == 1 and origin.n_seen() == 1


async def test_an_answer_that_cannot_be_begun_is_a_500_with_its_own_framing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fails(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"X-Odd": "a\x01"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        return response

    server = web.Server(fails)
    doorway = Doorway(server, RequestLimits())
    listening = await asyncio.get_running_loop().create_server(doorway, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
    with caplog.at_level(logging.CRITICAL, "edge.serving.viewer"):
        writer.write(GET + HOST + END)
        status, document = problem(await Wire(reader, writer).rest())

    assert (status, document["type"]) == (500, "urn:headstart:problem:internal")
    listening.close()
    await server.shutdown(0.1)
    doorway.close()
