"""Bodies that come straight from the socket into the buffer that is stored: whole, cut, late, too long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientPayloadError
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from edge.cache.settings import UpstreamLimits
from edge.upstream.link import LinkConnection
from edge.upstream.links import LinkAnswer, LinkPool
from edge.upstream.pieces import Piece, whole
from edge.upstream.straight import MAX_BYTES, StraightBody

LIMITS = UpstreamLimits(connect_s=1, stall_s=0.3, n_connections=2)
BODY = bytes(range(256)) * 1024
pytestmark = pytest.mark.both_loops


class SlowServer:
    """Sends the parts of its answer one by one, each when the test says so."""

    def __init__(self, *parts: bytes, closes: bool = False) -> None:
        self._parts = parts
        self._closes = closes
        self._may_send = asyncio.Semaphore(0)
        self.n_connections = 0

    def go_on(self, n_parts: int = 1) -> None:
        for _ in range(n_parts):
            self._may_send.release()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.n_connections += 1
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                for part in self._parts:
                    await self._may_send.acquire()
                    writer.write(part)
                    await writer.drain()
                if self._closes:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def pool(server: SlowServer) -> AsyncIterator[LinkPool]:
    async with await asyncio.start_server(server.talk, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        made = LinkPool(f"http://127.0.0.1:{port}", "", LIMITS)
        yield made
        made.close()


def head(n_bytes: int, *fields: bytes) -> bytes:
    lines = (b"HTTP/1.1 200 OK", b"Content-Length: %d" % n_bytes, *fields)
    return b"\r\n".join(lines) + b"\r\n\r\n"


async def asked(links: LinkPool) -> LinkAnswer:
    return await links.ask("GET", "/a", CIMultiDict(), None)


async def rest_of(answer: LinkAnswer) -> list[Piece]:
    pieces: list[Piece] = []
    while piece := await answer.content.readany():
        pieces.append(piece)
    return pieces


@pytest.mark.parametrize("n_first", [0, 1, 1000, len(BODY) - 1, len(BODY)])
async def test_a_body_in_two_parts_is_whole_and_in_one_buffer(n_first: int) -> None:
    server = SlowServer(head(len(BODY)) + BODY[:n_first], BODY[n_first:])
    async with pool(server) as links:
        for _ in range(3):
            server.go_on()
            answer = await asked(links)
            assert isinstance(answer.content, StraightBody)
            pieces = [await answer.content.readany()] if n_first else []
            server.go_on()
            pieces += await rest_of(answer)
            answer.release()

            assert whole(pieces) == BODY
            assert isinstance(whole(pieces), memoryview)
        assert server.n_connections == 1


async def test_a_head_that_comes_alone_or_in_two_parts_loses_no_byte() -> None:
    first = head(len(BODY))
    server = SlowServer(first[:20], first[20:], BODY)
    async with pool(server) as links:
        server.go_on(3)
        answer = await asked(links)

        assert b"".join(await rest_of(answer)) == BODY


async def test_bytes_behind_a_body_are_nobodys_answer() -> None:
    poison = head(6) + b"poison"
    server = SlowServer(head(len(BODY)) + BODY[:5], BODY[5:] + poison)
    async with pool(server) as links:
        for n_connections in (1, 2, 3):
            server.go_on()
            answer = await asked(links)
            server.go_on()
            assert b"".join(await rest_of(answer)) == BODY
            answer.release()

            assert server.n_connections == n_connections


async def test_a_body_that_is_cut_brings_what_came_and_then_an_error() -> None:
    server = SlowServer(head(len(BODY)) + b"some", b" more", closes=True)
    async with pool(server) as links:
        server.go_on(2)
        answer = await asked(links)
        received = b""
        with pytest.raises(ClientPayloadError):
            while piece := await answer.content.readany():
                received += piece
        answer.close()

        assert received == b"some more"


async def test_a_body_that_stalls_is_a_timeout_and_its_connection_is_not_used_again() -> None:
    server = SlowServer(head(len(BODY)) + b"some", b" more", b"never")
    async with pool(server) as links:
        server.go_on(2)
        answer = await asked(links)
        with pytest.raises(TimeoutError):
            await rest_of(answer)
        answer.close()

        server.go_on(2)
        await asked(links)
        assert server.n_connections == 2


async def test_a_reader_that_leaves_ends_its_connection() -> None:
    server = SlowServer(head(len(BODY)) + b"some", b"never")
    async with pool(server) as links:
        server.go_on()
        answer = await asked(links)
        await answer.content.readany()
        answer.close()
        server.go_on(2)
        await asked(links)

        assert server.n_connections == 2


async def test_a_connection_that_the_server_ends_serves_once() -> None:
    server = SlowServer(head(len(BODY), b"Connection: close") + BODY, closes=True)
    async with pool(server) as links:
        for n_connections in (1, 2):
            server.go_on()
            answer = await asked(links)
            assert b"".join(await rest_of(answer)) == BODY
            answer.release()

            assert server.n_connections == n_connections


async def test_a_long_body_is_left_to_the_stream() -> None:
    server = SlowServer(head(MAX_BYTES + 1) + bytes(MAX_BYTES + 1))
    async with pool(server) as links:
        server.go_on()
        answer = await asked(links)

        assert not isinstance(answer.content, StraightBody)
        assert len(b"".join(await rest_of(answer))) == MAX_BYTES + 1


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=6), st.booleans())
def test_pieces_of_any_kind_join_to_all_of_their_bytes(parts: list[bytes], are_views: bool) -> None:
    pieces: list[Piece] = [memoryview(part) if are_views else part for part in parts]

    assert bytes(whole(pieces)) == b"".join(parts)


def test_a_body_shows_no_byte_of_its_buffer_that_has_not_come() -> None:
    loop = asyncio.new_event_loop()
    link = LinkConnection(loop, 0.0)
    body = StraightBody(link, loop, 1000)

    body.take(memoryview(b"first"))

    assert len(body.room) == 1000 - 5 + 1
    assert (bytes(body.piece()), bytes(body.piece())) == (b"first", b"")
    assert not body.is_complete
    loop.close()
